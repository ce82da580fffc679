"""Batches, end to end, from fastload and from the peers of `fastload bench`, in this process, on one thread.

`fastload bench` is the fair comparison (fresh processes, interleaved); this one is quick, and shows what a
change to fastload does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastload
from fastload.bench import peers
from fastload.bench.check import check
from fastload.bench.images import lay_out
from fastload.bench.job import Job


@pytest.fixture(scope="module")
def job(dataset: fastload.ShardDataset, tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("images")
    lay_out(dataset.path, None, folder, len(dataset))
    return Job(dataset=str(dataset.path), folder=str(folder), batch_size=32)


@pytest.mark.benchmark(group="load batches, one thread", max_time=5)
@pytest.mark.parametrize("name", peers.PEERS)
def test_load(benchmark: BenchmarkFixture, job: Job, tmp_path: Path, name: str) -> None:
    try:
        peer = peers.load(peers.PEERS[name].module)
    except ImportError as error:
        pytest.skip(f"{error}: pip install {peers.PEERS[name].needs}")
    checked = check(peer, replace(job, threads=1), tmp_path)
    assert checked["passed"], checked["problem"]
    stream = peer.batches(job)
    for _ in range(3):
        next(stream)
    benchmark.extra_info["images"] = job.batch_size
    benchmark(lambda: next(stream))
