"""The inverse DCT equals a plain one in NumPy, which equals libjpeg-turbo's, for any coefficients."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fastload._native import pixels
from jpeg_writer import ZIGZAG, Component, write_jpeg

pytestmark = pytest.mark.usefixtures("simd_target")

Blocks = npt.NDArray[np.int16]  # (n, 64), natural order

# 2^13 times sqrt(2) cos and sums of them, by their value (jidctint.c)
F = {name: round(name * 2**13) for name in (0.298631336, 0.390180644, 0.541196100, 0.765366865, 0.899976223)}
F |= {name: round(name * 2**13) for name in (1.175875602, 1.501321110, 1.847759065, 1.961570560, 2.053119869)}
F |= {name: round(name * 2**13) for name in (2.562915447, 3.072711026)}


def wrap(a: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """To 16 bits."""
    return a.astype(np.int16).astype(np.int64)


def transform(x: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """jidctint.c along the last axis, times 2^13, with 16-bit sums where libjpeg-turbo has them."""
    x0, x1, x2, x3, x4, x5, x6, x7 = np.moveaxis(x, -1, 0)
    z1 = (x2 + x6) * F[0.541196100]
    tmp2, tmp3 = z1 - x6 * F[1.847759065], z1 + x2 * F[0.765366865]
    tmp0, tmp1 = wrap(x0 + x4) << 13, wrap(x0 - x4) << 13
    even = [tmp0 + tmp3, tmp1 + tmp2, tmp1 - tmp2, tmp0 - tmp3]
    z1, z2, z3, z4 = x7 + x1, x5 + x3, wrap(x7 + x3), wrap(x5 + x1)
    z5 = (z3 + z4) * F[1.175875602]
    z1, z2 = -z1 * F[0.899976223], -z2 * F[2.562915447]
    z3, z4 = z5 - z3 * F[1.961570560], z5 - z4 * F[0.390180644]
    odd = [
        x1 * F[1.501321110] + z1 + z4,
        x3 * F[3.072711026] + z2 + z3,
        x5 * F[2.053119869] + z2 + z4,
        x7 * F[0.298631336] + z1 + z3,
    ]
    out = [e + o for e, o in zip(even, odd, strict=True)] + [e - o for e, o in zip(even, odd, strict=True)][
        ::-1
    ]
    return np.stack(out, axis=-1)


def plain_idct(blocks: Blocks, quantisers: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """(8, 8 n) samples."""
    x = wrap(blocks.astype(np.int64) * quantisers).reshape(-1, 8, 8)
    columns = transform(x.swapaxes(1, 2)).swapaxes(1, 2)
    between = np.clip((columns + (1 << 10)) >> 11, -32768, 32767)
    first_row_only = ~blocks.reshape(-1, 64)[:, 8:].any(axis=1)
    between[first_row_only] = wrap(x[first_row_only, :1] << 2)
    samples = np.clip((transform(between) + (1 << 17)) >> 18, -128, 127) + 128
    return samples.astype(np.uint8).swapaxes(0, 1).reshape(8, -1)


def random_blocks(rng: np.random.Generator, count: int, end: int, size: int, density: float) -> Blocks:
    """Coefficients up to `size`, `density` of those up to zigzag index `end`; a few blocks end earlier."""
    blocks = rng.integers(-size, size + 1, (count, 64)) * (rng.random((count, 64)) < density)
    ends = np.where(rng.random(count) < 0.2, rng.integers(0, end + 1, count), end)
    blocks[np.arange(64)[None, :] > ends[:, None]] = 0
    natural = np.empty_like(blocks)
    natural[:, ZIGZAG] = blocks
    return natural.astype(np.int16)


def check(blocks: Blocks, quantisers: npt.NDArray[np.uint16]) -> None:
    expected = plain_idct(blocks, quantisers)
    last = Component(blocks, quantisers).last
    np.testing.assert_array_equal(pixels.idct(blocks, last, quantisers), expected)
    # A larger `last` is allowed, and takes the long way.
    np.testing.assert_array_equal(pixels.idct(blocks, np.full_like(last, 63), quantisers), expected)


@pytest.mark.parametrize("end", [0, 1, 2, 3, 5, 8, 9, 10, 14, 27, 35, 62, 63])
@pytest.mark.parametrize("size", [3, 100, 1023, 32767])
def test_random_coefficients(end: int, size: int) -> None:
    rng = np.random.default_rng([end, size])
    for density in (0.05, 0.4, 1.0):
        for most in (1, 16, 255, 65535):
            quantisers = rng.integers(1, most + 1, 64).astype(np.uint16)
            check(random_blocks(rng, 61, end, size, density), quantisers)


@pytest.mark.parametrize("count", range(1, 19))
def test_any_number_of_blocks(count: int) -> None:
    rng = np.random.default_rng(count)
    check(random_blocks(rng, count, 63, 60, 0.3), rng.integers(1, 40, 64).astype(np.uint16))


@pytest.mark.parametrize("place", range(64))
def test_one_coefficient_of_any_size(place: int) -> None:
    sizes = [*range(-40, 41), *range(-32768, 32768, 509), 32767, 8191, 8192, -8192, -8193]
    blocks = np.zeros((len(sizes), 64), np.int16)
    blocks[:, place] = sizes
    for quantiser in (1, 3, 65535):
        check(blocks, np.full(64, quantiser, np.uint16))


@pytest.mark.parametrize("sizes", [(-32768, 32767), (-32768, 0, 32767), (-16384, 16384), (-8193, 8192)])
def test_extremes_together(sizes: tuple[int, ...]) -> None:
    """Sums that overflow 16 bits wherever they can."""
    rng = np.random.default_rng(len(sizes))
    blocks = rng.choice(np.array(sizes, np.int16), (2000, 64))
    check(blocks, np.ones(64, np.uint16))


@pytest.mark.parametrize("size", [200, 2047, 32767])
def test_plain_idct_is_that_of_libjpeg_turbo(size: int) -> None:
    """Pillow decodes a gray JPEG of these coefficients to the same samples. DC differences fit 15 bits."""
    rng = np.random.default_rng(size)
    blocks = random_blocks(rng, 300, 63, size, 0.3)
    blocks[::3, 8:] = 0  # what takes libjpeg-turbo's short cut
    blocks[blocks == -32768] = -32767
    blocks[:, 0] = rng.integers(-16383, 16384, 300)
    quantisers = rng.integers(1, 40 if size < 32767 else 65536, 64).astype(np.uint16)
    jpeg = write_jpeg([Component(blocks[None], quantisers)], 8 * len(blocks), 8, "gray")
    decoded = np.asarray(Image.open(io.BytesIO(jpeg)))
    np.testing.assert_array_equal(decoded, plain_idct(blocks, quantisers))
