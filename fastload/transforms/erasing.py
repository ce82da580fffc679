"""Rectangles that are erased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fastload.transforms._arguments import check_probability, fail

if TYPE_CHECKING:
    from fastload import _native


@dataclass(frozen=True)
class RandomErasing:
    """Gives a random rectangle of the (normalised) image other values, with probability ``p`` (Zhong et al.,
    "Random erasing data augmentation", 2017).

    ``scale``: bounds of the rectangle's share of the area, in 0..1. ``ratio``: bounds of height / width,
    drawn log-uniformly. ``value``: a number, one a channel, or "random": standard normal noise, other for
    each value. It comes after Normalize or ToDtype; values are those of the batch, rounded to its dtype. In
    uint8 images ``value`` is whole, in 0..255.
    """

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float | Sequence[float] | Literal["random"] = 0

    def __post_init__(self) -> None:
        check_probability(self, self.p)
        if len(self.scale) != 2 or not 0 <= self.scale[0] <= self.scale[1] <= 1:
            raise fail(self, f"scale must be two ascending numbers in 0..1, not {self.scale!r}")
        if len(self.ratio) != 2 or not 0 < self.ratio[0] <= self.ratio[1] < math.inf:
            raise fail(self, f"ratio must be two ascending positive numbers, not {self.ratio!r}")
        if isinstance(self.value, str):
            if self.value != "random":
                raise fail(self, f'value must be a number, three of them, or "random", not {self.value!r}')
        elif not isinstance(self.value, int | float):
            object.__setattr__(self, "value", tuple(float(v) for v in self.value))
        values = self._values()
        if values is not None and len(values) != 3:
            raise fail(self, f"value must be a number, or three, one a channel, not {self.value!r}")

    def _values(self) -> tuple[float, ...] | None:
        """One a channel; None for noise."""
        if isinstance(self.value, str):
            return None
        if isinstance(self.value, int | float):
            return (float(self.value),) * 3
        return tuple(self.value) * (3 if len(self.value) == 1 else 1)

    def _check_dtype(self, dtype: str) -> None:
        values = self._values()
        if dtype == "uint8" and (values is None or not all(v in range(256) for v in values)):
            raise fail(
                self,
                f"uint8 images take whole values in 0..255, not {self.value!r}: "
                "put Normalize or ToDtype before it for others",
            )

    def _add_to(self, builder: _native.PlanBuilder, _size: tuple[int, int] | None) -> None:
        from fastload import _native

        builder.augment(_native.RandomErasing(self.p, self.scale, self.ratio, self._values()))
