"""fastload itself: the shards, native threads, no worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastload
from fastload import transforms as T

from ..crops import Box
from ..job import MEAN, STD, Job, epoch_order, listing

if TYPE_CHECKING:
    from . import Batch

PACKAGES = ("fastload", "torch")
TOLERANCE = 0.0
SETTINGS: dict[str, Any] = {"num_workers": "t threads of one process"}


def chosen_samples(job: Job) -> fastload.ShardDataset:
    """The samples that the peers read as files; each file is named by its position in the dataset."""
    return fastload.ShardDataset(job.dataset).select(
        [int(Path(path).stem) for path, _ in listing(job.folder)]
    )


def transform(job: Job) -> list[T.Transform]:
    return [
        T.RandomResizedCrop(job.size, job.scale, job.ratio),
        T.RandomHorizontalFlip(job.flip),
        T.Normalize(MEAN, STD),
    ]


def draw(job: Job) -> tuple[Box, bool]:
    """The crop and the flip of the first sample in the first epoch."""
    samples = chosen_samples(job)
    sample, position = samples[0], int(samples.indices[0])
    plan = T.compile_plan(transform(job)).plan
    [(box, _, _, _)], flip = plan.draw(sample.width, sample.height, job.seed, 0, position)
    return box, flip


def batches(job: Job) -> Iterator[Batch]:
    samples = chosen_samples(job)
    loader = fastload.DataLoader(
        samples,
        batch_size=job.batch_size,
        sampler=epoch_order(job, len(samples)),
        num_workers=job.threads,
        seed=job.seed,
        transform=transform(job),
    )
    yield from loader
    while job.shuffle:
        yield from loader
