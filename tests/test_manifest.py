"""dataset.json: what is written is read back, and nothing else is taken for a manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fastload.errors import ManifestError
from fastload.indexed import find_datasets
from fastload.manifest import (
    Change,
    ClassInfo,
    Manifest,
    ShardInfo,
    Skipped,
    shard_name,
)

MANIFEST = Manifest(
    split="train",
    num_samples=5,
    shards=(
        ShardInfo("train-000000.tar", 3, 4096, "ab" * 32),
        ShardInfo("train-000001.tar", 2, 2048, "cd" * 32),
    ),
    classes=(ClassInfo("n01440764", "tench, Tinca tinca"), ClassInfo("n02123045", "Köter \u732b")),
    hierarchy=(("n00001740", "n01440764"),),
    changes=(Change("n01440764_1", "train-000000.tar", "cmyk re-encoded", "quality 100"),),
    skipped=(Skipped("n01440764.tar/x.JPEG", "the file is empty"),),
    options={"limit": None, "shard_size": 4096},
)


def test_round_trip(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path)
    assert Manifest.load(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]
    raw = json.loads((tmp_path / "dataset.json").read_text())
    assert (raw["format"], raw["version"]) == ("fastload-dataset", 1)
    assert raw["hierarchy"] == [["n00001740", "n01440764"]]


def test_save_replaces(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path)
    other = replace(MANIFEST, options={"limit": 7})
    other.save(tmp_path)
    assert Manifest.load(tmp_path) == other


def test_shard_name() -> None:
    assert shard_name("val", 12) == "val-000012.tar"


def _without(key: str) -> Any:
    return lambda raw: raw.pop(key)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw.update(format="other"), "its format is 'other'"),
        (lambda raw: raw.update(version=2), "its version is 2, and this fastload reads version 1"),
        (lambda raw: raw.update(num_samples=6), "num_samples is 6, but its shards hold 5"),
        (lambda raw: raw.update(num_samples="5"), "num_samples is '5', not a count"),
        (lambda raw: raw["shards"][0].update(num_samples=-3), "not a count"),
        (lambda raw: raw["shards"][0].update(name="../x.tar"), "is not in the dataset's own directory"),
        (lambda raw: raw["shards"][0].update(surprise=1), "surprise"),
        (lambda raw: raw["shards"][0].pop("sha256"), "sha256"),
        (lambda raw: raw.update(classes=None), "NoneType"),
        (_without("classes"), "'classes' is missing"),
        (_without("split"), "'split' is missing"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, damage: Any, message: str) -> None:
    MANIFEST.save(tmp_path)
    path = tmp_path / "dataset.json"
    raw = json.loads(path.read_text())
    damage(raw)
    path.write_text(json.dumps(raw))
    with pytest.raises(ManifestError, match=message) as caught:
        Manifest.load(tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"null"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dataset.json").write_bytes(content)
    with pytest.raises(ManifestError, match=r"dataset\.json"):
        Manifest.load(tmp_path)


def test_missing_manifest_says_why(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="absent is not a directory"):
        Manifest.load(tmp_path / "absent")
    with pytest.raises(ManifestError, match="it is not a dataset that `fastload prepare` finished"):
        Manifest.load(tmp_path)
    (tmp_path / "train" / ".prepare").mkdir(parents=True)
    for directory in (tmp_path / "train", tmp_path):
        with pytest.raises(
            ManifestError, match=r"train has no dataset\.json: its preparation is not finished"
        ):
            Manifest.load(directory)


def test_find_datasets(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="not a dataset"):
        find_datasets(tmp_path)
    for split in ("val", "train"):
        (tmp_path / split).mkdir()
        MANIFEST.save(tmp_path / split)
    assert find_datasets(tmp_path) == [tmp_path / "train", tmp_path / "val"]
    assert find_datasets(tmp_path / "val") == [tmp_path / "val"]
    with pytest.raises(ManifestError, match=r"is none itself: give .*train or .*val"):
        Manifest.load(tmp_path)
