"""Pixels equal libjpeg-turbo's (Pillow's) on generated files of every kind that the own decoder takes,
plain and stored.

What a file can differ in has too many combinations to try each. Tried are: every pair of values of two
parameters, where their number allows (see EXEMPT); every size to 67 x 67 with the usual samplings; long thin
images with every sampling. FASTLOAD_FULL_MATRIX=1 adds the product of all samplings, qualities and restart
intervals (about ten minutes on one core).
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.fft import dctn

import corpus
from fastload import _native
from jpeg_cases import encode
from jpeg_surgery import Marker, Segment, resize, split
from jpeg_writer import FIXED, ZIGZAG, Code, Codes, Component, Ints, write_jpeg
from test_decoder import Crop, pillow

Sampling = tuple[tuple[int, int], ...]
Pixels = npt.NDArray[np.uint8]
File = tuple[object, bytes, Pixels]  # its name, its bytes, what Pillow makes of them

FULL = os.environ.get("FASTLOAD_FULL_MATRIX") == "1"


def is_decodable(sampling: Sampling) -> bool:
    """By libjpeg-turbo: up to 10 blocks an MCU (T.81, B.2.3), upsampling by whole numbers."""
    ratios = [(max(factors), factor) for factors in zip(*sampling, strict=True) for factor in factors]
    return sum(h * v for h, v in sampling) <= 10 and all(most % factor == 0 for most, factor in ratios)


FACTORS = list(itertools.product((1, 2, 3, 4), repeat=2))
GRAY: list[Sampling] = [(factors,) for factors in FACTORS]  # which mean nothing, but are there
SAMPLINGS = [*GRAY, *filter(is_decodable, itertools.product(FACTORS, repeat=3))]
USUAL: dict[str, Sampling] = {
    "gray": ((1, 1),),
    "4:4:4": ((1, 1), (1, 1), (1, 1)),
    "4:2:2": ((2, 1), (1, 1), (1, 1)),
    "4:2:0": ((2, 2), (1, 1), (1, 1)),
    "4:4:0": ((1, 2), (1, 1), (1, 1)),
}

RESTARTS: dict[str, Callable[[int], int]] = {  # by the number of MCU columns
    "none": lambda columns: 0,
    "1": lambda columns: 1,
    "3": lambda columns: 3,
    "row": lambda columns: columns,
    "row - 1": lambda columns: max(1, columns - 1),
    "2 rows + 1": lambda columns: 2 * columns + 1,
    "beyond the end": lambda columns: 65535,
}

JFIF = Segment(Marker.APP0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


def adobe(transform: int) -> Segment:
    return Segment(Marker.APP14, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


COLORS: dict[str, tuple[bytes, list[Segment]]] = {  # component ids, and what precedes them
    "JFIF": (b"\1\2\3", [JFIF]),
    "JFIF, ids RGB": (b"RGB", [JFIF]),
    "JFIF, Adobe RGB": (b"\1\2\3", [JFIF, adobe(0)]),
    "Adobe RGB": (b"\1\2\3", [adobe(0)]),
    "Adobe YCbCr": (b"\1\2\3", [adobe(1)]),
    "Adobe YCbCr, ids RGB": (b"RGB", [adobe(1)]),
    "Adobe's unknown transform": (b"\1\2\3", [adobe(9)]),
    "ids RGB": (b"RGB", []),
    "ids 1 2 3": (b"\1\2\3", []),
    "other ids": (b"\0\xff\x10", []),
}


def best_code(frequencies: Ints) -> Code:
    counts = {symbol: int(count) for symbol, count in enumerate(frequencies) if count}
    return Code.of(_native.jpeg.code_lengths(counts, 16))


def worst_code(frequencies: Ints) -> Code:
    """The more frequent a symbol, the longer its word, up to 16 bits."""
    symbols = np.argsort(frequencies, kind="stable")[-int((frequencies > 0).sum()) :]
    return Code.of({int(symbol): min(k + 1 if k < 8 else 16, 16) for k, symbol in enumerate(symbols)})


@cache
def annex_k() -> Codes:
    """The codes of T.81, annex K, as libjpeg writes them by default, for luma and for chroma."""
    tables = {s.body[0]: s.body[1:] for s in split(encode("coffee", 16, 16)) if s.marker == Marker.DHT}
    codes = {slot: Code(tuple(body[:16]), body[16:]) for slot, body in tables.items()}
    return [(codes[0x00], codes[0x10]), (codes[0x01], codes[0x11])]


CODES: dict[str, Callable[[], Codes]] = {
    "annex K": annex_k,
    "best": lambda: best_code,
    "worst": lambda: worst_code,
    "8 bits": lambda: FIXED,
}


@cache
def photo_blocks() -> npt.NDArray[np.float64]:
    """4,096 blocks of a photograph, transformed: (4096, 64)."""
    tiles = corpus.photograph("coffee")[:256, :, 1].astype(float)[:, :600] - 128
    tiles = np.concatenate([tiles, -tiles], axis=1)[:, :1024].reshape(32, 8, 128, 8).swapaxes(1, 2)
    return dctn(tiles, axes=(2, 3), norm="ortho").reshape(-1, 64)


@cache
def random_blocks(density: float, bits: int) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(bits)
    sizes = rng.integers(0, bits + 1, (4096, 64))
    blocks = rng.integers(-(1 << sizes) + 1, 1 << sizes) * (rng.random(sizes.shape) < density)
    blocks[:, 0] = np.clip(blocks[:, 0], -1023, 1023)  # a difference of two needs one bit more
    return blocks.astype(np.int16)


CONTENTS: dict[str, Callable[[npt.NDArray[np.uint16]], npt.NDArray[np.int16]]] = {
    "photo": lambda quantisers: np.rint(photo_blocks() / quantisers).astype(np.int16),
    "sparse": lambda quantisers: random_blocks(0.05, 10),
    "dense": lambda quantisers: random_blocks(1.0, 10),
    "beyond baseline": lambda quantisers: random_blocks(0.3, 15),
}


@cache
def quantisers(quality: int, chroma: bool, wide: bool) -> npt.NDArray[np.uint16]:
    """Annex K's, scaled as libjpeg does it; only 16 bits hold the lowest qualities' unclipped."""
    dqt = [
        segment.body
        for segment in split(encode("coffee", 16, 16, quality=50))
        if segment.marker == Marker.DQT
    ]
    base = np.zeros(64, int)
    base[ZIGZAG] = list(b"".join(dqt)[1 + 65 * chroma :][:64])
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * scale + 50) // 100, 1, 32767 if wide else 255).astype(np.uint16)


class Case(NamedTuple):
    sampling: Sampling
    restart: str
    codes: str
    quality: int
    content: str
    color: str
    wide: bool  # 16-bit quantisers
    frame: Marker
    width: int
    height: int

    def columns_and_rows(self) -> tuple[int, int]:
        h, v = (max(f) for f in zip(*self.sampling, strict=True)) if len(self.sampling) > 1 else (1, 1)
        return -(-self.width // (8 * h)), -(-self.height // (8 * v))

    def jpeg(self) -> bytes:
        columns, rows = self.columns_and_rows()
        rng = random.Random(repr(self))
        components = []
        for c, (h, v) in enumerate(self.sampling):
            shape = (rows * v, columns * h, 64) if len(self.sampling) > 1 else (rows, columns, 64)
            table = quantisers(self.quality, c > 0, self.wide)
            pool = CONTENTS[self.content](table)
            blocks = pool.take(np.arange(shape[0] * shape[1]) + rng.randrange(4096), axis=0, mode="wrap")
            if self.codes == "annex K":  # which has no words for more
                blocks = np.clip(blocks, -1023, 1023)
            components.append(Component(blocks.reshape(shape), table, h, v))
        ids, prologue = COLORS[self.color]
        return write_jpeg(
            components,
            self.width,
            self.height,
            "",
            codes=CODES[self.codes](),
            restart_interval=RESTARTS[self.restart](columns),
            frame=self.frame,
            wide_quantisers=self.wide,
            ids=ids,
            prologue=prologue,
        )


VALUES: dict[str, Sequence[Any]] = {
    "sampling": SAMPLINGS,
    "color": list(COLORS),
    "restart": list(RESTARTS),
    "codes": list(CODES),
    "content": list(CONTENTS),
    "wide": [False, True],
    "frame": [Marker.SOF0, Marker.SOF1],
    "quality": range(1, 101),
    "width": range(1, 68),
    "height": range(1, 68),
}
# Two of these have too many pairs of values.
MANY = {"sampling", "quality", "width", "height"}
EXEMPT = {frozenset(pair) for pair in itertools.combinations(MANY, 2)}


class PairCover:
    """Cases that hold every pair of values of two parameters, but for EXEMPT: chosen greedily."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.open = {
            (a, b): np.ones((len(VALUES[a]), len(VALUES[b])), bool)
            for a, b in itertools.permutations(VALUES, 2)
            if frozenset((a, b)) not in EXEMPT
        }

    def complete(self, **chosen: int) -> Case:
        """Chooses, for each parameter in turn, the value that brings most pairs that no case has yet."""
        for name, values in VALUES.items():
            if name not in chosen:
                gain = self.rng.random(len(values))
                for other, value in chosen.items():
                    if (other, name) in self.open:
                        gain += self.open[other, name][value]
                chosen[name] = int(gain.argmax())
        for a, b in self.open:
            self.open[a, b][chosen[a], chosen[b]] = False
        return Case(**{name: VALUES[name][k] for name, k in chosen.items()})

    def __iter__(self) -> Iterator[Case]:
        for (a, b), left in self.open.items():
            while left.any():
                first, second = np.argwhere(left)[0]
                yield self.complete(**{a: int(first), b: int(second)})


