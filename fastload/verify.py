"""Whether a dataset is still what `prepare` made: every byte of every shard, and what they say."""

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
from fastload.manifest import Manifest, ShardInfo


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
    """Read the whole dataset in the directory ``path`` and compare it with its manifest and its own
    checksums.

    Checks each shard's size and SHA-256 (so that no changed bit is missed), its index, every sample's
    checksums and label. Damage is reported, not raised. ``progress(shards done, shards)`` is called on this
    thread. Raises ManifestError where there is no valid manifest, and OSError where the disc itself fails.
    """
    directory = Path(path)
    manifest = Manifest.load(directory)
    problems: list[Problem] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), "verify") as pool:
        check = partial(_check_shard, directory, len(manifest.classes))
        for done, found in enumerate(pool.map(check, manifest.shards), start=1):
            problems += found
            if progress:
                progress(done, len(manifest.shards))
    return Report(directory, len(manifest.shards), manifest.num_samples, tuple(problems))


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
    try:
        shard.verify_index()
    except FastloadError as error:
        problems.append(Problem(info.name, str(error)))
    for i in range(len(shard)):
        problems += _check_sample(shard, i, classes, info.name)
    return problems


def _check_sample(shard: Shard, i: int, classes: int, name: str) -> list[Problem]:
    try:
        record = shard.record(i)
    except FastloadError as error:  # what the index says of the sample is not to be trusted
        return [Problem(name, str(error))]
    try:
        shard.verify(i)
    except FastloadError as error:
        return [Problem(name, str(error), record.key, record.jpeg_offset)]
    if not 0 <= record.label < classes:
        what = f"its label is {record.label}, but there are {classes} classes"
        return [Problem(name, what, record.key, record.jpeg_offset)]
    return []
