"""From coefficients to RGB, whole images and crops, at every size: bit-equal with libjpeg-turbo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.fft import dctn

from fastload._native import pixels
from jpeg_writer import Component, write_jpeg
from pillow_reduced import reduced

pytestmark = pytest.mark.usefixtures("simd_target")

Pixels = npt.NDArray[np.uint8]
Sampling = list[tuple[int, int]]

GRAY: Sampling = [(1, 1)]
SAMPLINGS: list[Sampling] = [
    GRAY,
    [(2, 2)],  # factors of a lone component mean nothing
    [(1, 1), (1, 1), (1, 1)],
    [(2, 1), (1, 1), (1, 1)],  # 4:2:2
    [(2, 2), (1, 1), (1, 1)],  # 4:2:0
    [(1, 2), (1, 1), (1, 1)],  # 4:4:0
    [(4, 1), (1, 1), (1, 1)],  # 4:1:1, replicated
    [(1, 4), (1, 1), (1, 1)],
    [(4, 2), (1, 1), (1, 1)],
    [(1, 4), (1, 2), (1, 4)],  # half the rows of four
    [(2, 2), (1, 2), (2, 1)],  # each component its own filter
    [(2, 2), (2, 1), (1, 1)],
    [(1, 1), (2, 2), (1, 1)],  # luma is the small one
    [(1, 1), (1, 1), (2, 1)],
    [(3, 1), (1, 1), (1, 1)],
    [(3, 2), (1, 1), (3, 1)],
]
SIZES = [(1, 1), (2, 3), (3, 2), (5, 4), (8, 8), (9, 17), (16, 16), (31, 33), (34, 15), (67, 67)]


def grid(sampling: Sampling, width: int, height: int) -> tuple[int, int]:
    """MCU columns and rows."""
    h, v = (1, 1) if len(sampling) == 1 else (max(h for h, _ in sampling), max(v for _, v in sampling))
    return -(-width // (8 * h)), -(-height // (8 * v))


def components(sampling: Sampling, width: int, height: int, photo: Pixels | None = None) -> list[Component]:
    """Of an image: a channel of a photograph each, or noise with flat blocks in between."""
    rng = np.random.default_rng([width, height, len(sampling)])
    columns, rows = grid(sampling, width, height)
    made = []
    for h, v in sampling:
        lines, across = (rows, columns) if len(sampling) == 1 else (rows * v, columns * h)
        quantisers = rng.integers(1, 30, 64).astype(np.uint16)
        if photo is None:
            blocks = rng.integers(-90, 91, (lines, across, 64)) * (rng.random((lines, across, 64)) < 0.15)
            blocks[::2, ::3, 1:] = 0
        else:
            tile = np.resize(photo[..., len(made)], (lines * 8, across * 8)).astype(float) - 128
            tiles = tile.reshape(lines, 8, across, 8).swapaxes(1, 2)
            blocks = np.rint(dctn(tiles, axes=(2, 3), norm="ortho").reshape(lines, across, 64) / quantisers)
        made.append(Component(blocks.astype(np.int16), quantisers, h, v))
    return made


def expected(image: list[Component], width: int, height: int, color: str, reduction: int) -> Pixels:
    return np.asarray(reduced(write_jpeg(image, width, height, color), reduction))


def decode(
    image: list[Component],
    size: tuple[int, int],
    color: str,
    crop: tuple[int, int, int, int],
    covered: tuple[int, int, int, int] | None = None,
    reduction: int = 1,
) -> Pixels:
    """`covered`: the part of the image whose MCUs the stage is given; by default all. `crop` is in pixels of
    the reduced image."""
    sampling = [(c.h, c.v) for c in image]
    covered = covered or (0, 0, *size)
    x, y, width, height = covered
    columns, rows = grid(sampling, width, height)
    left, top = grid(sampling, x, y)
    planes = []
    for c in image:
        h, v = (1, 1) if len(image) == 1 else (c.h, c.v)
        part = (slice(top * v, (top + rows) * v), slice(left * h, (left + columns) * h))
        planes.append(
            (np.ascontiguousarray(c.blocks[part]), np.ascontiguousarray(c.last[part]), c.quantisers)
        )
    return pixels.decode(planes, sampling, size, color, covered, crop, reduction)


reductions = pytest.mark.parametrize("reduction", [1, 2, 4, 8])


@reductions
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_whole_images(sampling: Sampling, reduction: int) -> None:
    for width, height in SIZES:
        image = components(sampling, width, height)
        for color in ["gray"] if len(sampling) == 1 else ["ycbcr", "rgb"]:
            whole = expected(image, width, height, color, reduction)
            crop = (0, 0, -(-width // reduction), -(-height // reduction))
            got = decode(image, (width, height), color, crop, reduction=reduction)
            np.testing.assert_array_equal(got, whole)


def random_crop(rng: np.random.Generator, whole: Pixels) -> tuple[int, int, int, int]:
    height, width = whole.shape[:2]
    x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
    return x, y, int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1))


@reductions
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_crops_of_whole_images(sampling: Sampling, reduction: int) -> None:
    """Every MCU row is handed over; those without pixels of the crop go by."""
    width, height = 150, 70
    image = components(sampling, width, height)
    color = "gray" if len(sampling) == 1 else "ycbcr"
    whole = expected(image, width, height, color, reduction)
    rng = np.random.default_rng(0)
    for _ in range(60):
        x, y, w, h = random_crop(rng, whole)
        crop = decode(image, (width, height), color, (x, y, w, h), reduction=reduction)
        np.testing.assert_array_equal(crop, whole[y : y + h, x : x + w])


@reductions
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_crops_of_some_mcus(sampling: Sampling, reduction: int) -> None:
    """With the MCUs that hold a crop and the pixels next to it, as a splice has them."""
    width, height = 200, 140
    image = components(sampling, width, height)
    color = "gray" if len(sampling) == 1 else "ycbcr"
    whole = expected(image, width, height, color, reduction)
    across = 8 * (1 if len(sampling) == 1 else max(h for h, _ in sampling))
    down = 8 * (1 if len(sampling) == 1 else max(v for _, v in sampling))
    rng = np.random.default_rng(1)
    for _ in range(60):
        x, y, w, h = random_crop(rng, whole)
        left = max(x * reduction - 1, 0) // across * across
        top = max(y * reduction - 1, 0) // down * down
        right = min(-(-min((x + w) * reduction + 1, width) // across) * across, width)
        bottom = min(-(-min((y + h) * reduction + 1, height) // down) * down, height)
        if right - left <= 3 * across:  # or the covered part may become too narrow for the triangle filter
            left, right = max(left - 3 * across, 0), min(right + 3 * across, width)
        covered = (left, top, right - left, bottom - top)
        crop = decode(image, (width, height), color, (x, y, w, h), covered, reduction)
        np.testing.assert_array_equal(crop, whole[y : y + h, x : x + w])


@pytest.mark.parametrize("sampling", SAMPLINGS[2:6], ids=str)
def test_photographs(sampling: Sampling, photos: list[Pixels]) -> None:
    for photo in photos[:2]:
        part = photo[:200, :264]
        height, width = part.shape[:2]
        image = components(sampling, width, height, part)
        whole = expected(image, width, height, "ycbcr", 1)
        np.testing.assert_array_equal(decode(image, (width, height), "ycbcr", (0, 0, width, height)), whole)


def test_what_it_does_not_take() -> None:
    image = components([(3, 1), (2, 1), (1, 1)], 48, 16)
    with pytest.raises(ValueError, match="sampling factors"):
        decode(image, (48, 16), "ycbcr", (0, 0, 48, 16))
    with pytest.raises(ValueError, match="colour space"):
        decode(components(GRAY, 16, 16), (16, 16), "ycbcr", (0, 0, 16, 16))
