"""Batches: byte for byte the straightforward reference's, whatever the threads; and the loader's life."""

from __future__ import annotations

import dataclasses
import gc
import io
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as V

import corpus
import fastload
from fastload import _native
from fastload import transforms as T
from fastload.errors import FastloadWarning, LabelError, LoaderTimeoutError, SampleError
from fastload.manifest import Manifest
from fastload.prepare import prepare

NORMALIZE = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), NORMALIZE]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 samples of all encodings in three shards."""
    source = corpus.make_imagefolder(
        tmp_path_factory.mktemp("source"), classes=5, per_class=14, sides=(70, 300)
    )
    dest = tmp_path_factory.mktemp("dest")
    prepare(source, dest, split="train", shard_size=600_000)
    (found,) = {p.parent for p in dest.rglob("dataset.json")}
    return found


@pytest.fixture(scope="module")
def dataset(split: Path) -> fastload.ShardDataset:
    dataset = fastload.ShardDataset(split)
    assert len(dataset.manifest.shards) > 1
    return dataset


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


def batches(dataset: fastload.ShardDataset, **options: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(fastload.DataLoader(dataset, **{"batch_size": 16, "transform": TRAIN, "seed": 3, **options}))


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


def test_tensors_stay_valid_while_they_are_held(dataset: fastload.ShardDataset) -> None:
    """Buffers are used again, but only after the user dropped them."""
    loader = fastload.DataLoader(dataset, 10, transform=TRAIN, seed=3, num_workers=2)
    held = list(loader)
    copies = [images.clone() for images, _ in held]
    del loader
    for _ in range(3):
        list(fastload.DataLoader(dataset, 10, transform=TRAIN, num_workers=2))
    assert all(torch.equal(images, copy) for (images, _), copy in zip(held, copies, strict=True))
    loader = fastload.DataLoader(dataset, 10, transform=TRAIN)
    addresses = {images.data_ptr() for _ in range(4) for images, _ in loader}
    assert len(addresses) <= 5, "batches that were dropped are not used again"


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def raise_in_loop(batches: object) -> None:
    for _ in batches:  # type: ignore[attr-defined]
        raise RuntimeError("in the loop")


def test_no_thread_outlives_its_iterator(dataset: fastload.ShardDataset) -> None:
    before = threads()
    loader = fastload.DataLoader(dataset, 4, transform=TRAIN, num_workers=3)
    for _ in loader:
        assert threads() >= before + 3
        break
    assert threads() == before, "after break"
    list(loader)
    assert threads() == before, "after the end"
    iterator = iter(loader)
    next(iterator)
    del loader, iterator
    gc.collect()
    assert threads() == before, "after deletion"
    held = iter(fastload.DataLoader(dataset, 4, transform=TRAIN, num_workers=3))
    with pytest.raises(RuntimeError, match="in the loop"):
        raise_in_loop(held)
    del held
    gc.collect()
    assert threads() == before, "after an exception in the loop"


def test_iterators_of_one_loader_are_independent(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(dataset, 16, shuffle=True, transform=TRAIN, seed=3)
    pairs = list(zip(loader, loader, strict=True))
    expected = fastload.DataLoader(dataset, 16, shuffle=True, transform=TRAIN, seed=3)
    for epoch in (0, 1):
        for pair, (images, labels) in zip(pairs, expected, strict=True):
            assert torch.equal(pair[epoch][0], images)
            assert torch.equal(pair[epoch][1], labels)


def test_several_loaders_in_several_threads(dataset: fastload.ShardDataset) -> None:
    expected = torch.cat([b for b, _ in batches(dataset)])
    results: list[bool] = []

    def run() -> None:
        results.append(torch.equal(torch.cat([b for b, _ in batches(dataset, num_workers=2)]), expected))

    workers = [threading.Thread(target=run) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 4


def _in_child(loader: fastload.DataLoader, iterator: object, queue: multiprocessing.Queue) -> None:
    try:
        next(iterator)  # type: ignore[call-overload]
        queue.put("no error")
    except ValueError as error:
        queue.put(str(error))
    del iterator
    gc.collect()
    queue.put([labels.tolist() for _, labels in loader])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_the_child_starts_anew_and_nothing_hangs(dataset: fastload.ShardDataset) -> None:
    torch.set_num_threads(1)
    loader = fastload.DataLoader(dataset, 8, transform=TRAIN, num_workers=2)
    iterator = iter(loader)
    next(iterator)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(loader, iterator, queue))
    child.start()
    message, labels = queue.get(timeout=60), queue.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    assert "before a fork" in message
    assert labels == [labels.tolist() for _, labels in loader]
    assert len(list(iterator)) == len(loader) - 1


def test_ctrl_c_ends_a_wait(split: Path) -> None:
    script = f"""
import fastload, sys, time
from fastload import transforms as T
dataset = fastload.ShardDataset({str(split)!r})
large = T.RandomResizedCrop(900)
loader = fastload.DataLoader(dataset, 70, sampler=list(range(70)) * 3000, transform=large, num_workers=1)
print("ready", flush=True)
try:
    for _ in loader: pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "interrupted\n"
    assert process.returncode == 0


