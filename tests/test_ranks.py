"""Ranks share an epoch by construction: as many steps each, the same global order, nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import fastload
from fastload import _native
from fastload import transforms as T
from fastload.epoch import PADDED_LABEL
from fastload.errors import RankError
from rank_group import EPOCHS, EVAL, GLOBAL_BATCH

SIZE = 61


def run(what: str, **arguments: Any) -> str:
    script = Path(__file__).parent / "rank_group.py"
    root = Path(fastload.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": f"{root}:{script.parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), what, json.dumps(arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def ranks(dataset: fastload.ShardDataset, world: int, **options: Any) -> list[fastload.DataLoader]:
    return [
        fastload.DataLoader(
            dataset,
            **{"transform": EVAL, "seed": 5, "num_workers": 1, **options},
            rank=rank,
            world_size=world,
        )
        for rank in range(world)
    ]


def shuffled(epoch: int) -> list[int]:
    return _native.epoch_order(SIZE, 5, epoch, 0, SIZE).tolist()


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_global_order_does_not_depend_on_the_world_size(
    numbered: fastload.ShardDataset, world: int
) -> None:
    """Padded and masked: a rank's rows that hold no sample are marked, and no sample comes twice."""
    loaders = ranks(numbered, world, batch_size=GLOBAL_BATCH // world, shuffle=True, return_mask=True)
    for epoch in range(2):
        seen: list[int] = []
        steps = list(zip(*loaders, strict=True))
        assert len(steps) == len(loaders[0]) == 11
        for step in steps:
            for images, labels, mask in step:
                assert (len(images), len(labels), len(mask)) == (GLOBAL_BATCH // world,) * 3
                assert mask.dtype == torch.bool
                assert (labels[~mask] == PADDED_LABEL).all()
                assert not images[~mask].any()
                assert images[mask].flatten(1).any(dim=1).all()
                seen += labels[mask].tolist()
        assert seen == shuffled(epoch)


def test_the_tail_of_evaluation(numbered: fastload.ShardDataset) -> None:
    """Four ranks of 14: the last step has 61 - 56 = 5 samples, all of them on the first rank."""
    loaders = ranks(numbered, 4, batch_size=14, return_mask=True)
    assert [len(loader) for loader in loaders] == [2] * 4
    got = [torch.stack([mask.sum() for _, _, mask in loader]).tolist() for loader in loaders]
    assert got == [[14, 5], [14, 0], [14, 0], [14, 0]]
    labels = [torch.cat([labels[mask] for _, labels, mask in loader]).tolist() for loader in loaders]
    assert labels[0] == [*range(14), *range(56, 61)]
    assert labels[3] == list(range(42, 56))
    *_, (_, targets, mask) = loaders[0]
    logits = torch.randn(14, 61, generator=torch.Generator().manual_seed(0))
    loss = torch.nn.functional.cross_entropy
    assert torch.equal(loss(logits, targets), loss(logits[mask], targets[mask])), "padding counts"


@pytest.mark.parametrize("channels_last", [False, True])
def test_padding_keeps_type_and_layout(numbered: fastload.ShardDataset, channels_last: bool) -> None:
    steps = [*EVAL, T.ToDtype(torch.float16, channels_last=channels_last)]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for loader in ranks(numbered, 2, batch_size=40, transform=steps, return_mask=True):
        for images, labels, _ in loader:
            assert images.dtype == torch.float16
            assert labels.dtype == torch.int64
            assert images.is_contiguous(memory_format=layout)
            assert images.shape == (40, 3, 8, 8)


def test_drop_last_leaves_out_the_rest_of_the_global_order(numbered: fastload.ShardDataset) -> None:
    loaders = ranks(numbered, 3, batch_size=2, shuffle=True, drop_last=True)
    for epoch in range(2):
        seen = [label for step in zip(*loaders, strict=True) for _, ls in step for label in ls.tolist()]
        assert seen == shuffled(epoch)[:60]


def test_single_samples_are_shared_too(numbered: fastload.ShardDataset) -> None:
    got = [
        [(int(label), bool(mask)) for _, label, mask in loader]
        for loader in ranks(numbered, 2, batch_size=None, return_mask=True)
    ]
    assert got[0] == [(label, True) for label in range(0, 61, 2)]
    assert got[1] == [*((label, True) for label in range(1, 61, 2)), (PADDED_LABEL, False)]


def test_a_rest_without_a_rule_is_an_error(numbered: fastload.ShardDataset) -> None:
    for loader in ranks(numbered, 2, batch_size=3, shuffle=True):
        with pytest.raises(RankError, match=r"1 samples are left over.*drop_last=True.*return_mask=True"):
            iter(loader)
        with pytest.raises(RankError):
            len(loader)
    (even, _) = ranks(numbered[:60], 2, batch_size=3)
    assert len(list(even)) == 10


def test_ranks_that_make_no_sense(numbered: fastload.ShardDataset) -> None:
    for rank, world in ((2, 2), (-1, 2), (0, 0)):
        with pytest.raises(RankError, match="rank must lie in"):
            fastload.DataLoader(numbered, transform=EVAL, rank=rank, world_size=world)
    with pytest.raises(RankError, match="go together"):
        fastload.DataLoader(numbered, transform=EVAL, rank=1)
    (loader, _) = ranks(numbered, 2, on_error="skip", drop_last=True)
    with pytest.raises(RankError, match="different numbers of batches"):
        iter(loader)


def test_a_process_group_is_enough(numbered: fastload.ShardDataset, tmp_path: Path) -> None:
    """1, 2 and 3 processes, without rank= or world_size=."""
    cases = [
        {"name": f"{world} {name}", "world": world, "batch_size": GLOBAL_BATCH // world, **options}
        for world in (1, 2, 3)
        for name, options in {
            "train": {"shuffle": True, "drop_last": True},
            "eval": {"return_mask": True},
        }.items()
    ]
    run("epochs", path=str(numbered.path), directory=str(tmp_path), cases=[dict(case) for case in cases])
    for world in (1, 2, 3):
        train = json.loads((tmp_path / f"{world} train").read_text())
        assert [len(step) for step in train] == [world] * 10
        assert [label for step in train for part in step for label in part[0]] == shuffled(0)[:60]
        evaluation = json.loads((tmp_path / f"{world} eval").read_text())
        rows = [row for step in evaluation for part in step for row in zip(*part, strict=True)]
        assert [label for label, mask in rows if mask] == list(range(61))
        assert len(rows) == 66


def test_killed_and_resumed_on_other_numbers_of_ranks(
    numbered: fastload.ShardDataset, tmp_path: Path
) -> None:
    """kill -9 at 20 random points, on 1, 2, 3, 1, ... ranks: in the end every sample of every epoch was
    seen once, in the order of an undisturbed run."""
    cut = run("killed", path=str(numbered.path), directory=str(tmp_path), kills=20, seed=11)
    assert int(cut) == 20, "lives were over before they were killed"
    seen = json.loads((tmp_path / "checkpoint.json").read_text())["seen"]
    assert seen == [index for epoch in range(EPOCHS) for index in shuffled(epoch)]
