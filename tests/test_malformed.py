"""Damaged files have libjpeg's pixels, or its refusal: cut, flipped, missing and doubled at every place."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fastload import _native
from fastload.errors import JpegError
from jpeg_surgery import Marker, join, split
from test_decoder import Crop, pillow
from test_matrix import USUAL, Case

Pixels = npt.NDArray[np.uint8]
Damaged = Iterator[tuple[object, bytes]]

FILES = {
    "gray": Case(USUAL["gray"], "none", "best", 50, "photo", "JFIF", False, Marker.SOF0, 30, 10),
    "4:2:0": Case(USUAL["4:2:0"], "none", "worst", 50, "photo", "JFIF", False, Marker.SOF0, 40, 20),
    "4:4:4, restarts": Case(USUAL["4:4:4"], "3", "best", 50, "photo", "ids RGB", False, Marker.SOF1, 65, 17),
    "4:2:2, restarts": Case(USUAL["4:2:2"], "1", "annex K", 50, "photo", "JFIF", False, Marker.SOF0, 70, 24),
    "4:2:0, restarts": Case(
        USUAL["4:2:0"], "2 rows + 1", "best", 50, "photo", "Adobe YCbCr", True, Marker.SOF1, 33, 75
    ),
}


def truncated(jpeg: bytes) -> Damaged:
    return ((end, jpeg[:end]) for end in range(len(jpeg)))


def bits_flipped(jpeg: bytes) -> Damaged:
    for at, bit in itertools.product(range(2, len(jpeg)), range(8)):
        yield (at, bit), jpeg[:at] + bytes([jpeg[at] ^ 1 << bit]) + jpeg[at + 1 :]


def bytes_lost(jpeg: bytes) -> Damaged:
    for at, count in itertools.product(range(2, len(jpeg)), (1, 2, 5)):
        yield (at, count), jpeg[:at] + jpeg[at + count :]


def bytes_inserted(jpeg: bytes) -> Damaged:
    extra = [b"\0", b"\xff", b"\xff\0", b"\xff\xd9", b"\xff\xd0"]
    for at, more in itertools.product(range(2, len(jpeg) + 1), extra):
        yield (at, more), jpeg[:at] + more + jpeg[at:]


def segments_out_of_place(jpeg: bytes) -> Damaged:
    """Each segment dropped, doubled, and at any other place."""
    segments = split(jpeg)
    for k, segment in enumerate(segments):
        rest = segments[:k] + segments[k + 1 :]
        yield ("dropped", k), join(rest)
        for to in range(1, len(segments) + 1):
            yield ("doubled", k, to), join([*segments[:to], segment, *segments[to:]])
        for to in range(1, len(rest) + 1):
            yield ("moved", k, to), join([*rest[:to], segment, *rest[to:]])


def restarts_out_of_place(jpeg: bytes) -> Damaged:
    """Each restart marker with every other number, dropped, doubled; any two segments exchanged."""
    places = [at for at in range(len(jpeg) - 1) if jpeg[at] == 0xFF and 0xD0 <= jpeg[at + 1] <= 0xD7]
    for at in places:
        for number in range(8):
            yield ("renumbered", at, number), jpeg[: at + 1] + bytes([0xD0 + number]) + jpeg[at + 2 :]
        yield ("dropped", at), jpeg[:at] + jpeg[at + 2 :]
        yield ("doubled", at), jpeg[:at] + jpeg[at : at + 2] + jpeg[at:]
    ends = [*places, len(jpeg) - 2]
    for a, b in itertools.combinations(range(len(places)), 2):
        first, second = (jpeg[ends[k] + 2 : ends[k + 1]] for k in (a, b))
        between = jpeg[ends[a + 1] : ends[b] + 2]
        yield ("exchanged", a, b), jpeg[: ends[a] + 2] + second + between + first + jpeg[ends[b + 1] :]


DAMAGES: list[Callable[[bytes], Damaged]] = [
    truncated,
    bits_flipped,
    bytes_lost,
    bytes_inserted,
    segments_out_of_place,
    restarts_out_of_place,
]


def pillow_or_none(jpeg: bytes) -> Pixels | None:
    try:
        return pillow(jpeg)
    except (OSError, SyntaxError, ValueError, struct.error):  # what Pillow says of a damaged file
        return None


def check(name: object, jpeg: bytes, decoder: _native.entropy.Decoder) -> Pixels | None:
    """libjpeg's pixels, if it has any. Pillow is stricter, but reads the header on its own."""
    judged = pillow_or_none(jpeg)
    try:
        expected = _native.entropy.decode_with_libjpeg(jpeg)
    except JpegError:
        assert judged is None, name
        with pytest.raises(JpegError):
            decoder.decode(jpeg)
        return None
    assert judged is None or np.array_equal(judged, expected), name
    assert np.array_equal(decoder.decode(jpeg), expected), name
    x, y, w, h = lower_right(expected)
    assert np.array_equal(decoder.decode(jpeg, (x, y, w, h)), expected[y : y + h, x : x + w]), name
    return expected


def lower_right(pixels: Pixels) -> Crop:
    height, width, _ = pixels.shape
    return width // 3, height // 2, width - width // 3, height - height // 2


@pytest.mark.filterwarnings("ignore")  # Pillow's, of which there are many
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_files_have_libjpegs_pixels(damage: Callable[[bytes], Damaged]) -> None:
    decoder, refused = _native.entropy.Decoder(), 0
    for file, case in FILES.items():
        for name, jpeg in damage(case.jpeg()):
            refused += check((file, name), jpeg, decoder) is None
    assert {"fast", "damaged"} <= set(decoder.counts)
    assert refused > 0 or damage is restarts_out_of_place


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_stored_of_damaged_files_has_them_too(
    damage: Callable[[bytes], Damaged], verbatim: bool, tmp_path: Path
) -> None:
    writer, names, pixels = _native.ShardWriter(str(tmp_path / "shard.tar")), [], []
    for file, case in FILES.items():
        for name, jpeg in damage(case.jpeg()):
            try:
                prepared = _native.prepare_jpeg(jpeg, verbatim=verbatim, keep_truncated=True)
            except JpegError:
                continue
            writer.add(str(len(names)), 0, prepared)
            names.append((file, name))
            pixels.append(_native.entropy.decode_with_libjpeg(jpeg))
    writer.close()
    shard = _native.Shard(str(tmp_path / "shard.tar"))
    for k, (name, whole) in enumerate(zip(names, pixels, strict=True)):
        assert np.array_equal(shard.decode(k), whole), name
        x, y, w, h = lower_right(whole)
        assert np.array_equal(shard.decode(k, (x, y, w, h)), whole[y : y + h, x : x + w]), name
    assert len(names) > 100
