"""Decoding at a part of the size: libjpeg-turbo's pixels, from the decoder to the batch."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import corpus
import fastload
from fastload import _native
from fastload import transforms as T
from fastload.errors import TransformError
from fastload.prepare import prepare
from jpeg_cases import encode
from loading import batches
from pillow_reduced import reduced
from test_loader import to_tensor
from test_splice import boxes, write_shard

REDUCTIONS = (2, 4, 8)


def decode(jpeg: bytes, crop: tuple[int, int, int, int], reduction: int) -> tuple[np.ndarray, str]:
    """Pixels, and who decoded them."""
    decoder = _native.entropy.Decoder()
    pixels = decoder.decode(jpeg, crop, reduction)
    (way,) = decoder.counts
    return pixels, way


def test_both_decoders_have_pillows_pixels() -> None:
    rng = random.Random(3)
    for name, jpeg in corpus.good_cases().items():
        fast = _native.entropy.coefficients(jpeg) is not None
        for reduction in REDUCTIONS:
            whole = np.asarray(reduced(jpeg, reduction))
            assert np.array_equal(_native.entropy.decode_with_libjpeg(jpeg, None, reduction), whole), name
            for x, y, w, h in boxes(rng, whole.shape[1], whole.shape[0], 2):
                pixels, way = decode(jpeg, (x, y, w, h), reduction)
                assert (way == "fast") == fast, name
                assert np.array_equal(pixels, whole[y : y + h, x : x + w]), (name, reduction, x, y, w, h)


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_sizes_and_qualities(sampling: str, reduction: int) -> None:
    for width in [*range(1, 36), 66, 67]:
        height = (7 * width) % 67 + 1
        jpeg = encode("coffee", width, height, subsampling=sampling, quality=width % 100 + 1)
        whole = np.asarray(reduced(jpeg, reduction))
        pixels, way = decode(jpeg, (0, 0, whole.shape[1], whole.shape[0]), reduction)
        assert way == "fast"
        assert np.array_equal(pixels, whole), (width, height)


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
def test_crops_out_of_some_rows_and_segments(tmp_path: Path, verbatim: bool) -> None:
    cases = corpus.good_cases()
    shard = write_shard(tmp_path / "s.tar", cases, verbatim=verbatim)
    rng = random.Random(1)
    for number, (name, jpeg) in enumerate(cases.items()):
        for reduction in REDUCTIONS:
            whole = np.asarray(reduced(jpeg, reduction))
            for x, y, w, h in boxes(rng, whole.shape[1], whole.shape[0], 3):
                crop = shard.decode(number, (x, y, w, h), reduction)
                assert np.array_equal(crop, whole[y : y + h, x : x + w]), (name, reduction, x, y, w, h)


@pytest.mark.parametrize("sampling", ["4:2:2", "4:2:0"])
def test_segments_too_narrow_for_the_triangle_filter(tmp_path: Path, sampling: str) -> None:
    """At 1/4, an MCU of 4:2:2 has two chroma samples a row, which libjpeg would replicate."""
    jpegs = {
        f"w{w}": encode("coffee", w, 30, subsampling=sampling, restart_marker_blocks=1)
        for w in range(81, 100, 2)
    }
    shard = write_shard(tmp_path / "s.tar", jpegs, verbatim=True)
    for number, (name, jpeg) in enumerate(jpegs.items()):
        for reduction in REDUCTIONS:
            whole = np.asarray(reduced(jpeg, reduction))
            for x in range(whole.shape[1]):
                crop = shard.decode(number, (x, 2, 1, 1), reduction)
                assert np.array_equal(crop, whole[2:3, x : x + 1]), (name, reduction, x)


def test_damaged_rows_have_libjpegs_pixels(tmp_path: Path) -> None:
    """The way by libjpeg, out of a spliced JPEG."""
    jpeg = encode("coffee", 300, 200, restart_marker_rows=1)
    shard = write_shard(tmp_path / "s.tar", {"a": jpeg})
    stored = shard.jpeg(0)
    rng = random.Random(0)
    ways = set()
    for _ in range(60):
        damaged = bytearray(stored)
        damaged[rng.randrange(stored.index(b"\xff\xda") + 20, len(stored) - 2)] = rng.randrange(256)
        for reduction in REDUCTIONS:
            expected = np.asarray(_native.entropy.decode_with_libjpeg(bytes(damaged), None, reduction))
            box = (3, 2, expected.shape[1] - 9, expected.shape[0] - 4)
            pixels, way = decode(bytes(damaged), box, reduction)
            ways.add(way)
            assert np.array_equal(pixels, expected[2:-2, 3:-6])
    assert ways == {"fast", "damaged"}


def test_refuses_other_reductions() -> None:
    with pytest.raises(ValueError, match="reduction is 1, 2, 4 or 8, not 3"):
        _native.entropy.Decoder().decode(encode("coffee", 30, 20), None, 3)


def reduction_of(crop: tuple[int, int, int, int], size: tuple[int, int]) -> int:
    return max((s for s in REDUCTIONS if crop[2] >= s * size[0] and crop[3] >= s * size[1]), default=1)


def reference(
    jpeg: bytes, drawing: tuple[list, bool], filter: Image.Resampling = Image.Resampling.BILINEAR
) -> tuple[Image.Image, int]:
    """Pillow alone, given the boxes and flips of a list whose only resize is the first stage's; and the
    reduction."""
    [((x, y, w, h), mirror, size, (left, top, width, height))], flip = drawing
    s = reduction_of((x, y, w, h), size)
    image = reduced(jpeg, s)
    if s == 1:
        image = image.crop((x, y, x + w, y + h))
    box = (0, 0, w, h) if s == 1 else (x / s, y / s, (x + w) / s, (y + h) / s)
    if mirror:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = (image.width - box[2], box[1], image.width - box[0], box[3])
    image = image.resize(size, filter, box).crop((left, top, left + width, top + height))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image, s


AUTO = {"decode_scale": "auto"}
PIPELINES = {
    "train": [T.RandomResizedCrop(24, **AUTO), T.RandomHorizontalFlip()],
    "train, bicubic": [T.RandomResizedCrop((16, 30), interpolation="bicubic", **AUTO)],
    "train, nearest": [T.RandomResizedCrop(20, interpolation="nearest", **AUTO)],
    "train, lanczos": [T.RandomResizedCrop(9, interpolation="lanczos", **AUTO)],
    "train, hamming": [T.RandomResizedCrop(32, interpolation="hamming", **AUTO)],
    "flip first": [T.RandomHorizontalFlip(), T.RandomResizedCrop(15, **AUTO), T.CenterCrop(11)],
    "eval": [T.Resize(32, **AUTO), T.CenterCrop(28)],
    "eval, box": [T.Resize((20, 30), interpolation="box", **AUTO), T.RandomCrop(13)],
    "crop first": [T.CenterCrop((60, 65)), T.Resize((15, 15), **AUTO)],
}


@pytest.mark.parametrize("steps", PIPELINES.values(), ids=PIPELINES.keys())
def test_batches_are_pillows_draft_and_resize(
    dataset: fastload.ShardDataset, steps: list[T.Transform]
) -> None:
    name = next(s.interpolation for s in steps if hasattr(s, "interpolation"))
    plan = T.compile_plan(steps).plan
    number, seen = 0, set()
    for images, _ in batches(dataset, transform=steps):
        for image in images:
            sample = dataset[number]
            drawing = plan.draw(sample.width, sample.height, 3, 0, number)
            expected, reduction = reference(sample.jpeg, drawing, Image.Resampling[name.upper()])
            assert torch.equal(image, to_tensor(expected)), f"sample {number}, {sample}, {drawing}"
            seen.add(reduction)
            number += 1
    assert number == len(dataset)
    assert seen - {1}


def test_decode_scale_draws_the_same_boxes() -> None:
    plain, auto = (
        T.compile_plan([T.RandomResizedCrop(20, decode_scale=scale), T.RandomHorizontalFlip()]).plan
        for scale in (None, "auto")
    )
    for index in range(20):
        assert plain.draw(400, 300, 1, 0, index) == auto.draw(400, 300, 1, 0, index)


def test_decode_scale_is_for_the_first_resize() -> None:
    for second in (T.RandomResizedCrop(20, **AUTO), T.Resize((9, 9), **AUTO)):
        with pytest.raises(TransformError, match="decode_scale is for the first resize"):
            T.compile_plan([T.Resize(100), second])
    with pytest.raises(TransformError, match='decode_scale must be None or "auto", not 2'):
        T.Resize(100, decode_scale=2)  # type: ignore[arg-type]


def test_the_sample_images(imagenet_sample: Path, tmp_path: Path) -> None:
    """Real images, the training pipeline with a small output: Pillow, given the boxes."""
    prepare(imagenet_sample, tmp_path)
    steps = [T.RandomResizedCrop(112, **AUTO), T.RandomHorizontalFlip()]
    plan = T.compile_plan(steps).plan
    for name in ("train", "val"):
        dataset = fastload.ShardDataset(tmp_path / name)
        number = 0
        for images, _ in fastload.DataLoader(dataset, 50, transform=steps, seed=8):
            for image in images:
                if number % 3 == 0:
                    sample = dataset[number]
                    drawing = plan.draw(sample.width, sample.height, 8, 0, number)
                    assert torch.equal(image, to_tensor(reference(sample.jpeg, drawing)[0])), str(sample)
                number += 1
        assert number == len(dataset)
