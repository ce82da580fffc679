"""Fixtures that every test may use; the data come from corpus.py."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import corpus
import fastload
import training_loops
from fastload._native import image
from fastload.prepare import prepare

REPOSITORY = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from fastload import cuda

    gpu = [item for item in items if item.get_closest_marker("gpu")]
    probe = cuda.probe() if gpu else None
    if probe is not None and not probe.kernel_ran:
        for item in gpu:
            item.add_marker(pytest.mark.skip(reason=f"needs an NVIDIA GPU: {probe.problem}"))


@pytest.fixture(params=image.simd_targets())
def simd_target(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once with each SIMD target of this processor, and proves that it runs with that."""
    image.set_simd_target(request.param)
    assert image.simd_target() == request.param
    assert set(image.simd_stages().values()) == {request.param}
    yield request.param
    image.set_simd_target("")


@pytest.fixture(scope="session")
def photos() -> list[np.ndarray]:
    """Photographs, uint8 (H, W, 3)."""
    return corpus.photographs()


@pytest.fixture(scope="session")
def jpeg_cases() -> dict[str, bytes]:
    """Files by name, good, odd and bad."""
    return corpus.jpeg_cases()


@pytest.fixture(scope="session")
def imagefolder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated root/CLASS/NNNN.jpg; read it, do not change it."""
    return corpus.make_imagefolder(tmp_path_factory.mktemp("imagefolder"))


@pytest.fixture(scope="session")
def ilsvrc_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated train, val and devkit archives with odd files; read them, do not change them."""
    return corpus.make_ilsvrc(tmp_path_factory.mktemp("ilsvrc"))


@pytest.fixture(scope="session")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 samples of all encodings in three shards."""
    source = corpus.make_imagefolder(
        tmp_path_factory.mktemp("source"), classes=5, per_class=14, sides=(70, 300)
    )
    dest = tmp_path_factory.mktemp("dest")
    prepare(source, dest, split="train", shard_size=600_000)
    (found,) = {p.parent for p in dest.rglob("dataset.json")}
    return found


@pytest.fixture(scope="session")
def dataset(split: Path) -> fastload.ShardDataset:
    dataset = fastload.ShardDataset(split)
    assert len(dataset.manifest.shards) > 1
    return dataset


@pytest.fixture(scope="session")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> fastload.ShardDataset:
    """61 samples, small ones, each of a class of its own: sample k has label k."""
    source, dest = tmp_path_factory.mktemp("numbered"), tmp_path_factory.mktemp("numbered_shards")
    rng, photo = random.Random(61), corpus.photographs()[0]
    for label in range(61):
        (source / f"{label:03}").mkdir()
        (source / f"{label:03}" / "0.jpg").write_bytes(corpus.sample_jpeg(rng, photo, label, (24, 32)))
    prepare(source, dest, split="train")
    dataset = fastload.ShardDataset(dest / "train")
    assert [sample.label for sample in dataset] == list(range(61))
    return dataset


@pytest.fixture(scope="session")
def imagenet_sample() -> Path:
    """A directory with real ILSVRC2012 archives: $FASTLOAD_IMAGENET, or a folder beside the repository."""
    asked = os.environ.get("FASTLOAD_IMAGENET")
    path = Path(asked) if asked else REPOSITORY.parent / "shared" / "imagenet-sample"
    if not (path / "ILSVRC2012_img_train.tar").is_file():
        # A sample that was promised must be there; without a promise, its tests have nothing to read.
        reason = f"no ImageNet archives in {path}; set FASTLOAD_IMAGENET to a directory that holds them"
        if asked:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits train, of 40 samples, and val, of 18."""
    return training_loops.make_shards(tmp_path_factory.mktemp("two_classes"))
