"""Makes one index: every image is read and examined once, and not a byte of it is changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastload._durable import move
from fastload._native import IndexBuilder, prepare_jpeg
from fastload.errors import JpegError, PrepareError
from fastload.indexed import Notes
from fastload.indexing.targets import Target
from fastload.manifest import Change, Skipped
from fastload.prepare.convert import Converted, changes_of, header_of, judged
from fastload.prepare.odd import JPEG_START
from fastload.prepare.ordered import in_order
from fastload.prepare.run import Progress
from fastload.prepare.sources import Item


@dataclass(frozen=True)
class Indexed:
    """What became of a target: where its index lies, what is in it, and whether it was there before."""

    source: Path
    index: Path
    num_samples: int
    index_bytes: int
    notes: Notes
    was_there: bool


def make_index(
    target: Target, keep_truncated: bool, workers: int, progress: Callable[[Progress], None] | None
) -> Indexed:
    """Examine every image of ``target`` and write its index.

    Raises PrepareError where it holds no image that can be indexed, or cannot be read or written.
    """
    builder = IndexBuilder()
    changes, skipped, total, done = list[Change](), list[Skipped](), 0, 0
    name = str(target.source)
    examine = partial(_examine, keep_truncated=keep_truncated, remedy=target.remedy)
    with target.samples() as samples, closing(in_order(examine, samples, workers)) as results:
        for count, (sample, converted) in enumerate(results, start=1):
            if isinstance(sample, Skipped):
                skipped.append(sample)
            elif converted.prepared is None:
                skipped.append(Skipped(sample[0].name, converted.reason))
            else:
                item, offset = sample
                builder.add(item.key, item.label, converted.prepared, offset)
                changes += [Change(item.key, name, what, detail) for what, detail in converted.changes]
                total += len(converted.prepared)
            if progress:
                done += sample[0].size if not isinstance(sample, Skipped) else 0
                fraction = min(done / max(1, target.bytes), 0.9999)
                progress(Progress(name, count, 0, len(skipped), fraction))
    if not builder.num_samples:
        reason = f"; the first is {skipped[0].source}: {skipped[0].reason}" if skipped else ""
        raise PrepareError(f"{target.source} holds no JPEG that can be indexed{reason}")
    notes = Notes(tuple(changes), tuple(skipped), target.options(keep_truncated), total)
    builder.classes = "".join(f"{name}\n" for name in target.classes)
    builder.notes = notes.to_json()
    _write(builder, target)
    if progress:
        progress(Progress(name, builder.num_samples + len(skipped), 0, len(skipped), 1.0))
    size = target.index.stat().st_size
    return Indexed(target.source, target.index, builder.num_samples, size, notes, False)


def _write(builder: IndexBuilder, target: Target) -> None:
    """A reader sees the old index or the new one, never a part."""
    aside = target.index.with_name(f"{target.index.name}.{os.getpid()}.tmp")
    try:
        builder.write(str(aside), target.kind, target.archive_bytes)
        move(aside, target.index)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _examine(sample: tuple[Item, int] | Skipped, keep_truncated: bool, remedy: str) -> Converted:
    if isinstance(sample, Skipped):
        return Converted(None)
    return judged(sample[0], partial(_prepare, keep_truncated=keep_truncated, remedy=remedy))


def _prepare(data: bytes, keep_truncated: bool, remedy: str) -> Converted:
    if not data.startswith(JPEG_START):
        raise JpegError(f"is no JPEG: {remedy}")
    info = header_of(data)
    if info.components == 4:
        raise JpegError(f"is a JPEG in {info.color_space}: {remedy}")
    prepared = prepare_jpeg(data, verbatim=True, keep_truncated=keep_truncated)
    whole = () if prepared.row_offsets else (("read whole", prepared.source),)
    return Converted(prepared, (*changes_of(prepared), *whole))
