"""Opening a dataset, whose time must not grow with its samples, and reading samples from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastload
from fastload import _native


@pytest.mark.benchmark(group="open a shard")
@pytest.mark.parametrize("samples", [100, 10_000])
def test_open(benchmark: BenchmarkFixture, jpegs: list[bytes], tmp_path: Path, samples: int) -> None:
    path = tmp_path / "samples.tar"
    smallest = _native.prepare_jpeg(min(jpegs, key=len))
    writer = _native.ShardWriter(str(path))
    for i in range(samples):
        writer.add(f"{i:06d}", i, smallest)
    writer.close()
    shard = _native.Shard(str(path))
    assert len(shard) == samples
    assert shard.record(samples - 1).label == samples - 1
    benchmark.extra_info["samples"] = samples
    benchmark(lambda: _native.Shard(str(path)))


@pytest.mark.benchmark(group="read samples")
def test_read(benchmark: BenchmarkFixture, dataset: fastload.ShardDataset, jpegs: list[bytes]) -> None:
    expected = [_native.prepare_jpeg(jpeg).jpeg for jpeg in jpegs]
    assert [sample.jpeg for sample in dataset] == expected
    benchmark.extra_info["images"] = len(dataset)
    benchmark.extra_info["bytes"] = sum(map(len, expected))
    benchmark(lambda: [dataset[i].jpeg for i in range(len(dataset))])


@pytest.mark.benchmark(group="read samples")
def test_verify(benchmark: BenchmarkFixture, dataset: fastload.ShardDataset) -> None:
    shards = [_native.Shard(str(dataset.path / entry.name)) for entry in dataset.manifest.shards]
    benchmark.extra_info["images"] = len(dataset)
    benchmark(lambda: [shard.verify(i) for shard in shards for i in range(len(shard))])
