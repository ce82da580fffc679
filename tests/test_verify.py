"""verify: no changed bit is missed, and what is damaged is named."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import corpus
from fastload._native import Shard, ShardWriter, prepare_jpeg
from fastload.errors import ManifestError
from fastload.manifest import Manifest
from fastload.prepare import prepare
from fastload.verify import verify

NAME = "train-000000.tar"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = corpus.make_imagefolder(
        tmp_path_factory.mktemp("source"), classes=2, per_class=2, sides=(40, 80)
    )
    dest = tmp_path_factory.mktemp("whole")
    prepare(source, dest)
    return dest / "train"


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "train"))


def test_a_whole_dataset(whole: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = verify(whole, progress=lambda done, shards: calls.append((done, shards)))
    assert (report.ok, report.shards, report.samples, report.problems) == (True, 1, 4, ())
    assert calls == [(1, 1)]


def test_every_flipped_bit_is_found(dataset: Path) -> None:
    path = dataset / NAME
    original = path.read_bytes()
    shard = Shard(str(path))
    records = [shard.record(i) for i in range(len(shard))]
    del shard
    rng = random.Random(0)
    # Everywhere, and more densely at the end, where the index is.
    places = [*range(0, len(original), 499), *rng.sample(range(len(original) - 4096, len(original)), 200)]
    for place in places:
        damaged = bytearray(original)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        problems = verify(dataset).problems
        assert problems, f"byte {place} of {len(original)}"
        assert {problem.shard for problem in problems} == {NAME}
        for record in records:
            if record.jpeg_offset <= place < record.jpeg_offset + record.jpeg_length:
                assert [(p.key, p.offset) for p in problems] == [(record.key, record.jpeg_offset)]
                assert str(problems[0]).startswith(f"{NAME}, byte {record.jpeg_offset}, key {record.key}: ")


def test_missing_short_and_long_shards(dataset: Path) -> None:
    path = dataset / NAME
    original = path.read_bytes()
    for data, message in (
        (b"", "has 0 bytes, but its manifest says"),
        (original[:-1], f"has {len(original) - 1} bytes, but its manifest says {len(original)}"),
        (original[:700], "has 700 bytes, but its manifest says"),
        (original + b"\0", f"has {len(original) + 1} bytes, but its manifest says"),
    ):
        path.write_bytes(data)
        assert verify(dataset).problems[0].what.startswith(message)
    path.unlink()
    assert [str(problem) for problem in verify(dataset).problems] == [f"{NAME}: is missing"]


def test_a_shard_that_is_whole_but_another_one(dataset: Path) -> None:
    writer = ShardWriter(str(dataset / NAME))
    writer.add("k", 9, prepare_jpeg(next(iter(corpus.good_cases().values()))))
    writer.close()
    found = [problem.what for problem in verify(dataset).problems]
    assert "has 1 samples, but its manifest says 4" in found
    assert "its label is 9, but there are 2 classes" in found


def test_labels_outside_the_classes(dataset: Path) -> None:
    manifest = Manifest.load(dataset)
    replace(manifest, classes=manifest.classes[:1]).save(dataset)
    problems = verify(dataset).problems
    assert [problem.what for problem in problems] == ["its label is 1, but there are 1 classes"] * 2
    shard = Shard(str(dataset / NAME))
    assert [problem.key for problem in problems] == [shard.record(2).key, shard.record(3).key]


def test_another_digest_in_the_manifest(dataset: Path) -> None:
    manifest = Manifest.load(dataset)
    replace(manifest, shards=(replace(manifest.shards[0], sha256="0" * 64),)).save(dataset)
    assert [problem.what for problem in verify(dataset).problems] == [
        "its SHA-256 is not the manifest's, though all samples and the index are whole"
    ]


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"has no dataset\.json"):
        verify(tmp_path)
