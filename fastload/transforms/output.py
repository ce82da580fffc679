"""The last step: what a pixel's bytes become in the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastload.transforms._arguments import dtype_name, fail

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Normalize:
    """The last step: bytes to ``(value / 255 - mean) / std`` per channel, as torchvision's ToTensor +
    Normalize.

    Computed in float32 (byte-identical to torch), then rounded to ``dtype``: float32, float16 or bfloat16.
    ``channels_last``: the batch's memory is NHWC; its shape stays (N, 3, H, W), as with
    ``torch.channels_last``. ``reciprocal``: multiply by 1/255 instead of dividing by 255, as ToDtype of
    torchvision.transforms.v2 does; the last bit may differ.
    """

    mean: Sequence[float]
    std: Sequence[float]
    dtype: torch.dtype | str = "float32"
    channels_last: bool = False
    reciprocal: bool = False

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != 3 or not all(math.isfinite(v) for v in values):
                raise fail(self, f"{name} must be three finite numbers, one a channel, not {values!r}")
            object.__setattr__(self, name, tuple(float(v) for v in values))
        if 0 in self.std:
            raise fail(self, "std must not be zero")
        if dtype_name(self, self.dtype) == "uint8":
            raise fail(self, "dtype must be a floating-point type")


@dataclass(frozen=True)
class ToDtype:
    """The last step: the output's dtype (uint8, float32, float16, bfloat16), without normalisation.

    ``scale``: floating-point values lie in 0..1 (divided by 255 in float32) instead of 0..255; no effect on
    uint8. ``channels_last``, ``reciprocal``: as in :class:`Normalize`.
    """

    dtype: torch.dtype | str
    scale: bool = True
    channels_last: bool = False
    reciprocal: bool = False

    def __post_init__(self) -> None:
        dtype_name(self, self.dtype)
