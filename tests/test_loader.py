"""Batches: byte for byte the straightforward reference's, whatever threads, batch size and order."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as V

import fastload
from fastload import _native
from fastload import transforms as T
from fastload.prepare import prepare
from loading import NORMALIZE, TRAIN, batches


def reference(
    sample: fastload.Sample, drawing: tuple[list, bool], filter: Image.Resampling = Image.Resampling.BILINEAR
) -> Image.Image:
    """Pillow alone, given the boxes and flips."""
    image = Image.open(io.BytesIO(sample.jpeg)).convert("RGB")
    stages, flip = drawing
    for (x, y, w, h), mirror, size, window in stages:
        image = image.crop((x, y, x + w, y + h))
        if mirror:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if size is not None:
            image = image.resize(size, filter)
            image = image.crop((window[0], window[1], window[0] + window[2], window[1] + window[3]))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image


def to_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


PIPELINES = {
    "train": [T.RandomResizedCrop(64), T.RandomHorizontalFlip()],
    "train, bicubic": [T.RandomResizedCrop((48, 80), interpolation="bicubic"), T.RandomHorizontalFlip()],
    "train, nearest": [T.RandomResizedCrop(64, interpolation="nearest")],
    "train, lanczos": [T.RandomResizedCrop(96, scale=(0.3, 0.5), interpolation="lanczos")],
    "eval": [T.Resize(64), T.CenterCrop(56)],
    "eval, box": [T.Resize(64, interpolation="box"), T.CenterCrop(64)],
    "eval, hamming": [T.Resize((64, 50), interpolation="hamming")],
    "ResNet": [T.Resize(100), T.RandomCrop(64), T.RandomHorizontalFlip()],
    "no resize": [T.RandomCrop(60), T.RandomHorizontalFlip()],
    "flip first": [T.RandomHorizontalFlip(), T.Resize(80), T.RandomHorizontalFlip(), T.RandomCrop((20, 80))],
    "two resizes": [T.RandomResizedCrop(90), T.RandomHorizontalFlip(), T.Resize((40, 30)), T.CenterCrop(20)],
}


@pytest.mark.parametrize("steps", PIPELINES.values(), ids=PIPELINES.keys())
def test_uint8_batches_are_pillows_bytes(dataset: fastload.ShardDataset, steps: list[T.Transform]) -> None:
    name = next((s.interpolation for s in steps if hasattr(s, "interpolation")), "bilinear")
    plan = T.compile_plan(steps).plan
    number = 0
    for images, labels in batches(dataset, transform=steps):
        assert images.dtype == torch.uint8
        assert labels.dtype == torch.int64
        for image, label in zip(images, labels, strict=True):
            sample = dataset[number]
            drawing = plan.draw(sample.width, sample.height, 3, 0, number)
            expected = to_tensor(reference(sample, drawing, Image.Resampling[name.upper()]))
            assert torch.equal(image, expected), f"sample {number}, {sample}, {drawing}"
            assert label == sample.label
            number += 1
    assert number == len(dataset)


def test_eval_is_torchvisions_own_chain(dataset: fastload.ShardDataset) -> None:
    chain = V.Compose(
        [V.Resize(72), V.CenterCrop(64), V.ToTensor(), V.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)]
    )
    images = torch.cat(
        [b for b, _ in batches(dataset, transform=[T.Resize(72), T.CenterCrop(64), NORMALIZE])]
    )
    for sample, image in zip(dataset, images, strict=True):
        assert torch.equal(image, chain(Image.open(io.BytesIO(sample.jpeg)).convert("RGB")))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16, torch.bfloat16])
def test_output_types_and_layouts(
    dataset: fastload.ShardDataset, dtype: torch.dtype, channels_last: bool
) -> None:
    geometry = [T.RandomResizedCrop(33), T.RandomHorizontalFlip()]
    plain = torch.cat([b for b, _ in batches(dataset, transform=geometry)])
    got = batches(dataset, transform=[*geometry, T.ToDtype(dtype, channels_last=channels_last)])
    expected = plain if dtype == torch.uint8 else plain.to(torch.float32).div(255).to(dtype)
    assert torch.equal(torch.cat([b for b, _ in got]), expected)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert all(b.is_contiguous(memory_format=layout) and b.shape[1:] == (3, 33, 33) for b, _ in got)
    if dtype == torch.uint8:
        return
    unscaled = batches(
        dataset, transform=[*geometry, T.ToDtype(dtype, scale=False, channels_last=channels_last)]
    )
    assert torch.equal(torch.cat([b for b, _ in unscaled]), plain.to(dtype))
    normalize = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD, dtype=dtype, channels_last=channels_last)
    normalized = torch.cat([b for b, _ in batches(dataset, transform=[*geometry, normalize])])
    reference = V.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)(plain.to(torch.float32).div(255)).to(dtype)
    assert torch.equal(normalized, reference)


def test_batches_do_not_depend_on_threads_batch_size_or_run(dataset: fastload.ShardDataset) -> None:
    def run(**options: object) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = zip(*batches(dataset, shuffle=True, **options), strict=True)
        return torch.cat(images), torch.cat(labels)

    images, labels = run(num_workers=1)
    for options in (
        {"num_workers": 1},
        {"num_workers": 3},
        {"num_workers": 2, "batch_size": 7},
        {"prefetch_factor": 5},
    ):
        again = run(**options)
        assert torch.equal(images, again[0]), options
        assert torch.equal(labels, again[1]), options
    assert not torch.equal(images, run(seed=4)[0])


def test_shuffle_is_a_new_global_permutation_every_epoch(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(dataset, 8, shuffle=True, transform=T.CenterCrop(32), seed=1)
    by_bytes = {
        bytes(im.numpy().tobytes()): i
        for i, (im, _) in enumerate(fastload.DataLoader(dataset, None, transform=T.CenterCrop(32)))
    }
    orders = []
    for _ in range(3):
        orders.append([by_bytes[im.numpy().tobytes()] for images, _ in loader for im in images])
    assert all(sorted(order) == list(range(len(dataset))) for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]
    loader.set_epoch(1)
    assert [by_bytes[im.numpy().tobytes()] for images, _ in loader for im in images] == orders[1]


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 4097])
def test_the_order_is_a_permutation(size: int) -> None:
    order = _native.epoch_order(size, 11, 0, 0, size)
    assert sorted(order) == list(range(size))
    middle = _native.epoch_order(size, 11, 0, size // 3, size // 2)
    assert list(middle) == list(order[size // 3 :][: size // 2])


def test_every_sample_is_as_likely_at_every_position() -> None:
    from scipy.stats import chisquare

    counts = np.zeros((12, 12))
    neighbours = np.zeros(12)
    for seed in range(6000):
        order = _native.epoch_order(12, seed, 0, 0, 12)
        counts[np.arange(12), order] += 1
        neighbours[(order[1] - order[0]) % 12] += 1
    assert chisquare(counts.ravel()).pvalue > 1e-4
    assert neighbours[0] == 0
    assert chisquare(neighbours[1:]).pvalue > 1e-4


def test_lengths_and_last_batches(dataset: fastload.ShardDataset) -> None:
    size = len(dataset)
    for batch_size in (1, 16, size, size + 5):
        for drop_last in (False, True):
            loader = fastload.DataLoader(dataset, batch_size, transform=TRAIN, drop_last=drop_last)
            counts = [len(labels) for _, labels in loader]
            assert len(counts) == len(loader)
            assert sum(counts) == (size // batch_size * batch_size if drop_last else size)
    assert len(fastload.DataLoader(dataset, None, transform=TRAIN)) == size
    single, label = next(iter(fastload.DataLoader(dataset, None, transform=TRAIN)))
    assert (single.shape, label.shape) == ((3, 64, 64), ())


def test_samplers_and_views(dataset: fastload.ShardDataset) -> None:
    wanted = [5, 5, 60, -1, 0, 33, 12]
    whole = torch.cat([b for b, _ in batches(dataset)])
    for images in (
        torch.cat([b for b, _ in batches(dataset, sampler=wanted, batch_size=3)]),
        torch.cat([b for b, _ in batches(dataset, batch_size=1, batch_sampler=[wanted[:4], wanted[4:]])]),
        torch.cat([b for b, _ in batches(dataset.select(wanted), batch_size=2)]),
    ):
        assert torch.equal(images, whole[wanted])
    view = dataset[10:40:3]
    assert torch.equal(torch.cat([b for b, _ in batches(view)]), whole[10:40:3])
    assert view[::-1][0] == dataset[37]
    sampler = torch.utils.data.SubsetRandomSampler(range(20), generator=torch.Generator().manual_seed(1))
    again = torch.utils.data.SubsetRandomSampler(range(20), generator=torch.Generator().manual_seed(1))
    loader = fastload.DataLoader(dataset, 6, sampler=sampler, transform=TRAIN, seed=3)
    assert len(loader) == 4
    assert torch.equal(torch.cat([b for b, _ in loader]), whole[list(again)])
    with pytest.raises(IndexError, match="index 70 for a dataset of 70"):
        batches(dataset, sampler=[3, 70])


def test_generator_and_global_seed_decide(dataset: fastload.ShardDataset) -> None:
    def order(**options: object) -> torch.Tensor:
        loader = fastload.DataLoader(dataset, 70, shuffle=True, transform=T.CenterCrop(32), **options)
        return next(iter(loader))[0]

    def seeded(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    assert torch.equal(order(generator=seeded(1)), order(generator=seeded(1)))
    assert not torch.equal(order(generator=seeded(1)), order(generator=seeded(2)))
    torch.manual_seed(9)
    first = order()
    torch.manual_seed(9)
    assert torch.equal(first, order())
    assert not torch.equal(first, order())


def test_the_sample_images_in_batches(imagenet_sample: Path, tmp_path: Path) -> None:
    """900 real images, training pipeline, float32: Pillow + torchvision, given the boxes and flips."""
    prepare(imagenet_sample, tmp_path)
    tensor = V.Compose([V.ToTensor(), V.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)])
    rng = random.Random(0)
    for name in ("train", "val"):
        dataset = fastload.ShardDataset(tmp_path / name)
        steps = [T.RandomResizedCrop(224), T.RandomHorizontalFlip(), NORMALIZE]
        loader = fastload.DataLoader(dataset, 50, transform=steps, seed=8)
        plan = T.compile_plan(steps).plan
        number = 0
        for images, _ in loader:
            for image in images:
                sample = dataset[number]
                drawing = plan.draw(sample.width, sample.height, 8, 0, number)
                if rng.random() < 0.5:
                    assert torch.equal(image, tensor(reference(sample, drawing))), f"{sample}, {drawing}"
                number += 1
        assert number == len(dataset)
