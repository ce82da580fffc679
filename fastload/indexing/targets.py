"""What `fastload index` makes an index for: a tar, or a folder with a folder of images for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastload._native import IndexKind, Shard
from fastload.errors import FastloadError, PrepareError
from fastload.indexed import Notes
from fastload.indexing import webdataset
from fastload.manifest import INDEX_NAME, Skipped
from fastload.prepare.sources import FolderSource, Item
from fastload.prepare.sources.folder import SPLITS, printable, read_file
from fastload.prepare.sources.ilsvrc import is_ilsvrc
from fastload.prepare.tar import TarIndex

Samples = Iterator[tuple[Item, int] | Skipped]  # each with where its JPEG begins; may be read while open


class TarTarget:
    """``NAME.tar``, whose index is ``NAME.tar.fastload_index``."""

    kind = IndexKind.sidecar
    remedy = webdataset.REMEDY

    def __init__(self, path: Path) -> None:
        self.source = path
        self.index = path.with_name(path.name + INDEX_NAME)
        self.classes: tuple[str, ...] = ()
        self.archive_bytes = self.bytes = path.stat().st_size

    @contextmanager
    def samples(self) -> Iterator[Samples]:
        with closing(TarIndex(self.source)) as tar:
            yield webdataset.samples(tar)

    def options(self, keep_truncated: bool) -> dict[str, Any]:
        return {"keep_truncated": keep_truncated}

    def newest(self) -> int:
        return self.source.stat().st_mtime_ns

    def existing(self) -> Shard:
        return Shard(str(self.source))


class FolderTarget:
    """``DIR/CLASS/...``, whose index is ``DIR/.fastload_index``; torchvision's ImageFolder decides what
    counts.
    """

    kind = IndexKind.folder
    archive_bytes = 0
    remedy = "`fastload prepare` converts it"

    def __init__(self, path: Path) -> None:
        self.source = path
        self.index = path / INDEX_NAME
        self._folder = FolderSource(path, None)
        self.classes = tuple(info.id for info in self._folder.classes)
        self.bytes = sum(self._folder.group_bytes)
        strange = next((name for name in self.classes if "\n" in name), None)
        if strange is not None:
            raise PrepareError(f"{path} has the class {strange!r}: a class name must be one line")

    @contextmanager
    def samples(self) -> Iterator[Samples]:
        yield self._samples()

    def _samples(self) -> Samples:
        for label, files in enumerate(self._folder.files):
            for path, size in files:
                if printable(path) != path:
                    yield Skipped(printable(path), "its name is no UTF-8: rename it")
                else:
                    yield Item(path, path, label, size, partial(read_file, self.source / path)), 0

    def options(self, keep_truncated: bool) -> dict[str, Any]:
        return {"keep_truncated": keep_truncated, "source": self._folder.fingerprint}

    def newest(self) -> int:
        return self._folder.newest

    def existing(self) -> Shard:
        return Shard(str(self.index))


Target = TarTarget | FolderTarget


def find_targets(path: Path) -> list[Target]:
    """A tar; the tars in a directory; a folder of class folders; or those in a directory of splits.

    Raises PrepareError where ``path`` is none of them.
    """
    if not path.exists():
        raise PrepareError(f"{path} does not exist")
    if path.is_file():
        if path.suffix != ".tar":
            raise PrepareError(f"{path} is no .tar file, nor a directory")
        return [TarTarget(path)]
    if is_ilsvrc(path):
        raise PrepareError(f"{path} holds ILSVRC2012's archives, which `fastload prepare` reads")
    if tars := sorted(path.glob("*.tar")):
        return [TarTarget(tar) for tar in tars]
    names = sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
    if names and set(names) <= set(SPLITS):
        return [target for name in names for target in find_targets(path / name)]
    return [FolderTarget(path)]


def still_valid(target: Target, options: dict[str, Any]) -> Shard | None:
    """The target's index, if there is one that is whole, was made with these options, and is not older than
    what it is of. A tar with an index of its own needs no other.
    """
    try:
        shard = target.existing()
        shard.verify_index()
        if shard.kind == IndexKind.member:
            return shard
        same = Notes.of(shard).options == options
        return shard if same and target.index.stat().st_mtime_ns >= target.newest() else None
    except (FastloadError, OSError):
        return None
