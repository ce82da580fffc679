"""Pixel stages one by one, each SIMD target against Pillow and torchvision, checked before they are timed.

pytest benchmarks/test_bench_image.py --benchmark-group-by=group
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture
from torchvision.transforms.v2 import functional as tv

from fastload._native import image as native

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

# in_w, in_h, filter; to 224 x 224
RESIZES = [
    (320, 300, "bilinear"),  # the mean crop of ImageNet
    (236, 330, "bilinear"),  # vertical pass first
    (130, 110, "bilinear"),  # up
    (480, 400, "bilinear"),
    (1500, 1400, "bilinear"),
    (320, 300, "bicubic"),
]

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(params=native.simd_targets())
def simd_target(request: pytest.FixtureRequest) -> Iterator[str]:
    native.set_simd_target(request.param)
    assert native.simd_target() == request.param
    yield request.param
    native.set_simd_target("")


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("width", "height", "name"), RESIZES)
class TestResize:
    def test_fastload(
        self, benchmark: BenchmarkFixture, simd_target: str, width: int, height: int, name: str
    ) -> None:
        benchmark.group = f"resize {width}x{height} to 224x224, {name}"
        rgb = noise(width, height)
        expected = np.asarray(Image.fromarray(rgb).resize((224, 224), FILTERS[name]))
        np.testing.assert_array_equal(native.resize(rgb, 224, 224, name), expected)

        def other_size_first() -> tuple[tuple[Pixels, int, int, str], dict[str, object]]:
            """Tables are built anew in each round, as for every crop in training."""
            native.resize(rgb, 223, 223, name)
            return (rgb, 224, 224, name), {}

        benchmark.pedantic(native.resize, setup=other_size_first, rounds=200, warmup_rounds=5)

    def test_pillow(self, benchmark: BenchmarkFixture, width: int, height: int, name: str) -> None:
        benchmark.group = f"resize {width}x{height} to 224x224, {name}"
        image = Image.fromarray(noise(width, height))
        benchmark.pedantic(image.resize, ((224, 224), FILTERS[name]), rounds=200, warmup_rounds=5)


def reference(rgb: Pixels, dtype: torch.dtype, flip: bool) -> torch.Tensor:
    image = torch.from_numpy(rgb).permute(2, 0, 1).contiguous()
    if flip:
        image = image.flip(-1)
    return tv.normalize(image.to(torch.float32).div(255), MEAN, STD).to(dtype)


@pytest.mark.parametrize("flip", [False, True], ids=["", "flip"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
class TestStore:
    def test_fastload(self, benchmark: BenchmarkFixture, simd_target: str, dtype: str, flip: bool) -> None:
        benchmark.group = f"store 224x224 as {dtype}{', flip' if flip else ''}"
        rgb = noise(224, 224)
        # Slots follow each other through a batch larger than the caches.
        batch = np.zeros((256, 3, 224, 224), dtype)
        slots = iter(range(1 << 30))

        def store() -> npt.NDArray[np.generic]:
            return native.store(rgb, dtype, mean=MEAN, std=STD, flip=flip, out=batch[next(slots) % 256])

        expected = reference(rgb, getattr(torch, dtype), flip)
        np.testing.assert_array_equal(store().view(np.uint8), expected.view(torch.uint8).numpy())
        benchmark.pedantic(store, rounds=512, warmup_rounds=256)

    def test_torchvision(self, benchmark: BenchmarkFixture, dtype: str, flip: bool) -> None:
        benchmark.group = f"store 224x224 as {dtype}{', flip' if flip else ''}"
        torch.set_num_threads(1)
        benchmark.pedantic(
            reference, (noise(224, 224), getattr(torch, dtype), flip), rounds=200, warmup_rounds=5
        )
