"""Datasets that `fastload index` made: indexes beside tars and image folders, and no dataset.json."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import has_magic, iglob
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastload.errors import ManifestError
from fastload.manifest import (
    FILE_NAME,
    INDEX_NAME,
    JOURNAL_NAME,
    Change,
    ClassInfo,
    Manifest,
    ShardInfo,
    Skipped,
    why_missing,
)

if TYPE_CHECKING:
    from fastload._native import Shard

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Notes:
    """What an index keeps of how it was made: section 6 of docs/shard-format.md, as JSON.

    ``changes``: what is worth knowing of samples, as in a manifest. ``skipped``: images that were left out.
    ``options`` decide what is in the index. ``bytes``: of all indexed JPEGs.
    """

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    bytes: int = 0

    def to_json(self) -> str:
        return json.dumps(vars(self), default=vars)

    @staticmethod
    def of(shard: Shard) -> Notes:
        """Empty for a shard of `fastload prepare`, whose manifest has these. Raises ManifestError."""
        if not shard.notes:
            return Notes()
        try:
            raw = json.loads(shard.notes)
            return Notes(
                changes=tuple(Change(**change) for change in raw["changes"]),
                skipped=tuple(Skipped(**entry) for entry in raw["skipped"]),
                options=dict(raw["options"]),
                bytes=int(raw["bytes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ManifestError(
                f"the notes in the index of '{shard.path}' cannot be read: {error!r}"
            ) from error


def is_indexed(name: str | Path) -> bool:
    """Whether ``name`` is for :func:`shard_files`, and not for Manifest.load."""
    path = Path(name)
    if path.is_dir():
        if (path / FILE_NAME).exists() or (path / JOURNAL_NAME).is_dir():
            return False
        return (path / INDEX_NAME).is_file() or next(path.glob("*.tar"), None) is not None
    return path.suffix == ".tar" or path.name == INDEX_NAME or (not path.exists() and _is_pattern(str(path)))


def find_datasets(path: str | Path) -> list[Path]:
    """The prepared or indexed datasets at ``path``: itself, or those in the directories right below it, in
    name order.

    Raises ManifestError where there is none.
    """
    root = Path(path)
    if (root / FILE_NAME).is_file() or is_indexed(root):
        return [root]
    found = sorted({file.parent for name in (FILE_NAME, INDEX_NAME) for file in root.glob(f"*/{name}")})
    if not found:
        raise ManifestError(why_missing(root))
    return found


def shard_files(paths: Paths) -> list[Path]:
    """What _native.Shard opens: tars in the order of ``paths`` (those of a directory or of a glob pattern by
    name), or the index of an image folder.

    Raises ManifestError where a pattern or a directory has none.
    """
    files: list[Path] = []
    for path in expand(paths):
        if not path.is_dir():
            files.append(path)
        elif (path / INDEX_NAME).is_file():
            files.append(path / INDEX_NAME)
        elif tars := sorted(path.glob("*.tar")):
            files += tars
        else:
            raise ManifestError(why_missing(path))
    if not files:
        raise ManifestError("no tars are given")
    return files


def describe(files: Sequence[Path], shards: Sequence[Shard]) -> Manifest:
    """The manifest that the opened indexes amount to. It has classes if all of them have the same."""
    notes = [Notes.of(shard) for shard in shards]
    classes = {shard.classes for shard in shards}
    infos = [
        ShardInfo(str(file), len(shard), note.bytes or file.stat().st_size, sha256="")
        for file, shard, note in zip(files, shards, notes, strict=True)
    ]
    return Manifest(
        split=_split(files),
        num_samples=sum(info.num_samples for info in infos),
        shards=tuple(infos),
        classes=tuple(ClassInfo(name) for name in classes.pop().splitlines()) if len(classes) == 1 else (),
        changes=tuple(change for note in notes for change in note.changes),
        skipped=tuple(entry for note in notes for entry in note.skipped),
        options=dict(notes[0].options),
    )


def expand(paths: Paths) -> list[Path]:
    """Paths without patterns: ``{000..012}`` and ``{a,b}`` count as WebDataset and the shell count them, then
    ``*``, ``?`` and ``[...]`` match what is there, by name. A path that exists is no pattern.

    Raises ManifestError for a pattern that matches nothing.
    """
    found: list[Path] = []
    for path in [paths] if isinstance(paths, str | Path) else paths:
        if os.path.exists(path):
            found.append(Path(path))
            continue
        for name in _braces(str(path)):
            matches = sorted(iglob(name)) if has_magic(name) else [name]
            if not matches:
                raise ManifestError(f"no file matches {name}")
            found += map(Path, matches)
    return found


def _is_pattern(text: str) -> bool:
    return has_magic(text) or re.search(r"\{.*\}", text) is not None


def _braces(text: str) -> Iterator[str]:
    """Every text that its braces stand for, in order: lists ``{a,b}`` and ranges ``{08..11}``, which may be
    nested.
    """
    cuts: list[int] = []  # the first outermost group: its braces, and the commas between
    depth = 0
    for at, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if (char == "{" and depth == 1) or (char == "," and depth == 1) or (char == "}" and depth == 0):
            cuts.append(at)
        if depth <= 0 and cuts:
            break
    else:
        yield text
        return
    head, tail = text[: cuts[0]], text[cuts[-1] + 1 :]
    parts = [text[start + 1 : end] for start, end in pairwise(cuts)]
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", parts[0]) if len(parts) == 1 else None
    if numbers:
        first, last = int(numbers[1]), int(numbers[2])
        padded = any(len(n) > 1 and n[0] == "0" for n in numbers.groups())
        width = max(map(len, numbers.groups())) if padded else 0
        step = 1 if first <= last else -1
        parts = [f"{n:0{width}d}" for n in range(first, last + step, step)]
    elif len(parts) == 1:
        head, parts = f"{head}{{", [f"{parts[0]}}}"]
    for part in parts:
        for middle in _braces(part):
            for rest in _braces(tail):
                yield head + middle + rest


def _split(files: Sequence[Path]) -> str:
    """train, val or test, where the files' names, or else those of their folders, say so."""
    for names in ([f.name for f in files], [f.parent.name for f in files]):
        found = {m[0] if (m := re.search(r"(?<![a-z])(train|val|test)(?![a-z])", n)) else "" for n in names}
        if len(found) == 1 and "" not in found:
            return found.pop()
    return ""
