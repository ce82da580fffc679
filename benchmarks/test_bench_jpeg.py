"""Decoding, whole and cropped, from the original and from the prepared bytes; and preparing."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

import fastload
from fastload import _native
from fastload.bench.crops import Box

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def pixels(jpegs: list[bytes]) -> list[Pixels]:
    """The reference."""
    return [pillow_decode(jpeg) for jpeg in jpegs]


def pillow_decode(jpeg: bytes) -> Pixels:
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))


def torchvision_decode(jpeg: bytes) -> Pixels:
    torchvision = pytest.importorskip("torchvision")
    torch = pytest.importorskip("torch")
    data = torch.frombuffer(bytearray(jpeg), dtype=torch.uint8)
    decoded: Pixels = torchvision.io.decode_image(data, "RGB").permute(1, 2, 0).numpy()
    return decoded


def opencv_decode(jpeg: bytes) -> Pixels:
    cv2 = pytest.importorskip("cv2")
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    decoded: Pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)
    return decoded


@pytest.mark.benchmark(group="decode the whole image")
@pytest.mark.parametrize("decode", [_native.decode_jpeg, pillow_decode, torchvision_decode, opencv_decode])
def test_decode(
    benchmark: BenchmarkFixture, jpegs: list[bytes], pixels: list[Pixels], decode: Callable[[bytes], Pixels]
) -> None:
    for jpeg, expected in zip(jpegs, pixels, strict=True):
        assert np.array_equal(decode(jpeg), expected)
    benchmark.extra_info["images"] = len(jpegs)
    benchmark(lambda: [decode(jpeg) for jpeg in jpegs])


@pytest.mark.benchmark(group="decode a crop")
@pytest.mark.parametrize("stored", ["original", "prepared"])
def test_decode_crop(
    benchmark: BenchmarkFixture,
    jpegs: list[bytes],
    dataset: fastload.ShardDataset,
    crops: list[Box],
    pixels: list[Pixels],
    stored: str,
) -> None:
    files = jpegs if stored == "original" else [sample.jpeg for sample in dataset]
    for file, (x, y, w, h), expected in zip(files, crops, pixels, strict=True):
        assert np.array_equal(_native.decode_jpeg(file, (x, y, w, h)), expected[y : y + h, x : x + w])
    benchmark.extra_info["images"] = len(files)
    benchmark(lambda: [_native.decode_jpeg(file, crop) for file, crop in zip(files, crops, strict=True)])


@pytest.mark.benchmark(group="prepare")
@pytest.mark.parametrize("verbatim", [False, True])
def test_prepare(
    benchmark: BenchmarkFixture, jpegs: list[bytes], pixels: list[Pixels], verbatim: bool
) -> None:
    for jpeg, expected in zip(jpegs, pixels, strict=True):
        prepared = _native.prepare_jpeg(jpeg, verbatim=verbatim)
        assert np.array_equal(pillow_decode(prepared.jpeg), expected)
    benchmark.extra_info["images"] = len(jpegs)
    benchmark.extra_info["bytes"] = sum(len(jpeg) for jpeg in jpegs)
    benchmark(lambda: [_native.prepare_jpeg(jpeg, verbatim=verbatim) for jpeg in jpegs])
