"""Input of the stage benchmarks: ImageNet where it is present, generated photographs otherwise.

``pytest benchmarks``, on a machine that does nothing else. Each benchmark first shows that its result is
right, then works through all images; its extra information says how many these are.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from random import Random

import pytest
from PIL import Image

import fastload
from fastload.bench.crops import Box, random_box
from fastload.bench.job import Job
from fastload.prepare import prepare
from fastload.prepare.sources import open_sources

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

IMAGES = 64
JOB = Job(dataset="", folder="")


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `fastload prepare` takes: $FASTLOAD_IMAGENET, a folder beside the repository, or generated."""
    asked = os.environ.get("FASTLOAD_IMAGENET")
    sample = Path(asked) if asked else REPOSITORY.parent / "shared" / "imagenet-sample"
    if asked or (sample / "ILSVRC2012_img_train.tar").is_file():
        return sample
    from corpus import make_imagefolder

    return make_imagefolder(tmp_path_factory.mktemp("source"), per_class=IMAGES // 4, sides=(300, 500))


@pytest.fixture(scope="session")
def jpegs(source: Path) -> list[bytes]:
    """The first files of the source, as they are."""
    [opened] = open_sources(source, "train")
    found = []
    for group in range(len(opened.group_bytes)):
        found += [item.read() for item in opened.items(group)[: IMAGES - len(found)]]
    opened.close()
    return found


@pytest.fixture(scope="session")
def dataset(source: Path, tmp_path_factory: pytest.TempPathFactory) -> fastload.ShardDataset:
    """The same files, prepared."""
    dest = tmp_path_factory.mktemp("dataset")
    prepare(source, dest, split="train", limit=IMAGES)
    return fastload.ShardDataset(dest / "train")


@pytest.fixture(scope="session")
def crops(jpegs: list[bytes]) -> list[Box]:
    """A RandomResizedCrop box (x, y, width, height) for each of the files."""
    draw = Random(0)
    return [random_box(*Image.open(io.BytesIO(jpeg)).size, JOB, draw) for jpeg in jpegs]
