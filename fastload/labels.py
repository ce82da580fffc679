"""ILSVRC2012's development kit: which class a validation image belongs to, and what the classes are called.

Two numberings meet here. The kit's ILSVRC2012_ID counts synsets in an order of its own, inner nodes of the
hierarchy included; models use the position of the wnid among the sorted wnids of the low-level synsets, as
torchvision's ImageFolder finds them. Nothing is assumed of the order of the IDs.
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastload.errors import LabelError
from fastload.manifest import ClassInfo


@dataclass(frozen=True)
class Devkit:
    """What the kit says. ``val_labels[i]`` is the label of ``ILSVRC2012_val_{i + 1:08d}.JPEG``.

    ``classes`` are the low-level synsets in wnid order (a label is a position in it); ``hierarchy`` are
    (parent wnid, child wnid) edges over all synsets, sorted.
    """

    classes: tuple[ClassInfo, ...]
    hierarchy: tuple[tuple[str, str], ...]
    val_labels: tuple[int, ...]

    @classmethod
    def load(cls, path: str | Path) -> Devkit:
        """Read ``ILSVRC2012_devkit_t12.tar.gz``.

        Raises LabelError where a part is missing, damaged, or contradicts another; OSError where the file
        cannot be read.
        """
        path = Path(path)
        try:
            with tarfile.open(path) as archive:
                files = {Path(member.name).name: member for member in archive if member.isfile()}
                meta = _member(archive, files, "meta.mat", path)
                truth = _member(archive, files, "ILSVRC2012_validation_ground_truth.txt", path)
        except (tarfile.TarError, EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise LabelError(f"{path} is damaged: {error}. Download it again") from error
        try:
            synsets = _synsets(meta)
            return _build(synsets, [int(line) for line in truth.split()])
        except LabelError as error:
            raise LabelError(f"{path}: {error}") from error
        except Exception as error:  # whatever scipy's parser meets in damaged bytes
            raise LabelError(f"{path}: its meta.mat or ground truth cannot be read: {error}") from error


@dataclass(frozen=True)
class _Synset:
    wnid: str
    words: str
    leaf: bool
    children: tuple[int, ...]  # ILSVRC2012_IDs


def _member(archive: tarfile.TarFile, files: dict[str, tarfile.TarInfo], name: str, path: Path) -> bytes:
    if name not in files:
        raise LabelError(f"{path} holds no {name}: it is not ILSVRC2012_devkit_t12.tar.gz")
    file = archive.extractfile(files[name])
    assert file is not None  # only regular files were listed
    return file.read()


def _synsets(meta: bytes) -> dict[int, _Synset]:
    from scipy.io import loadmat

    synsets: dict[int, _Synset] = {}
    for row in loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"].reshape(-1):
        number = int(row["ILSVRC2012_ID"])
        if number in synsets:
            raise LabelError(f"meta.mat has two synsets with ILSVRC2012_ID {number}")
        synsets[number] = _Synset(
            str(row["WNID"]), str(row["words"]), int(row["num_children"]) == 0, _integers(row["children"])
        )
    return synsets


def _integers(cell: Any) -> tuple[int, ...]:
    # Matlab has no scalars: squeezing turned a list of one into a number, and an empty one into an empty
    # array.
    import numpy as np

    return tuple(int(value) for value in np.atleast_1d(cell).reshape(-1))


def _build(synsets: dict[int, _Synset], truth: list[int]) -> Devkit:
    leaves = sorted((s for s in synsets.values() if s.leaf), key=lambda synset: synset.wnid)
    label_of = {synset.wnid: label for label, synset in enumerate(leaves)}
    if len(label_of) != len(leaves):
        raise LabelError("meta.mat names a wnid twice")
    labels = []
    for line, number in enumerate(truth, start=1):
        if number not in synsets or not synsets[number].leaf:
            raise LabelError(
                f"line {line} of the ground truth is {number}, which is no low-level synset's ID"
            )
        labels.append(label_of[synsets[number].wnid])
    edges = set()
    for synset in synsets.values():
        for child in synset.children:
            if child not in synsets:
                raise LabelError(f"{synset.wnid} has a child {child}, which meta.mat does not describe")
            edges.add((synset.wnid, synsets[child].wnid))
    classes = tuple(ClassInfo(synset.wnid, synset.words) for synset in leaves)
    return Devkit(classes, tuple(sorted(edges)), tuple(labels))
