"""stats(), repr() and logging: what a loader says of itself."""

from __future__ import annotations

import logging
import time

import pytest

import fastload
from fastload import transforms as T
from fastload.stats import LoaderStats
from loading import TRAIN


def test_counts_are_exact_and_live(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(dataset, 10, transform=TRAIN, num_workers=2)
    assert loader.stats() == LoaderStats()
    assert loader.stats().bottleneck == "nothing was loaded and measured yet"
    iterator = iter(loader)
    next(iterator)
    assert 10 <= loader.stats().samples <= 30, "one batch was delivered, two are in flight"
    assert loader.stats().epoch_seconds > 0
    list(iterator)
    done = loader.stats()
    assert done.samples == len(dataset)
    assert 0 < done.wait_seconds <= done.epoch_seconds
    assert min(done.read_seconds, done.decode_seconds, done.resample_seconds, done.store_seconds) > 0
    list(loader)
    assert loader.stats().samples == 2 * len(dataset)
    assert loader.stats().bytes_read > done.bytes_read


def test_a_busy_consumer_is_the_bottleneck(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(dataset, 10, transform=T.CenterCrop(8), num_workers=1)
    iterator = iter(loader)
    time.sleep(1)
    for _ in iterator:
        time.sleep(0.2)
    assert loader.stats().bottleneck.startswith("the consumer: it waited for batches only")


STAGES = {"reading": "read", "decoding": "decode", "resampling": "resample", "storing": "store"}


@pytest.mark.parametrize("stage", STAGES)
def test_the_slowest_stage_is_named(stage: str) -> None:
    seconds = {f"{name}_seconds": 6.0 if name == STAGES[stage] else 1.0 for name in STAGES.values()}
    stats = LoaderStats(samples=9, wait_seconds=4.0, epoch_seconds=5.0, **seconds)
    remedy = "faster storage" if stage == "reading" else "more threads (num_workers) or cores"
    assert stats.bottleneck == (
        f"the loader, by {stage}: the consumer waited for batches 80% of 5.0 s, and 67% of the threads' work "
        f"was {stage}; {remedy} would help"
    )


def test_sums() -> None:
    one = LoaderStats(samples=1, fallbacks={"progressive": 2}, wait_seconds=0.5)
    both = one + LoaderStats(samples=2, fallbacks={"progressive": 1, "damaged": 3}, skipped=4)
    assert both == LoaderStats(
        samples=3, fallbacks={"progressive": 3, "damaged": 3}, wait_seconds=0.5, skipped=4
    )


def test_repr_tells_the_plan(dataset: fastload.ShardDataset) -> None:
    text = repr(fastload.DataLoader(dataset, 8, True, transform=TRAIN, num_workers=3))
    assert f"{dataset!r}, batch_size=8, shuffled, threads=3" in text
    assert "RandomResizedCrop(size=64" in text
    assert "Normalize(mean=" in text
    assert "in order, rank 1 of 2" in repr(
        fastload.DataLoader(dataset, 5, transform=TRAIN, rank=1, world_size=2)
    )
    assert "by SequentialSampler" in repr(
        fastload.DataLoader(dataset, transform=TRAIN, sampler=_sequential())
    )
    assert "in batches by list" in repr(fastload.DataLoader(dataset, transform=TRAIN, batch_sampler=[[1]]))


def _sequential() -> object:
    from torch.utils.data import SequentialSampler

    return SequentialSampler(range(9))


def test_it_logs_and_does_not_print(
    dataset: fastload.ShardDataset, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, "fastload"):
        loader = fastload.DataLoader(dataset, 35, transform=TRAIN, seed=1)
        list(loader)
        loader.load_state_dict(loader.state_dict())
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == repr(loader)
    assert messages[1].startswith("epoch 0: 70 samples in ")
    assert "bottleneck: the " in messages[1]
    assert messages[2] == "resuming epoch 1 behind step 0"
    assert capsys.readouterr() == ("", "")
