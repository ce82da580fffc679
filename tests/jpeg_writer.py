"""The plainest JPEG writer: any coefficients, any sampling, codes of a fixed length. Slow, and obvious."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ZIGZAG = sorted(
    range(64), key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8)
)  # natural index of each zigzag index (T.81, figure A.6)


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


def write_jpeg(components: list[Component], width: int, height: int, color: str) -> bytes:
    """A JPEG of one interleaved scan; color: gray, ycbcr or rgb (by component ids, without JFIF)."""
    ids = b"RGB" if color == "rgb" else bytes([1, 2, 3])
    out = bytearray(b"\xff\xd8")

    def segment(marker: int, payload: bytes) -> None:
        out.extend(struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload)

    for c, component in enumerate(components):  # 16-bit quantisers
        segment(0xDB, bytes([0x10 | c]) + component.quantisers[ZIGZAG].astype(">u2").tobytes())
    frame = struct.pack(">BHHB", 8, height, width, len(components))
    for c, component in enumerate(components):
        frame += bytes([ids[c], component.h << 4 | component.v, c])
    segment(0xC1, frame)
    # Codes of 8 bits for all symbols: a DC symbol is its own code; an AC symbol's is its place in the list.
    dc = list(range(16))
    ac = [0x00, 0xF0] + [run << 4 | size for run in range(16) for size in range(1, 16)]
    segment(0xC4, b"\x00" + bytes([0] * 7 + [len(dc)] + [0] * 8) + bytes(dc))
    segment(0xC4, b"\x10" + bytes([0] * 7 + [len(ac)] + [0] * 8) + bytes(ac))
    scan = bytes([len(components)])
    for c in range(len(components)):
        scan += bytes([ids[c], 0x00])
    segment(0xDA, scan + bytes([0, 63, 0]))
    out += entropy_code(components, ac).replace(b"\xff", b"\xff\x00") + b"\xff\xd9"
    return bytes(out)


def entropy_code(components: list[Component], ac: list[int]) -> bytes:
    """The interleaved scan, padded with ones."""
    code_of = {symbol: code for code, symbol in enumerate(ac)}
    bits: list[str] = []
    predictors = [0] * len(components)

    def put(code: int, size: int, value: int) -> None:
        bits.append(f"{code:08b}")
        if size:
            bits.append(f"{value if value > 0 else value + (1 << size) - 1:0{size}b}")

    for c, line, column in mcu_order(components):
        block = components[c].blocks[line, column][ZIGZAG].tolist()
        difference, predictors[c] = block[0] - predictors[c], block[0]
        size = abs(difference).bit_length()
        put(size, size, difference)
        run = 0
        last = max((k for k in range(1, 64) if block[k]), default=0)
        for value in block[1 : last + 1]:
            if value == 0:
                run += 1
                continue
            for _ in range(run // 16):
                put(code_of[0xF0], 0, 0)
            size = abs(value).bit_length()
            put(code_of[(run % 16) << 4 | size], size, value)
            run = 0
        if last < 63:
            put(code_of[0x00], 0, 0)
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def mcu_order(components: list[Component]) -> list[tuple[int, int, int]]:
    """(component, block line, block column) in the order of the scan."""
    h, v = [c.h for c in components], [c.v for c in components]
    if len(components) == 1:  # not interleaved: an MCU is one block
        h = v = [1]
    lines, across, _ = components[0].blocks.shape
    return [
        (c, row * v[c] + y, column * h[c] + x)
        for row in range(lines // v[0])
        for column in range(across // h[0])
        for c in range(len(components))
        for y in range(v[c])
        for x in range(h[c])
    ]
