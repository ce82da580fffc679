"""The entropy stage gives the coefficients that a decoder written bit by bit gives."""

from __future__ import annotations

import numpy as np
import pytest

import corpus
from fastload import _native
from huffman_twin import decode_coefficients
from jpeg_cases import encode
from jpeg_surgery import Marker, drop, edit, split
from jpeg_writer import ZIGZAG, Component, write_jpeg

SMALL = {
    "standard_tables": encode("coffee", 61, 45),
    "4:4:4": encode("coffee", 61, 45, subsampling="4:4:4"),
    "4:2:2": encode("coffee", 61, 45, subsampling="4:2:2"),
    "gray": encode("camera", 61, 45, "L"),
    "optimised": encode("coffee", 61, 45, optimize=True),
    "quality_100": encode("coffee", 61, 45, quality=100, optimize=True),
    "quality_1": encode("coffee", 61, 45, quality=1),
    "restart_1": encode("coffee", 100, 45, restart_marker_blocks=1),
    "restart_2": encode("coffee", 64, 45, restart_marker_blocks=2),
    "restart_5_in_rows_of_7": encode("coffee", 100, 45, restart_marker_blocks=5),
    "restart_row": encode("coffee", 61, 45, restart_marker_rows=1),
    "restart_2_rows": encode("coffee", 61, 75, restart_marker_rows=2),
    "one_pixel": encode("coffee", 1, 1),
}


@pytest.mark.parametrize("name", SMALL)
def test_coefficients_are_the_slow_decoders(name: str) -> None:
    planes = _native.entropy.coefficients(SMALL[name])
    expected = decode_coefficients(SMALL[name])
    assert len(planes) == len(expected)
    for (blocks, last), plane in zip(planes, expected, strict=True):
        assert np.array_equal(blocks, plane)
        assert np.array_equal(last, Component(plane, np.ones(64, np.uint16)).last)


@pytest.mark.parametrize(
    "sampling", [((1, 1),), ((1, 1),) * 3, ((2, 2), (1, 1), (1, 1)), ((4, 1), (1, 1), (2, 1))]
)
@pytest.mark.parametrize("density", [0.0, 0.03, 1.0])
def test_random_coefficients_of_every_size(sampling: tuple[tuple[int, int], ...], density: float) -> None:
    """Up to 15 bits, more than baseline has; dense blocks end without EOB, sparse ones have long runs."""
    rng = np.random.default_rng(int(100 * density))
    tall, wide = max(v for _, v in sampling), max(h for h, _ in sampling)
    components = []
    for h, v in sampling:
        sizes = rng.integers(0, 16, (3 * v, 4 * h, 64))
        blocks = rng.integers(-(2**15) + 1, 2**15, sizes.shape) >> (15 - sizes)
        blocks *= rng.random(sizes.shape) < density
        blocks[..., 0] = rng.integers(-8000, 8000, sizes.shape[:2])
        components.append(Component(blocks.astype(np.int16), np.ones(64, np.uint16), h, v))
    jpeg = write_jpeg(components, 4 * 8 * wide, 3 * 8 * tall, "gray" if len(sampling) == 1 else "ycbcr")
    for (blocks, last), component in zip(_native.entropy.coefficients(jpeg), components, strict=True):
        assert np.array_equal(blocks, component.blocks)
        assert np.array_equal(last, component.last)


def test_every_good_case_is_taken_or_refused_for_its_process() -> None:
    for name, jpeg in corpus.good_cases().items():
        taken = _native.entropy.coefficients(jpeg) is not None
        assert taken == (_native.jpeg_info(jpeg).source == "baseline" and name != "no_huffman_tables"), name


def test_a_run_beyond_the_block_is_refused() -> None:
    blocks = np.zeros((1, 1, 64), np.int16)
    blocks[0, 0, ZIGZAG[62]] = 1
    jpeg = write_jpeg([Component(blocks, np.ones(64, np.uint16))], 8, 8, "gray")
    assert _native.entropy.coefficients(jpeg) is not None
    # The list of symbols has F0 (16 zeros) second: four of them reach beyond the block.
    symbols = {"eob": b"\x00", "zeros": b"\x01"}
    entropy = edit(jpeg, Marker.SOS, bytes)
    start = entropy.index(b"\xff\xda") + 2 + 8
    for count, good in [(3, True), (4, False)]:
        data = entropy[:start] + b"\x00" + symbols["zeros"] * count + symbols["eob"] + b"\xff\xd9"
        assert (_native.entropy.coefficients(data) is not None) == good


def test_data_that_end_early_are_refused() -> None:
    jpeg = encode("coffee", 40, 40)
    start = len(jpeg) - len(split(jpeg)[-2].entropy) - 2
    assert _native.entropy.coefficients(jpeg[:-2]) is not None  # nothing but EOI is missing
    for end in range(start, len(jpeg) - 3, 7):
        assert _native.entropy.coefficients(jpeg[:end]) is None, end


@pytest.mark.parametrize("marker", [Marker.DQT, Marker.DHT])
def test_missing_tables_are_left_to_libjpeg(marker: Marker) -> None:
    assert _native.entropy.coefficients(drop(encode("coffee", 40, 40), marker)) is None
