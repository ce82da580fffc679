"""Real ImageNet files: the same pixels plain, prepared, verbatim and indexed in place, whole and cropped."""

from __future__ import annotations

import io
import random
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fastload import _native
from fastload.errors import JpegError
from fastload.indexing import index
from sources import write_tar
from test_decoder import Crop, pillow
from test_matrix import stored


def members(archive: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            yield tar.extractfile(member).read()  # type: ignore[union-attr]


def jpegs(directory: Path) -> Iterator[bytes]:
    """All of one or three components: the others are converted when they are prepared."""
    train = (directory / "ILSVRC2012_img_train.tar").read_bytes()
    files = [file for synset in members(train) for file in members(synset)]
    files += members((directory / "ILSVRC2012_img_val.tar").read_bytes())
    for file in files:
        try:
            if _native.jpeg_info(file).components != 4:
                yield file
        except JpegError:  # a PNG
            continue


def test_every_form_has_pillows_pixels(imagenet_sample: Path, tmp_path: Path) -> None:
    files = list(jpegs(imagenet_sample))
    assert len(files) > 100
    decoder, rng = _native.entropy.Decoder(), random.Random(0)
    tar = write_tar(tmp_path / "a.tar", [{"__key__": f"{k:05}", "jpg": jpeg} for k, jpeg in enumerate(files)])
    index(tar)
    shards = {
        "prepared": stored(files, tmp_path / "prepared.tar", verbatim=False),
        "verbatim": stored(files, tmp_path / "verbatim.tar", verbatim=True),
        "indexed": _native.Shard(str(tar)),
    }
    assert {len(shard) for shard in shards.values()} == {len(files)}
    processes: Counter[str] = Counter()
    for k, jpeg in enumerate(files):
        processes[_native.jpeg_info(jpeg).source] += 3
        whole = pillow(jpeg)
        height, width, _ = whole.shape
        crops: list[Crop] = [(0, 0, width, height)]
        for _ in range(2):
            w, h = rng.randint(1, width), rng.randint(1, height)
            crops.append((rng.randint(0, width - w), rng.randint(0, height - h), w, h))
        for x, y, w, h in crops:
            expected = whole[y : y + h, x : x + w]
            assert np.array_equal(decoder.decode(jpeg, (x, y, w, h)), expected), (k, x, y, w, h)
            for form, shard in shards.items():
                assert np.array_equal(shard.decode(k, (x, y, w, h)), expected), (form, k, x, y, w, h)
    counts = decoder.counts
    assert counts == {name.replace("baseline", "fast"): count for name, count in processes.items()}