def pairs() -> Iterator[Case]:
    return iter(PairCover(0))


def thin() -> Iterator[Case]:
    rng = random.Random(1)
    for sampling in SAMPLINGS:
        for size in ((4096, 16), (16, 4096)):
            rest = {name: rng.choice(values) for name, values in VALUES.items()}
            yield Case(
                **rest | {"sampling": sampling, "content": "sparse", "width": size[0], "height": size[1]}
            )


def sizes(sampling: Sampling) -> Iterator[tuple[str, bytes]]:
    """A file of every size to 67 x 67. Those of equally many MCUs have their entropy-coded data in common."""
    rng = random.Random(repr(sampling))
    jpegs: dict[tuple[int, int], bytes] = {}
    for width, height in itertools.product(range(1, 68), repeat=2):
        rest = {name: rng.choice(values) for name, values in VALUES.items()}
        case = Case(**rest | {"sampling": sampling, "width": width, "height": height})
        grid = case.columns_and_rows()
        if grid not in jpegs:
            jpegs[grid] = case.jpeg()
        yield f"{width}x{height}", resize(jpegs[grid], width, height)


def written(cases: Iterable[Case]) -> Iterator[tuple[Case, bytes]]:
    return ((case, case.jpeg()) for case in cases)


GROUPS: dict[str, Callable[[], Iterator[tuple[object, bytes]]]] = {
    "pairs": lambda: written(pairs()),
    "thin": lambda: written(thin()),
    **{f"sizes of {name}": lambda sampling=sampling: sizes(sampling) for name, sampling in USUAL.items()},
}


