"""A plain JPEG writer for tests: any coefficients, any sampling, any Huffman code, in NumPy."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jpeg_surgery import Marker, Segment, join

ZIGZAG = sorted(
    range(64), key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8)
)  # natural index of each zigzag index (T.81, figure A.6)
EOB, ZRL = 0x00, 0xF0

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Component:
    """Blocks (lines, across, 64), quantised and in natural order, that cover whole MCUs."""

    blocks: npt.NDArray[np.int16]
    quantisers: npt.NDArray[np.uint16]
    h: int = 1
    v: int = 1

    @property
    def last(self) -> npt.NDArray[np.uint8]:
        """Of each block, the zigzag index of the last coefficient that is not zero."""
        places = (self.blocks[..., ZIGZAG] != 0) * np.arange(64)
        return places.max(axis=-1).astype(np.uint8)


@dataclass(frozen=True)
class Code:
    """A Huffman code: the count of its words of each length 1..16, and the symbols in the words' order."""

    counts: tuple[int, ...]
    symbols: bytes

    @classmethod
    def of(cls, lengths: dict[int, int]) -> Code:
        """Of lengths by symbol, in the order of the symbols."""
        counts = [list(lengths.values()).count(length) for length in range(1, 17)]
        return cls(tuple(counts), bytes(sorted(lengths, key=lengths.__getitem__)))

    def words(self) -> tuple[Ints, Ints]:
        """By symbol: its word, and the word's length, 0 where there is none (T.81, annex C)."""
        words, lengths = np.zeros((2, 256), np.int64)
        symbols, word = iter(self.symbols), 0
        for length, count in enumerate(self.counts, 1):
            for symbol in itertools.islice(symbols, count):
                words[symbol], lengths[symbol] = word, length
                word += 1
            word <<= 1
        return words, lengths


# Words of 8 bits for all symbols: the order of these is the order of the words.
_DC = Code.of(dict.fromkeys(range(16), 8))
_AC = Code.of(dict.fromkeys([EOB, ZRL, *(run << 4 | size for run in range(16) for size in range(1, 16))], 8))
FIXED = ((_DC, _AC),)

# (DC, AC) for each component, the last pair for all that follow; or a function that makes a code out of the
# frequencies (256,) of its symbols.
Codes = Sequence[tuple[Code, Code]] | Callable[[Ints], Code]


def write_jpeg(
    components: Sequence[Component],
    width: int,
    height: int,
    color: str,
    *,
    codes: Codes = FIXED,
    restart_interval: int = 0,
    frame: Marker = Marker.SOF1,
    wide_quantisers: bool = True,
    ids: bytes | None = None,
    prologue: Sequence[Segment] = (),
) -> bytes:
    """A JPEG of one interleaved scan. `color`: gray, ycbcr or rgb, told by their ids; `ids`: others.
    `prologue`: segments to follow SOI."""
    ids = ids or (b"RGB" if color == "rgb" else b"\1\2\3")
    scan = scan_of(components, restart_interval)
    if callable(codes):
        codes = [tuple(codes(scan.frequencies(c, kind)) for kind in (0, 1)) for c in range(len(components))]  # type: ignore[misc]
    table = [min(c, len(codes) - 1) for c in range(len(components))]
    segments = [Segment(Marker.SOI), *prologue]
    for c, component in enumerate(components):
        quantisers = component.quantisers[ZIGZAG]
        assert wide_quantisers or quantisers.max() < 256
        body = quantisers.astype(">u2" if wide_quantisers else "u1").tobytes()
        segments.append(Segment(Marker.DQT, bytes([wide_quantisers << 4 | c]) + body))
    body = struct.pack(">BHHB", 8, height, width, len(components))
    body += b"".join(bytes([ids[c], part.h << 4 | part.v, c]) for c, part in enumerate(components))
    segments.append(Segment(frame, body))
    for slot in sorted(set(table)):
        for kind, code in enumerate(codes[slot]):
            segments.append(Segment(Marker.DHT, bytes([kind << 4 | slot, *code.counts]) + code.symbols))
    if restart_interval:
        segments.append(Segment(Marker.DRI, struct.pack(">H", restart_interval)))
    body = b"".join(bytes([ids[c], slot << 4 | slot]) for c, slot in enumerate(table))
    body = bytes([len(components)]) + body + b"\0\x3f\0"
    segments.append(Segment(Marker.SOS, body, scan.entropy_code([codes[slot] for slot in table])))
    return join([*segments, Segment(Marker.EOI)])


