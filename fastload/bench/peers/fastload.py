"""fastload itself: the shards, native threads, no worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastload
from fastload import transforms as T  # noqa: N812

from ..job import MEAN, STD, Job, epoch_order, listing

if TYPE_CHECKING:
    from . import Batch

PACKAGES = ("fastload", "torch")
TOLERANCE = 0.0
SETTINGS: dict[str, Any] = {"num_workers": "t threads of one process"}


def batches(job: Job) -> Iterator[Batch]:
    dataset = fastload.ShardDataset(job.dataset)
    # Files are named by their position in the dataset, so the folder says which samples the peers are given.
    chosen = dataset.select([int(Path(path).stem) for path, _ in listing(job.folder)])
    loader = fastload.DataLoader(
        chosen,
        batch_size=job.batch_size,
        sampler=epoch_order(job, len(chosen)),
        num_workers=job.threads,
        seed=job.seed,
        transform=[
            T.RandomResizedCrop(job.size, job.scale, job.ratio),
            T.RandomHorizontalFlip(job.flip),
            T.Normalize(MEAN, STD),
        ],
    )
    yield from loader
    while job.shuffle:
        yield from loader