def stored(jpegs: Iterable[bytes], path: Path, *, verbatim: bool) -> _native.Shard:
    writer = _native.ShardWriter(str(path))
    for k, jpeg in enumerate(jpegs):
        writer.add(str(k), 0, _native.prepare_jpeg(jpeg, verbatim=verbatim))
    writer.close()
    return _native.Shard(str(path))


def crops_of(name: object, pixels: Pixels) -> Iterator[Crop]:
    """Any two, and one of a single column."""
    height, width, _ = pixels.shape
    rng = random.Random(repr(name))
    for narrow in (False, False, True):
        w, h = 1 if narrow else rng.randint(1, width), rng.randint(1, height)
        yield rng.randint(0, width - w), rng.randint(0, height - h), w, h


def check(files: Sequence[File], decode: Callable[[int, Crop | None], Pixels]) -> None:
    for k, (name, _, expected) in enumerate(files):
        assert np.array_equal(decode(k, None), expected), name
        for x, y, w, h in crops_of(name, expected):
            crop = expected[y : y + h, x : x + w]
            assert np.array_equal(decode(k, (x, y, w, h)), crop), (name, x, y, w, h)


def check_plain(files: Sequence[File]) -> None:
    decoder = _native.entropy.Decoder()
    check(files, lambda k, crop: decoder.decode(files[k][1], crop))
    assert decoder.counts == {"fast": 4 * len(files)}


def check_stored(files: Sequence[File], path: Path, *, verbatim: bool) -> None:
    shard = stored([jpeg for _, jpeg, _ in files], path, verbatim=verbatim)
    records = [shard.record(k) for k in range(len(files))]
    assert all(record.row_count > 0 for record in records)  # so that a crop needs some of them only
    assert any(record.entry_interval > 0 for record in records) or not verbatim
    check(files, shard.decode)


@pytest.fixture(params=GROUPS, scope="module")
def files(request: pytest.FixtureRequest) -> list[File]:
    return [(name, jpeg, pillow(jpeg)) for name, jpeg in GROUPS[request.param]()]


def test_with_every_simd_target(files: list[File], simd_target: str) -> None:
    check_plain(files)


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
def test_stored(files: list[File], tmp_path: Path, verbatim: bool) -> None:
    check_stored(files, tmp_path / "shard.tar", verbatim=verbatim)


def test_every_pair_of_values_has_a_case() -> None:
    seen: dict[tuple[str, str], set[tuple[Any, Any]]] = {}
    for case in pairs():
        for a, b in itertools.combinations(case._fields, 2):
            seen.setdefault((a, b), set()).add((getattr(case, a), getattr(case, b)))
    for (a, b), found in seen.items():
        if frozenset((a, b)) not in EXEMPT:
            assert found == set(itertools.product(VALUES[a], VALUES[b])), (a, b)


@pytest.mark.skipif(not FULL, reason="takes ten minutes; FASTLOAD_FULL_MATRIX=1 asks for it")
@pytest.mark.timeout(0)
def test_the_product_of_samplings_qualities_and_restarts(tmp_path: Path) -> None:
    rng = random.Random(2)
    for sampling in SAMPLINGS:
        files = []
        for quality, restart in itertools.product(VALUES["quality"], RESTARTS):
            rest = {name: rng.choice(values) for name, values in VALUES.items()}
            case = Case(**rest | {"sampling": sampling, "quality": quality, "restart": restart})
            jpeg = case.jpeg()
            files.append((case, jpeg, pillow(jpeg)))
        check_plain(files)
        for verbatim in (False, True):
            check_stored(files, tmp_path / "shard.tar", verbatim=verbatim)
