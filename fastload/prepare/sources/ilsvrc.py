"""ILSVRC2012 as image-net.org hands it out: three archives, read where they are and never extracted."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from fastload.errors import LabelError, PrepareError
from fastload.labels import Devkit
from fastload.manifest import ClassInfo
from fastload.prepare.keys import stem, unique_keys
from fastload.prepare.sources.source import Item, Source, fingerprint
from fastload.prepare.tar import TarIndex

TRAIN = "ILSVRC2012_img_train.tar"
VAL = "ILSVRC2012_img_val.tar"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
OFFICIAL_BYTES = {TRAIN: 147_897_477_120, VAL: 6_744_924_160, DEVKIT: 2_568_145}
_ARCHIVE_OF = {"train": TRAIN, "val": VAL}


def is_ilsvrc(root: Path) -> bool:
    """Whether the directory holds one of the two image archives."""
    return any((root / name).is_file() for name in (TRAIN, VAL))


def open_splits(root: Path, split: str | None) -> list[Source]:
    """The splits whose archives are in ``root``, or just ``split``.

    Raises PrepareError naming the archive that is missing. The training archive names its classes itself and
    needs no development kit; where there is one, its 1,000 classes are the labels.
    """
    if split is not None and split not in _ARCHIVE_OF:
        raise PrepareError(f"{root} holds ILSVRC2012, whose splits are train and val: there is no {split!r}")
    wanted = [split] if split else [s for s, name in _ARCHIVE_OF.items() if (root / name).is_file()]
    for name in (_ARCHIVE_OF[s] for s in wanted):
        if not (root / name).is_file():
            raise PrepareError(
                f"{root / name} is missing: download it from https://image-net.org, or leave out --split"
            )
    devkit = Devkit.load(root / DEVKIT) if (root / DEVKIT).is_file() else None
    if "val" in wanted and devkit is None:
        raise PrepareError(
            f"{root / DEVKIT} is missing: it has the labels of {VAL}. Put it beside the archive"
            + (", or prepare the training images alone with --split train" if "train" in wanted else "")
        )
    sources: list[Source] = []
    for name in wanted:
        archive = TarIndex(root / _ARCHIVE_OF[name])
        if name == "train":
            sources.append(TrainSource(archive, devkit))
        else:
            assert devkit is not None
            sources.append(ValSource(archive, devkit))
    return sources


class TrainSource:
    """A tar of tars: one for each class, named by its wnid. A group is a class, in wnid order."""

    split = "train"

    def __init__(self, archive: TarIndex, devkit: Devkit | None) -> None:
        self._archive = archive
        self._synsets = archive.members()
        wnids = [stem(member.name) for member in self._synsets]
        for member, wnid in zip(self._synsets, wnids, strict=True):
            if not re.fullmatch(r"n\d{8}", wnid) or not member.name.endswith(".tar"):
                raise PrepareError(
                    f"{archive.path} holds {member.name}: "
                    f"{TRAIN} has one nXXXXXXXX.tar for each class and nothing else"
                )
        if len(set(wnids)) != len(wnids) or not wnids:
            raise PrepareError(f"{archive.path} has a class twice, or none: it is not {TRAIN}")
        self.classes = devkit.classes if devkit else tuple(ClassInfo(wnid) for wnid in wnids)
        self.hierarchy = devkit.hierarchy if devkit else ()
        label_of = {info.id: label for label, info in enumerate(self.classes)}
        unknown = [wnid for wnid in wnids if wnid not in label_of]
        if unknown:
            raise LabelError(
                f"{archive.path} has the class {unknown[0]} (and {len(unknown) - 1} others), "
                f"which is no low-level synset of {DEVKIT}: the two files are not of one release"
            )
        self._labels = [label_of[wnid] for wnid in wnids]
        self.group_bytes = [member.size for member in self._synsets]
        self.fingerprint = fingerprint(self.classes, ((m.name, m.size) for m in self._synsets))

    def items(self, group: int) -> list[Item]:
        synset = self._synsets[group]
        wnid, label = stem(synset.name), self._labels[group]
        images = self._archive.members(synset)
        # An official name begins with its wnid, which makes it unique; another gets the wnid in front.
        stems = [stem(image.name) for image in images]
        names = [name if name.startswith(f"{wnid}_") else f"{wnid}_{name}" for name in stems]
        return [
            Item(f"{synset.name}/{image.name}", key, label, image.size, partial(self._archive.read, image))
            for image, key in zip(images, unique_keys((wnid, name) for name in names), strict=True)
        ]

    def close(self) -> None:
        self._archive.close()


class ValSource:
    """A flat tar, in which the order is not that of the names. One group, in name order.

    A file's label is the devkit's for the number in its name.
    """

    split = "val"

    def __init__(self, archive: TarIndex, devkit: Devkit) -> None:
        self._archive = archive
        self._images = archive.members()
        self.classes, self.hierarchy = devkit.classes, devkit.hierarchy
        self._labels = [_val_label(archive.path, image.name, devkit) for image in self._images]
        self.group_bytes = [sum(image.size for image in self._images)]
        names = ((image.name, image.size) for image in self._images)
        self.fingerprint = fingerprint(self.classes, names, self._labels)

    def items(self, group: int) -> list[Item]:
        assert group == 0
        keys = unique_keys((self.split, stem(image.name)) for image in self._images)
        return [
            Item(image.name, key, label, image.size, partial(self._archive.read, image))
            for image, key, label in zip(self._images, keys, self._labels, strict=True)
        ]

    def close(self) -> None:
        self._archive.close()


def _val_label(archive: Path, name: str, devkit: Devkit) -> int:
    number = re.fullmatch(r"ILSVRC2012_val_(\d{8})\.JPEG", name.rpartition("/")[2])
    if number is None:
        raise PrepareError(
            f"{archive} holds {name}: {VAL} has ILSVRC2012_val_XXXXXXXX.JPEG files and nothing else"
        )
    position = int(number[1])
    if not 1 <= position <= len(devkit.val_labels):
        raise LabelError(
            f"{archive} holds {name}, but the ground truth in {DEVKIT} has {len(devkit.val_labels)} lines: "
            "the two files are not of one release"
        )
    return devkit.val_labels[position - 1]


def describe(root: Path) -> list[str]:
    """One line for each of ILSVRC2012's archives in ``root``: its size, and what the official file has."""
    sizes = {name: (root / name).stat().st_size for name in OFFICIAL_BYTES if (root / name).is_file()}
    return [
        f"{name}: {size:,} bytes"
        + ("" if size == OFFICIAL_BYTES[name] else f" (the official file has {OFFICIAL_BYTES[name]:,})")
        for name, size in sizes.items()
    ]
