"""What transforms check their arguments with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from fastload.errors import TransformError

if TYPE_CHECKING:
    from fastload import _native

Size: TypeAlias = int | Sequence[int]
_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
DTYPES = ("uint8", "float32", "float16", "bfloat16")


def fail(transform: object, problem: str) -> TransformError:
    return TransformError(f"{type(transform).__name__}: {problem}")


def pair(transform: object, size: Size) -> tuple[int, int]:
    """(height, width) of a size that is one number (a square) or (height, width)."""
    values = (size, size) if isinstance(size, int) else tuple(size)
    if len(values) == 1:
        values = (values[0], values[0])
    if len(values) != 2 or not all(isinstance(v, int) and 0 < v <= 65535 for v in values):
        raise fail(transform, f"size must be a positive integer or (height, width), not {size!r}")
    return values


def filter_of(transform: object, interpolation: Any) -> _native.Filter:
    """A Pillow filter by name ("bilinear"), or torchvision's or Pillow's enum of that name."""
    from fastload import _native

    name = str(getattr(interpolation, "name", interpolation)).lower()
    if name not in _FILTERS:
        raise fail(transform, f"interpolation must be one of {', '.join(_FILTERS)}, not {interpolation!r}")
    return getattr(_native.Filter, name)  # type: ignore[no-any-return]


def reduces(transform: object, decode_scale: object) -> bool:
    if decode_scale not in (None, "auto"):
        raise fail(transform, f'decode_scale must be None or "auto", not {decode_scale!r}')
    return decode_scale is not None


def check_probability(transform: object, p: float) -> None:
    if not 0 <= p <= 1:
        raise fail(transform, f"p must lie in 0..1, not {p!r}")


def dtype_name(transform: object, dtype: Any) -> str:
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise fail(transform, f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
    return name
