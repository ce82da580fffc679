"""What happens to an image between shard and batch: declared here, compiled to one native plan, run in C++.

Names, arguments and distributions are torchvision's. Crops and resizes give Pillow's bytes, normalisation
gives torch's float32 values (float16 and bfloat16: those, rounded to nearest even). A list reads from left
to right; its geometric transforms must end in one size, because a batch is one tensor, and at most one of
:class:`Normalize` and :class:`ToDtype` comes last. Without either, images are uint8.

Resizes that shrink an image much may have it decoded at a part of its size: ``decode_scale="auto"``. Where
the crop is at least 2, 4 or 8 times the output in both directions, blocks are decoded to 4 x 4, 2 x 2 or
1 x 1 pixels (those of libjpeg-turbo's ``scale_denom`` 2, 4 or 8), and the reduced image is resized with the
crop as a box whose ends may lie between pixels: the bytes of Pillow's ``draft``, then ``resize(box=...)``.
As in Pillow, taps at the box's ends read beyond it, as far as the image goes. These are NOT the bytes of the
full decode, so the default is None: the full decode, always. Measured on 900 ImageNet images, bilinear:
RandomResizedCrop to 224, 160 and 112 pixels reduces 3, 20 and 59% of its crops, and decodes and resizes those
reduced by 2 in 1/1.35 to 1/1.65 of the time; the result is at 41 to 44 dB PSNR from the exact one on average,
30 at worst.

All classes are frozen dataclasses: they compare, hash and print by their arguments. Wrong arguments raise
TransformError (a ValueError) when the transform is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fastload.errors import TransformError

if TYPE_CHECKING:
    import torch

    from fastload import _native

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Size: TypeAlias = int | Sequence[int]
_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
_DTYPES = ("uint8", "float32", "float16", "bfloat16")


def _fail(transform: object, problem: str) -> TransformError:
    return TransformError(f"{type(transform).__name__}: {problem}")


def _pair(transform: object, size: Size) -> tuple[int, int]:
    """(height, width) of a size that is one number (a square) or (height, width)."""
    values = (size, size) if isinstance(size, int) else tuple(size)
    if len(values) == 1:
        values = (values[0], values[0])
    if len(values) != 2 or not all(isinstance(v, int) and 0 < v <= 65535 for v in values):
        raise _fail(transform, f"size must be a positive integer or (height, width), not {size!r}")
    return values


def _filter(transform: object, interpolation: Any) -> _native.Filter:
    """A Pillow filter by name ("bilinear"), or torchvision's or Pillow's enum of that name."""
    from fastload import _native

    name = str(getattr(interpolation, "name", interpolation)).lower()
    if name not in _FILTERS:
        raise _fail(transform, f"interpolation must be one of {', '.join(_FILTERS)}, not {interpolation!r}")
    return getattr(_native.Filter, name)  # type: ignore[no-any-return]


def _reduces(transform: object, decode_scale: object) -> bool:
    if decode_scale not in (None, "auto"):
        raise _fail(transform, f'decode_scale must be None or "auto", not {decode_scale!r}')
    return decode_scale is not None


def _dtype_name(transform: object, dtype: Any) -> str:
    name = str(dtype).removeprefix("torch.")
    if name not in _DTYPES:
        raise _fail(transform, f"dtype must be one of {', '.join(_DTYPES)}, not {dtype!r}")
    return name


@dataclass(frozen=True)
class RandomResizedCrop:
    """A crop of random area and aspect ratio, resized to ``size``: torchvision's, with its ten tries and
    central fallback.

    ``size``: pixels, int or (height, width). ``scale``: bounds of the crop's share of the area. ``ratio``:
    bounds of width / height, drawn log-uniformly. ``interpolation``: nearest, box, bilinear, hamming,
    bicubic or lanczos (Szegedy et al., "Going deeper with convolutions", 2015, section 6). ``decode_scale``:
    "auto" decodes large crops at a part of their size, see above.
    """

    size: Size
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: Any = "bilinear"
    decode_scale: Literal["auto"] | None = None

    def __post_init__(self) -> None:
        _pair(self, self.size)
        _filter(self, self.interpolation)
        _reduces(self, self.decode_scale)
        for name, bounds in (("scale", self.scale), ("ratio", self.ratio)):
            if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1] < math.inf:
                raise _fail(self, f"{name} must be two ascending positive numbers, not {bounds!r}")

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        height, width = _pair(self, self.size)
        builder.random_resized_crop(
            height,
            width,
            *self.scale,
            *self.ratio,
            _filter(self, self.interpolation),
            _reduces(self, self.decode_scale),
        )

    def _output(self, _before: tuple[int, int] | None) -> tuple[int, int] | None:
        return _pair(self, self.size)


@dataclass(frozen=True)
class Resize:
    """Resizes the shorter side to ``size`` pixels, keeping the aspect ratio, or to exactly (height, width).

    ``max_size``: with one number, the most pixels that the longer side may get. ``decode_scale``: "auto"
    decodes large images at a part of their size, see above.
    """

    size: Size
    interpolation: Any = "bilinear"
    max_size: int | None = None
    decode_scale: Literal["auto"] | None = None

    def __post_init__(self) -> None:
        _pair(self, self.size)
        _filter(self, self.interpolation)
        _reduces(self, self.decode_scale)
        if self.max_size is None:
            return
        if not self._keeps_ratio:
            raise _fail(self, "max_size goes with one number as size")
        if self.max_size <= _pair(self, self.size)[0]:
            raise _fail(self, f"max_size {self.max_size} must be larger than size {self.size}")

    @property
    def _keeps_ratio(self) -> bool:
        return isinstance(self.size, int) or len(self.size) == 1

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        height, width = _pair(self, self.size)
        how = _filter(self, self.interpolation), _reduces(self, self.decode_scale)
        if self._keeps_ratio:
            builder.resize_shorter_side(height, self.max_size or 0, *how)
        else:
            builder.resize_to(height, width, *how)

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        height, width = _pair(self, self.size)
        if not self._keeps_ratio:
            return height, width
        if before is None:
            return None
        # As torchvision's _compute_resized_output_size and Plan::draw.
        short, long = min(before), max(before)
        new_short, new_long = height, int(height * long / short)
        if self.max_size is not None and new_long > self.max_size:
            new_short, new_long = int(self.max_size * new_short / new_long), self.max_size
        return (new_short, new_long) if before[0] <= before[1] else (new_long, new_short)


@dataclass(frozen=True)
class CenterCrop:
    """The central ``size`` (int or (height, width), pixels). An image that is smaller raises
    TransformError."""

    size: Size

    def __post_init__(self) -> None:
        _pair(self, self.size)

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        builder.center_crop(*_pair(self, self.size))

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        return _crop_output(self, _pair(self, self.size), before)


@dataclass(frozen=True)
class RandomCrop:
    """A ``size`` (int or (height, width), pixels) at a uniform place. An image that is smaller raises
    TransformError."""

    size: Size

    def __post_init__(self) -> None:
        _pair(self, self.size)

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        builder.random_crop(*_pair(self, self.size))

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        return _crop_output(self, _pair(self, self.size), before)


def _crop_output(transform: object, size: tuple[int, int], before: tuple[int, int] | None) -> tuple[int, int]:
    if before is not None and (size[0] > before[0] or size[1] > before[1]):
        raise _fail(transform, f"size {size} (height, width) is larger than the {before} that reaches it")
    return size


@dataclass(frozen=True)
class RandomHorizontalFlip:
    """Mirrors left and right with probability ``p``."""

    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise _fail(self, f"p must lie in 0..1, not {self.p!r}")

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        builder.random_horizontal_flip(self.p)

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        return before


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
                raise _fail(self, f"{name} must be three finite numbers, one a channel, not {values!r}")
            object.__setattr__(self, name, tuple(float(v) for v in values))
        if 0 in self.std:
            raise _fail(self, "std must not be zero")
        if _dtype_name(self, self.dtype) == "uint8":
            raise _fail(self, "dtype must be a floating-point type")


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
        _dtype_name(self, self.dtype)


Geometric: TypeAlias = RandomResizedCrop | Resize | CenterCrop | RandomCrop | RandomHorizontalFlip
Transform: TypeAlias = Geometric | Normalize | ToDtype


@dataclass(frozen=True)
class Compiled:
    """A transform list that makes sense: the native plan, and the (height, width) that every image gets."""

    plan: _native.Plan
    height: int
    width: int


def compile_plan(transforms: Transform | Iterable[Transform]) -> Compiled:
    """Checks a transform list and compiles it. Raises TransformError for one without a meaning, TypeError for
    what is not a transform of this module."""
    from fastload import _native

    steps = [transforms] if isinstance(transforms, Transform) else list(transforms)
    builder = _native.PlanBuilder()
    size: tuple[int, int] | None = None
    resized = False
    last: Normalize | ToDtype = ToDtype("uint8")
    for position, step in enumerate(steps):
        if isinstance(step, Normalize | ToDtype):
            if position != len(steps) - 1:
                raise _fail(step, f"must be the last transform, but {steps[position + 1]!r} follows it")
            last = step
        elif isinstance(step, Geometric):
            if isinstance(step, RandomResizedCrop | Resize):
                if resized and step.decode_scale is not None:
                    raise _fail(step, "decode_scale is for the first resize: what follows it has no decoder")
                resized = True
            step._add_to(builder)
            size = step._output(size)
        else:
            raise TypeError(
                f"{step!r} is not a transform of fastload.transforms"
                + (", though one of that name exists" if type(step).__name__ in globals() else "")
            )
    if size is None:
        raise TransformError(
            "the transforms leave images of different sizes, which cannot be one batch: end them with a "
            "crop or with Resize((height, width))"
        )
    dtype = _dtype_name(last, last.dtype)
    mean = std = None
    if isinstance(last, Normalize):
        mean, std = tuple(last.mean), tuple(last.std)
    scale = dtype != "uint8" and (isinstance(last, Normalize) or last.scale)
    reciprocal = scale and last.reciprocal
    plan = builder.build(getattr(_native.DType, dtype), last.channels_last, scale, mean, std, reciprocal)
    return Compiled(plan, *size)
