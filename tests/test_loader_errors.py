"""Samples that cannot be loaded, and arguments that make no sense."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

import fastload
from fastload import transforms as T
from fastload.errors import FastloadWarning, LabelError, SampleError
from fastload.manifest import Manifest
from loading import TRAIN, batches


@pytest.fixture
def damaged(split: Path, tmp_path: Path) -> tuple[fastload.ShardDataset, list[int]]:
    """The dataset with a flipped bit in samples 3 and 40."""
    for file in split.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    dataset = fastload.ShardDataset(tmp_path)
    bad = [3, 40]
    for index in bad:
        sample = dataset[index]
        data = bytearray(Path(sample.shard).read_bytes())
        data[sample.offset + len(sample.jpeg) // 2] ^= 0x10
        Path(sample.shard).write_bytes(data)
    return dataset, bad


EVAL = [T.Resize((32, 32))]


def test_on_error_raise_names_shard_offset_and_key(
    dataset: fastload.ShardDataset, damaged: tuple[fastload.ShardDataset, list[int]]
) -> None:
    broken, _ = damaged
    iterator = iter(fastload.DataLoader(broken, 10, transform=EVAL))
    with pytest.raises(SampleError) as caught:
        next(iterator)
    sample = dataset[3]
    error = caught.value
    assert (error.index, error.key, error.offset) == (3, sample.key, sample.offset)
    assert Path(error.shard).name == Path(sample.shard).name
    assert all(str(part) in str(error) for part in (error.shard, error.offset, error.key))
    assert isinstance(error.__cause__, fastload.errors.ChecksumError)
    assert len(next(iterator)[1]) == 10  # the next batch is not lost


def test_on_error_skip_leaves_a_shorter_batch(
    dataset: fastload.ShardDataset, damaged: tuple[fastload.ShardDataset, list[int]]
) -> None:
    broken, bad = damaged
    loader = fastload.DataLoader(broken, 10, transform=EVAL, on_error="skip")
    with pytest.warns(FastloadWarning, match=dataset[3].key):
        got = list(loader)
    assert [len(labels) for _, labels in got] == [9, 10, 10, 10, 9, 10, 10]
    whole = torch.cat([b for b, _ in batches(dataset, transform=EVAL)])
    kept = [i for i in range(70) if i not in bad]
    assert torch.equal(torch.cat([b for b, _ in got]), whole[kept])
    assert loader.stats().skipped == 2
    only_bad = fastload.DataLoader(broken.select(bad), 1, transform=EVAL, on_error="skip")
    with pytest.warns(FastloadWarning):
        assert list(only_bad) == []


def test_on_error_substitute_is_deterministic(
    dataset: fastload.ShardDataset, damaged: tuple[fastload.ShardDataset, list[int]]
) -> None:
    broken, bad = damaged
    whole = torch.cat([b for b, _ in batches(dataset, transform=EVAL)])
    runs = []
    for options in ({"batch_size": 10}, {"batch_size": 16, "num_workers": 3}):
        loader = fastload.DataLoader(broken, transform=EVAL, on_error="substitute", seed=1, **options)
        with pytest.warns(FastloadWarning):
            images, labels = map(torch.cat, zip(*loader, strict=True))
        assert loader.stats().substituted == 2
        runs.append((images, labels))
    assert torch.equal(runs[0][0], runs[1][0])
    assert torch.equal(runs[0][1], runs[1][1])
    for index in range(70):
        places = [i for i in range(70) if torch.equal(runs[0][0][index], whole[i])]
        assert places if index in bad else index in places
        assert dataset[places[0]].label == runs[0][1][index]
    alone = fastload.DataLoader(broken.select([3]), 1, transform=EVAL, on_error="substitute")
    with pytest.raises(SampleError, match="substitute"):
        list(alone)


def test_a_label_without_a_class_is_an_error(split: Path, tmp_path: Path) -> None:
    for file in split.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    manifest = Manifest.load(tmp_path)

    dataclasses.replace(manifest, classes=manifest.classes[:3]).save(tmp_path)
    with pytest.raises(SampleError, match="outside the dataset's 3 classes") as caught:
        list(fastload.DataLoader(tmp_path, 10, transform=EVAL))
    assert isinstance(caught.value.__cause__, LabelError)


def test_a_crop_larger_than_an_image_names_the_sample(dataset: fastload.ShardDataset) -> None:
    with pytest.raises(SampleError, match="CenterCrop of 290 x 290 is larger than the image of"):
        list(fastload.DataLoader(dataset, 10, transform=T.CenterCrop(290)))


WRONG = {
    "batch_size 0": {"batch_size": 0},
    "batch_size -1": {"batch_size": -1},
    "batch_size 1.5": {"batch_size": 1.5},
    "num_workers -1": {"num_workers": -1},
    "timeout -1": {"timeout": -1},
    "prefetch_factor 0": {"prefetch_factor": 0},
    "shuffle with sampler": {"shuffle": True, "sampler": [1]},
    "batch_sampler with batch_size": {"batch_size": 2, "batch_sampler": [[1]]},
    "batch_sampler with drop_last": {"batch_size": 1, "drop_last": True, "batch_sampler": [[1]]},
    "no batch, drop_last": {"batch_size": None, "drop_last": True},
    "on_error": {"on_error": "ignore"},
    "seed": {"seed": -1},
    "seed and generator": {"seed": 1, "generator": torch.Generator()},
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG.keys())
def test_arguments_that_make_no_sense(dataset: fastload.ShardDataset, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        fastload.DataLoader(dataset, **{"transform": TRAIN, **options})


def test_pin_memory_without_a_gpu_warns(dataset: fastload.ShardDataset) -> None:
    if fastload.cuda.is_available():
        loader = fastload.DataLoader(dataset, 10, transform=TRAIN, pin_memory=True)
        assert next(iter(loader))[0].is_pinned()
        return
    with pytest.warns(FastloadWarning, match="no CUDA device"):
        loader = fastload.DataLoader(dataset, 10, transform=TRAIN, pin_memory=True)
    assert len(list(loader)) == len(loader)
