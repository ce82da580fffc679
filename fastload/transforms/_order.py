"""The order in which a list's transforms make sense."""

from __future__ import annotations

from collections.abc import Sequence

from fastload.transforms._arguments import fail
from fastload.transforms.auto import Policy
from fastload.transforms.color import Photometric
from fastload.transforms.erasing import RandomErasing
from fastload.transforms.geometry import Geometric, RandomHorizontalFlip
from fastload.transforms.lighting import Lighting
from fastload.transforms.mix import Mixing
from fastload.transforms.output import Normalize, ToDtype

_GROUPS = (
    (Geometric, "crops and resizes"),
    (Photometric | Policy, "transforms of pixels"),
    (Lighting, "Lighting"),
    (Normalize | ToDtype, "Normalize or ToDtype"),
    (RandomErasing, "RandomErasing"),
    (Mixing, "MixUp or CutMix"),
)
_LIGHTING, _VALUES, _MIXING = 2, 3, 5
_ONCE = (_LIGHTING, _VALUES, _MIXING)


def check_order(steps: Sequence[object]) -> None:
    """Raises TransformError for a transform that comes too late. Flips may stand anywhere before Normalize or
    ToDtype, and of Lighting and what follows it there is one. What is not a transform is passed over."""
    reached = 0
    latest: object = None
    for step in steps:
        group = next((k for k, (kinds, _) in enumerate(_GROUPS) if isinstance(step, kinds)), None)
        if group is None or (isinstance(step, RandomHorizontalFlip) and reached < _VALUES):
            continue
        if isinstance(latest, Normalize | ToDtype) and group <= _VALUES:
            raise fail(latest, f"must be the last transform of pixels, but {step!r} follows it")
        if group < reached or (group == reached and group in _ONCE):
            order = ", ".join(name for _, name in _GROUPS)
            raise fail(step, f"must not follow {latest!r}: the order is {order}; flips come before Normalize")
        reached, latest = group, step
