"""A folder with a folder of images for each class, by the rules of torchvision's ImageFolder."""

from __future__ import annotations

import os
from functools import cached_property, partial
from pathlib import Path

from fastload.errors import PrepareError
from fastload.manifest import ClassInfo
from fastload.prepare.keys import stem, unique_keys
from fastload.prepare.sources.source import Item, fingerprint

# torchvision.datasets.folder.IMG_EXTENSIONS. A name decides only whether a file is taken; what it is, its
# bytes say.
EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
SPLITS = ("train", "val", "test")


class FolderSource:
    """Classes are the sorted names of sub-folders; a class's images are all image files below its folder.

    ``split`` is, unless given, the folder's own name where that is train, val or test, and else train.
    ``files`` holds (path from the root, size) of the images of each class, ``newest`` the time at which the
    last of them was changed, in nanoseconds.
    """

    hierarchy: tuple[tuple[str, str], ...] = ()

    def __init__(self, root: Path, split: str | None) -> None:
        self.root = root
        self.split = split or (root.name if root.name in SPLITS else "train")
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        if names and set(names) <= set(SPLITS):
            raise PrepareError(
                f"{root} holds splits ({', '.join(names)}), not classes: "
                f"prepare each alone, as in `fastload prepare {root / names[0]} DEST --split {names[0]}`"
            )
        if not names:
            raise PrepareError(
                f"{root} holds neither ILSVRC2012_img_train.tar or ILSVRC2012_img_val.tar, "
                "nor a folder for each class"
            )
        self.classes = tuple(ClassInfo(printable(name)) for name in names)
        found = [_image_files(root / name) for name in names]
        self.files = [[(path, size) for path, size, _ in files] for files in found]
        self.newest = max((changed for files in found for _, _, changed in files), default=0)
        for name, files in zip(names, self.files, strict=True):
            if not files:
                raise PrepareError(
                    f"{root / name} holds no image, but would be a class: remove it, or add images "
                    f"({', '.join(EXTENSIONS)})"
                )
        self.group_bytes = [sum(size for _, size in files) for files in self.files]

    @cached_property
    def _keys(self) -> list[list[str]]:
        groups = [(info.id, files) for info, files in zip(self.classes, self.files, strict=True)]
        keys = iter(unique_keys((group, stem(path)) for group, files in groups for path, _ in files))
        return [[next(keys) for _ in files] for files in self.files]

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.classes, (entry for files in self.files for entry in files))

    def items(self, group: int) -> list[Item]:
        return [
            Item(printable(path), key, group, size, partial(read_file, self.root / path))
            for (path, size), key in zip(self.files[group], self._keys[group], strict=True)
        ]

    def close(self) -> None:
        """Nothing is held open between reads."""


def _image_files(folder: Path) -> list[tuple[str, int, int]]:
    """(path from the source's root, size, time of change) in the order in which torchvision's make_dataset
    finds them.
    """
    found = []
    start = len(os.path.join(folder.parent, ""))
    for directory, _, names in sorted(os.walk(folder, followlinks=True)):
        for name in sorted(names):
            if name.lower().endswith(EXTENSIONS):
                path = os.path.join(directory, name)
                found.append((path[start:], *_size_and_time(path)))
    return found


def _size_and_time(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:  # a link to nowhere: reading it will say so, by name
        return 0, 0
    return status.st_size, status.st_mtime_ns


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return file.readall()


def printable(name: str) -> str:
    """A file's name as text: names that are no UTF-8 must not stop a JSON file or a terminal."""
    return os.fsencode(name).decode(errors="backslashreplace")
