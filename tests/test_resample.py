"""Resizing equals Pillow's, bit for bit: every filter, every SIMD target, windows and regions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fastload._native import image as native

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

# (in_w, in_h, out_w, out_h)
SIZES = [
    (320, 300, 224, 224),  # the usual training crop
    (500, 375, 341, 256),  # the usual validation resize
    (60, 80, 224, 224),  # up
    (224, 300, 224, 224),  # vertical pass only
    (300, 224, 224, 224),  # horizontal pass only
    (224, 224, 224, 224),  # a copy
    (1, 1, 224, 224),
    (1, 7, 5, 1),
    (7, 1, 1, 5),
    (2000, 3, 3, 2000),
    (3, 2000, 2000, 3),
    (1999, 11, 17, 13),  # hundreds of taps
    (22, 22, 21, 23),  # rows just above one AVX-512 vector
    (21, 21, 22, 20),
    (5, 5, 6, 4),  # rows below one SSE vector
    (1237, 811, 97, 89),
    (640, 480, 639, 481),
]

Pixels = npt.NDArray[np.uint8]


pytestmark = pytest.mark.usefixtures("simd_target")  # every test, with each target


def noise(width: int, height: int, seed: int = 0) -> Pixels:
    """Random bytes with runs of the extremes, so that overshooting filters meet both ends of the range."""
    rng = np.random.default_rng([seed, width, height])
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    extreme = rng.random((height, width, 1))
    return np.where(extreme < 0.25, 0, np.where(extreme > 0.75, 255, rgb)).astype(np.uint8)


def pillow(rgb: Pixels, out_w: int, out_h: int, name: str) -> Pixels:
    return np.asarray(Image.fromarray(rgb).resize((out_w, out_h), FILTERS[name]))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_pillow(size: tuple[int, int, int, int], name: str) -> None:
    in_w, in_h, out_w, out_h = size
    rgb = noise(in_w, in_h)
    np.testing.assert_array_equal(native.resize(rgb, out_w, out_h, name), pillow(rgb, out_w, out_h, name))


@pytest.mark.parametrize("name", FILTERS)
def test_equals_pillow_on_extremes(name: str) -> None:
    """A board of black and white squares makes sums leave 0..255 as far as they can."""
    board = np.kron(np.indices((16, 16)).sum(axis=0) % 2 * 255, np.ones((5, 7))).astype(np.uint8)
    rgb = np.repeat(board[:, :, None], 3, axis=2)
    for out_w, out_h in [(200, 150), (61, 43), (7, 5)]:
        np.testing.assert_array_equal(native.resize(rgb, out_w, out_h, name), pillow(rgb, out_w, out_h, name))


side = st.integers(1, 90)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), in_w=side, in_h=side, out_w=side, out_h=side, name=st.sampled_from(sorted(FILTERS)))
def test_window_of_region(
    data: st.DataObject, in_w: int, in_h: int, out_w: int, out_h: int, name: str
) -> None:
    """A window, computed from no more than its source region, is that part of Pillow's whole result."""
    x = data.draw(st.integers(0, out_w - 1))
    y = data.draw(st.integers(0, out_h - 1))
    window = (x, y, data.draw(st.integers(1, out_w - x)), data.draw(st.integers(1, out_h - y)))
    rgb = noise(in_w, in_h)
    left, top, width, height = native.source_region(in_w, in_h, out_w, out_h, name, window)
    grow = [data.draw(st.integers(0, room)) for room in (left, top, in_w - left - width, in_h - top - height)]
    left, top, width, height = (
        left - grow[0],
        top - grow[1],
        width + grow[0] + grow[2],
        height + grow[1] + grow[3],
    )
    part = np.ascontiguousarray(rgb[top : top + height, left : left + width])
    got = native.resize(
        part, out_w, out_h, name, window=window, region=(left, top, width, height), in_size=(in_w, in_h)
    )
    x, y, width, height = window
    np.testing.assert_array_equal(got, pillow(rgb, out_w, out_h, name)[y : y + height, x : x + width])


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    in_w=side,
    in_h=side,
    out_w=side,
    out_h=side,
    parts=st.sampled_from([1, 2, 4, 8]),
    name=st.sampled_from(sorted(FILTERS)),
)
def test_box(
    data: st.DataObject, in_w: int, in_h: int, out_w: int, out_h: int, parts: int, name: str
) -> None:
    """A box that begins and ends between pixels, from no more than its source region. Whole numbers are
    frequent, and the box's size is often the output's."""

    def axis(size: int, out: int) -> tuple[float, float]:
        begin = data.draw(st.integers(0, size * parts - 1))
        count = data.draw(st.sampled_from([out * parts, size * parts - begin]) | st.integers(1, size * parts))
        return begin / parts, (begin + min(count, size * parts - begin)) / parts

    (x0, x1), (y0, y1) = axis(in_w, out_w), axis(in_h, out_h)
    rgb, box, window = noise(in_w, in_h), (x0, y0, x1, y1), (0, 0, out_w, out_h)
    left, top, width, height = native.source_region(in_w, in_h, out_w, out_h, name, window, box)
    part = np.ascontiguousarray(rgb[top : top + height, left : left + width])
    region = (left, top, width, height)
    got = native.resize(part, out_w, out_h, name, region=region, in_size=(in_w, in_h), box=box)
    expected = np.asarray(Image.fromarray(rgb).resize((out_w, out_h), FILTERS[name], box))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("box", [(-0.5, 0, 4, 4), (0, 0, 8.5, 4), (2, 0, 2, 4), (0, 5, 4, 4)])
