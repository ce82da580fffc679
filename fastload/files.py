"""Image files with labels, read where they lie: the native side of torchvision's folders."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from fastload import _native


class FileList:
    """``paths[k]`` is an image file of the class ``labels[k]``.

    Baseline JPEGs are decoded by fastload's own decoder, all other files by Pillow, which keeps the GIL for a
    part of the time; both give ``Image.open(path).convert("RGB")``, and fail where that fails.
    """

    is_view = False
    class_count = 0  # labels are the user's: nothing is known of them

    def __init__(self, paths: Sequence[str], labels: Sequence[int]) -> None:
        from fastload import _native

        self.paths = paths
        self.labels = np.asarray(labels, dtype=np.int32)
        blob = b"".join(os.fsencode(path) + b"\0" for path in paths)
        self.native: _native.FileSource = _native.FileSource(blob, self.labels, decode_with_pillow)

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.labels)


def decode_with_pillow(data: bytes) -> npt.NDArray[np.uint8]:
    """A file's image as torchvision's ``pil_loader`` sees it: RGB, shape (height, width, 3)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:  # Pillow's message names the BytesIO
        raise UnidentifiedImageError("cannot identify image file") from None
