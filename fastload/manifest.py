"""The manifest: ``dataset.json``, written last, which turns a directory of shards into a dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastload._durable import write_json
from fastload.errors import ManifestError

FILE_NAME = "dataset.json"
INDEX_NAME = ".fastload_index"  # an image folder's index, and what its name ends in beside a tar
JOURNAL_NAME = ".prepare"  # an unfinished `fastload prepare` keeps its notes in this directory
FORMAT = "fastload-dataset"
VERSION = 1


@dataclass(frozen=True)
class ShardInfo:
    """One shard: file name within the dataset's directory, samples, size in bytes, SHA-256 in hex.

    Of an index: the path of its tar, or of a folder's index; the bytes of its JPEGs; no SHA-256.
    """

    name: str
    num_samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ClassInfo:
    """One class; its label is its position. ``id`` is a wnid or a folder name, ``words`` may be empty."""

    id: str
    words: str = ""


@dataclass(frozen=True)
class Change:
    """What was done to a sample that is not simply its source file with restart markers."""

    key: str
    shard: str
    what: str
    detail: str = ""


@dataclass(frozen=True)
class Skipped:
    """A source file that is not in the dataset, and why."""

    source: str
    reason: str


def name_first(skipped: Sequence[tuple[object, Skipped]]) -> str:
    """The first three of what was left out, each with where it was, and how many more there are."""
    shown = "; ".join(f"{where}: {entry.source}: {entry.reason}" for where, entry in skipped[:3])
    return shown + (f"; and {len(skipped) - 3} more" if len(skipped) > 3 else "")


@dataclass(frozen=True)
class Manifest:
    """Everything that is known of a dataset without opening its shards.

    ``options`` holds the preparation's options that decide bytes, and the fingerprint of its source.
    ``hierarchy`` holds (parent id, child id) edges.
    """

    split: str
    num_samples: int
    shards: tuple[ShardInfo, ...]
    classes: tuple[ClassInfo, ...]
    hierarchy: tuple[tuple[str, str], ...] = ()
    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def save(self, directory: str | Path) -> None:
        """Write ``directory/dataset.json`` durably: a crash leaves the old file or the new one."""
        write_json(Path(directory) / FILE_NAME, {"format": FORMAT, "version": VERSION, **vars(self)})

    @classmethod
    def load(cls, directory: str | Path) -> Manifest:
        """Read ``directory/dataset.json``.

        Raises ManifestError where there is none, where it is not a manifest of this version, or where its
        parts contradict each other.
        """
        path = Path(directory) / FILE_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise ManifestError(why_missing(Path(directory))) from None
        except UnicodeDecodeError as error:
            raise ManifestError(f"{path} is damaged: {error}") from error
        try:
            manifest = _parse(json.loads(text))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise ManifestError(f"{path} is not a manifest that this fastload can read: {what}") from error
        return manifest


def shard_name(split: str, number: int) -> str:
    """The file name of a split's shard, counted from 0."""
    return f"{split}-{number:06d}.tar"


def why_missing(directory: Path) -> str:
    """Why ``directory`` is no dataset, and what to do, for an error's message."""
    if not directory.is_dir():
        return f"{directory} is not a directory: give the one that `fastload prepare` made"
    for unfinished in (directory, *sorted(directory.glob("*/"))):
        if (unfinished / JOURNAL_NAME).is_dir():
            return (
                f"{unfinished} has no {FILE_NAME}: its preparation is not finished. "
                "Run the same `fastload prepare` again, and it goes on where it stopped"
            )
    splits = [
        str(file.parent) for name in (FILE_NAME, INDEX_NAME) for file in sorted(directory.glob(f"*/{name}"))
    ]
    if splits:
        return f"{directory} holds datasets but is none itself: give {' or '.join(splits)}"
    return (
        f"{directory} has no {FILE_NAME}: it is not a dataset that `fastload prepare` finished. Nor has it "
        "an index: `fastload index` makes one for a folder of class folders, and for WebDataset tars"
    )


def _parse(raw: Any) -> Manifest:
    if raw["format"] != FORMAT:
        raise ValueError(f"its format is {raw['format']!r}, not {FORMAT!r}")
    if raw["version"] != VERSION:
        raise ValueError(f"its version is {raw['version']!r}, and this fastload reads version {VERSION}")
    manifest = Manifest(
        split=_text(raw["split"], "split"),
        num_samples=_count(raw["num_samples"], "num_samples"),
        shards=tuple(ShardInfo(**shard) for shard in raw["shards"]),
        classes=tuple(ClassInfo(**entry) for entry in raw["classes"]),
        hierarchy=tuple((parent, child) for parent, child in raw["hierarchy"]),
        changes=tuple(Change(**change) for change in raw["changes"]),
        skipped=tuple(Skipped(**entry) for entry in raw["skipped"]),
        options=dict(raw["options"]),
    )
    for shard in manifest.shards:
        if "/" in _text(shard.name, "a shard's name"):
            raise ValueError(f"the shard {shard.name!r} is not in the dataset's own directory")
        _count(shard.bytes, f"bytes of {shard.name}")
        _text(shard.sha256, f"sha256 of {shard.name}")
    total = sum(_count(shard.num_samples, f"num_samples of {shard.name}") for shard in manifest.shards)
    if total != manifest.num_samples:
        raise ValueError(f"num_samples is {manifest.num_samples}, but its shards hold {total}")
    return manifest


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}, not text")
    return value


def _count(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{what} is {value!r}, not a count")
    return value