def test_refuses_a_box_outside_the_image(box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"resize of .* of 8 x"):
        native.resize(noise(8, 8), 4, 4, "box", box=box)


@pytest.mark.parametrize("name", FILTERS)
def test_source_region_is_tight(name: str) -> None:
    """Every row and column of the region matters: without one, the region is refused."""
    window = (20, 30, 50, 40)
    region = native.source_region(300, 200, 120, 110, name, window)
    x, y, width, height = region
    for smaller in [(x + 1, y, width - 1, height), (x, y, width - 1, height), (x, y + 1, width, height - 1)]:
        part = np.zeros((smaller[3], smaller[2], 3), np.uint8)
        with pytest.raises(ValueError, match="does not cover"):
            native.resize(part, 120, 110, name, window=window, region=smaller, in_size=(300, 200))


def test_rows_may_be_apart() -> None:
    """The source's stride is the caller's; bytes between rows are not read as pixels."""
    canvas = noise(400, 100)
    view = canvas[10:90, 33:233]
    expected = pillow(np.ascontiguousarray(view), 64, 48, "bilinear")
    np.testing.assert_array_equal(native.resize(view, 64, 48, "bilinear"), expected)


def test_tables_are_not_confused() -> None:
    """One resampler serves calls that differ in one argument only."""
    rgb = noise(64, 64)
    for out_w, out_h, name in [
        (40, 30, "box"),
        (30, 40, "box"),
        (30, 40, "bicubic"),
        (40, 30, "box"),
        (64, 30, "box"),
    ]:
        np.testing.assert_array_equal(native.resize(rgb, out_w, out_h, name), pillow(rgb, out_w, out_h, name))


def test_refuses_what_has_no_meaning() -> None:
    rgb = noise(8, 8)
    for out_w, out_h in [(0, 4), (4, 0), (-1, 4)]:
        with pytest.raises(ValueError, match="not inside"):
            native.resize(rgb, out_w, out_h, "box")
    with pytest.raises(ValueError, match="not inside"):
        native.resize(rgb, 4, 4, "box", window=(2, 0, 3, 4))
    with pytest.raises(ValueError, match="unknown filter 'cubic'"):
        native.resize(rgb, 4, 4, "cubic")
