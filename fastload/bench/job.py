"""What every peer is asked to do: the one description that all of them get."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Job:
    """Batches of float32 ``(batch_size, 3, size, size)``, normalised, and int64 labels ``(batch_size,)``.

    ``folder`` holds ``LABEL/INDEX.jpg``, where INDEX is the sample's position in the dataset of shards
    ``dataset``. Crops follow torchvision's ``RandomResizedCrop(size, scale, ratio)`` (bilinear, antialiased),
    then a horizontal flip with probability ``flip``. With ``shuffle`` batches never end; without, the
    images come once, in the order of ``listing``.
    """

    dataset: str
    folder: str
    threads: int = 1
    batch_size: int = 256
    size: int = 224
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    shuffle: bool = True
    seed: int = 0
    seconds: float = 10.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Job:
        return replace(Job(**fields), scale=tuple(fields["scale"]), ratio=tuple(fields["ratio"]))


def listing(folder: str | Path) -> list[tuple[str, int]]:
    """``(path, label)`` of every image, in the order of torchvision's ImageFolder (classes, then names)."""
    classes = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    return [(str(path), int(c.name)) for c in classes for path in sorted(c.iterdir())]


def epoch_order(job: Job, count: int) -> list[int]:
    """Positions in ``listing`` for one pass: whole permutations in a row, enough for 64 full batches or more.

    A small dataset would otherwise end after a few batches, and what would be timed is the start of an epoch,
    which real training meets once in thousands of batches.
    """
    if not job.shuffle:
        return list(range(count))
    generator = random.Random(job.seed)
    order: list[int] = []
    while len(order) < max(64 * job.batch_size, count):
        permutation = list(range(count))
        generator.shuffle(permutation)
        order += permutation
    return order[: len(order) // job.batch_size * job.batch_size]
