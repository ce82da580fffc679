"""Operations of pixels give Pillow's bytes, as torchvision's functions call it on Pillow images: every value,
on photographs, noise, flat images and images smaller than a filter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

from fastload import _native
from fastload._native import augment
from fastload.transforms import _affine
from photographs import photograph

Pixels = npt.NDArray[np.uint8]
Reference = Callable[[Image.Image], Image.Image]
Kind = _native.PixelKind
PixelOperation = _native.PixelOperation


def color_cube(step: int) -> Pixels:
    """Red, green and blue in all combinations of every ``step``-th byte and 255."""
    values = np.unique(np.append(np.arange(0, 256, step), 255)).astype(np.uint8)
    cube = np.stack(np.meshgrid(values, values, values), axis=-1)
    return cube.reshape(len(values), -1, 3)


def images() -> dict[str, Pixels]:
    random = np.random.default_rng(0)
    noise = {f"noise {h} x {w}": (h, w) for h, w in [(1, 1), (1, 9), (2, 3), (3, 3), (17, 16), (64, 64)]}
    found = {name: random.integers(0, 256, (*size, 3), dtype=np.uint8) for name, size in noise.items()}
    found |= {name: photograph(name)[40:251, 60:367] for name in ("astronaut", "coffee", "camera")}
    found |= {"black": np.zeros((9, 8, 3), np.uint8), "flat": np.full((9, 8, 3), 77, np.uint8)}
    found["two bytes"] = np.where(random.random((30, 40, 3)) < 0.1, 255, 3).astype(np.uint8)
    found["cube"] = color_cube(5)
    return found


IMAGES = images()


def check(operations: list[PixelOperation], reference: Reference) -> None:
    for name, image in IMAGES.items():
        got = augment.apply(image, operations)
        np.testing.assert_array_equal(got, np.asarray(reference(Image.fromarray(image))), name)


FACTORS = (0.0, 0.3, 1 / 3, 0.9999, 1.0, 1.7, 2.5)
ENHANCED: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "sharpness": F.adjust_sharpness,
}


@pytest.mark.parametrize("kind", ENHANCED)
def test_enhancements(kind: str) -> None:
    for factor in FACTORS:
        check(
            [PixelOperation(Kind[kind], factor)],
            lambda i, f=factor: ENHANCED[kind](i, f),  # type: ignore[misc]
        )


@pytest.mark.parametrize("hue", [-0.5, -0.21, -0.003, 0.0, 0.0039, 0.1, 0.33, 0.5])
def test_hue(hue: float) -> None:
    check([PixelOperation(Kind.hue, int(hue * 255) % 256)], lambda i: F.adjust_hue(i, hue))


PLAIN: dict[str, tuple[Kind, float, Reference]] = {
    "grayscale": (Kind.grayscale, 0, lambda i: F.rgb_to_grayscale(i, 3)),
    "invert": (Kind.invert, 0, F.invert),
    "autocontrast": (Kind.autocontrast, 0, F.autocontrast),
    "equalize": (Kind.equalize, 0, F.equalize),
    "mirror": (Kind.mirror, 0, F.hflip),
    "identity": (Kind.identity, 0, lambda i: i),
    **{f"posterize {b}": (Kind.posterize, b, partial(F.posterize, bits=b)) for b in range(1, 9)},
    **{
        f"solarize {t}": (Kind.solarize, t, partial(F.solarize, threshold=t))
        for t in (0, 1, 127.5, 128, 255, 256)
    },
}


@pytest.mark.parametrize(("kind", "value", "reference"), PLAIN.values(), ids=PLAIN)
def test_operations_without_a_factor(kind: Kind, value: float, reference: Reference) -> None:
    check([PixelOperation(kind, value)], reference)


FILTERS = {
    "nearest": InterpolationMode.NEAREST,
    "bilinear": InterpolationMode.BILINEAR,
    "bicubic": InterpolationMode.BICUBIC,
}
FILL = (9, 200, 7)


@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize("degrees", [0.0, 30.0, -7.3, 90.0, -90.0, 135.0, 180.0, 0.01])
def test_rotation(degrees: float, filter_: str) -> None:
    """Also by right angles, where Pillow moves pixels without arithmetic."""
    for name, image in IMAGES.items():
        matrix = _affine.rotation(degrees, *image.shape[:2])
        _check_affine(image, matrix, filter_, partial(F.rotate, angle=degrees), name)


MOVES: dict[str, tuple[_affine.Matrix, dict[str, object]]] = {
    **{
        f"shear x {s}": (
            _affine.shear_x(s),
            {"shear": [np.degrees(np.arctan(s)).item(), 0.0], "center": [0, 0]},
        )
        for s in (0.3, -0.99, 0.01)
    },
    **{
        f"shear y {s}": (
            _affine.shear_y(s),
            {"shear": [0.0, np.degrees(np.arctan(s)).item()], "center": [0, 0]},
        )
        for s in (0.3, -0.99, 0.01)
    },
    **{
        f"translate {x}, {y}": (_affine.translation(x, y), {"translate": [x, y]})
        for x, y in [(5, 0), (-32, 0), (0, 3), (0, -400), (0, 0)]
    },
}


@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize(("matrix", "arguments"), MOVES.values(), ids=MOVES)
def test_shears_and_translations(matrix: _affine.Matrix, arguments: dict[str, object], filter_: str) -> None:
    plain = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
    for name, image in IMAGES.items():
        _check_affine(image, matrix, filter_, partial(F.affine, **{**plain, **arguments}), name)


def _check_affine(
    image: Pixels, matrix: _affine.Matrix, filter_: str, reference: Callable[..., Image.Image], name: str
) -> None:
    operation = PixelOperation(Kind.affine, matrix=matrix, filter=_native.Filter[filter_], fill=FILL)
    expected = reference(Image.fromarray(image), interpolation=FILTERS[filter_], fill=list(FILL))
    np.testing.assert_array_equal(augment.apply(image, [operation]), np.asarray(expected), name)


def test_operations_follow_each_other() -> None:
    """Tables wait until a pixel is needed: every pair of kinds, one after the other."""
    single: list[tuple[PixelOperation, Reference]] = [
        *[(PixelOperation(Kind[k], 1.4), partial(f, **{f"{k}_factor": 1.4})) for k, f in ENHANCED.items()],
        (PixelOperation(Kind.hue, 30), lambda i: F.adjust_hue(i, 30.5 / 255)),
        *[
            (PixelOperation(*PLAIN[name][:2]), PLAIN[name][2])
            for name in (
                "grayscale",
                "invert",
                "autocontrast",
                "equalize",
                "mirror",
                "posterize 3",
                "solarize 128",
            )
        ],
        (
            PixelOperation(Kind.affine, matrix=_affine.shear_x(0.2), fill=FILL),
            partial(
                F.affine,
                angle=0.0,
                translate=[0, 0],
                scale=1.0,
                shear=[np.degrees(np.arctan(0.2)).item(), 0.0],
                center=[0, 0],
                fill=list(FILL),
            ),
        ),
    ]
    image = IMAGES["astronaut"]
    for first, first_reference in single:
        between = first_reference(Image.fromarray(image))
        for second, second_reference in single:
            got = augment.apply(image, [first, second])
            expected = np.asarray(second_reference(between))
            np.testing.assert_array_equal(got, expected, f"{first.kind}, {second.kind}")


def test_an_image_is_refused_that_is_none() -> None:
    with pytest.raises(ValueError, match="height, width, 3"):
        augment.apply(np.zeros((4, 4), np.uint8), [])
