"""Datasets to test with, built from photographs: image folders and ILSVRC archives; always the same bytes."""

from __future__ import annotations

import gzip
import io
import random
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.io

from jpeg_cases import bad_cases, encode_array, good_cases, jpeg_bomb, jpeg_cases, odd_cases
from photographs import FILES, photograph, photographs

__all__ = ["bad_cases", "good_cases", "jpeg_bomb", "jpeg_cases", "odd_cases", "photograph", "photographs"]
__all__ += ["LEAVES", "SYNSETS", "Synset", "make_ilsvrc", "make_imagefolder", "sample_jpeg", "val_truth"]

# ImageNet's own mix: mostly 4:4:4, a fifth 4:2:0, some gray, a few progressive.
ENCODINGS: list[dict[str, object]] = [
    {"subsampling": "4:4:4"},
    {"subsampling": "4:2:0"},
    {"subsampling": "4:4:4", "quality": 75},
    {"mode": "L"},
    {"subsampling": "4:4:4", "optimize": True},
    {"subsampling": "4:2:0", "progressive": True},
    {"subsampling": "4:2:2"},
]


class Synset(NamedTuple):
    """A row of the devkit's meta.mat; `id` is ILSVRC2012_ID, and `children` are such IDs."""

    id: int
    wnid: str
    words: str
    gloss: str
    children: list[int]


# Like the real one: leaves first, their IDs not in the order of the wnids; then the ancestors. The hierarchy
# is no tree: `domestic cat` has two parents.
SYNSETS = [
    Synset(*row)
    for row in [
        (1, "n02123045", "tabby, tabby cat", "a cat with a grey or tawny coat mottled with black", []),
        (
            2,
            "n01440764",
            "tench, Tinca tinca",
            "freshwater dace-like game fish of Europe",
            [],
        ),
        (
            3,
            "n04285008",
            "sports car, sport car",
            "a small low car with a high-powered engine",
            [],
        ),
        (4, "n02124075", "Egyptian cat", "a domestic cat of Egypt", []),
        (5, "n01443537", "goldfish, Carassius auratus", "small golden or orange-red freshwater fishes", []),
        (
            6,
            "n03126707",
            "crane",
            "lifts and moves heavy objects",
            [],
        ),
        (7, "n00001740", "entity", "that which is perceived or known or inferred to exist", [8, 9]),
        (
            8,
            "n00015388",
            "animal, animate being, beast",
            "a living organism that moves",
            [10, 11, 12],
        ),
        (9, "n00021939", "artifact, artefact", "a man-made object taken as a whole", [3, 6]),
        (10, "n02512053", "fish", "any of various mostly cold-blooded aquatic vertebrates", [2, 5]),
        (11, "n01317541", "domestic animal", "any of various animals that have been tamed", [13]),
        (12, "n02120997", "feline, felid", "any of various lithe-bodied roundheaded fissiped mammals", [13]),
        (13, "n02121808", "domestic cat, house cat", "any domesticated member of the genus Felis", [1, 4]),
    ]
]
LEAVES = [synset for synset in SYNSETS if not synset.children]
HEIGHTS = {7: 4, 8: 3, 9: 1, 10: 1, 11: 2, 12: 2, 13: 1}


def sample_jpeg(
    rng: random.Random, photo: np.ndarray, index: int, sides: tuple[int, int] = (40, 300)
) -> bytes:
    """A random crop of `photo`, each side within `sides`, in the encoding that belongs to `index`."""
    height, width = (rng.randint(min(sides[0], n), min(sides[1], n)) for n in photo.shape[:2])
    y, x = rng.randint(0, photo.shape[0] - height), rng.randint(0, photo.shape[1] - width)
    options = dict(ENCODINGS[index % len(ENCODINGS)])
    mode = str(options.pop("mode", "RGB"))
    return encode_array(photo[y : y + height, x : x + width], mode, **options)


def make_imagefolder(
    directory: Path,
    *,
    classes: int = 4,
    per_class: int = 6,
    sides: tuple[int, int] = (40, 300),
    part: tuple[float, float] = (0, 1),
) -> Path:
    """`directory`/PHOTOGRAPH/NNNN.jpg: one class a photograph, random crops of it in a mix of encodings.

    `part` confines the crops to a part of the photograph's width.
    """
    for name in list(FILES)[:classes]:
        rng, whole = random.Random(name), photograph(name)
        photo = whole[:, int(part[0] * whole.shape[1]) : int(part[1] * whole.shape[1])]
        (directory / name).mkdir(parents=True)
        for index in range(per_class):
            (directory / name / f"{index:04}.jpg").write_bytes(sample_jpeg(rng, photo, index, sides))
    return directory