@dataclass(frozen=True)
class Scan:
    """Huffman symbols in the order of the scan, and the values behind them."""

    segment: Ints  # restart segment
    component: Ints
    kind: Ints  # 0: DC, 1: AC
    symbol: Ints
    value: Ints  # of as many bits as the symbol's low half says

    def frequencies(self, component: int, kind: int) -> Ints:
        chosen = (self.component == component) & (self.kind == kind)
        return np.bincount(self.symbol[chosen], minlength=256)

    def entropy_code(self, codes: Sequence[tuple[Code, Code]]) -> bytes:
        """With stuffed zeros, and restart markers between the segments, each filled up with ones."""
        words, lengths = np.moveaxis(np.array([[code.words() for code in pair] for pair in codes]), 2, 0)
        size = self.symbol & 15
        bits = words[self.component, self.kind, self.symbol] << size | self.value
        length = lengths[self.component, self.kind, self.symbol]
        assert length.all(), "a symbol has no word"
        length += size
        total = np.bincount(self.segment, length).astype(np.int64)
        fill = -total % 8
        ends = np.searchsorted(self.segment, np.arange(len(total)), side="right")
        bits, length = np.insert(bits, ends, (1 << fill) - 1), np.insert(length, ends, fill)
        behind = np.repeat(np.cumsum(length), length) - 1 - np.arange(length.sum())
        data = np.packbits((np.repeat(bits, length) >> behind & 1).astype(np.uint8)).tobytes()
        out, begin = [], 0
        for k, end in enumerate(np.cumsum(total + fill) // 8):
            out.append((bytes([0xFF, 0xD0 + (k - 1) % 8]) if k else b"") + stuffed(data[begin:end]))
            begin = end
        return b"".join(out)


def stuffed(data: bytes) -> bytes:
    return data.replace(b"\xff", b"\xff\0")


def scan_of(components: Sequence[Component], restart_interval: int = 0) -> Scan:
    """The scan of T.81, A.2.3 and F.1.2."""
    mcus = [mcus_of(component, len(components) == 1) for component in components]
    count, per_mcu = len(mcus[0]), [part.shape[1] for part in mcus]
    interval = restart_interval or count
    blocks = np.concatenate(mcus, axis=1)[..., ZIGZAG].astype(np.int64).reshape(-1, 64)
    component = np.tile(np.repeat(np.arange(len(mcus)), per_mcu), count)
    segment = np.repeat(np.arange(count) // interval, sum(per_mcu))
    differences = np.empty(len(blocks), np.int64)
    for c, n in enumerate(per_mcu):
        dc = blocks[component == c, 0]
        before = np.roll(dc, 1)
        before[:: n * interval] = 0
        differences[component == c] = dc - before
    block, k = np.nonzero(blocks[:, 1:])
    k += 1
    before = np.where(np.roll(block, 1) == block, np.roll(k, 1), 0)
    before[:1] = 0
    run = k - before - 1
    ends = np.flatnonzero(blocks[:, 63] == 0)
    zeros = [np.flatnonzero(run >= 16 * times) for times in (1, 2, 3)]
    # What follows what: the difference, sixteens of zeros, the coefficient behind them, the end of the block.
    parts = [
        (np.arange(len(blocks)), 0, 0, differences, 0),
        (block, 4 * k + 3, 1, blocks[block, k], run % 16),
    ]
    parts += [(block[found], 4 * k[found], 1, 0, ZRL >> 4) for found in zeros]
    parts += [(ends, 4 * 64, 1, 0, EOB)]
    where, order, kind, value, high = (
        np.concatenate([np.broadcast_to(part[field], part[0].shape) for part in parts]) for field in range(5)
    )
    sort = np.argsort(where * 512 + order, kind="stable")
    where, kind, value, high = where[sort], kind[sort], value[sort], high[sort]
    size = np.frexp(np.abs(value))[1].astype(np.int64)
    value = np.where(value < 0, value + (1 << size) - 1, value)
    return Scan(segment[where], component[where], kind, high << 4 | size, value)


def mcus_of(component: Component, alone: bool) -> npt.NDArray[np.int16]:
    """(MCUs, blocks in each, 64). A lone component is not interleaved: its MCU is one block."""
    h, v = (1, 1) if alone else (component.h, component.v)
    lines, across, _ = component.blocks.shape
    grid = component.blocks.reshape(lines // v, v, across // h, h, 64)
    return grid.swapaxes(1, 2).reshape(-1, v * h, 64)
