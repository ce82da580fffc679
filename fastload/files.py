"""Encoded images with labels, read where they lie; files are the native side of torchvision's folders."""

from __future__ import annotations

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

    from fastload import _native


INT32 = range(-(2**31), 2**31)  # what a label can be


class EncodedSamples(ABC):
    """What datasets of encoded images that nobody has prepared have in common.

    ``native`` reads and decodes them; ``labels``: int32, one for each.
    """

    is_view = False
    class_count = 0  # labels are the user's: nothing is known of them
    native: _native.EncodedSource
    labels: npt.NDArray[np.int32]

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def fingerprint(self) -> list[str]:
        """Of the images' identity and the labels."""
        return [hashlib.sha256(part).hexdigest() for part in (self._identity(), self.labels.tobytes())]

    @abstractmethod
    def _identity(self) -> bytes:
        """What tells these images from others, wherever they lie."""

    @abstractmethod
    def batch(self, *columns: Any) -> Any:
        """Images, labels and perhaps a mask, as the user gets them."""

    @abstractmethod
    def sample(self, image: Any, label: int) -> Any:
        """As a collate_fn gets it."""


class FileList(EncodedSamples):
    """``paths[k]`` is an image file of the class ``labels[k]``.

    Baseline JPEGs are decoded by fastload's own decoder, all other files by Pillow, which keeps the GIL for a
    part of the time; both give ``Image.open(path).convert("RGB")``, and fail where that fails.
    """

    def __init__(self, paths: Sequence[str], labels: Sequence[int]) -> None:
        from fastload import _native

        self.paths = paths
        self.labels = np.asarray(labels, dtype=np.int32)
        self.native = _native.FileSource(join_paths(paths), self.labels, decode_with_pillow)

    def __repr__(self) -> str:
        return f"{len(self)} files"

    def batch(self, *columns: Any) -> list[Any]:
        """As PyTorch's loader gives them: in a list."""
        return list(columns)

    def sample(self, image: Any, label: int) -> tuple[Any, int]:
        return image, label

    def _identity(self) -> bytes:
        """Their names, below the directory that holds all of them."""
        first, last = min(self.paths, default=""), max(self.paths, default="")
        root = len(os.path.commonpath([os.path.dirname(first), os.path.dirname(last)]))
        return os.fsencode("\0".join(path[root:] for path in self.paths))


def join_paths(paths: Iterable[str]) -> bytes:
    """As _native.FileSource takes them."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def decode_with_pillow(
    data: bytes, turned: Callable[[Image.Image], Image.Image] | None = None
) -> npt.NDArray[np.uint8]:
    """A file's image as torchvision's ``pil_loader`` sees it: RGB, shape (height, width, 3).

    ``turned``: what is done to it before it becomes RGB.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray((turned(image) if turned else image).convert("RGB"))
    except UnidentifiedImageError:  # Pillow's message names the BytesIO
        raise UnidentifiedImageError("cannot identify image file") from None
