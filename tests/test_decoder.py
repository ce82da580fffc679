"""Pixels are Pillow's (libjpeg-turbo's), whichever decoder takes the image, and it is known which one did."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

import corpus
from fastload import _native
from fastload.errors import JpegError
from jpeg_cases import encode, encode_array
from jpeg_writer import Component, write_jpeg

Crop = tuple[int, int, int, int]


def pillow(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def decode(jpeg: bytes, crop: Crop | None = None) -> tuple[np.ndarray, str]:
    """Pixels, and who decoded them."""
    decoder = _native.entropy.Decoder()
    pixels = decoder.decode(jpeg, crop)
    (way,) = decoder.counts
    return pixels, way


def crops(width: int, height: int, seed: int = 0) -> list[Crop]:
    rng = random.Random(seed)
    boxes = [(0, 0, width, height), (width - 1, height - 1, 1, 1)]
    for _ in range(4):
        w, h = rng.randint(1, width), rng.randint(1, height)
        boxes.append((rng.randint(0, width - w), rng.randint(0, height - h), w, h))
    return boxes


def check(jpeg: bytes, way: str, name: object) -> None:
    whole = pillow(jpeg)
    for x, y, w, h in crops(whole.shape[1], whole.shape[0]):
        pixels, taken = decode(jpeg, (x, y, w, h))
        assert taken == way, name
        assert np.array_equal(pixels, whole[y : y + h, x : x + w]), (name, x, y, w, h)


def test_good_cases() -> None:
    for name, jpeg in corpus.good_cases().items():
        fast = _native.entropy.coefficients(jpeg) is not None
        process = _native.jpeg_info(jpeg).source
        check(jpeg, "fast" if fast else "unsupported" if process == "baseline" else process, name)


@pytest.mark.parametrize(
    "options", [{}, {"restart_marker_blocks": 1}, {"restart_marker_blocks": 3}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_sizes_and_restart_intervals(sampling: str, options: dict[str, int]) -> None:
    for width in [*range(1, 36), 66, 67]:
        height = (7 * width) % 67 + 1
        jpeg = encode("coffee", width, height, subsampling=sampling, quality=width % 100 + 1, **options)
        check(jpeg, "fast", (width, height))
    check(
        encode_array(np.tile(pillow(encode("coffee", 512, 16)), (1, 8, 1)), subsampling=sampling, **options),
        "fast",
        "wide",
    )


@pytest.mark.parametrize("luma", [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2), (2, 4)])
@pytest.mark.parametrize("color", ["ycbcr", "rgb"])
def test_sampling_factors(luma: tuple[int, int], color: str) -> None:
    rng = np.random.default_rng(1)
    for width, height in [(1, 1), (9, 30), (61, 45)]:
        columns, rows = -(-width // (8 * luma[0])), -(-height // (8 * luma[1]))
        components = []
        for h, v in (luma, (1, 1), (1, 1)):
            blocks = rng.integers(-40, 41, (rows * v, columns * h, 64)) * (
                rng.random((rows * v, columns * h, 64)) < 0.2
            )
            components.append(
                Component(blocks.astype(np.int16), rng.integers(1, 40, 64).astype(np.uint16), h, v)
            )
        check(write_jpeg(components, width, height, color), "fast", (luma, width, height))


def test_damaged_data_have_libjpegs_pixels() -> None:
    """A flipped byte, a cut: libjpeg's pixels, or its error, from wherever the data stop making sense."""
    rng = random.Random(5)
    for jpeg in (
        encode("coffee", 90, 60),
        encode("coffee", 96, 60, restart_marker_blocks=2),
        encode("camera", 70, 60, "L"),
    ):
        ways = set()
        for _ in range(150):
            damaged = bytearray(jpeg)
            damaged[rng.randrange(jpeg.index(b"\xff\xda"), len(jpeg))] = rng.randrange(256)
            try:
                expected = _native.entropy.decode_with_libjpeg(bytes(damaged))
            except JpegError:
                with pytest.raises(JpegError):
                    decode(bytes(damaged))
                continue
            pixels, way = decode(bytes(damaged))
            assert np.array_equal(pixels, expected)
            ways.add(way)
        assert {"fast", "damaged"} <= ways


def test_tables_do_not_outlive_their_image() -> None:
    """A JPEG without Huffman tables means the standard ones, also behind one that brought its own."""
    decoder = _native.entropy.Decoder()
    without = corpus.good_cases()["no_huffman_tables"]
    for jpeg in (
        encode("coffee", 64, 48, progressive=True),
        without,
        encode("coffee", 64, 48, optimize=True),
        without,
    ):
        assert np.array_equal(decoder.decode(jpeg), pillow(jpeg))
    assert decoder.counts == {"fast": 1, "progressive": 1, "unsupported": 2}


def test_a_crop_below_which_data_are_missing_is_fast() -> None:
    jpeg = encode("coffee", 200, 160)
    cut = jpeg[: len(jpeg) * 3 // 4]
    pixels, way = decode(cut, (20, 10, 100, 60))
    assert way == "fast"
    assert np.array_equal(pixels, pillow(jpeg)[10:70, 20:120])
    assert decode(cut)[1] == "damaged"
