"""The plainest decoder of a sequential JPEG's scan: bit by bit. Slow, and obvious (T.81, annex F.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from jpeg_surgery import Marker, Segment, split
from jpeg_writer import ZIGZAG


def decode_coefficients(jpeg: bytes) -> list[npt.NDArray[np.int16]]:
    """By component: blocks (lines, across, 64) in natural order, padded to whole MCUs."""
    segments = split(jpeg)
    codes: dict[int, dict[str, int]] = {}
    interval = 0
    for segment in segments:
        if segment.marker == Marker.DHT:
            codes |= dict(read_codes(segment.body))
        if segment.marker == 0xDD:
            interval = struct.unpack(">H", segment.body)[0]
    (frame,) = [s.body for s in segments if s.marker in (Marker.SOF0, Marker.SOF1)]
    (scan,) = [s for s in segments if s.marker == Marker.SOS]
    _, height, width, count = struct.unpack(">BHHB", frame[:6])
    factors = [(frame[7 + 3 * c] >> 4, frame[7 + 3 * c] & 15) for c in range(count)]
    if count == 1:
        factors = [(1, 1)]
    columns = -(-width // (8 * max(h for h, _ in factors)))
    rows = -(-height // (8 * max(v for _, v in factors)))
    planes = [np.zeros((rows * v, columns * h, 64), np.int16) for h, v in factors]
    parts = restart_segments(scan)
    bits = iter("")
    predictions = [0] * count
    for mcu in range(rows * columns):
        if mcu == 0 or (interval and mcu % interval == 0):
            bits = iter("".join(f"{byte:08b}" for byte in next(parts)))
            predictions = [0] * count
        for c, (h, v) in enumerate(factors):
            selector = scan.body[2 + 2 * c]
            for y in range(v):
                for x in range(h):
                    block = planes[c][mcu // columns * v + y, mcu % columns * h + x]
                    dc, ac = codes[selector >> 4], codes[0x10 | selector & 15]
                    predictions[c] += value(bits, symbol(bits, dc))
                    block[0] = predictions[c]
                    read_ac(bits, ac, block)
    return planes


def read_codes(body: bytes) -> Iterator[tuple[int, dict[str, int]]]:
    """By class and slot: symbols by their code words as text (T.81, annex C)."""
    while body:
        counts, symbols = body[1:17], iter(body[17:])
        code, word = {}, 0
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                code[f"{word:0{length}b}"] = next(symbols)
                word += 1
            word <<= 1
        yield body[0], code
        body = body[17 + sum(counts) :]


def restart_segments(scan: Segment) -> Iterator[bytes]:
    data, start, at = scan.entropy, 0, 0
    while at < len(data):
        if data[at] == 0xFF and data[at + 1] != 0:
            yield data[start:at].replace(b"\xff\x00", b"\xff")
            start = at + 2
        at += 2 if data[at] == 0xFF else 1
    yield data[start:].replace(b"\xff\x00", b"\xff")


def symbol(bits: Iterator[str], code: dict[str, int]) -> int:
    word = ""
    while word not in code:
        word += next(bits)
    return code[word]


def value(bits: Iterator[str], size: int) -> int:
    text = "".join(next(bits) for _ in range(size))
    if not text:
        return 0
    return int(text, 2) if text[0] == "1" else int(text, 2) - (1 << size) + 1


def read_ac(bits: Iterator[str], code: dict[str, int], block: npt.NDArray[np.int16]) -> None:
    k = 1
    while k < 64:
        run, size = divmod(symbol(bits, code), 16)
        if size == 0 and run != 15:
            return
        k += run
        block[ZIGZAG[k]] = value(bits, size)
        k += 1
