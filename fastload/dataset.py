"""A prepared or indexed dataset: samples by number."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from fastload.errors import FastloadError, ManifestError

if TYPE_CHECKING:
    from fastload import _native
    from fastload.manifest import Manifest


@dataclass(frozen=True)
class Sample:
    """One sample as it is stored.

    ``key``: the source file's stem, made unique where it was not; WebDataset's key; or the path in an image
    folder. ``label``: index into the dataset's classes, or -1. ``width``, ``height``: pixels, before any EXIF
    rotation. ``orientation``: EXIF's, 1..8; recorded, not applied. ``jpeg``: the stored bytes, checksum
    verified. ``shard``, ``offset``: the file, and where in it the JPEG begins.
    """

    key: str
    label: int
    width: int
    height: int
    orientation: int
    jpeg: bytes
    shard: str
    offset: int

    def image(self) -> npt.NDArray[np.uint8]:
        """Decodes the JPEG: RGB, uint8, shape (height, width, 3), libjpeg-turbo's pixels. Raises
        JpegError."""
        from fastload import _native

        return _native.decode_jpeg(self.jpeg)

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}, {len(self.jpeg)} bytes"
        return f"Sample(key={self.key!r}, label={self.label}, {size})"


class ShardDataset(Sequence[Sample]):
    """The samples of one split, in the order in which they were prepared or indexed.

    ``path``: the directory that `fastload prepare` made for the split (it holds dataset.json); or what
    `fastload index` made an index for: an image folder, a tar, a directory of tars, a pattern such as
    ``"train-{000000..000012}.tar"`` or ``"train-*.tar"``, or a list of these. Opening maps the indexes
    without reading them; memory does not depend on threads, and processes share the pages.

    ``ds[i]`` reads one :class:`Sample` (negative ``i`` counts from the end); ``ds[a:b:c]`` and
    :meth:`select` are views that copy nothing but numbers. Thread-safe; may be pickled and forked.

    ``manifest`` is dataset.json's, or, for indexes, what they say: classes only for image folders, and the
    split that their names tell, or "".

    Raises ManifestError (no dataset.json, an unfinished prepare, a file that is missing or was exchanged),
    ShardError and its kinds (a shard that is damaged, or has no index), IndexError.
    """

    def __init__(self, path: str | Path | Sequence[str | Path]) -> None:
        from fastload import indexed
        from fastload.manifest import Manifest

        self._indices: npt.NDArray[np.int64] | None = None
        if isinstance(path, str | Path) and not indexed.is_indexed(path):
            self.path = Path(path)
            self.manifest: Manifest = Manifest.load(self.path)
            self._files = [self.path / entry.name for entry in self.manifest.shards]
            self._check(self._open())
        else:
            self._files = indexed.shard_files(path)
            self.path = Path(path) if isinstance(path, str | Path) else self._files[0].parent
            self.manifest = indexed.describe(self._files, self._open())

    def _open(self) -> list[_native.Shard]:
        from fastload import _native

        _allow_open_files(len(self._files))
        shards = []
        for file in self._files:
            if not file.exists():
                raise ManifestError(f"'{file}' is missing, though it is a part of the dataset '{self.path}'")
            shards.append(_native.Shard(str(file)))
        self._shards = {shard.path: shard for shard in shards}
        self.native: _native.Dataset = _native.Dataset(shards)
        return shards

    def _check(self, shards: list[_native.Shard]) -> None:
        for entry, shard in zip(self.manifest.shards, shards, strict=True):
            if len(shard) != entry.num_samples:
                raise ManifestError(
                    f"'{shard.path}' holds {len(shard)} samples, but {entry.num_samples} are expected: the "
                    "shard belongs to another dataset, or was replaced"
                )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class ids (WordNet ids, folder names) by label."""
        return tuple(c.id for c in self.manifest.classes)

    @property
    def class_count(self) -> int:
        """Labels lie in 0..class_count-1, or are -1; 0: nothing is known of them."""
        return len(self.manifest.classes)

    @property
    def split(self) -> str:
        """ "train", "val", ..."""
        return self.manifest.split

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        """For each sample of this view, its number in the whole dataset. int64, shape (len(self),)."""
        if self._indices is None:
            return np.arange(len(self.native), dtype=np.int64)
        return self._indices

    @property
    def is_view(self) -> bool:
        """Whether this was made by slicing or :meth:`select`."""
        return self._indices is not None

    def select(self, indices: Sequence[int] | npt.NDArray[np.integer]) -> ShardDataset:
        """The samples at these positions of this dataset, in this order; a position may come more than
        once."""
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.size and not np.issubdtype(chosen.dtype, np.integer)):
            raise TypeError("select() takes a one-dimensional sequence of integers")
        chosen = chosen.astype(np.int64)
        size = len(self)
        outside = chosen[(chosen < -size) | (chosen >= size)]
        if outside.size:
            raise IndexError(f"index {outside[0]} in a dataset of {size} samples")
        view = copy.copy(self)
        view._indices = self.indices[chosen]
        return view

    def __len__(self) -> int:
        return len(self.native) if self._indices is None else len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> ShardDataset: ...
    def __getitem__(self, index: int | slice) -> Sample | ShardDataset:
        if isinstance(index, slice):
            view = copy.copy(self)
            view._indices = self.indices[index]
            return view
        position = int(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} in a dataset of {len(self)} samples")
        position %= len(self)
        return self._read(position if self._indices is None else int(self._indices[position]))

    def _read(self, index: int) -> Sample:
        path, within = self.native.locate(index)
        shard = self._shards[path]
        record = shard.record(within)
        return Sample(
            key=record.key,
            label=record.label,
            width=record.width,
            height=record.height,
            orientation=record.orientation,
            jpeg=shard.jpeg(within),
            shard=record.file,
            offset=record.jpeg_offset,
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __getstate__(self) -> dict[str, object]:
        kept = ("path", "manifest", "_files", "_indices")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._check(self._open())

    def __repr__(self) -> str:
        view = f", a view of {len(self.native)}" if self.is_view else ""
        return (
            f"ShardDataset({str(self.path)!r}: {self.split}, {len(self)} samples{view}, "
            f"{len(self.manifest.classes)} classes, {len(self._files)} shards)"
        )


def _allow_open_files(count: int) -> None:
    """Each shard keeps one file open; the usual soft limit of 1,024 is too low for ImageNet-21k."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + 256
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise FastloadError(
            f"{count} shards need {needed} open files, but the system allows {hard}: raise it with "
            "`ulimit -Hn`, or prepare with a larger --shard-size"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
