"""Crops cut out of the compressed stream decode to the pixels of the whole image's decode."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corpus
from fastload import _native
from jpeg_cases import encode


def write_shard(path: Path, jpegs: dict[str, bytes], **options: bool) -> _native.Shard:
    writer = _native.ShardWriter(str(path))
    for label, (name, jpeg) in enumerate(jpegs.items()):
        writer.add(name.replace(".", "_"), label, _native.prepare_jpeg(jpeg, **options))
    writer.close()
    return _native.Shard(str(path))


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def boxes(rng: random.Random, width: int, height: int, count: int) -> list[tuple[int, int, int, int]]:
    """Corners, edges, single pixels, and random boxes."""
    fixed = [(0, 0, width, height), (0, 0, 1, 1), (width - 1, height - 1, 1, 1), (width - 1, 0, 1, height)]
    fixed += [(0, height - 1, width, 1), (max(0, width - 3), 0, min(3, width), height)]
    for _ in range(count):
        w, h = rng.randint(1, width), rng.randint(1, height)
        fixed.append((rng.randint(0, width - w), rng.randint(0, height - h), w, h))
    return fixed


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
def test_every_crop_of_every_good_file_has_the_pixels_of_the_whole(tmp_path: Path, verbatim: bool) -> None:
    cases = corpus.good_cases()
    shard = write_shard(tmp_path / "s.tar", cases, verbatim=verbatim)
    rng = random.Random(1)
    for number, (name, jpeg) in enumerate(cases.items()):
        whole = pixels(jpeg)
        assert np.array_equal(_native.decode_jpeg(shard.jpeg(number)), whole), name
        for x, y, w, h in boxes(rng, whole.shape[1], whole.shape[0], 6):
            crop = shard.decode(number, (x, y, w, h))
            assert np.array_equal(crop, whole[y : y + h, x : x + w]), f"{name} {(x, y, w, h)}"


def test_widths_around_the_segment_and_the_triangle_filter(tmp_path: Path) -> None:
    """Right edges of every remainder: there a splice can become too narrow for libjpeg's triangle filter."""
    cases = {
        f"{sampling}-{width}": encode("coffee", width, 40, subsampling=sampling)
        for sampling in ("4:2:0", "4:2:2", "4:4:4")
        for width in range(113, 164)
    }
    shard = write_shard(tmp_path / "s.tar", cases)
    for number, (name, jpeg) in enumerate(cases.items()):
        whole = pixels(jpeg)
        width = whole.shape[1]
        for left in range(1, 36):
            crop = shard.decode(number, (width - left, 3, left, 30))
            assert np.array_equal(crop, whole[3:33, width - left :]), f"{name}, the last {left} columns"
        for x in range(60, 70):
            assert np.array_equal(shard.decode(number, (x, 15, 20, 2)), whole[15:17, x : x + 20]), (
                f"{name} {x}"
            )


def test_the_sample_images_keep_their_pixels_and_crops(imagenet_sample: Path, tmp_path: Path) -> None:
    from fastload.prepare import prepare

    prepare(imagenet_sample, tmp_path / "dest")
    rng = random.Random(2)
    import fastload

    for split in ("train", "val"):
        dataset = fastload.ShardDataset(tmp_path / "dest" / split)
        shard = _native.Shard(str(tmp_path / "dest" / split / dataset.manifest.shards[0].name))
        for number in range(0, len(dataset), 7):
            whole = pixels(shard.jpeg(number))
            for x, y, w, h in boxes(rng, whole.shape[1], whole.shape[0], 2):
                crop = shard.decode(number, (x, y, w, h))
                assert np.array_equal(crop, whole[y : y + h, x : x + w])


def test_a_small_crop_reads_few_bytes(tmp_path: Path) -> None:
    jpeg = encode("coffee", 599, 399)
    shard = write_shard(tmp_path / "s.tar", {"a": jpeg})
    assert shard.record(0).row_count == 399 // 16 + 2  # 4:2:0: rows of 16 pixels, and the header
    damaged = bytearray((tmp_path / "s.tar").read_bytes())
    damaged[shard.record(0).jpeg_offset + shard.record(0).jpeg_length - 40] ^= 1  # in the last row
    (tmp_path / "s.tar").write_bytes(damaged)
    shard = _native.Shard(str(tmp_path / "s.tar"))
    whole = pixels(jpeg)
    assert np.array_equal(shard.decode(0, (10, 10, 100, 100)), whole[10:110, 10:110])
    with pytest.raises(ValueError, match="MCU row 24"):
        shard.decode(0, (10, 380, 100, 19))


@pytest.mark.parametrize("crop", [(-1, 0, 5, 5), (0, 0, 0, 5), (0, 0, 101, 5), (96, 0, 5, 5), (0, 75, 1, 1)])
def test_a_crop_outside_the_image_is_refused(tmp_path: Path, crop: tuple[int, int, int, int]) -> None:
    shard = write_shard(tmp_path / "s.tar", {"a": encode("coffee", 100, 75)})
    with pytest.raises(ValueError, match="does not lie inside the image of 100 x 75"):
        shard.decode(0, crop)


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
def test_a_crop_is_an_ordinary_jpeg_to_others(tmp_path: Path, verbatim: bool) -> None:
    """What fastload's own decoder never sees: the spliced file, decoded by Pillow."""
    cases, rng = corpus.good_cases(), random.Random(4)
    dataset = _native.Dataset([write_shard(tmp_path / "s.tar", cases, verbatim=verbatim)])
    for number, (name, jpeg) in enumerate(cases.items()):
        whole = pixels(jpeg)
        for crop in boxes(rng, whole.shape[1], whole.shape[0], 6):
            spliced, (x, y, w, h) = _native.crop_jpeg(dataset, number, crop)
            part = whole[crop[1] : crop[1] + h, crop[0] : crop[0] + w]
            assert np.array_equal(pixels(spliced.tobytes())[y : y + h, x : x + w], part), f"{name} {crop}"
        with pytest.raises(ValueError, match="does not lie inside the image"):
            _native.crop_jpeg(dataset, number, (0, 0, whole.shape[1] + 1, 1))