def val_truth(val: int) -> list[Synset]:
    """The synset of validation image 1, 2, ... `val`; every leaf about equally often, in no order."""
    truth = [LEAVES[i % len(LEAVES)] for i in range(val)]
    random.Random(2012).shuffle(truth)
    return truth


def make_ilsvrc(
    directory: Path, *, train_per_class: int = 3, val: int = 12, odd: bool = True, bad: bool = False
) -> Path:
    """ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and ILSVRC2012_devkit_t12.tar.gz, six classes.

    `odd` adds a PNG, a CMYK and a YCCK file named .JPEG, as in the real archive; `bad` adds a truncated
    and an empty file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rng = random.Random(train_per_class)
    members: dict[str, dict[str, bytes]] = {}
    for photo, synset in zip(FILES, sorted(LEAVES, key=lambda s: s.wnid), strict=False):
        numbers = sorted(rng.sample(range(1, 30_000), train_per_class))
        jpegs = [sample_jpeg(rng, photograph(photo), index) for index in range(train_per_class)]
        members[synset.wnid] = {f"{synset.wnid}_{n}.JPEG": j for n, j in zip(numbers, jpegs, strict=True)}
    extra = [odd_cases()[name] for name in ("png_alpha", "cmyk", "ycck") if odd]
    extra += [bad_cases()[name] for name in ("truncated_half", "empty") if bad]
    for wnid, data, number in zip(members, extra, range(30_001, 30_006), strict=False):
        members[wnid][f"{wnid}_{number}.JPEG"] = data
    train = _tar({f"{wnid}.tar": _tar(files) for wnid, files in members.items()})
    (directory / "ILSVRC2012_img_train.tar").write_bytes(train)

    photo_of = dict(zip(sorted(s.wnid for s in LEAVES), FILES, strict=False))
    truth = val_truth(val)
    jpegs = [sample_jpeg(rng, photograph(photo_of[s.wnid]), index) for index, s in enumerate(truth)]
    images = {f"ILSVRC2012_val_{number:08}.JPEG": jpeg for number, jpeg in enumerate(jpegs, start=1)}
    names = list(images)
    rng.shuffle(names)  # the official tar is not in the order of its names either
    (directory / "ILSVRC2012_img_val.tar").write_bytes(_tar({name: images[name] for name in names}))

    counts = {wnid: len(files) for wnid, files in members.items()}
    ids = "".join(f"{synset.id}\n" for synset in truth)
    data = "ILSVRC2012_devkit_t12/data"
    devkit = {
        f"{data}/meta.mat": meta_mat(counts),
        f"{data}/ILSVRC2012_validation_ground_truth.txt": ids.encode(),
    }
    (directory / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(gzip.compress(_tar(devkit), mtime=0))
    return directory


def meta_mat(num_train_images: dict[str, int]) -> bytes:
    """The devkit's meta.mat: a column of structs, `synsets`; numbers are 1x1 doubles, as MATLAB has them."""
    fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height"]
    synsets = np.empty((len(SYNSETS), 1), dtype=[(f, object) for f in [*fields, "num_train_images"]])
    for row, s in zip(synsets[:, 0], SYNSETS, strict=True):
        numbers = float(len(s.children)), np.array([s.children], dtype=float), float(HEIGHTS.get(s.id, 0))
        for field, value in zip(fields, (float(s.id), s.wnid, s.words, s.gloss, *numbers), strict=True):
            row[field] = value
        row["num_train_images"] = float(num_train_images.get(s.wnid, 0))
    out = io.BytesIO()
    scipy.io.savemat(out, {"synsets": synsets})
    # The first 116 bytes are free text, in which scipy tells the time.
    return b"MATLAB 5.0 MAT-file".ljust(116) + out.getvalue()[116:]


def _tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_340_000_000
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


if __name__ == "__main__":
    # Folders to train on and to check with: the right third of each photograph is held out.
    images = Path(sys.argv[1])
    make_imagefolder(images / "train", classes=len(FILES), per_class=60, sides=(120, 400), part=(0, 0.65))
    make_imagefolder(images / "val", classes=len(FILES), per_class=15, sides=(120, 400), part=(0.65, 1))
