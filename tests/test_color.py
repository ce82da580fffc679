"""Colours equal libjpeg's tables (jdcolor.c), for every chroma and at every place in a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fastload._native import pixels

pytestmark = pytest.mark.usefixtures("simd_target")

Row = npt.NDArray[np.uint8]


def tables(y: Row, cb: Row, cr: Row) -> npt.NDArray[np.uint8]:
    """ycc_rgb_convert: 16 fractional bits, (n, 3)."""
    fix = {name: round(name * 65536) for name in (1.402, 1.772, 0.71414, 0.34414)}
    half = 1 << 15
    y, cb, cr = y.astype(int), cb.astype(int) - 128, cr.astype(int) - 128
    red = y + ((fix[1.402] * cr + half) >> 16)
    green = y + ((-fix[0.34414] * cb - fix[0.71414] * cr + half) >> 16)
    blue = y + ((fix[1.772] * cb + half) >> 16)
    return np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("y", [0, 1, 77, 128, 254, 255])
def test_every_chroma(y: int) -> None:
    cb, cr = (part.ravel().astype(np.uint8) for part in np.meshgrid(np.arange(256), np.arange(256)))
    luma = np.full_like(cb, y)
    np.testing.assert_array_equal(pixels.color("ycbcr", luma, cb, cr), tables(luma, cb, cr))


@pytest.mark.parametrize("count", [*range(1, 70), 95, 127, 128, 129, 200])
def test_every_length(count: int) -> None:
    a, b, c = np.random.default_rng(count).integers(0, 256, (3, count), np.uint8)
    np.testing.assert_array_equal(pixels.color("ycbcr", a, b, c), tables(a, b, c))
    np.testing.assert_array_equal(pixels.color("rgb", a, b, c), np.stack([a, b, c], axis=-1))
