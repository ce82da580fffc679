"""Entry points of JPEGs that are kept: those that a decoder written bit by bit passes, or none at all."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import numpy as np
import pytest

import corpus
from fastload import _native
from huffman_twin import read_ac, read_codes, symbol, value
from jpeg_cases import encode
from jpeg_surgery import Marker, Segment, join, split
from jpeg_writer import Component, write_jpeg

Points = tuple[tuple[int, tuple[int, ...]], ...]
DRI, RST0 = 0xDD, 0xD0


class Bits:
    """The bits of entropy-coded data, one by one, up to a marker."""

    def __init__(self, data: bytes, at: int) -> None:
        self._bits: list[tuple[str, int]] = []  # each with its place in `data`
        while data[at] != 0xFF or data[at + 1] == 0:
            self._bits += [(bit, 8 * at + i) for i, bit in enumerate(f"{data[at]:08b}")]
            at += 2 if data[at] == 0xFF else 1
        self.marker, self.behind, self._next = data[at + 1], at + 2, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._next == len(self._bits):
            raise IndexError("the data end within an MCU")
        self._next += 1
        return self._bits[self._next - 1][0]

    @property
    def place(self) -> int:
        return self._bits[self._next][1]

    @property
    def left(self) -> int:
        return len(self._bits) - self._next


def find(jpeg: bytes, interval: int) -> tuple[tuple[int, ...], Points] | None:
    """Row offsets, and a point at every `interval` MCUs of each row; None where the data are damaged."""
    segments = split(jpeg)
    codes: dict[int, dict[str, int]] = {}
    restart = 0
    for segment in segments:
        if segment.marker == Marker.DHT:
            codes |= dict(read_codes(segment.body))
        if segment.marker == DRI:
            restart = struct.unpack(">H", segment.body)[0]
    (frame,) = [s.body for s in segments if s.marker in (Marker.SOF0, Marker.SOF1)]
    (scan,) = [s for s in segments if s.marker == Marker.SOS]
    _, height, width, count = struct.unpack(">BHHB", frame[:6])
    factors = (
        [(frame[7 + 3 * c] >> 4, frame[7 + 3 * c] & 15) for c in range(count)] if count > 1 else [(1, 1)]
    )
    columns = -(-width // (8 * max(h for h, _ in factors)))
    rows = -(-height // (8 * max(v for _, v in factors)))
    bits = Bits(jpeg, jpeg.index(bytes(scan)) + 4 + len(scan.body))
    predictors = [0] * count
    offsets, points = [], []
    try:
        for mcu in range(rows * columns):
            if restart and mcu and mcu % restart == 0:
                if bits.left >= 8 or bits.marker != RST0 + (mcu // restart - 1) % 8:
                    return None
                bits, predictors = Bits(jpeg, bits.behind), [0] * count
            if mcu % columns == 0:
                offsets.append(bits.place // 8)
            if mcu % columns % interval == 0:
                if not all(-2048 <= p < 2048 for p in predictors):
                    return None
                points.append((bits.place - 8 * offsets[-1], tuple(predictors)))
            for c, (h, v) in enumerate(factors):
                tables = scan.body[2 + 2 * c]
                for _ in range(h * v):
                    predictors[c] += value(bits, symbol(bits, codes[tables >> 4]))
                    read_ac(bits, codes[0x10 | tables & 15], np.zeros(64, np.int16))
    except IndexError:  # of the bits, or of the block
        return None
    if bits.left >= 8 or bits.marker != Marker.EOI:
        return None
    return (*offsets, bits.behind - 2), tuple(points)


def check(jpeg: bytes) -> bool:
    """Whether there are entry points; those that there are must be the slow decoder's."""
    info = _native.jpeg_info(jpeg)
    mcu_width = 8 * max(h for h, _ in info.sampling) if info.components > 1 else 8
    columns = -(-info.width // mcu_width)
    interval = interval_of(columns, mcu_width)
    found = _native.prepare_jpeg(jpeg, verbatim=True, keep_truncated=True)
    assert found.jpeg == jpeg
    expected = find(jpeg, interval)
    if expected is None:
        assert (found.entry_interval, found.entry_points, found.row_offsets) == (0, (), ())
        return False
    assert found.row_offsets == expected[0]
    if info.restart_interval and columns % info.restart_interval == 0:
        assert (found.entry_interval, found.entry_points) == (0, ())
    else:
        assert (found.entry_interval, found.entry_points) == (interval, expected[1])
    assert found.notes == ()
    return True


def interval_of(columns: int, mcu_width: int) -> int:
    """About 128 pixels, the same number of MCUs for each, but for the last one of a row."""
    pieces = max(1, int(columns * mcu_width / 128 + 0.5))
    return -(-columns // pieces)


SPECIAL = {"fill_bytes", "no_huffman_tables"}  # split() does not read them
SOURCES = {
    name: jpeg
    for name, jpeg in corpus.good_cases().items()
    if _native.jpeg_info(jpeg).source == "baseline" and name not in SPECIAL
}
RESTARTS = {
    "1": encode("coffee", 200, 45, restart_marker_blocks=1),
    "2_of_7": encode("coffee", 100, 45, restart_marker_blocks=2),
    "5_of_7": encode("coffee", 100, 45, restart_marker_blocks=5),
    "11_of_26": encode("coffee", 201, 45, restart_marker_blocks=11, subsampling="4:4:4"),
    "row": encode("coffee", 61, 45, restart_marker_rows=1),
    "2_rows": encode("coffee", 161, 75, restart_marker_rows=2),
    "more_than_the_image": encode("coffee", 161, 75, restart_marker_blocks=1000),
}


@pytest.mark.parametrize("name", SOURCES)
def test_points_are_the_slow_decoders(name: str) -> None:
    assert check(SOURCES[name])


def test_every_simd_target(simd_target: str) -> None:
    assert all(check(jpeg) for jpeg in RESTARTS.values())


@pytest.mark.parametrize("name", RESTARTS)
def test_restarts_anywhere(name: str) -> None:
    assert check(RESTARTS[name])


def test_fill_bytes_before_a_header_segment_are_no_obstacle() -> None:
    plain = encode("rocket", 250, 166)
    points = _native.prepare_jpeg(plain, verbatim=True).entry_points
    filled = _native.prepare_jpeg(corpus.good_cases()["fill_bytes"], verbatim=True)
    assert filled.entry_points == points


@pytest.mark.parametrize(
    ("columns", "interval"),
    [(1, 1), (8, 8), (16, 16), (23, 23), (24, 12), (25, 13), (32, 16), (33, 17), (63, 16), (8187, 16)],
)
def test_the_interval_is_balanced_over_the_row(columns: int, interval: int) -> None:
    blocks = np.zeros((1, columns, 8, 8), np.int16)
    jpeg = _native.jpeg.encode([(blocks, np.ones((8, 8), np.uint16))], 8 * columns, 8, [(1, 1)])
    assert interval == interval_of(columns, 8)
    assert _native.prepare_jpeg(jpeg, verbatim=True).entry_interval == interval
    assert check(jpeg)


SAMPLINGS = [
    [(1, 1)],
    [(1, 1)] * 3,
    [(2, 1), (1, 1), (1, 1)],
    [(1, 2), (1, 1), (1, 1)],
    [(2, 2), (1, 1), (1, 1)],
    [(4, 1), (1, 1), (2, 1)],
    [(1, 1), (2, 2), (2, 2)],
]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("density", [0.0, 0.02, 0.3, 1.0])
def test_random_coefficients(sampling: list[tuple[int, int]], density: float) -> None:
    """Runs of zeros over 15 and blocks without EOB, in codes made for them."""
    rng = np.random.default_rng(int(density * 100))
    h, v = (max(factors) for factors in zip(*sampling, strict=True))
    components = []
    for across, down in sampling:
        sizes = rng.integers(0, 11, (2 * down, 23 * across, 8, 8))
        blocks = rng.integers(-(1 << sizes) + 1, 1 << sizes) * (rng.random(sizes.shape) < density)
        components.append((blocks.astype(np.int16), np.ones((8, 8), np.uint16)))
    for restart in (0, 3, 23, 24):
        jpeg = _native.jpeg.encode(components, 23 * 8 * h, 2 * 8 * v, sampling, restart_interval=restart)
        assert check(jpeg)


def lone_blocks(first: int, last: int, count: int = 40) -> bytes:
    """Gray blocks of coefficients that all are `last`, but for the DC coefficients, which are `first`."""
    blocks = np.full((1, count, 64), last, np.int16)
    blocks[..., 0] = first
    return write_jpeg([Component(blocks, np.ones(64, np.uint16))], 8 * count, 8, "gray")


def test_a_position_is_behind_the_stuffed_zero() -> None:
    # Code words have 8 bits, and so have values of 255: each block ends with FF 00.
    jpeg = lone_blocks(0, 255)
    points = _native.prepare_jpeg(jpeg, verbatim=True).entry_points
    block = 8 * (1 + 63 * 3)  # DC; a code word, FF and 00 for each other coefficient
    assert points == ((0, (0,)), (14 * block, (0,)), (28 * block, (0,)))
    assert check(jpeg)


@pytest.mark.parametrize(("dc", "kept"), [(2047, True), (-2048, True), (2048, False), (-2049, False)])
def test_predictors_of_12_bits(dc: int, kept: bool) -> None:
    assert check(lone_blocks(dc, 1)) == kept


def with_entropy(jpeg: bytes, entropy: bytes) -> bytes:
    return join([Segment(s.marker, s.body, entropy) if s.entropy else s for s in split(jpeg)])


@pytest.mark.parametrize(
    ("end", "note"),
    [
        (b"\0\xff\xd9", None),  # libjpeg has read this byte before it is done
        (bytes(9) + b"\xff\xd9", "libjpeg warns: Corrupt JPEG data: 2 extraneous bytes before marker 0xd9"),
        (b"\xff\xff\xd9", None),
        (b"\xff\xfe\0\2\xff\xd9", None),
        (b"", "libjpeg warns: Premature end of JPEG file"),
        (b"\xff", "libjpeg warns: Premature end of JPEG file"),
    ],
    ids=["byte", "bytes", "fill_byte", "comment", "nothing", "half_a_marker"],
)
def test_other_ends_than_eoi_are_left_to_libjpeg(end: bytes, note: str | None) -> None:
    jpeg = encode("coffee", 200, 75)
    found = _native.prepare_jpeg(jpeg[:-2] + end, verbatim=True)
    assert (found.entry_interval, found.entry_points, found.row_offsets) == (0, (), ())
    assert found.notes == ((note,) if note else ())


def test_data_that_end_early() -> None:
    jpeg = encode("coffee", 100, 40)
    begin = len(jpeg) - len(split(jpeg)[-2].entropy) - 2
    for end in range(begin, len(jpeg) - 2, 13):
        found = _native.prepare_jpeg(jpeg[:end] + b"\xff\xd9", verbatim=True, keep_truncated=True)
        assert (found.entry_interval, found.entry_points, found.row_offsets) == (0, (), ())


def test_markers_out_of_order() -> None:
    jpeg = RESTARTS["5_of_7"]
    for wrong in (b"\xff\xd2", b"\xff\xd0", b"\xff\xd9", b"\0\xff\xd1"):
        assert not check(jpeg.replace(b"\xff\xd1", wrong, 1))


def test_damaged_data_have_points_only_if_they_decode() -> None:
    rng = random.Random(0)
    results = set()
    for source in (encode("coffee", 100, 40), encode("coffee", 45, 40, optimize=True), RESTARTS["5_of_7"]):
        entropy = split(source)[-2].entropy
        plain = [at for at in range(1, len(entropy)) if 0xFF not in entropy[at - 1 : at + 1]]
        for at in rng.sample(plain, 100):
            damaged = bytearray(entropy)
            damaged[at] ^= 1 << rng.randrange(8)
            if damaged[at] != 0xFF:
                results.add(check_damaged(with_entropy(source, bytes(damaged))))
    assert results == {True, False}


def check_damaged(jpeg: bytes) -> bool:
    found = _native.prepare_jpeg(jpeg, verbatim=True, keep_truncated=True)
    expected = find(jpeg, found.entry_interval or 1)
    assert (found.entry_interval > 0) == (expected is not None)
    if expected is not None:
        assert (found.row_offsets, found.entry_points) == expected
    return expected is not None


def test_only_the_fast_subset_has_points() -> None:
    for name, jpeg in corpus.good_cases().items():
        info = _native.jpeg_info(jpeg)
        found = _native.prepare_jpeg(jpeg, verbatim=True)
        taken = info.source == "baseline" and name != "no_huffman_tables"
        assert (len(found.row_offsets) > 0) == found.fast == taken, name
        assert found.notes == (), name
