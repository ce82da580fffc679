"""AlexNet's colour augmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastload.transforms._arguments import fail

if TYPE_CHECKING:
    from fastload import _native

# Of ImageNet's pixels in 0..1, channels red, green, blue (fb.resnet.torch).
IMAGENET_EIGVAL = (0.2175, 0.0188, 0.0045)
IMAGENET_EIGVEC = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)


@dataclass(frozen=True)
class Lighting:
    """Adds ``eigvec @ (alpha * eigval)`` to all of an image's pixels, alpha three normal numbers of standard
    deviation ``alphastd``: PCA colour augmentation (Krizhevsky et al., "ImageNet classification with deep
    convolutional neural networks", 2012, section 4.1).

    ``eigval``: 3 values. ``eigvec``: 3 x 3, a row a channel; both of pixels in 0..1. It comes after all other
    transforms of pixels and before Normalize or ToDtype. The shift is computed in double precision and
    rounded to float32 once, then added in float32 to the value in 0..1 (times 255, where ToDtype does not
    scale) and normalised. Nothing is clipped, but uint8 images, which are rounded to the nearest byte.
    """

    alphastd: float = 0.1
    eigval: Sequence[float] = IMAGENET_EIGVAL
    eigvec: Sequence[Sequence[float]] = IMAGENET_EIGVEC

    def __post_init__(self) -> None:
        if not 0 <= self.alphastd < math.inf:
            raise fail(self, f"alphastd must not be negative, but is {self.alphastd!r}")
        eigval = tuple(float(v) for v in self.eigval)
        eigvec = tuple(tuple(float(v) for v in row) for row in self.eigvec)
        if [len(eigval), *map(len, eigvec)] != [3, 3, 3, 3]:
            raise fail(self, "eigval must be three numbers and eigvec three rows of three")
        if not all(math.isfinite(v) for row in (eigval, *eigvec) for v in row):
            raise fail(self, "eigval and eigvec must be finite")
        object.__setattr__(self, "eigval", eigval)
        object.__setattr__(self, "eigvec", eigvec)

    def _add_to(self, builder: _native.PlanBuilder, _size: tuple[int, int] | None) -> None:
        from fastload import _native

        builder.augment(_native.Lighting(self.alphastd, self.eigval, self.eigvec))
