"""What `prepare` asks of a source, and which source a directory is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from fastload.errors import PrepareError
from fastload.manifest import ClassInfo


class Item(NamedTuple):
    """One image file. ``read`` gives its bytes on any thread, or raises OSError."""

    name: str  # what to call it in messages: its path within the source
    key: str
    label: int
    size: int
    read: Callable[[], bytes]


class Source(Protocol):
    """The images of one split, in groups that can be listed alone, so that a restart skips whole groups.

    The order of groups and of items in a group is part of what decides the output's bytes.
    """

    @property
    def split(self) -> str: ...
    @property
    def classes(self) -> tuple[ClassInfo, ...]: ...
    @property
    def hierarchy(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def fingerprint(self) -> str:
        """A digest of names, sizes and labels, for which no contents are read."""

    @property
    def group_bytes(self) -> Sequence[int]:
        """About how many bytes each group holds: a measure of progress."""

    def items(self, group: int) -> Sequence[Item]:
        """The images of a group. Raises PrepareError or LabelError where its listing is damaged."""

    def close(self) -> None: ...


def fingerprint(*parts: Iterable[object]) -> str:
    """A digest of lists of values, as hex."""
    digest = hashlib.sha256()
    for part in parts:
        for value in part:
            digest.update(repr(value).encode())
            digest.update(b"\n")
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def open_sources(path: str | Path, split: str | None = None) -> list[Source]:
    """The splits that ``path`` holds (or just ``split``): ILSVRC2012's archives, or a folder of class
    folders.

    Raises PrepareError where it is neither, or lacks a part; LabelError for a damaged development kit.
    """
    from fastload.prepare.sources import folder, ilsvrc

    root = Path(path)
    if split is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", split):
        raise PrepareError(f"the split {split!r} becomes part of file names: use letters, digits, - and _")
    if not root.exists():
        raise PrepareError(f"{root} does not exist")
    if not root.is_dir():
        raise PrepareError(f"{root} is a file: give the directory that it is in")
    if ilsvrc.is_ilsvrc(root):
        return ilsvrc.open_splits(root, split)
    return [folder.FolderSource(root, split)]
