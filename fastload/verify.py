"""Whether a dataset is still what was prepared or indexed: every byte of it, and what its indexes say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastload._native import Shard
from fastload.errors import FastloadError
from fastload.indexed import is_indexed, shard_files
from fastload.manifest import Manifest, ShardInfo

_STRETCH = 1_000  # samples of an index that one thread checks in a row


@dataclass(frozen=True)
class Problem:
    """One damage. ``offset`` is of the sample's JPEG in the shard, in bytes; both are None where no sample is
    meant.
    """

    shard: str
    what: str
    key: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        place = f"{self.shard}, byte {self.offset}, key {self.key}" if self.key is not None else self.shard
        return f"{place}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What was checked, and what is wrong, in the order of shards and bytes."""

    path: Path
    shards: int
    samples: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(path: str | Path, *, progress: Callable[[int, int], None] | None = None) -> Report:
    """Read a whole dataset and compare it with its manifest and its own checksums.

    ``path`` is the directory of a prepared split: checks each shard's size and SHA-256 (so that no changed
    bit is missed), its index, every sample's checksums and label. Or it is anything that `fastload index`
    indexed: checks the indexes and every image that they are of. Damage is reported, not raised.
    ``progress(parts done, parts)`` is called on this thread; a part is a shard, or a stretch of an index.
    Raises ManifestError where there is no dataset, and OSError where the disc itself fails.
    """
    directory = Path(path)
    if is_indexed(path):
        files = shard_files(path)
        shards, samples = len(files), 0
        parts = []
        for file in files:
            count, of_file = _parts_of_index(file)
            samples += count
            parts += of_file
    else:
        manifest = Manifest.load(directory)
        shards, samples = len(manifest.shards), manifest.num_samples
        parts = [partial(_check_shard, directory, len(manifest.classes), info) for info in manifest.shards]
    problems: list[Problem] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), "verify") as pool:
        for done, found in enumerate(pool.map(lambda part: part(), parts), start=1):
            problems += found
            if progress:
                progress(done, len(parts))
    return Report(directory, shards, samples, tuple(problems))


Part = partial[list[Problem]]


def _parts_of_index(file: Path) -> tuple[int, list[Part]]:
    """The number of samples, and what to call to check them."""
    try:
        shard = Shard(str(file))
    except (FastloadError, OSError) as error:
        return 0, [partial(_report, file.name, error)]
    stretches = (range(i, min(i + _STRETCH, len(shard))) for i in range(0, len(shard), _STRETCH))
    parts = [partial(_check_index, shard, file.name)]
    parts += [partial(_check_stretch, shard, stretch, file.name) for stretch in stretches]
    return len(shard), parts


def _report(name: str, error: Exception) -> list[Problem]:
    return [Problem(name, str(error))]


def _check_index(shard: Shard, name: str) -> list[Problem]:
    try:
        shard.verify_index()
    except FastloadError as error:
        return _report(name, error)
    return []


def _check_stretch(shard: Shard, stretch: range, name: str) -> list[Problem]:
    classes = shard.classes.count("\n") or None
    return [problem for i in stretch for problem in _check_sample(shard, i, classes, name)]


def _check_shard(directory: Path, classes: int, info: ShardInfo) -> list[Problem]:
    path = directory / info.name
    if not path.is_file():
        return [Problem(info.name, "is missing")]
    problems = []
    size = path.stat().st_size
    if size != info.bytes:
        problems.append(Problem(info.name, f"has {size} bytes, but its manifest says {info.bytes}"))
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == info.sha256
    found = _check_samples(path, classes, info)
    if not same and not found:
        found = [
            Problem(
                info.name, "its SHA-256 is not the manifest's, though all samples and the index are whole"
            )
        ]
    return problems + found


def _check_samples(path: Path, classes: int, info: ShardInfo) -> list[Problem]:
    try:
        shard = Shard(str(path))
    except FastloadError as error:
        return [Problem(info.name, str(error))]
    problems = []
    if len(shard) != info.num_samples:
        what = f"has {len(shard)} samples, but its manifest says {info.num_samples}"
        problems.append(Problem(info.name, what))
    problems += _check_index(shard, info.name)
    for i in range(len(shard)):
        problems += _check_sample(shard, i, classes, info.name)
    return problems


def _check_sample(shard: Shard, i: int, classes: int | None, name: str) -> list[Problem]:
    """``classes`` is None where labels may be anything."""
    try:
        record = shard.record(i)
    except FastloadError as error:  # what the index says of the sample is not to be trusted
        return [Problem(name, str(error))]
    try:
        shard.verify(i)
    except (FastloadError, OSError) as error:  # an image file of its own may be gone
        return [Problem(name, str(error), record.key, record.jpeg_offset)]
    if classes is not None and not 0 <= record.label < classes:
        what = f"its label is {record.label}, but there are {classes} classes"
        return [Problem(name, what, record.key, record.jpeg_offset)]
    return []
