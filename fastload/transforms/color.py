"""Photometric transforms of uint8 images: torchvision's of a Pillow image, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from fastload.transforms._arguments import check_probability, fail

if TYPE_CHECKING:
    from fastload import _native

Jitter: TypeAlias = float | Sequence[float]
OutputSize: TypeAlias = tuple[int, int] | None


def _add_operation(builder: _native.PlanBuilder, p: float, kind: str, value: float = 0.0) -> None:
    """One operation with probability ``p``."""
    from fastload import _native

    operation = _native.PixelOperation(getattr(_native.PixelKind, kind), value)
    builder.augment(_native.RandomPolicy([[_native.PolicyStep(p, [operation])]]))


class _RandomOperation:
    """One operation with probability ``p``: what the transforms below differ in is which."""

    _kind: ClassVar[str]  # of _native.PixelKind
    p: float

    def __post_init__(self) -> None:
        check_probability(self, self.p)

    def _value(self) -> float:
        return 0.0

    def _add_to(self, builder: _native.PlanBuilder, _size: OutputSize) -> None:
        _add_operation(builder, self.p, self._kind, self._value())


@dataclass(frozen=True)
class ColorJitter:
    """Brightness, contrast, saturation and hue, in random order, by factors drawn uniformly.

    ``brightness``, ``contrast``, ``saturation``: a number d for factors in max(0, 1 - d) .. 1 + d, or
    (least, greatest). ``hue``: a number in 0 .. 0.5 for -hue .. hue, or (least, greatest) in -0.5 .. 0.5, in
    turns of the colour circle, of which Pillow has 256 steps. 0: nothing.
    """

    brightness: Jitter = 0
    contrast: Jitter = 0
    saturation: Jitter = 0
    hue: Jitter = 0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation", "hue"):
            value = getattr(self, name)
            if not isinstance(value, int | float):
                object.__setattr__(self, name, tuple(float(bound) for bound in value))
            self._range(name)

    def _range(self, name: str) -> tuple[float, float] | None:
        value: Any = getattr(self, name)
        center, least, greatest = (0.0, -0.5, 0.5) if name == "hue" else (1.0, 0.0, math.inf)
        bounds = value
        if isinstance(value, int | float):
            low = center - value
            bounds = (low if name == "hue" else max(low, 0.0), center + value)
        ascending = len(bounds) == 2 and least <= bounds[0] <= bounds[1] <= greatest
        if not ascending or not math.isfinite(bounds[1]):
            limits = "within -0.5..0.5" if name == "hue" else "not negative"
            raise fail(self, f"{name} must be a number or two ascending ones, {limits}, not {value!r}")
        return None if bounds[0] == bounds[1] == center else (float(bounds[0]), float(bounds[1]))

    def _add_to(self, builder: _native.PlanBuilder, _size: OutputSize) -> None:
        from fastload import _native

        builder.augment(
            _native.ColorJitter(*map(self._range, ("brightness", "contrast", "saturation", "hue")))
        )


@dataclass(frozen=True)
class Grayscale:
    """Luma (ITU-R BT.601) in all three channels."""

    def _add_to(self, builder: _native.PlanBuilder, _size: OutputSize) -> None:
        _add_operation(builder, 1.0, "grayscale")


@dataclass(frozen=True)
class RandomGrayscale(_RandomOperation):
    """Luma (ITU-R BT.601) in all three channels, with probability ``p``."""

    p: float = 0.1
    _kind: ClassVar[str] = "grayscale"


@dataclass(frozen=True)
class RandomInvert(_RandomOperation):
    """255 - value, with probability ``p``."""

    p: float = 0.5
    _kind: ClassVar[str] = "invert"


@dataclass(frozen=True)
class RandomPosterize(_RandomOperation):
    """Keeps the upper ``bits`` (1 .. 8) of every value, with probability ``p``."""

    bits: int
    p: float = 0.5
    _kind: ClassVar[str] = "posterize"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.bits, int) or not 1 <= self.bits <= 8:
            raise fail(self, f"bits must be a whole number in 1..8, not {self.bits!r}")

    def _value(self) -> float:
        return self.bits


@dataclass(frozen=True)
class RandomSolarize(_RandomOperation):
    """Inverts values from ``threshold`` (0 .. 255) on, with probability ``p``."""

    threshold: float
    p: float = 0.5
    _kind: ClassVar[str] = "solarize"

    def __post_init__(self) -> None:
        super().__post_init__()
        if math.isnan(self.threshold):
            raise fail(self, "threshold must be a number")

    def _value(self) -> float:
        return self.threshold


@dataclass(frozen=True)
class RandomAutocontrast(_RandomOperation):
    """Stretches each channel to 0 .. 255, with probability ``p``."""

    p: float = 0.5
    _kind: ClassVar[str] = "autocontrast"


@dataclass(frozen=True)
class RandomEqualize(_RandomOperation):
    """Equalises each channel's histogram, with probability ``p``."""

    p: float = 0.5
    _kind: ClassVar[str] = "equalize"


@dataclass(frozen=True)
class RandomAdjustSharpness(_RandomOperation):
    """From a blurred image (``sharpness_factor`` 0) by the image itself (1) to a sharper one (2), with
    probability ``p``."""

    sharpness_factor: float
    p: float = 0.5
    _kind: ClassVar[str] = "sharpness"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.sharpness_factor < math.inf:
            raise fail(self, f"sharpness_factor must not be negative, but is {self.sharpness_factor!r}")

    def _value(self) -> float:
        return self.sharpness_factor


Photometric: TypeAlias = (
    ColorJitter
    | Grayscale
    | RandomGrayscale
    | RandomInvert
    | RandomPosterize
    | RandomSolarize
    | RandomAutocontrast
    | RandomEqualize
    | RandomAdjustSharpness
)
