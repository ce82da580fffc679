"""Triangle filters equal libjpeg's loops (jdsample.c), edges as it writes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from fastload._native import pixels

pytestmark = pytest.mark.usefixtures("simd_target")

Row = npt.NDArray[np.uint8]
COUNTS = [*range(3, 70), 95, 127, 128, 129, 200]


def h2v1_fancy(row: list[int]) -> list[int]:
    out = [row[0], (3 * row[0] + row[1] + 2) >> 2]
    for before, here, after in zip(row, row[1:], row[2:], strict=False):
        out += [(3 * here + before + 1) >> 2, (3 * here + after + 2) >> 2]
    return [*out, (3 * row[-1] + row[-2] + 1) >> 2, row[-1]]


def h2v2_fancy(nearer: list[int], farther: list[int]) -> list[int]:
    row = [3 * near + far for near, far in zip(nearer, farther, strict=True)]
    out = [(4 * row[0] + 8) >> 4, (3 * row[0] + row[1] + 7) >> 4]
    for before, here, after in zip(row, row[1:], row[2:], strict=False):
        out += [(3 * here + before + 8) >> 4, (3 * here + after + 7) >> 4]
    return [*out, (3 * row[-1] + row[-2] + 8) >> 4, (4 * row[-1] + 7) >> 4]


def h1v2_fancy(nearer: list[int], farther: list[int], lower: bool) -> list[int]:
    bias = 2 if lower else 1
    return [(3 * near + far + bias) >> 2 for near, far in zip(nearer, farther, strict=True)]


def every_pair() -> tuple[Row, Row]:
    """All 65,536 pairs of neighbours in two rows, and in one row most of them."""
    a, b = (part.ravel().astype(np.uint8) for part in np.meshgrid(np.arange(256), np.arange(256)))
    return a, b


def random_rows(count: int) -> tuple[Row, Row]:
    rng = np.random.default_rng(count)
    a, b = rng.choice([rng.integers(0, 256, (2, count)), rng.choice([0, 255], (2, count))]).astype(np.uint8)
    return a, b


def check(filter: str, rows: tuple[Row, Row], plain: Callable[[list[int], list[int]], list[int]]) -> None:
    got = pixels.upsample(filter, *rows)
    assert got.tolist() == plain(rows[0].tolist(), rows[1].tolist())


@pytest.mark.parametrize("count", COUNTS)
def test_every_length(count: int) -> None:
    rows = random_rows(count)
    check("h2v1", rows, lambda near, _: h2v1_fancy(near))
    check("h2v2", rows, h2v2_fancy)
    check("h1v2", rows, lambda near, far: h1v2_fancy(near, far, False))


def test_every_pair() -> None:
    near, far = every_pair()
    woven = np.stack([near, far], axis=-1).ravel()
    check("h2v1", (woven, woven), lambda row, _: h2v1_fancy(row))
    check("h2v2", (near, far), h2v2_fancy)
    for lower in (False, True):
        expected = h1v2_fancy(near.tolist(), far.tolist(), lower)
        assert pixels.upsample("h1v2", near, far, lower).tolist() == expected
