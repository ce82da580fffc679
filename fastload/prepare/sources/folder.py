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
_SPLITS = ("train", "val", "test")


class FolderSource:
    """Classes are the sorted names of sub-folders; a class's images are all image files below its folder.

    ``split`` is, unless given, the folder's own name where that is train, val or test, and else train.
    """

    hierarchy: tuple[tuple[str, str], ...] = ()

    def __init__(self, root: Path, split: str | None) -> None:
        self.root = root
        self.split = split or (root.name if root.name in _SPLITS else "train")
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        if names and set(names) <= set(_SPLITS):
            raise PrepareError(
                f"{root} holds splits ({', '.join(names)}), not classes: "
                f"prepare each alone, as in `fastload prepare {root / names[0]} DEST --split {names[0]}`"
            )
        if not names:
            raise PrepareError(
                f"{root} holds neither ILSVRC2012_img_train.tar or ILSVRC2012_img_val.tar, "
                "nor a folder for each class"
            )
        self.classes = tuple(ClassInfo(_printable(name)) for name in names)
        self._files = [_image_files(root / name) for name in names]
        for name, files in zip(names, self._files, strict=True):
            if not files:
                raise PrepareError(
                    f"{root / name} holds no image, but would be a class: remove it, or add images "
                    f"({', '.join(EXTENSIONS)})"
                )
        self.group_bytes = [sum(size for _, size in files) for files in self._files]

    @cached_property
    def _keys(self) -> list[list[str]]:
        groups = [(info.id, files) for info, files in zip(self.classes, self._files, strict=True)]
        keys = iter(unique_keys((group, stem(path)) for group, files in groups for path, _ in files))
        return [[next(keys) for _ in files] for files in self._files]

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.classes, (entry for files in self._files for entry in files))

    def items(self, group: int) -> list[Item]:
        return [
            Item(_printable(path), key, group, size, partial(_read, self.root / path))
            for (path, size), key in zip(self._files[group], self._keys[group], strict=True)
        ]

    def close(self) -> None:
        """Nothing is held open between reads."""


def _image_files(folder: Path) -> list[tuple[str, int]]:
    """(path from the source's root, size) in the order in which torchvision's make_dataset finds them."""
    found = []
    start = len(os.path.join(folder.parent, ""))
    for directory, _, names in sorted(os.walk(folder, followlinks=True)):
        for name in sorted(names):
            if name.lower().endswith(EXTENSIONS):
                path = os.path.join(directory, name)
                found.append((path[start:], _size(path)))
    return found


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:  # a link to nowhere: reading it will say so, by name
        return 0


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _printable(name: str) -> str:
    # Names that are no UTF-8 must not stop a JSON file or a terminal.
    return os.fsencode(name).decode(errors="backslashreplace")
