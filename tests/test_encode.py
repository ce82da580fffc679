"""The encoder, against libjpeg: what it writes must read back as the coefficients that went in."""

from __future__ import annotations

import io
import itertools
import math
import random
import tarfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corpus
from fastload import _native
from jpeg_cases import encode_array
from jpeg_surgery import Marker, Segment, join, split

jpeg = _native.jpeg
Component = tuple[np.ndarray, np.ndarray]
Sampling = list[tuple[int, int]]


@pytest.fixture(params=_native.image.simd_targets())
def simd_target(request: pytest.FixtureRequest) -> Iterator[str]:
    _native.image.set_simd_target(request.param)
    assert _native.image.simd_target() == request.param
    yield request.param
    _native.image.set_simd_target("")


def components(
    rng: np.random.Generator, width: int, height: int, sampling: Sampling, density: float, largest: int = 1023
) -> list[Component]:
    """Random coefficients of the shape that such an image has; `density` of them are not zero."""
    most_h, most_v = (max(factors) for factors in zip(*sampling, strict=True))
    result = []
    for h, v in sampling:
        columns = -(-width * h // (8 * most_h))
        rows = -(-height * v // (8 * most_v))
        sizes = rng.integers(0, largest.bit_length() + 1, (rows, columns, 8, 8))
        values = rng.integers(-(1 << sizes) + 1, 1 << sizes)
        values[rng.random(values.shape) >= density] = 0
        quantisers = rng.integers(1, 256, (8, 8)).astype(np.uint16)
        result.append((values.astype(np.int16), quantisers))
    return result


def assert_same(read: list[Component], written: list[Component]) -> None:
    assert len(read) == len(written)
    for (blocks, quantisers), (blocks_, quantisers_) in zip(read, written, strict=True):
        np.testing.assert_array_equal(blocks, blocks_)
        np.testing.assert_array_equal(quantisers, quantisers_)


def assert_flawless(data: bytes) -> None:
    """libjpeg reads it to the end without a warning; so does Pillow."""
    assert _native.prepare_jpeg(data, verbatim=True).notes == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Image.open(io.BytesIO(data)).load()


def longest_code(data: bytes) -> int:
    """Bits of the longest word of all Huffman tables."""
    tables = [segment.body for segment in split(data) if segment.marker == Marker.DHT]
    return max(length + 1 for table in tables for length in range(16) if table[1 + length] > 0)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


SIZES = [(1, 1), (7, 9), (8, 8), (17, 16), (33, 47), (67, 67)]
# At most 10 blocks in an MCU, and upsampling by whole numbers, which is all that libjpeg decodes.
SAMPLINGS = [
    [(h, v), chroma, chroma]
    for h, v in itertools.product((1, 2, 3, 4), repeat=2)
    for chroma in ((1, 1), (1, 2), (2, 1))
    if h * v + 2 * chroma[0] * chroma[1] <= 10
    if max(h, chroma[0]) % min(h, chroma[0]) == max(v, chroma[1]) % min(v, chroma[1]) == 0
]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_reads_back_at_any_sampling(sampling: Sampling) -> None:
    rng = np.random.default_rng(sampling[0][0] * 4 + sampling[0][1])
    for (width, height), interval in itertools.product(SIZES, (0, 1, 3)):
        written = components(rng, width, height, sampling, 0.2)
        data = jpeg.encode(written, width, height, sampling, restart_interval=interval)
        assert_flawless(data)
        info = _native.jpeg_info(data)
        assert (info.width, info.height, info.restart_interval) == (width, height, interval)
        assert info.sampling == tuple(sampling)
        assert_same(jpeg.coefficients(data), written)


@pytest.mark.parametrize("density", [0.0, 0.01, 0.05, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("largest", [1, 15, 1023])
def test_reads_back_with_every_simd_target(simd_target: str, density: float, largest: int) -> None:
    # Runs over 15, over 31 and over 47 zeros at the low densities; blocks without an EOB at the high ones.
    rng = np.random.default_rng(0)
    for sampling in ([(1, 1)], [(1, 1)] * 3, [(2, 2), (1, 1), (1, 1)]):
        written = components(rng, 131, 67, sampling, density, largest)
        data = jpeg.encode(written, 131, 67, sampling, restart_interval=4)
        assert_flawless(data)
        assert_same(jpeg.coefficients(data), written)


def test_simd_targets_write_the_same_bytes() -> None:
    written = components(np.random.default_rng(1), 200, 150, [(2, 1), (1, 1), (1, 1)], 0.15)
    results = set()
    for target in _native.image.simd_targets():
        _native.image.set_simd_target(target)
        results.add(jpeg.encode(written, 200, 150, [(2, 1), (1, 1), (1, 1)], restart_interval=5))
    _native.image.set_simd_target("")
    assert len(results) == 1


@pytest.mark.parametrize("position", range(64))
def test_a_lone_coefficient_at_each_position(simd_target: str, position: int) -> None:
    blocks = np.zeros((1, 3, 8, 8), np.int16)
    blocks[0, 1].flat[position] = -3
    written = [(blocks, np.ones((8, 8), np.uint16))]
    assert_same(jpeg.coefficients(jpeg.encode(written, 24, 8, [(1, 1)])), written)


@pytest.mark.parametrize(("dc", "ac", "fits"), [(2047, 1023, True), (2048, 0, False), (0, 1024, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_range_of_baseline(simd_target: str, dc: int, ac: int, fits: bool, sign: int) -> None:
    blocks = np.zeros((1, 1, 8, 8), np.int16)
    blocks[0, 0, 0, 0], blocks[0, 0, 5, 2] = sign * dc, sign * ac
    written = [(blocks, np.ones((8, 8), np.uint16))]
    data = jpeg.encode(written, 8, 8, [(1, 1)])
    assert (data is not None) == fits
    if fits:
        assert_same(jpeg.coefficients(data), written)


@pytest.mark.parametrize("value", [-32768, -32767, 32767])
def test_extreme_coefficients_are_refused(simd_target: str, value: int) -> None:
    for position in (0, 1, 63):
        blocks = np.zeros((1, 2, 8, 8), np.int16)
        blocks[0, 0].flat[position], blocks[0, 1].flat[position] = value, -value - 1
        assert jpeg.encode([(blocks, np.ones((8, 8), np.uint16))], 16, 8, [(1, 1)]) is None


def test_padding_blocks_cost_a_dc_and_an_eob() -> None:
    # 4:2:0 of one pixel: four luma blocks in the MCU, three of them padding.
    written = components(np.random.default_rng(2), 1, 1, [(2, 2), (1, 1), (1, 1)], 0.0)
    written[0][0][0, 0, 0, 0] = 100
    scan = split(jpeg.encode(written, 1, 1, [(2, 2), (1, 1), (1, 1)]))[-2].entropy
    # Luma: a DC of size 7 after 2 bits, three of size 0 in one, EOBs; chroma: a DC of size 0 and an EOB each.
    bits = (2 + 7) + 3 * 1 + 4 * 1 + 2 * (1 + 1)
    assert len(scan) == -(-bits // 8)


def test_16_bit_quantisers_make_it_extended_sequential() -> None:
    written = components(np.random.default_rng(3), 30, 20, [(1, 1)] * 3, 0.2)
    written[1][1][3, 3] = 300
    data = jpeg.encode(written, 30, 20, [(1, 1)] * 3)
    assert [segment.marker for segment in split(data) if segment.marker in (Marker.SOF0, Marker.SOF1)] == [
        Marker.SOF1
    ]
    assert_flawless(data)
    assert_same(jpeg.coefficients(data), written)


@pytest.mark.parametrize("limit", [9, 10, 11])
def test_code_words_are_within_the_limit(limit: int) -> None:
    written = components(np.random.default_rng(4), 400, 300, [(1, 1)] * 3, 0.2)
    data = jpeg.encode(written, 400, 300, [(1, 1)] * 3, max_code_length=limit)
    assert longest_code(data) == limit
    assert_flawless(data)
    assert_same(jpeg.coefficients(data), written)


def least_cost(frequencies: list[int], limit: int) -> int:
    """Bits of the best code without a word of ones: all lengths that Kraft's inequality allows are tried."""

    @cache
    def least(k: int, room: int) -> float:
        if k == len(frequencies):
            return 0
        lengths = (n for n in range(1, limit + 1) if 1 << (limit - n) <= room)
        return min(
            (frequencies[k] * n + least(k + 1, room - (1 << (limit - n))) for n in lengths),
            default=float("inf"),
        )

    return int(least(0, (1 << limit) - 1))


@pytest.mark.parametrize("seed", range(200))
def test_code_lengths_are_optimal(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.randint(1, 18)
    limit = rng.randint(count.bit_length(), 9)
    symbols = rng.sample(range(256), count)
    frequencies = {symbol: min(int(rng.paretovariate(0.4)), 1_000_000) for symbol in symbols}
    lengths = jpeg.code_lengths(frequencies, limit)
    assert lengths.keys() == frequencies.keys()
    assert 1 <= min(lengths.values()) <= max(lengths.values()) <= limit
    assert sum(2.0**-length for length in lengths.values()) < 1  # the word of ones is free
    cost = sum(frequencies[symbol] * length for symbol, length in lengths.items())
    assert cost == least_cost(list(frequencies.values()), limit)


def test_code_lengths_of_fibonacci_frequencies() -> None:
    # Without a limit the lengths would be 1, 2, 3, ... 14.
    frequencies = [1, 1]
    while len(frequencies) < 14:
        frequencies.append(frequencies[-1] + frequencies[-2])
    lengths = jpeg.code_lengths(dict(enumerate(frequencies)), 9)
    cost = sum(frequencies[symbol] * length for symbol, length in lengths.items())
    assert cost == least_cost(frequencies, 9)


@pytest.mark.parametrize(("symbols", "limit"), [(256, 8), (4, 2), (1, 0), (1, 17)])
def test_impossible_code_lengths(symbols: int, limit: int) -> None:
    with pytest.raises(ValueError, match=f"no Huffman code of at most {limit} bits for {symbols} symbols"):
        jpeg.code_lengths(dict.fromkeys(range(symbols), 1), limit)


@pytest.mark.parametrize("name", corpus.good_cases())
def test_prepared_corpus(name: str) -> None:
    source = corpus.good_cases()[name]
    prepared = _native.prepare_jpeg(source)
    assert prepared.stored == "restart"
    assert_same(jpeg.coefficients(prepared.jpeg), jpeg.coefficients(source))
    np.testing.assert_array_equal(pixels(prepared.jpeg), pixels(source))
    assert longest_code(prepared.jpeg) <= 12
    kept = _native.prepare_jpeg(prepared.jpeg, verbatim=True)
    assert kept.notes == ()
    # Recorded while writing; scanned for in a file that is kept.
    assert prepared.row_offsets == kept.row_offsets
    # Nothing is left to do: the same choices lead to the same bytes.
    assert _native.prepare_jpeg(prepared.jpeg).jpeg == prepared.jpeg


def through_libjpeg(source: bytes) -> bytes | None:
    """The coefficients that libjpeg reads, encoded with prepare's restarts."""
    info = _native.jpeg_info(_native.prepare_jpeg(source).jpeg)
    return jpeg.encode(
        jpeg.coefficients(source),
        info.width,
        info.height,
        list(info.sampling),
        rgb=info.color_space == "rgb",
        restart_interval=info.restart_interval,
        orientation=info.orientation,
    )


@pytest.mark.parametrize("name", corpus.good_cases())
def test_prepared_are_the_bytes_that_libjpegs_coefficients_lead_to(name: str) -> None:
    source = corpus.good_cases()[name]
    prepared = _native.prepare_jpeg(source)
    assert prepared.jpeg == through_libjpeg(source)
    assert prepared.fast == (prepared.source == "baseline" and name != "no_huffman_tables")


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("interval", [0, 1, 5])
def test_symbols_taken_over_are_those_of_the_coefficients(sampling: Sampling, interval: int) -> None:
    rng = np.random.default_rng(interval)
    same_mcus = all(math.gcd(*factors) == 1 for factors in zip(*sampling, strict=True))
    for (width, height), density in itertools.product([(1, 1), (33, 47), (200, 67)], (0.0, 0.02, 0.3, 1.0)):
        written = components(rng, width, height, sampling, density)
        source = jpeg.encode(written, width, height, sampling, restart_interval=interval)
        prepared = _native.prepare_jpeg(source)
        assert prepared.jpeg == through_libjpeg(source)
        assert prepared.fast == same_mcus


def test_symbols_are_taken_over_by_every_simd_target(simd_target: str) -> None:
    for options in ({}, {"optimize": True}, {"quality": 100, "subsampling": "4:4:4"}):
        source = encode_array(corpus.photograph("coffee")[:67, :129], **options)
        prepared = _native.prepare_jpeg(source)
        assert prepared.jpeg == through_libjpeg(source)
        assert prepared.fast


def one_block(words: list[str]) -> bytes:
    """A gray JPEG of 8 x 8 whose AC code words are 00: EOB, 01: 16 zeros, 100: 1 coefficient of one bit,
    101: EOB with a run, 110: 14 zeros and such a coefficient; the DC coefficient is zero and has one bit."""
    bits = "0" + "".join(words)
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return join(
        [
            Segment(Marker.SOI),
            Segment(Marker.DQT, bytes(1) + bytes([1]) * 64),
            Segment(Marker.SOF0, b"\x08\0\x08\0\x08\x01\x01\x11\0"),
            Segment(Marker.DHT, b"\0" + bytes([1]) + bytes(15) + b"\0"),
            Segment(Marker.DHT, b"\x10" + bytes([0, 2, 3]) + bytes(13) + b"\x00\xf0\x01\x30\xe1"),
            Segment(Marker.SOS, b"\x01\x01\0\0\x3f\0", scan),
            Segment(Marker.EOI),
        ]
    )


@pytest.mark.parametrize(
    "words",
    [
        ["00"],
        ["101"],
        ["01", "00"],
        ["01", "01", "01", "101"],
        ["1001", "01", "01", "00"],
        ["01", "1000", "00"],
        ["1001"] * 63,
        ["1001"] * 47 + ["01"],  # zeros up to the last coefficient
        ["1101"] + ["01"] * 3,
        ["01", "01", "01", "1101"],
    ],
    ids=len,
)
def test_symbols_that_say_nothing_are_dropped(words: list[str]) -> None:
    source = one_block(words)
    prepared = _native.prepare_jpeg(source)
    assert prepared.jpeg == through_libjpeg(source)
    assert prepared.fast


def test_what_has_a_flaw_or_other_mcus_is_left_to_libjpeg() -> None:
    plain = encode_array(corpus.photograph("coffee")[:40, :60])
    assert _native.prepare_jpeg(plain).fast
    for flawed in (plain[:-2], plain[:-2] + bytes(9) + plain[-2:], plain[:-2] + b"\xff" + plain[-2:]):
        prepared = _native.prepare_jpeg(flawed)
        assert not prepared.fast
        assert prepared.jpeg == _native.prepare_jpeg(plain).jpeg
    assert not _native.prepare_jpeg(corpus.good_cases()["progressive"]).fast


@pytest.mark.parametrize("quality", [1, 2, 5, 10, 25, 50, 75, 90, 95, 99, 100])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_prepared_qualities(quality: int, mode: str) -> None:
    photo = corpus.photograph("coffee")[:67, :129]
    for options in ({}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 3}):
        source = encode_array(photo, mode, quality=quality, **options)
        prepared = _native.prepare_jpeg(source)
        np.testing.assert_array_equal(pixels(prepared.jpeg), pixels(source))
        assert_same(jpeg.coefficients(prepared.jpeg), jpeg.coefficients(source))


def test_common_factors_of_the_sampling_are_dropped() -> None:
    # 4:4:4 said as 2x1, 2x1, 2x1: six blocks in an MCU where three do.
    written = components(np.random.default_rng(5), 67, 40, [(2, 1)] * 3, 0.1, 255)
    source = jpeg.encode(written, 67, 40, [(2, 1)] * 3)
    prepared = _native.prepare_jpeg(source)
    assert _native.jpeg_info(prepared.jpeg).sampling == ((1, 1),) * 3
    np.testing.assert_array_equal(pixels(prepared.jpeg), pixels(source))


def test_density_and_orientation_are_kept() -> None:
    photo = Image.fromarray(corpus.photograph("coffee")[:40, :60])
    exif = Image.Exif()
    exif[0x0112] = 8
    out = io.BytesIO()
    photo.save(out, "JPEG", dpi=(300, 200), exif=exif.tobytes())
    image = Image.open(io.BytesIO(_native.prepare_jpeg(out.getvalue()).jpeg))
    assert image.info["dpi"] == (300, 200)
    assert dict(image.getexif()) == {0x0112: 8}


def test_coefficients_beyond_baseline_keep_the_file() -> None:
    # One gray block. Words: DC size 0 and EOB 0, AC of 11 bits 10; libjpeg reads it, but may not write it.
    bits = "0" + "10" + format(1024, "011b") + "0"
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big")
    lengths = bytes([1, 1]) + bytes(14)
    source = join(
        [
            Segment(Marker.SOI),
            Segment(Marker.DQT, bytes(1) + bytes([1]) * 64),
            Segment(Marker.SOF0, b"\x08\0\x08\0\x08\x01\x01\x11\0"),
            Segment(Marker.DHT, b"\0" + lengths + b"\0\x01"),
            Segment(Marker.DHT, b"\x10" + lengths + b"\0\x0b"),
            Segment(Marker.SOS, b"\x01\x01\0\0\x3f\0", scan),
            Segment(Marker.EOI),
        ]
    )
    ((blocks, _),) = jpeg.coefficients(source)
    assert blocks[0, 0, 0, 1] == 1024
    prepared = _native.prepare_jpeg(source)
    assert prepared.stored == "verbatim"
    assert prepared.jpeg == source
    assert prepared.notes == ("kept verbatim: coefficients larger than baseline can hold",)


def test_prepared_imagenet_is_not_larger(imagenet_sample: Path) -> None:
    before = after = 0
    with tarfile.open(imagenet_sample / "ILSVRC2012_img_val.tar") as archive:
        for member in itertools.islice(archive, 100):
            source = archive.extractfile(member).read()
            prepared = _native.prepare_jpeg(source)
            assert_same(jpeg.coefficients(prepared.jpeg), jpeg.coefficients(source))
            assert prepared.fast
            # But for the density in JFIF.
            written, expected = split(prepared.jpeg)[2:], split(through_libjpeg(source))[2:]
            assert written == expected
            before, after = before + len(source), after + len(prepared.jpeg)
    assert after <= before
