"""fastload's shards in DALI pipelines: through ShardSource, and through DALI's own reader."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import corpus
import fastload
from fastload import _native
from fastload import transforms as T
from fastload.adapters.dali import Crop, ShardSource
from fastload.errors import TransformError
from test_splice import boxes, pixels, write_shard

dali = pytest.importorskip("nvidia.dali", reason="needs nvidia-dali (pip install 'fastload[bench]')")
from nvidia.dali import fn, pipeline_def  # noqa: E402

BATCH = 16
CROP: list[Crop] = [T.RandomResizedCrop(64), T.RandomHorizontalFlip()]


@pipeline_def(num_threads=2, device_id=None)
def decoded(source: ShardSource, parallel: bool = False) -> tuple[Any, ...]:
    """The source's own fields, and the crop's pixels."""
    fields = source.nodes(parallel=parallel)
    crop = fn.decoders.image_slice(
        fields.jpeg, start=fields.start, shape=fields.shape, adjust_orientation=False
    )
    return (*fields, crop)


def epoch(pipe: Any) -> Iterator[list[tuple[np.ndarray, ...]]]:
    """Batches, each a list of samples, up to the StopIteration that ends the epoch."""
    while True:
        try:
            outputs = pipe.run()
        except StopIteration:
            pipe.reset()
            return
        yield list(zip(*([np.array(sample) for sample in output] for output in outputs), strict=True))


def epochs(source: ShardSource, count: int = 1, **options: Any) -> list[list[tuple[np.ndarray, ...]]]:
    """Samples of each epoch."""
    pipe = decoded(source, batch_size=source.order.batch_size, **options)
    return [[sample for batch in epoch(pipe) for sample in batch] for _ in range(count)]


def assert_same(some: list[tuple[np.ndarray, ...]], others: list[tuple[np.ndarray, ...]]) -> None:
    for one, other in zip(some, others, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
def test_crops_flips_and_order_are_the_loaders(dataset: fastload.ShardDataset, shuffle: bool) -> None:
    """Resized by Pillow, DALI's crops are the loader's batches to the bit, in two epochs."""
    source = ShardSource(dataset, BATCH, crop=CROP, shuffle=shuffle, seed=5)
    loader = fastload.DataLoader(dataset, BATCH, transform=CROP, shuffle=shuffle, seed=5)
    for samples in epochs(source, 2):
        expected = [pair for batch in loader for pair in zip(*batch, strict=True)]
        assert len(samples) == len(source) * BATCH
        real = [sample for sample in samples if sample[5]]
        for (_, _, shape, mirror, label, _, crop), (image, wanted) in zip(real, expected, strict=True):
            assert crop.shape == (shape[1], shape[0], 3)
            picture = Image.fromarray(crop).resize((64, 64), Image.Resampling.BILINEAR)
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirror else picture
            assert np.array_equal(np.asarray(picture), image.permute(1, 2, 0).numpy())
            assert label == wanted


def test_a_crop_reads_less_than_the_image(dataset: fastload.ShardDataset) -> None:
    crop = T.RandomResizedCrop(64, scale=(0.1, 0.2))
    (samples,) = epochs(ShardSource(dataset, 10, crop=crop))
    cut = sum(sample[0].size for sample in samples)
    assert 0.1 < cut / sum(len(sample.jpeg) for sample in dataset) < 0.6


def test_whole_jpegs_are_the_stored_ones(dataset: fastload.ShardDataset) -> None:
    (samples,) = epochs(ShardSource(dataset[10:40], 10))
    for (jpeg, start, shape, mirror, label, valid, image), stored in zip(
        samples, dataset[10:40], strict=True
    ):
        assert jpeg.tobytes() == stored.jpeg
        assert (start.tolist(), shape.tolist()) == ([0, 0], [stored.width, stored.height])
        assert (mirror, label, valid) == (0, stored.label, 1)
        assert np.array_equal(image, pixels(stored.jpeg))


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
def test_dali_decodes_every_crop_of_every_good_file(tmp_path: Path, verbatim: bool) -> None:
    """Corners, edges, odd samplings, EXIF orientation: what Pillow makes of the whole file."""
    import random

    cases, rng = corpus.good_cases(), random.Random(1)
    shards = _native.Dataset([write_shard(tmp_path / "s.tar", cases, verbatim=verbatim)])
    cut, expected = [], []
    for number, jpeg in enumerate(cases.values()):
        whole = pixels(jpeg)
        for x, y, w, h in boxes(rng, whole.shape[1], whole.shape[0], 2):
            small, box = _native.crop_jpeg(shards, number, (x, y, w, h))
            cut.append((small, np.array(box[:2], np.int32), np.array(box[2:], np.int32)))
            expected.append(whole[y : y + h, x : x + w])
            left, top = box[:2]
            assert np.array_equal(pixels(small.tobytes())[top : top + h, left : left + w], expected[-1])

    @pipeline_def(batch_size=len(cut), num_threads=2, device_id=None)
    def pipeline() -> Any:
        jpeg, start, shape = fn.external_source(lambda: [list(part) for part in zip(*cut, strict=True)], 3)
        return fn.decoders.image_slice(jpeg, start=start, shape=shape, adjust_orientation=False)

    (images,) = pipeline().run()
    names = [name for name in cases for _ in range(len(cut) // len(cases))]
    wrong = {n for n, a, b in zip(names, images, expected, strict=True) if not np.array_equal(a, b)}
    assert wrong == set()


def test_ranks_share_the_order_and_take_as_many_batches(dataset: fastload.ShardDataset) -> None:
    options = {"crop": CROP, "shuffle": True, "seed": 2}
    (alone,) = epochs(ShardSource(dataset, 16, **options))
    ranks = [ShardSource(dataset, 8, rank=rank, world_size=2, **options) for rank in range(2)]
    assert [len(source) for source in ranks] == [5, 5]  # 70 samples in global batches of 16
    parts = [epochs(source)[0] for source in ranks]
    together = [part[start + k] for start in range(0, 40, 8) for part in parts for k in range(8)]
    assert len(together) == len(alone) == 80
    assert_same(together, alone)
    assert [int(sample[5]) for sample in together] == [1] * 70 + [0] * 10
    assert {int(sample[4]) for sample in together[70:]} == {-100}
    dropped = ShardSource(dataset, 8, rank=1, world_size=2, drop_last=True, **options)
    assert [int(s[5]) for s in epochs(dropped)[0]] == [1] * 32


def test_an_epoch_is_its_number(dataset: fastload.ShardDataset) -> None:
    first, second = epochs(ShardSource(dataset, 35, crop=CROP, shuffle=True, seed=1), 2)
    (again,) = epochs(ShardSource(dataset, 35, crop=CROP, shuffle=True, seed=1, epoch=1))
    assert_same(second, again)
    assert [int(s[4]) for s in first] != [int(s[4]) for s in second]


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_worker_processes_give_the_same(dataset: fastload.ShardDataset, start_method: str) -> None:
    source = ShardSource(dataset, BATCH, crop=CROP, shuffle=True, seed=4)
    workers = {"parallel": True, "py_num_workers": 2, "py_start_method": start_method}
    for one, other in zip(epochs(source, 2), epochs(source, 2, **workers), strict=True):
        assert_same(one, other)


def test_what_a_source_cannot_do_it_says(dataset: fastload.ShardDataset) -> None:
    with pytest.raises(TransformError, match="leave the rest, as a Resize before the crop, to the pipeline"):
        ShardSource(dataset, 8, crop=[T.Resize(80), T.CenterCrop(64)])  # type: ignore[list-item]
    with pytest.raises(TransformError, match="takes one of"):
        ShardSource(dataset, 8, crop=T.RandomHorizontalFlip())
    with pytest.raises(ValueError, match="positive integer, not 0"):
        ShardSource(dataset, 0)
    with pytest.raises(ValueError, match="the pipeline's batch_size is 4, the source's 8"):
        decoded(ShardSource(dataset, 8), batch_size=4)


def test_an_error_names_shard_and_sample(split: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(split, tmp_path / "copy")
    sample = fastload.ShardDataset(copy)[3]
    data = bytearray(Path(sample.shard).read_bytes())
    data[sample.offset + len(sample.jpeg) - 20] ^= 1
    Path(sample.shard).write_bytes(data)
    pipe = decoded(ShardSource(copy, 8), batch_size=8)
    with pytest.raises(Exception, match=f"{Path(sample.shard).name}.*{sample.key}"):
        pipe.run()


def test_dalis_own_reader_reads_the_shards(dataset: fastload.ShardDataset) -> None:
    paths = [str(dataset.path / shard.name) for shard in dataset.manifest.shards]

    @pipeline_def(batch_size=len(dataset), num_threads=2, device_id=None)
    def pipeline() -> Any:
        jpeg, label = fn.readers.webdataset(
            paths=paths, ext=["jpg", "cls"], missing_component_behavior="error"
        )
        return jpeg, label, fn.decoders.image(jpeg, adjust_orientation=False)

    jpegs, labels, images = pipeline().run()
    assert len(jpegs) == len(dataset)
    for jpeg, label, image, sample in zip(jpegs, labels, images, dataset, strict=True):
        assert np.array(jpeg).tobytes() == sample.jpeg
        assert int(np.array(label).tobytes()) == sample.label
        with Image.open(io.BytesIO(sample.jpeg)) as opened:
            assert np.array_equal(image, opened.convert("RGB"))
