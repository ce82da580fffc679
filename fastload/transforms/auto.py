"""Policies of random operations: torchvision's of a Pillow image, bit for bit given what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from fastload.transforms._affine import fits_fixed_point, rotation, shear_x, shear_y, translation
from fastload.transforms._arguments import fail, filter_of
from fastload.transforms._policies import POLICIES

if TYPE_CHECKING:
    from fastload import _native
    from fastload.transforms._affine import Matrix

Fill: TypeAlias = int | Sequence[int] | None
_FILTERS = ("nearest", "bilinear", "bicubic")
_SIGNED = (
    "ShearX",
    "ShearY",
    "TranslateX",
    "TranslateY",
    "Rotate",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
)
_FIXED = {"Identity": "identity", "AutoContrast": "autocontrast", "Equalize": "equalize", "Invert": "invert"}
_ENHANCED = {
    "Brightness": "brightness",
    "Color": "saturation",
    "Contrast": "contrast",
    "Sharpness": "sharpness",
}
_CHOICES = ("Identity", *_SIGNED, "Posterize", "Solarize", "AutoContrast", "Equalize")


class _Limits(NamedTuple):
    """Of magnitudes: the greatest ones, and the bits that Posterize takes away."""

    shear: float
    translate_x: float
    translate_y: float
    rotate: float
    enhance: float
    bits: int


def _moderate(height: int, width: int) -> _Limits:
    return _Limits(0.3, 150.0 / 331.0 * width, 150.0 / 331.0 * height, 30.0, 0.9, 4)


def _wide(_height: int, _width: int) -> _Limits:
    return _Limits(0.99, 32.0, 32.0, 135.0, 0.99, 6)


@dataclass(frozen=True)
class _Operations:
    """The operations that a transform draws from, for images of one size."""

    transform: RandAugment | TrivialAugmentWide | AutoAugment
    limits: _Limits
    bins: int
    height: int
    width: int

    def variants(self, name: str, magnitudes: Iterable[int]) -> list[_native.PixelOperation]:
        """An operation with these magnitudes (by number), and both signs where it has such."""
        if name in _FIXED:
            return [self._make(name, 0.0)]
        scale = self._scale(name)
        signs = (1.0, -1.0) if name in _SIGNED else (1.0,)
        return [self._make(name, sign * scale[k]) for k in magnitudes for sign in signs]

    def _scale(self, name: str) -> list[float]:
        limits = self.limits
        if name == "Posterize":
            steps = np.arange(self.bins, dtype=np.float32) / np.float32((self.bins - 1) / limits.bits)
            return [8.0 - float(step) for step in np.round(steps)]
        if name == "Solarize" and self.transform.v2_thresholds:
            return [255.0 * share for share in linspace(1.0, 0.0, self.bins)]
        if name == "Solarize":
            return linspace(255.0, 0.0, self.bins)
        greatest = {
            "ShearX": limits.shear,
            "ShearY": limits.shear,
            "TranslateX": limits.translate_x,
            "TranslateY": limits.translate_y,
            "Rotate": limits.rotate,
        }
        return linspace(0.0, greatest.get(name, limits.enhance), self.bins)

    def _make(self, name: str, magnitude: float) -> _native.PixelOperation:
        from fastload import _native

        if name in _FIXED:
            return _native.PixelOperation(getattr(_native.PixelKind, _FIXED[name]))
        if name in _ENHANCED:
            return _native.PixelOperation(getattr(_native.PixelKind, _ENHANCED[name]), 1.0 + magnitude)
        if name in ("Posterize", "Solarize"):
            return _native.PixelOperation(getattr(_native.PixelKind, name.lower()), magnitude)
        matrix = self._matrix(name, magnitude)
        pixels = filter_of(self.transform, self.transform.interpolation)
        if pixels.name == "nearest" and not fits_fixed_point(matrix, self.height, self.width):
            raise fail(
                self.transform, f"images of {self.height} x {self.width} (height x width) are too large"
            )
        fill = _fill_of(self.transform)
        return _native.PixelOperation(_native.PixelKind.affine, matrix=matrix, filter=pixels, fill=fill)

    def _matrix(self, name: str, magnitude: float) -> Matrix:
        if name == "Rotate":
            return rotation(magnitude, self.height, self.width)
        if name == "ShearX":
            return shear_x(magnitude)
        if name == "ShearY":
            return shear_y(magnitude)
        pixels = int(magnitude)
        return translation(pixels, 0) if name == "TranslateX" else translation(0, pixels)


def linspace(first: float, last: float, count: int) -> list[float]:
    """torch.linspace in float32, as it rounds where the processor has fused multiply-adds."""
    start, end = float(np.float32(first)), float(np.float32(last))
    step = float(np.float32((end - start) / (count - 1)))
    values = [start + step * k if k < count // 2 else end - step * (count - 1 - k) for k in range(count)]
    return [float(np.float32(value)) for value in values]


def _check(transform: RandAugment | TrivialAugmentWide | AutoAugment) -> None:
    if filter_of(transform, transform.interpolation).name not in _FILTERS:
        raise fail(
            transform, f"interpolation must be one of {', '.join(_FILTERS)}, not {transform.interpolation!r}"
        )
    if transform.fill is not None and not isinstance(transform.fill, int | float):
        object.__setattr__(transform, "fill", tuple(transform.fill))
    fill = _fill_of(transform)
    if len(fill) != 3 or not all(0 <= value <= 255 for value in fill):
        raise fail(transform, f"fill must be None, a number in 0..255, or three, not {transform.fill!r}")


def _fill_of(transform: RandAugment | TrivialAugmentWide | AutoAugment) -> tuple[int, ...]:
    fill: Any = 0 if transform.fill is None else transform.fill
    values = (fill,) if isinstance(fill, int | float) else tuple(fill)
    return tuple(int(value) for value in values * (3 if len(values) == 1 else 1))


def _operations(
    transform: RandAugment | TrivialAugmentWide | AutoAugment,
    limits: Callable[[int, int], _Limits],
    bins: int,
    size: tuple[int, int] | None,
) -> _Operations:
    if size is None:
        raise fail(transform, "needs images of one size: put a crop or Resize((height, width)) before it")
    return _Operations(transform, limits(*size), bins, *size)


@dataclass(frozen=True)
class RandAugment:
    """``num_ops`` operations, each drawn from 14, with one ``magnitude`` and a random sign (Cubuk et al.,
    "RandAugment: Practical automated data augmentation with a reduced search space", 2020).

    ``magnitude``: in 0 .. ``num_magnitude_bins`` - 1. ``interpolation``: nearest, bilinear or bicubic, of
    shears, translations and rotations. ``fill``: what comes in from outside, 0..255, one number or three.
    ``v2_thresholds``: Solarize's as torchvision.transforms.v2 rounds them, which for some magnitudes spares
    one more grey level.
    """

    num_ops: int = 2
    magnitude: int = 9
    num_magnitude_bins: int = 31
    interpolation: Any = "nearest"
    fill: Fill = None
    v2_thresholds: bool = False

    def __post_init__(self) -> None:
        _check(self)
        if self.num_ops < 0 or self.num_magnitude_bins < 2:
            raise fail(self, "num_ops must not be negative, num_magnitude_bins at least 2")
        if not 0 <= self.magnitude < self.num_magnitude_bins:
            raise fail(self, f"magnitude must lie in 0..{self.num_magnitude_bins - 1}, not {self.magnitude}")

    def _add_to(self, builder: _native.PlanBuilder, size: tuple[int, int] | None) -> None:
        from fastload import _native

        operations = _operations(self, _moderate, self.num_magnitude_bins, size)
        choices = [
            [_native.PolicyStep(1.0, operations.variants(name, [self.magnitude]))] for name in _CHOICES
        ]
        for _ in range(self.num_ops):
            builder.augment(_native.RandomPolicy(choices))


@dataclass(frozen=True)
class TrivialAugmentWide:
    """One operation, drawn from 14, with a random magnitude and sign (Müller and Hutter, "TrivialAugment:
    Tuning-free yet state-of-the-art data augmentation", 2021).

    The rest: as in :class:`RandAugment`.
    """

    num_magnitude_bins: int = 31
    interpolation: Any = "nearest"
    fill: Fill = None
    v2_thresholds: bool = False

    def __post_init__(self) -> None:
        _check(self)
        if self.num_magnitude_bins < 2:
            raise fail(self, "num_magnitude_bins must be at least 2")

    def _add_to(self, builder: _native.PlanBuilder, size: tuple[int, int] | None) -> None:
        from fastload import _native

        operations = _operations(self, _wide, self.num_magnitude_bins, size)
        every = range(self.num_magnitude_bins)
        choices = [[_native.PolicyStep(1.0, operations.variants(name, every))] for name in _CHOICES]
        builder.augment(_native.RandomPolicy(choices))


@dataclass(frozen=True)
class AutoAugment:
    """One of 25 learned pairs of operations (Cubuk et al., "AutoAugment: Learning augmentation strategies
    from data", 2019).

    ``policy``: "imagenet", "cifar10" or "svhn", or torchvision's enum. The rest: as in
    :class:`RandAugment`.
    """

    policy: Any = "imagenet"
    interpolation: Any = "nearest"
    fill: Fill = None
    v2_thresholds: bool = False

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "policy", str(getattr(self.policy, "value", self.policy)))
        if self.policy not in POLICIES:
            raise fail(self, f"policy must be one of {', '.join(POLICIES)}, not {self.policy!r}")

    def _add_to(self, builder: _native.PlanBuilder, size: tuple[int, int] | None) -> None:
        from fastload import _native

        operations = _operations(self, _moderate, 10, size)
        policies = [
            [_native.PolicyStep(p, operations.variants(name, [magnitude])) for name, p, magnitude in policy]
            for policy in POLICIES[self.policy]
        ]
        builder.augment(_native.RandomPolicy(policies))


Policy: TypeAlias = RandAugment | TrivialAugmentWide | AutoAugment
