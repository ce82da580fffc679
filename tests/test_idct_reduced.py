"""The reduced inverse DCTs equal plain ones in NumPy, which equal libjpeg-turbo's, for any coefficients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fastload._native import pixels
from jpeg_writer import Component, write_jpeg
from pillow_reduced import reduced
from test_idct import Blocks, random_blocks, wrap

pytestmark = pytest.mark.usefixtures("simd_target")

Ints = npt.NDArray[np.int64]

# jidctred.c's constants times 2^13, by their value: what input 1, 3, 5, 7 adds to the outer and inner pair.
OUTER = [round(f * 2**13) for f in (2.562915447, 0.899976223, -0.601344887, -0.509795579)]
INNER = [round(f * 2**13) for f in (1.061594337, -2.172734803, 1.451774981, -0.211164243)]
EVEN = [round(f * 2**13) for f in (1.847759065, -0.765366865)]
ODD = [round(f * 2**13) for f in (3.624509785, -1.272758580, 0.850430095, -0.720959822)]


def wrap32(a: Ints) -> Ints:
    return a.astype(np.int32).astype(np.int64)


def saturate(a: Ints) -> Ints:
    return np.clip(a, -32768, 32767)


def transform_4(x: Ints) -> Ints:
    """8 inputs along the last axis to 4 sums, times 2^14."""
    odd = x[..., [1, 3, 5, 7]]
    base, even = x[..., 0] << 14, x[..., [2, 6]] @ np.array(EVEN)
    outer, inner = odd @ np.array(OUTER), odd @ np.array(INNER)
    return wrap32(
        np.stack([base + even + outer, base - even + inner, base - even - inner, base + even - outer], -1)
    )


def transform_2(x: Ints, first: Ints) -> Ints:
    """`first` is the first input, not cut to 16 bits."""
    odd = x[..., [1, 3, 5, 7]] @ np.array(ODD)
    return wrap32(np.stack([(first << 15) + odd, (first << 15) - odd], -1))


def descale(a: Ints, shift: int) -> Ints:
    return wrap32(a + (1 << (shift - 1))) >> shift


def plain(blocks: Blocks, quantisers: npt.NDArray[np.uint16], side: int) -> npt.NDArray[np.uint8]:
    """(side, side n) samples."""
    x = wrap(blocks.astype(np.int64) * quantisers).reshape(-1, 8, 8)
    if side == 4:
        between = saturate(descale(transform_4(x.swapaxes(1, 2)), 12)).swapaxes(1, 2)
        first_row_only = ~blocks.reshape(-1, 8, 8)[:, [1, 2, 3, 5, 6, 7]].any(axis=(1, 2))
        between[first_row_only] = wrap(x[first_row_only, :1] << 2)
        samples = descale(transform_4(between), 19)
    elif side == 2:
        columns = x.swapaxes(1, 2)
        between = descale(transform_2(columns, columns[..., 0]), 13).swapaxes(1, 2)
        samples = descale(transform_2(saturate(between), between[..., 0]), 20)
    else:
        mean = (x[:, :1, :1] + 4) >> 3
        samples = ((mean & 1023) ^ 512) - 512
    return (np.clip(samples, -128, 127) + 128).astype(np.uint8).swapaxes(0, 1).reshape(side, -1)


def check(blocks: Blocks, quantisers: npt.NDArray[np.uint16], side: int) -> None:
    last = Component(blocks, quantisers).last
    np.testing.assert_array_equal(
        pixels.idct(blocks, last, quantisers, side=side), plain(blocks, quantisers, side)
    )


sides = pytest.mark.parametrize("side", [4, 2, 1])


@sides
@pytest.mark.parametrize("end", [0, 1, 5, 9, 14, 35, 63])
@pytest.mark.parametrize("size", [3, 100, 1023, 32767])
def test_random_coefficients(side: int, end: int, size: int) -> None:
    rng = np.random.default_rng([end, size])
    for density in (0.05, 0.4, 1.0):
        for most in (1, 16, 255, 65535):
            quantisers = rng.integers(1, most + 1, 64).astype(np.uint16)
            check(random_blocks(rng, 61, end, size, density), quantisers, side)


@sides
@pytest.mark.parametrize("count", range(1, 19))
def test_any_number_of_blocks(side: int, count: int) -> None:
    rng = np.random.default_rng(count)
    check(random_blocks(rng, count, 63, 60, 0.3), rng.integers(1, 40, 64).astype(np.uint16), side)


@sides
@pytest.mark.parametrize("place", range(64))
def test_one_coefficient_of_any_size(side: int, place: int) -> None:
    sizes = [*range(-40, 41), *range(-32768, 32768, 509), 32767, 8191, 8192, -8192, -8193]
    blocks = np.zeros((len(sizes), 64), np.int16)
    blocks[:, place] = sizes
    for quantiser in (1, 3, 65535):
        check(blocks, np.full(64, quantiser, np.uint16), side)


@sides
@pytest.mark.parametrize("sizes", [(-32768, 32767), (-32768, 0, 32767), (-16384, 16384), (-8193, 8192)])
def test_extremes_together(side: int, sizes: tuple[int, ...]) -> None:
    """Sums that overflow 16 and 32 bits wherever they can."""
    rng = np.random.default_rng(len(sizes))
    check(rng.choice(np.array(sizes, np.int16), (2000, 64)), np.ones(64, np.uint16), side)


@sides
@pytest.mark.parametrize("size", [200, 2047, 32767])
def test_the_plain_one_is_that_of_libjpeg_turbo(side: int, size: int) -> None:
    """Pillow decodes a gray JPEG of these coefficients to the same samples. DC differences fit 15 bits."""
    rng = np.random.default_rng(size)
    blocks = random_blocks(rng, 300, 63, size, 0.3)
    blocks[::3, 8:] = 0  # what takes libjpeg-turbo's short cut
    blocks[1::6, 8:32] = blocks[1::6, 40:] = 0  # the fifth row counts for nothing
    blocks[blocks == -32768] = -32767
    blocks[:, 0] = rng.integers(-16383, 16384, 300)
    quantisers = rng.integers(1, 40 if size < 32767 else 65536, 64).astype(np.uint16)
    jpeg = write_jpeg([Component(blocks[None], quantisers)], 8 * len(blocks), 8, "gray")
    decoded = np.asarray(reduced(jpeg, 8 // side))[..., 0]
    np.testing.assert_array_equal(decoded, plain(blocks, quantisers, side))
