"""Cuts JPEG files at their markers, to make legal but rare files that Pillow cannot write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Marker(IntEnum):
    """T.81, table B.1."""

    SOF0, SOF1, SOF3, DHT = 0xC0, 0xC1, 0xC3, 0xC4
    SOI, EOI, SOS, DQT, DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xDD
    APP0, APP14, COM = 0xE0, 0xEE, 0xFE


@dataclass(frozen=True)
class Segment:
    """One marker segment; an SOS carries the entropy-coded bytes that follow it."""

    marker: int
    body: bytes = b""
    entropy: bytes = b""

    def __bytes__(self) -> bytes:
        if self.marker in (Marker.SOI, Marker.EOI):
            return bytes([0xFF, self.marker])
        return struct.pack(">BBH", 0xFF, self.marker, len(self.body) + 2) + self.body + self.entropy


def split(data: bytes) -> list[Segment]:
    """The segments of a well-formed JPEG file, SOI to EOI."""
    return list(_segments(data))


def join(segments: Sequence[Segment]) -> bytes:
    return b"".join(bytes(segment) for segment in segments)


def edit(data: bytes, marker: Marker, change: Callable[[bytes], bytes], *, to: Marker | None = None) -> bytes:
    """The file with the bodies of its `marker` segments changed, and put under the marker `to` if given."""
    return join(
        [Segment(to or marker, change(s.body), s.entropy) if s.marker == marker else s for s in split(data)]
    )


def drop(data: bytes, marker: Marker) -> bytes:
    return join([segment for segment in split(data) if segment.marker != marker])


def relabel_sampling(data: bytes, luma: int, width: int, height: int) -> bytes:
    """Declares other luma factors (0xHV) and another size, with as many blocks an MCU and as many MCUs.

    4:2:2 and 4:4:0 share the order of blocks (Y Y Cb Cr), as do 4:2:0 and 4:1:1 (Y Y Y Y Cb Cr), so that
    the entropy-coded bytes stay valid.
    """

    def change(frame: bytes) -> bytes:
        return frame[:1] + struct.pack(">HH", height, width) + frame[5:7] + bytes([luma]) + frame[8:]

    return edit(data, Marker.SOF0, change)


def resize(data: bytes, width: int, height: int) -> bytes:
    """Declares another size, with as many MCUs in each direction."""
    for marker in (Marker.SOF0, Marker.SOF1):
        data = edit(data, marker, lambda frame: frame[:1] + struct.pack(">HH", height, width) + frame[5:])
    return data


def multiscan(planes: Sequence[bytes], sampling: Sequence[int], width: int, height: int) -> bytes:
    """A sequential file with one scan a component, out of one gray JPEG (of the subsampled size) for each.

    A scan of one component is coded exactly as a gray file of that component's size (T.81, A.2.2).
    """
    parts = [split(plane) for plane in planes]
    components = b"".join(bytes([i + 1, factors, 0]) for i, factors in enumerate(sampling))
    frame = struct.pack(">BHHB", 8, height, width, len(planes)) + components
    segments = [Segment(Marker.SOI), _only(parts[0], Marker.APP0), _only(parts[0], Marker.DQT)]
    segments.append(Segment(Marker.SOF0, frame))
    for i, part in enumerate(parts):
        segments += [segment for segment in part if segment.marker == Marker.DHT]
        segments.append(Segment(Marker.SOS, bytes([1, i + 1, 0, 0, 63, 0]), _only(part, Marker.SOS).entropy))
    return join([*segments, Segment(Marker.EOI)])


def _only(segments: Sequence[Segment], marker: int) -> Segment:
    (found,) = [segment for segment in segments if segment.marker == marker]
    return found


def _segments(data: bytes) -> Iterator[Segment]:
    at = 0
    while True:
        marker = data[at + 1]
        if marker in (Marker.SOI, Marker.EOI):
            yield Segment(marker)
            at += 2
            if marker == Marker.EOI:
                return
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        body, at = data[at + 4 : end], end
        if marker == Marker.SOS:
            # 0xFF 0x00 is a stuffed byte and 0xFF 0xD0..0xD7 a restart marker: both belong to the scan.
            while not (data[at] == 0xFF and data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7):
                at += 1
        yield Segment(marker, body, data[end:at])
