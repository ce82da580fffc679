"""One split's preparation: a source in, shards and a manifest out.

The calling thread lists the source in order and hands each image to a pool of workers, which read and
transcode it; their results come back in the order of the source, whoever is done first, and go into one shard
after the other. So neither the number of workers nor an interruption changes a byte of the output. A full
shard is synced, hashed and committed on a thread of its own while the next one grows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastload._native import PreparedJpeg, ShardWriter
from fastload.errors import PrepareError
from fastload.manifest import Change, Manifest, ShardInfo, Skipped, shard_name
from fastload.prepare.convert import Converted, convert
from fastload.prepare.journal import Entry, Journal, Position
from fastload.prepare.options import Options
from fastload.prepare.ordered import in_order
from fastload.prepare.sources import Item, Source


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a split is: source files taken, of which an earlier run had taken ``resumed`` and ``skipped``
    were bad.

    ``fraction`` is of the source's bytes, or of ``limit``; 1.0 exactly once, when the manifest is written.
    """

    split: str
    images: int
    resumed: int
    skipped: int
    fraction: float


def prepare_split(
    source: Source,
    directory: Path,
    options: Options,
    workers: int,
    progress: Callable[[Progress], None] | None = None,
) -> Manifest:
    """Prepare ``source`` into ``directory``, or go on with what an earlier run began there.

    Raises PrepareError (also for a full disc: what is finished stays, and the same call goes on), LabelError.
    """
    journal = Journal(directory, source.split, options.record(source.fingerprint))
    try:
        with ThreadPoolExecutor(1, "commit") as committer:
            run = _Run(source, options, journal, committer, progress)
            items = _items(source, run.end, run.items, options)
            try:
                with closing(in_order(lambda placed: convert(placed[0], options), items, workers)) as results:
                    run.consume(results)
            except OSError as error:
                raise PrepareError(
                    f"{directory}: {error}. {len(journal.entries)} shards are finished; "
                    "make room or mend it, and run the same command again to go on"
                ) from error
        manifest = _manifest(source, options, journal.entries, run.skipped)
        manifest.save(directory)
        journal.remove()
    finally:
        journal.close()
    if progress:
        progress(Progress(source.split, run.items, run.resumed, len(manifest.skipped), 1.0))
    return manifest


_Placed = tuple[Item, Position]


def _items(source: Source, start: Position, taken: int, options: Options) -> Iterator[_Placed]:
    """The source's items from ``start``, each with the position after it, up to the limit."""
    for group in range(start.group, len(source.group_bytes)):
        items = source.items(group)
        for index in range(start.index if group == start.group else 0, len(items)):
            if taken == options.limit:
                return
            taken += 1
            yield items[index], Position(group, index + 1)


class _Run:
    """What accumulates while items go by: the shard that grows, and what has to be said of it."""

    def __init__(
        self,
        source: Source,
        options: Options,
        journal: Journal,
        committer: ThreadPoolExecutor,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._source, self._options, self._journal = source, options, journal
        self._committer, self._progress = committer, progress
        self._commit: Future[Entry] | None = None
        self._writer: ShardWriter | None = None
        self._number = len(journal.entries)
        self._changes: list[Change] = []
        self.skipped: list[Skipped] = []  # since the last full shard
        last = journal.entries[-1] if journal.entries else None
        self.end, self.items = (last.end, last.items) if last else (Position(), 0)
        self.resumed = self.items
        self._bad = sum(len(entry.skipped) for entry in journal.entries)
        self._bytes, self._all_bytes = last.bytes if last else 0, max(1, sum(source.group_bytes))

    def consume(self, results: Iterator[tuple[_Placed, Converted]]) -> None:
        """Write everything, and return when the last shard is committed."""
        for (item, end), converted in results:
            if converted.prepared is None:
                self.skipped.append(Skipped(item.name, converted.reason))
                self._bad += 1
            else:
                self._add(item, converted.prepared, converted.changes)
            self._advance(item, end)
            if self._writer is not None and self._writer.bytes_written >= self._options.shard_size:
                self._close_shard(self._writer)
        if self._writer is not None:
            self._close_shard(self._writer)
        self._wait_for_commit()

    def _add(self, item: Item, prepared: PreparedJpeg, changes: tuple[tuple[str, str], ...]) -> None:
        name = self._shard_name
        if self._writer is None:
            self._writer = ShardWriter(str(self._journal.partial(name)))
        self._writer.add(item.key, item.label, prepared)
        self._changes += [Change(item.key, name, what, detail) for what, detail in changes]

    def _advance(self, item: Item, end: Position) -> None:
        self.end = end
        self.items += 1
        self._bytes += item.size
        if self._progress:
            done = self._bytes / self._all_bytes
            fraction = max(done, self.items / self._options.limit) if self._options.limit else done
            self._progress(
                Progress(self._source.split, self.items, self.resumed, self._bad, min(fraction, 0.9999))
            )

    @property
    def _shard_name(self) -> str:
        return shard_name(self._source.split, self._number)

    def _close_shard(self, writer: ShardWriter) -> None:
        self._wait_for_commit()  # one at a time, in order; and so a full disc is noticed here
        self._commit = self._committer.submit(
            _commit,
            self._journal,
            writer,
            self._shard_name,
            partial(
                Entry,
                changes=tuple(self._changes),
                skipped=tuple(self.skipped),
                end=self.end,
                items=self.items,
                bytes=self._bytes,
            ),
        )
        self._writer, self._changes, self.skipped = None, [], []
        self._number += 1

    def _wait_for_commit(self) -> None:
        if self._commit is not None:
            self._journal.entries.append(self._commit.result())
            self._commit = None


def _commit(
    journal: Journal, writer: ShardWriter, name: str, entry_of: Callable[[ShardInfo], Entry]
) -> Entry:
    writer.close()
    path = journal.partial(name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    entry = entry_of(ShardInfo(name, writer.num_samples, path.stat().st_size, digest))
    journal.commit(entry)
    return entry


def _manifest(source: Source, options: Options, entries: list[Entry], tail: list[Skipped]) -> Manifest:
    if not entries:
        reason = f"; the first is {tail[0].source}: {tail[0].reason}" if tail else ""
        raise PrepareError(f"none of the {len(tail)} files of the {source.split} split can be read{reason}")
    return Manifest(
        split=source.split,
        num_samples=sum(entry.shard.num_samples for entry in entries),
        shards=tuple(entry.shard for entry in entries),
        classes=tuple(source.classes),
        hierarchy=tuple(source.hierarchy),
        changes=tuple(change for entry in entries for change in entry.changes),
        skipped=(*(skip for entry in entries for skip in entry.skipped), *tail),
        options=options.record(source.fingerprint),
    )
