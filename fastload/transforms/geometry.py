"""Crops, resizes and flips: which pixels of an image a sample shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fastload.transforms._arguments import Size, check_probability, fail, filter_of, pair, reduces

if TYPE_CHECKING:
    from fastload import _native


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
        pair(self, self.size)
        filter_of(self, self.interpolation)
        reduces(self, self.decode_scale)
        for name, bounds in (("scale", self.scale), ("ratio", self.ratio)):
            if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1] < math.inf:
                raise fail(self, f"{name} must be two ascending positive numbers, not {bounds!r}")

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        height, width = pair(self, self.size)
        builder.random_resized_crop(
            height,
            width,
            *self.scale,
            *self.ratio,
            filter_of(self, self.interpolation),
            reduces(self, self.decode_scale),
        )

    def _output(self, _before: tuple[int, int] | None) -> tuple[int, int] | None:
        return pair(self, self.size)


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
        pair(self, self.size)
        filter_of(self, self.interpolation)
        reduces(self, self.decode_scale)
        if self.max_size is None:
            return
        if not self._keeps_ratio:
            raise fail(self, "max_size goes with one number as size")
        if self.max_size <= pair(self, self.size)[0]:
            raise fail(self, f"max_size {self.max_size} must be larger than size {self.size}")

    @property
    def _keeps_ratio(self) -> bool:
        return isinstance(self.size, int) or len(self.size) == 1

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        height, width = pair(self, self.size)
        how = filter_of(self, self.interpolation), reduces(self, self.decode_scale)
        if self._keeps_ratio:
            builder.resize_shorter_side(height, self.max_size or 0, *how)
        else:
            builder.resize_to(height, width, *how)

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        height, width = pair(self, self.size)
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
        pair(self, self.size)

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        builder.center_crop(*pair(self, self.size))

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        return _crop_output(self, pair(self, self.size), before)


@dataclass(frozen=True)
class RandomCrop:
    """A ``size`` (int or (height, width), pixels) at a uniform place. An image that is smaller raises
    TransformError."""

    size: Size

    def __post_init__(self) -> None:
        pair(self, self.size)

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        builder.random_crop(*pair(self, self.size))

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        return _crop_output(self, pair(self, self.size), before)


def _crop_output(transform: object, size: tuple[int, int], before: tuple[int, int] | None) -> tuple[int, int]:
    if before is not None and (size[0] > before[0] or size[1] > before[1]):
        raise fail(transform, f"size {size} (height, width) is larger than the {before} that reaches it")
    return size


@dataclass(frozen=True)
class RandomHorizontalFlip:
    """Mirrors left and right with probability ``p``."""

    p: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self, self.p)

    def _add_to(self, builder: _native.PlanBuilder) -> None:
        builder.random_horizontal_flip(self.p)

    def _output(self, before: tuple[int, int] | None) -> tuple[int, int] | None:
        return before


Geometric: TypeAlias = RandomResizedCrop | Resize | CenterCrop | RandomCrop | RandomHorizontalFlip
