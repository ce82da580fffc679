"""The devkit: ILSVRC2012_IDs become positions among the sorted wnids, whatever the IDs' order."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

import corpus
from fastload.errors import LabelError
from fastload.labels import Devkit
from fastload.manifest import ClassInfo

DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"


def _write(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"ILSVRC2012_devkit_t12/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_labels_follow_the_sorted_wnids(ilsvrc_dir: Path) -> None:
    devkit = Devkit.load(ilsvrc_dir / DEVKIT)
    leaves = sorted(corpus.LEAVES, key=lambda synset: synset.wnid)
    assert devkit.classes == tuple(ClassInfo(leaf.wnid, leaf.words) for leaf in leaves)
    truth = corpus.val_truth(len(devkit.val_labels))
    assert [devkit.classes[label].id for label in devkit.val_labels] == [synset.wnid for synset in truth]
    # The case that tells the two numberings apart: here they do differ.
    assert [synset.id - 1 for synset in leaves] != list(range(len(leaves)))


def test_hierarchy_has_every_edge(ilsvrc_dir: Path) -> None:
    wnid = {synset.id: synset.wnid for synset in corpus.SYNSETS}
    edges = {(synset.wnid, wnid[child]) for synset in corpus.SYNSETS for child in synset.children}
    assert Devkit.load(ilsvrc_dir / DEVKIT).hierarchy == tuple(sorted(edges))


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (7, "line 2 of the ground truth is 7"),
        (99, "line 2 .* 99"),
        (0, "line 2 .* is 0, which is no low-level"),
    ],
)
def test_ground_truth_must_name_low_level_synsets(tmp_path: Path, number: int, message: str) -> None:
    files = {"data/meta.mat": corpus.meta_mat({}), TRUTH: f"1\n{number}\n".encode()}
    path = _write(tmp_path / DEVKIT, files)
    with pytest.raises(LabelError, match=message) as caught:
        Devkit.load(path)
    assert str(path) in str(caught.value)


def test_missing_or_damaged_parts(tmp_path: Path, ilsvrc_dir: Path) -> None:
    path = tmp_path / DEVKIT
    with pytest.raises(FileNotFoundError):
        Devkit.load(path)
    with pytest.raises(LabelError, match=r"holds no meta\.mat"):
        Devkit.load(_write(path, {TRUTH: b"1\n"}))
    with pytest.raises(LabelError, match=r"holds no ILSVRC2012_validation_ground_truth\.txt"):
        Devkit.load(_write(path, {"data/meta.mat": corpus.meta_mat({})}))
    with pytest.raises(LabelError, match="cannot be read"):
        Devkit.load(_write(path, {"data/meta.mat": b"MATLAB" * 60, TRUTH: b"1\n"}))
    with pytest.raises(LabelError, match="cannot be read"):
        Devkit.load(_write(path, {"data/meta.mat": corpus.meta_mat({}), TRUTH: b"one\n"}))
    whole = (ilsvrc_dir / DEVKIT).read_bytes()
    for damaged in (b"", b"not a tar", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(LabelError, match="is damaged"):
            Devkit.load(path)


def test_real_devkit(imagenet_sample: Path) -> None:
    devkit = Devkit.load(imagenet_sample / DEVKIT)
    wnids = [info.id for info in devkit.classes]
    assert len(wnids) == 1000
    assert wnids == sorted(set(wnids))
    assert devkit.classes[0] == ClassInfo("n01440764", "tench, Tinca tinca")
    with tarfile.open(imagenet_sample / "ILSVRC2012_img_val.tar") as archive:
        assert len(devkit.val_labels) == len(archive.getmembers())
    assert {child for _, child in devkit.hierarchy} >= set(wnids)
