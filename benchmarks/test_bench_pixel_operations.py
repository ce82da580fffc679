"""Operations of pixels at 224 x 224 against torchvision's of a Pillow image, compared before they are timed.

pytest benchmarks/test_bench_pixel_operations.py --benchmark-group-by=group
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture
from torchvision.transforms import functional as F

from fastload import _native
from fastload._native import augment

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from photographs import photograph

PIXELS = np.ascontiguousarray(photograph("astronaut")[:224, 100:324])
IMAGE = Image.fromarray(PIXELS)
MATRIX = (0.9, 0.3, 1.0, -0.3, 0.9, 30.0)
Kind = _native.PixelKind


def affine(name: str) -> tuple[_native.PixelOperation, Callable[[], Image.Image]]:
    resampling = Image.Resampling[name.upper()]
    return (
        _native.PixelOperation(Kind.affine, matrix=MATRIX, filter=_native.Filter[name], fill=(9, 9, 9)),
        lambda: IMAGE.transform((224, 224), Image.Transform.AFFINE, MATRIX, resampling, fillcolor=(9, 9, 9)),
    )


OPERATIONS: dict[str, tuple[_native.PixelOperation, Callable[[], Image.Image]]] = {
    "brightness": (_native.PixelOperation(Kind.brightness, 1.3), lambda: F.adjust_brightness(IMAGE, 1.3)),
    "contrast": (_native.PixelOperation(Kind.contrast, 1.3), lambda: F.adjust_contrast(IMAGE, 1.3)),
    "saturation": (_native.PixelOperation(Kind.saturation, 1.3), lambda: F.adjust_saturation(IMAGE, 1.3)),
    "hue": (_native.PixelOperation(Kind.hue, 20), lambda: F.adjust_hue(IMAGE, 20.5 / 255)),
    "sharpness": (_native.PixelOperation(Kind.sharpness, 1.3), lambda: F.adjust_sharpness(IMAGE, 1.3)),
    "grayscale": (_native.PixelOperation(Kind.grayscale), lambda: F.rgb_to_grayscale(IMAGE, 3)),
    "posterize": (_native.PixelOperation(Kind.posterize, 4), lambda: F.posterize(IMAGE, 4)),
    "autocontrast": (_native.PixelOperation(Kind.autocontrast), lambda: F.autocontrast(IMAGE)),
    "equalize": (_native.PixelOperation(Kind.equalize), lambda: F.equalize(IMAGE)),
    **{f"affine, {name}": affine(name) for name in ("nearest", "bilinear", "bicubic")},
}


@pytest.mark.parametrize("who", ["fastload", "torchvision"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(benchmark: BenchmarkFixture, name: str, who: str) -> None:
    operation, reference = OPERATIONS[name]
    np.testing.assert_array_equal(augment.apply(PIXELS, [operation]), np.asarray(reference()))
    benchmark.group = name
    run = reference if who == "torchvision" else lambda: augment.apply(PIXELS, [operation])
    benchmark.pedantic(run, rounds=200, warmup_rounds=5)


JITTER = [
    _native.PixelOperation(Kind.brightness, 1.2),
    _native.PixelOperation(Kind.contrast, 0.8),
    _native.PixelOperation(Kind.saturation, 1.3),
]


@pytest.mark.parametrize("who", ["fastload", "torchvision"])
def test_jitter(benchmark: BenchmarkFixture, who: str) -> None:
    def reference() -> Image.Image:
        return F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(IMAGE, 1.2), 0.8), 1.3)

    np.testing.assert_array_equal(augment.apply(PIXELS, JITTER), np.asarray(reference()))
    benchmark.group = "brightness, contrast and saturation"
    run = reference if who == "torchvision" else lambda: augment.apply(PIXELS, JITTER)
    benchmark.pedantic(run, rounds=200, warmup_rounds=5)
