"""What the loader's tests share: one training pipeline, and all batches of an epoch."""

from __future__ import annotations

from typing import Any

import torch

import fastload
from fastload import transforms as T

NORMALIZE = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), NORMALIZE]


def batches(dataset: fastload.ShardDataset, **options: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(fastload.DataLoader(dataset, **{"batch_size": 16, "transform": TRAIN, "seed": 3, **options}))


def assert_same(ours: Any, theirs: Any) -> None:
    """The same structure, types and bits."""
    assert type(ours) is type(theirs)
    if isinstance(ours, torch.Tensor):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs)
    elif isinstance(ours, dict):
        assert_same(list(ours.items()), list(theirs.items()))
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            assert_same(our, their)
    else:
        assert ours == theirs
