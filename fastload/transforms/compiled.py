"""A list of transforms, checked and compiled to the plan that C++ runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from fastload.errors import TransformError
from fastload.transforms._arguments import dtype_name, fail
from fastload.transforms.geometry import Geometric, RandomResizedCrop, Resize
from fastload.transforms.output import Normalize, ToDtype

if TYPE_CHECKING:
    from fastload import _native

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
    from fastload import transforms as known

    steps = [transforms] if isinstance(transforms, Transform) else list(transforms)
    builder = _native.PlanBuilder()
    size: tuple[int, int] | None = None
    resized = False
    last: Normalize | ToDtype = ToDtype("uint8")
    for position, step in enumerate(steps):
        if isinstance(step, Normalize | ToDtype):
            if position != len(steps) - 1:
                raise fail(step, f"must be the last transform, but {steps[position + 1]!r} follows it")
            last = step
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
    return Compiled(plan, *size)
