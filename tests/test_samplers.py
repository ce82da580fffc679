"""Samplers and batch samplers drive the native path with the indices that torch's DataLoader would use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils import data

import fastload
from rank_group import EVAL

SIZE = 61


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


SAMPLERS: dict[str, Callable[[], Any]] = {
    "sequential": lambda: data.SequentialSampler(range(SIZE)),
    "random": lambda: data.RandomSampler(range(SIZE), generator=seeded()),
    "with replacement": lambda: data.RandomSampler(range(SIZE), True, 100, generator=seeded()),
    "subset": lambda: data.SubsetRandomSampler(range(9, 50), generator=seeded()),
    "weighted": lambda: data.WeightedRandomSampler(list(range(SIZE)), 80, generator=seeded()),
    "distributed": lambda: data.DistributedSampler(range(SIZE), num_replicas=3, rank=2, seed=4),
    "distributed, in order": lambda: data.DistributedSampler(
        range(SIZE), num_replicas=3, rank=2, shuffle=False, drop_last=True
    ),
    "list": lambda: [5, 5, -1, 60, 0],
}


@pytest.mark.parametrize("batched", [False, True], ids=["sampler", "batch_sampler"])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())
def test_indices_are_those_of_torchs_loader(
    numbered: fastload.ShardDataset, sampler: Callable[[], Any], drop_last: bool, batched: bool
) -> None:
    def options() -> dict[str, Any]:
        if batched:
            return {"batch_sampler": data.BatchSampler(sampler(), 8, drop_last)}
        return {"batch_size": 8, "sampler": sampler(), "drop_last": drop_last}

    ours = fastload.DataLoader(numbered, transform=EVAL, num_workers=1, **options())
    theirs = data.DataLoader(range(SIZE), **options())  # type: ignore[arg-type]
    assert len(ours) == len(theirs)
    for _ in range(2):
        expected = [(batch % SIZE).tolist() for batch in theirs]
        assert [labels.tolist() for _, labels in ours] == expected


@pytest.mark.parametrize("batched", [False, True], ids=["sampler", "batch_sampler"])
def test_set_epoch_on_the_sampler_or_on_the_loader(numbered: fastload.ShardDataset, batched: bool) -> None:
    def make() -> tuple[Any, fastload.DataLoader]:
        sampler = data.DistributedSampler(range(SIZE), num_replicas=2, rank=0, seed=4)
        if batched:
            options: dict[str, Any] = {"batch_sampler": data.BatchSampler(sampler, 8, False)}
        else:
            options = {"sampler": sampler, "batch_size": 8}
        return sampler, fastload.DataLoader(numbered, transform=EVAL, num_workers=1, **options)

    def labels(loader: fastload.DataLoader) -> list[int]:
        return [label for _, labels in loader for label in labels.tolist()]

    for epoch in (0, 3, 7):
        expected = data.DistributedSampler(range(SIZE), num_replicas=2, rank=0, seed=4)
        expected.set_epoch(epoch)
        sampler, loader = make()
        sampler.set_epoch(epoch)
        assert labels(loader) == list(expected)
        _, loader = make()
        loader.set_epoch(epoch)
        assert labels(loader) == list(expected)


def test_a_sampler_is_not_shared_once_more(numbered: fastload.ShardDataset) -> None:
    """rank= and world_size= are for epochs that fastload orders; a sampler has decided already."""
    with pytest.raises(ValueError, match="sampler"):
        fastload.DataLoader(numbered, transform=EVAL, sampler=[1, 2], rank=0, world_size=2)


def test_samplers_batches_are_padded_to_the_mask(numbered: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(numbered, 4, transform=EVAL, sampler=range(6), return_mask=True)
    got = [(labels.tolist(), mask.tolist()) for _, labels, mask in loader]
    assert got == [([0, 1, 2, 3], [True] * 4), ([4, 5, -100, -100], [True, True, False, False])]
    loader = fastload.DataLoader(numbered, batch_sampler=[[1, 2, 3], [4]], transform=EVAL, return_mask=True)
    assert [mask.tolist() for _, _, mask in loader] == [[True] * 3, [True]]
