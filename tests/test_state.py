"""state_dict() and load_state_dict(): the continuation is bit-identical from everywhere, or is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

import fastload
from fastload import transforms as T
from fastload.errors import StateError

SMALL = [T.RandomResizedCrop(24), T.RandomHorizontalFlip()]


def make(dataset: fastload.ShardDataset, **options: Any) -> fastload.DataLoader:
    return fastload.DataLoader(
        dataset, **{"batch_size": 16, "shuffle": True, "transform": SMALL, "num_workers": 2, **options}
    )


def through_json(state: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint keeps of it."""
    text = json.dumps(state)
    assert len(text) < 1000 or "generator" in text
    return json.loads(text)  # type: ignore[no-any-return]


Batches = list[tuple[torch.Tensor, torch.Tensor]]


def assert_equal(got: Batches, expected: Batches) -> None:
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_continuation_is_bit_identical_from_every_batch(dataset: fastload.ShardDataset) -> None:
    epochs = [list(loader) for loader in [make(dataset, seed=5)] for _ in range(3)]
    for epoch in range(2):
        for step in range(len(epochs[0]) + 1):
            loader = make(dataset, seed=5)
            for _ in range(epoch):
                list(loader)
            iterator = iter(loader)
            list(islice(iterator, step))
            state = through_json(loader.state_dict())
            again = make(dataset, seed=5, num_workers=1 + step % 3, prefetch_factor=1 + step % 2)
            again.load_state_dict(state)
            assert again.state_dict() == state, "right after loading"
            assert_equal(list(again), epochs[epoch][step:])
            assert_equal(list(again), epochs[epoch + 1])
            assert_equal(list(iterator), epochs[epoch][step:])


def test_the_end_of_an_epoch_is_the_beginning_of_the_next(dataset: fastload.ShardDataset) -> None:
    loader = make(dataset, seed=5)
    first = loader.state_dict()
    iterator = iter(loader)
    assert loader.state_dict() == first, "batches in flight do not count"
    list(islice(iterator, len(loader)))
    assert (loader.state_dict()["epoch"], loader.state_dict()["step"]) == (0, len(loader))
    assert list(iterator) == []
    assert (loader.state_dict()["epoch"], loader.state_dict()["step"]) == (1, 0)
    epochs = [list(loader) for loader in [make(dataset, seed=5)] for _ in range(2)]
    again = make(dataset, seed=5)
    again.load_state_dict(loader.state_dict())
    assert_equal(list(again), epochs[1])
    again.load_state_dict(first)
    assert_equal(list(again), epochs[0])


def test_a_chain_of_short_lives_is_one_epoch(dataset: fastload.ShardDataset) -> None:
    expected = list(make(dataset, seed=5))
    state, got = None, []
    while len(got) < len(expected):
        loader = make(dataset, seed=5)
        if state is not None:
            loader.load_state_dict(state)
        got.append(next(iter(loader)))
        state = through_json(loader.state_dict())
    assert_equal(got, expected)


@pytest.mark.filterwarnings("ignore:'set_vital'")
def test_steps_are_those_of_torchdatas_stateful_loader(dataset: fastload.ShardDataset) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader as stateful  # noqa: N813

    def counts(make_loader: Any, step: int) -> list[int]:
        """Batches behind a restored state in this epoch and the next, and behind a state saved right then."""
        loader = make_loader()
        iterator = iter(loader)
        list(islice(iterator, step))
        again, third = make_loader(), make_loader()
        again.load_state_dict(loader.state_dict())
        third.load_state_dict(again.state_dict())
        return [len(list(loader)) for loader in (again, again, third)]

    for step in range(6):
        theirs = counts(lambda: stateful(range(70), batch_size=16), step)
        assert counts(lambda: make(dataset, shuffle=False), step) == theirs