def test_timeout(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(
        dataset,
        700,
        sampler=list(range(70)) * 10,
        transform=T.RandomResizedCrop(1500),
        num_workers=1,
        timeout=0.01,
    )
    with pytest.raises(LoaderTimeoutError, match="timeout="):
        next(iter(loader))


@pytest.fixture
def damaged(split: Path, tmp_path: Path) -> tuple[fastload.ShardDataset, list[int]]:
    """The dataset with a flipped bit in samples 3 and 40."""
    for file in split.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    dataset = fastload.ShardDataset(tmp_path)
    bad = [3, 40]
    for index in bad:
        sample = dataset[index]
        data = bytearray(Path(sample.shard).read_bytes())
        data[sample.offset + len(sample.jpeg) // 2] ^= 0x10
        Path(sample.shard).write_bytes(data)
    return dataset, bad


EVAL = [T.Resize((32, 32))]


def test_on_error_raise_names_shard_offset_and_key(
    dataset: fastload.ShardDataset, damaged: tuple[fastload.ShardDataset, list[int]]
) -> None:
    broken, _ = damaged
    iterator = iter(fastload.DataLoader(broken, 10, transform=EVAL))
    with pytest.raises(SampleError) as caught:
        next(iterator)
    sample = dataset[3]
    error = caught.value
    assert (error.index, error.key, error.offset) == (3, sample.key, sample.offset)
    assert Path(error.shard).name == Path(sample.shard).name
    assert all(str(part) in str(error) for part in (error.shard, error.offset, error.key))
    assert isinstance(error.__cause__, fastload.errors.ChecksumError)
    assert len(next(iterator)[1]) == 10  # the next batch is not lost


def test_on_error_skip_leaves_a_shorter_batch(
    dataset: fastload.ShardDataset, damaged: tuple[fastload.ShardDataset, list[int]]
) -> None:
    broken, bad = damaged
    loader = fastload.DataLoader(broken, 10, transform=EVAL, on_error="skip")
    with pytest.warns(FastloadWarning, match=dataset[3].key):
        got = list(loader)
    assert [len(labels) for _, labels in got] == [9, 10, 10, 10, 9, 10, 10]
    whole = torch.cat([b for b, _ in batches(dataset, transform=EVAL)])
    kept = [i for i in range(70) if i not in bad]
    assert torch.equal(torch.cat([b for b, _ in got]), whole[kept])
    assert loader.stats().skipped == 2
    only_bad = fastload.DataLoader(broken.select(bad), 1, transform=EVAL, on_error="skip")
    with pytest.warns(FastloadWarning):
        assert list(only_bad) == []


def test_on_error_substitute_is_deterministic(
    dataset: fastload.ShardDataset, damaged: tuple[fastload.ShardDataset, list[int]]
) -> None:
    broken, bad = damaged
    whole = torch.cat([b for b, _ in batches(dataset, transform=EVAL)])
    runs = []
    for options in ({"batch_size": 10}, {"batch_size": 16, "num_workers": 3}):
        loader = fastload.DataLoader(broken, transform=EVAL, on_error="substitute", seed=1, **options)
        with pytest.warns(FastloadWarning):
            images, labels = map(torch.cat, zip(*loader, strict=True))
        assert loader.stats().substituted == 2
        runs.append((images, labels))
    assert torch.equal(runs[0][0], runs[1][0])
    assert torch.equal(runs[0][1], runs[1][1])
    for index in range(70):
        places = [i for i in range(70) if torch.equal(runs[0][0][index], whole[i])]
        assert places if index in bad else index in places
        assert dataset[places[0]].label == runs[0][1][index]
    alone = fastload.DataLoader(broken.select([3]), 1, transform=EVAL, on_error="substitute")
    with pytest.raises(SampleError, match="substitute"):
        list(alone)


def test_a_label_without_a_class_is_an_error(split: Path, tmp_path: Path) -> None:
    for file in split.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    manifest = Manifest.load(tmp_path)

    dataclasses.replace(manifest, classes=manifest.classes[:3]).save(tmp_path)
    with pytest.raises(SampleError, match="outside the dataset's 3 classes") as caught:
        list(fastload.DataLoader(tmp_path, 10, transform=EVAL))
    assert isinstance(caught.value.__cause__, LabelError)


def test_a_crop_larger_than_an_image_names_the_sample(dataset: fastload.ShardDataset) -> None:
    with pytest.raises(SampleError, match="CenterCrop of 290 x 290 is larger than the image of"):
        list(fastload.DataLoader(dataset, 10, transform=T.CenterCrop(290)))


WRONG = {
    "batch_size 0": {"batch_size": 0},
    "batch_size -1": {"batch_size": -1},
    "batch_size 1.5": {"batch_size": 1.5},
    "num_workers -1": {"num_workers": -1},
    "timeout -1": {"timeout": -1},
    "prefetch_factor 0": {"prefetch_factor": 0},
    "shuffle with sampler": {"shuffle": True, "sampler": [1]},
    "batch_sampler with batch_size": {"batch_size": 2, "batch_sampler": [[1]]},
    "batch_sampler with drop_last": {"batch_size": 1, "drop_last": True, "batch_sampler": [[1]]},
    "no batch, drop_last": {"batch_size": None, "drop_last": True},
    "on_error": {"on_error": "ignore"},
    "seed": {"seed": -1},
    "seed and generator": {"seed": 1, "generator": torch.Generator()},
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG.keys())
def test_arguments_that_make_no_sense(dataset: fastload.ShardDataset, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        fastload.DataLoader(dataset, **{"transform": TRAIN, **options})


def test_pin_memory_without_a_gpu_warns(dataset: fastload.ShardDataset) -> None:
    if fastload.cuda.is_available():
        loader = fastload.DataLoader(dataset, 10, transform=TRAIN, pin_memory=True)
        assert next(iter(loader))[0].is_pinned()
        return
    with pytest.warns(FastloadWarning, match="no CUDA device"):
        loader = fastload.DataLoader(dataset, 10, transform=TRAIN, pin_memory=True)
    assert len(list(loader)) == len(loader)


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
