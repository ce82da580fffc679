"""What the loader's tests share: one training pipeline, and all batches of an epoch."""

from __future__ import annotations

import torch

import fastload
from fastload import transforms as T

NORMALIZE = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), NORMALIZE]


def batches(dataset: fastload.ShardDataset, **options: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(fastload.DataLoader(dataset, **{"batch_size": 16, "transform": TRAIN, "seed": 3, **options}))