def test_another_world_size_with_the_same_global_batch(dataset: fastload.ShardDataset) -> None:
    view = dataset[:60]
    expected = list(make(view, seed=5, batch_size=12))
    for step in range(6):
        for before, after in ((1, 2), (2, 3), (3, 1)):
            saved = make(view, seed=5, batch_size=12 // before, rank=before - 1, world_size=before)
            list(islice(saved, step))
            ranks = [
                make(view, seed=5, batch_size=12 // after, rank=r, world_size=after) for r in range(after)
            ]
            for loader in ranks:
                loader.load_state_dict(through_json(saved.state_dict()))
            got = [
                tuple(torch.cat(column) for column in zip(*parts, strict=True))
                for parts in zip(*ranks, strict=True)
            ]
            assert_equal(got, expected[step:])


def test_a_seed_that_was_drawn_is_taken_from_the_state(dataset: fastload.ShardDataset) -> None:
    loader = make(dataset)
    expected = list(loader)
    again = make(dataset)
    again.load_state_dict({**loader.state_dict(), "epoch": 0, "step": 2})
    assert_equal(list(again), expected[2:])
    assert again.seed == loader.seed


def test_with_a_generator(dataset: fastload.ShardDataset) -> None:
    loader = make(dataset, generator=torch.Generator().manual_seed(3))
    epochs = [list(loader) for _ in range(3)]
    for step in range(len(loader) + 1):
        loader = make(dataset, generator=torch.Generator().manual_seed(3))
        list(loader)
        list(islice(loader, step))
        again = make(dataset, generator=torch.Generator())
        again.load_state_dict(through_json(loader.state_dict()))
        assert_equal(list(again), epochs[1][step:])
        assert_equal(list(again), epochs[2])


def test_set_epoch_keeps_the_place_in_the_loaded_epoch_only(dataset: fastload.ShardDataset) -> None:
    epochs = [list(loader) for loader in [make(dataset, seed=5)] for _ in range(2)]
    loader = make(dataset, seed=5)
    list(islice(loader, 2))
    state = loader.state_dict()
    for epoch, expected in ((0, epochs[0][2:]), (1, epochs[1])):
        loader.load_state_dict(state)
        loader.set_epoch(epoch)
        assert_equal(list(loader), expected)
    loader.set_epoch(0)
    assert_equal(list(loader), epochs[0])


class Stateful(torch.utils.data.Sampler[int]):
    """Counts its own indices, as torchdata's samplers do."""

    def __init__(self) -> None:
        self.given, self._start = 0, 0

    def __len__(self) -> int:
        return 70

    def __iter__(self) -> Iterator[int]:
        start, self._start = self._start, 0
        for self.given in range(start + 1, 71):
            yield self.given * 29 % 70

    def state_dict(self) -> dict[str, int]:
        return {"given": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.given = self._start = state["given"]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


SAMPLERS: dict[str, Any] = {
    "random": lambda: RandomSampler(range(70), generator=seeded(1)),
    "with replacement": lambda: RandomSampler(range(70), True, 50, generator=seeded(1)),
    "subset": lambda: SubsetRandomSampler(range(9, 60), generator=seeded(1)),
    "weighted": lambda: WeightedRandomSampler(list(range(70)), 70, generator=seeded(1)),
    "distributed": lambda: DistributedSampler(range(70), num_replicas=2, rank=1, seed=4),
    "stateful": Stateful,
    "list": lambda: list(range(69, -1, -1)),
}


@pytest.mark.parametrize("batched", [False, True], ids=["sampler", "batch_sampler"])
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())
def test_samplers_go_on_where_they_were(dataset: fastload.ShardDataset, sampler: Any, batched: bool) -> None:
    def new() -> fastload.DataLoader:
        if batched:
            made = BatchSampler(sampler(), 16, drop_last=False)
            if isinstance(made.sampler, Stateful):  # torch's own does not hand its state on
                made.state_dict = made.sampler.state_dict  # type: ignore[attr-defined]
                made.load_state_dict = made.sampler.load_state_dict  # type: ignore[attr-defined]
            return make(dataset, batch_size=1, shuffle=None, batch_sampler=made, seed=5)
        return make(dataset, shuffle=None, sampler=sampler(), seed=5)

    def epochs(loader: fastload.DataLoader, first: int, last: int) -> Iterator[Batches]:
        for epoch in range(first, last):
            loader.set_epoch(epoch)
            yield list(loader)

    expected = list(epochs(new(), 0, 3))
    for step in range(len(expected[1]) + 1):
        loader = new()
        list(epochs(loader, 0, 1))
        loader.set_epoch(1)
        list(islice(loader, step))
        again = new()
        again.load_state_dict(through_json(loader.state_dict()))
        assert again.state_dict() == loader.state_dict()
        assert_equal(list(again), expected[1][step:])
        assert_equal(next(epochs(again, 2, 3)), expected[2])


def test_a_sampler_that_cannot_be_brought_back_is_noticed(dataset: fastload.ShardDataset) -> None:
    loader = make(dataset, shuffle=None, sampler=RandomSampler(range(70)), seed=5)
    list(islice(loader, 2))
    again = make(dataset, shuffle=None, sampler=RandomSampler(range(70)), seed=5)
    again.load_state_dict(loader.state_dict())
    with pytest.raises(StateError, match="seeded generator"):
        next(iter(again))
    shorter = make(dataset, shuffle=None, sampler=list(range(20)), seed=5)
    shorter.load_state_dict({**loader.state_dict(), "step": 3})
    with pytest.raises(StateError, match="other indices"):
        next(iter(shorter))
    stateful = make(dataset, shuffle=None, sampler=Stateful(), seed=5)
    with pytest.raises(StateError, match="another kind of sampler"):
        stateful.load_state_dict(loader.state_dict())


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "transform": ({"transform": [T.RandomResizedCrop(24)]}, "other transforms"),
    "a transform's argument": (
        {"transform": [T.RandomResizedCrop(24), T.RandomHorizontalFlip(0.4)]},
        "other",
    ),
    "seed": ({"seed": 6}, "saved with seed=5, and this loader has 6"),
    "batch size": ({"batch_size": 8}, "global_batch is 16 there and 8 here"),
    "ranks": ({"rank": 0, "world_size": 2, "drop_last": True}, "another global batch"),
    "order": ({"shuffle": False}, "another order"),
    "sampler": ({"shuffle": None, "sampler": [1, 2]}, "another order"),
    "generator": ({"seed": None, "generator": torch.Generator()}, "generator="),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_state_of_another_loader_is_refused(
    dataset: fastload.ShardDataset, options: dict[str, Any], message: str
) -> None:
    loader = make(dataset, seed=5)
    list(islice(loader, 2))
    other = make(dataset, **{"seed": 5, **options})
    before = other.state_dict()
    with pytest.raises(StateError, match=message):
        other.load_state_dict(loader.state_dict())
    assert other.state_dict() == before


def test_a_state_of_another_dataset_is_refused(dataset: fastload.ShardDataset, split: Path) -> None:
    state = make(dataset, seed=5).state_dict()
    for view in (dataset[:69], dataset[::-1], dataset.select(range(70))):
        with pytest.raises(StateError, match="another dataset"):
            make(view, seed=5).load_state_dict(state)
    make(fastload.ShardDataset(split), seed=5).load_state_dict(state)


def test_what_is_no_state_is_refused(dataset: fastload.ShardDataset) -> None:
    loader = make(dataset, seed=5)
    state = loader.state_dict()
    for wrong in ({}, {"_iterator_finished": False}, {**state, "version": 2}, None):
        with pytest.raises(StateError, match="not a state"):
            loader.load_state_dict(wrong)  # type: ignore[arg-type]
    del state["step"]
    with pytest.raises(StateError, match="lacks 'step'"):
        loader.load_state_dict(state)


def test_equal_transforms_spelt_otherwise_are_equal(dataset: fastload.ShardDataset) -> None:
    from torchvision.transforms import InterpolationMode

    one = [T.Resize((24, 24), InterpolationMode.BICUBIC), T.ToDtype(torch.float16)]
    other = [T.Resize([24, 24], "bicubic"), T.ToDtype("float16")]
    state = make(dataset, seed=5, transform=one).state_dict()
    make(dataset, seed=5, transform=other).load_state_dict(state)
