"""A list of transforms, checked and compiled to the plan that C++ runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from fastload.errors import TransformError
from fastload.transforms._arguments import dtype_name, fail
from fastload.transforms._order import check_order
from fastload.transforms.auto import Policy
from fastload.transforms.color import Photometric
from fastload.transforms.erasing import RandomErasing
from fastload.transforms.geometry import Geometric, RandomResizedCrop, Resize
from fastload.transforms.lighting import Lighting
from fastload.transforms.mix import Mixing, MixUp
from fastload.transforms.output import Normalize, ToDtype

if TYPE_CHECKING:
    from fastload import _native

Augmenting: TypeAlias = Photometric | Policy | Lighting | RandomErasing
Transform: TypeAlias = Geometric | Augmenting | Normalize | ToDtype | Mixing


@dataclass(frozen=True)
class Compiled:
    """A transform list that makes sense: the native plan, the (height, width) that every image gets, and what
    is done to whole batches of them."""

    plan: _native.Plan
    height: int
    width: int
    mixing: Mixing | None = None


def compile_plan(transforms: Transform | Iterable[Transform]) -> Compiled:
    """Checks a transform list and compiles it. Raises TransformError for one without a meaning, TypeError for
    what is not a transform of this module."""
    from fastload import _native
    from fastload import transforms as known

    steps = [transforms] if isinstance(transforms, Transform) else list(transforms)
    builder = _native.PlanBuilder()
    size: tuple[int, int] | None = None
    resized = False
    last: Normalize | ToDtype = ToDtype("uint8")
    mixing: Mixing | None = None
    check_order(steps)
    for step in steps:
        if isinstance(step, Normalize | ToDtype):
            last = step
        elif isinstance(step, Augmenting):
            if isinstance(step, RandomErasing):
                step._check_dtype(dtype_name(last, last.dtype))
            step._add_to(builder, size)
        elif isinstance(step, Mixing):
            mixing = step
        elif isinstance(step, Geometric):
            if isinstance(step, RandomResizedCrop | Resize):
                if resized and step.decode_scale is not None:
                    raise fail(step, "decode_scale is for the first resize: what follows it has no decoder")
                resized = True
            step._add_to(builder)
            size = step._output(size)
        else:
            raise TypeError(
                f"{step!r} is not a transform of fastload.transforms"
                + (", though one of that name exists" if type(step).__name__ in known.__all__ else "")
            )
    if size is None:
        raise TransformError(
            "the transforms leave images of different sizes, which cannot be one batch: end them with a "
            "crop or with Resize((height, width))"
        )
    dtype = dtype_name(last, last.dtype)
    mean = std = None
    if isinstance(last, Normalize):
        mean, std = tuple(last.mean), tuple(last.std)
    scale = dtype != "uint8" and (isinstance(last, Normalize) or last.scale)
    reciprocal = scale and last.reciprocal
    plan = builder.build(getattr(_native.DType, dtype), last.channels_last, scale, mean, std, reciprocal)
    if isinstance(mixing, MixUp) and dtype == "uint8":
        raise fail(mixing, "images are uint8, which cannot be mixed: put Normalize or ToDtype before it")
    return Compiled(plan, *size, mixing)
