"""The contact sheet shows the samples that it says it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corpus
import fastload
from fastload import transforms as T
from fastload.prepare import prepare
from fastload.show import BACKGROUND, CAPTION, CELL, GAP, contact_sheet


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of two images each."""
    root = tmp_path_factory.mktemp("show")
    prepare(corpus.make_imagefolder(root / "images", classes=3, per_class=2), root, split="train")
    return root / "train"


def cell(sheet: Path, column: int, row: int) -> np.ndarray:
    x, y = GAP + column * (CELL + GAP), GAP + row * (CELL + CAPTION + GAP)
    with Image.open(sheet) as image:
        return np.array(image)[y : y + CELL, x : x + CELL]


def test_shows_every_sample_by_label(dataset: Path, tmp_path: Path) -> None:
    sheet = contact_sheet(dataset, tmp_path / "grid.png", rows=2, columns=3)
    for i, sample in enumerate(fastload.ShardDataset(dataset)):  # an image folder is prepared in label order
        picture = Image.fromarray(sample.image())
        picture.thumbnail((CELL, CELL))
        expected = Image.new("RGB", (CELL, CELL), BACKGROUND)
        expected.paste(picture, ((CELL - picture.width) // 2, (CELL - picture.height) // 2))
        np.testing.assert_array_equal(cell(sheet, i % 3, i // 3), np.array(expected))


def test_shows_what_the_loader_makes(dataset: Path, tmp_path: Path) -> None:
    augment = [T.RandomResizedCrop(CELL), T.RandomHorizontalFlip()]
    normalize = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
    sheet = contact_sheet(
        dataset, tmp_path / "grid.png", rows=2, columns=3, seed=5, transform=[*augment, normalize]
    )
    images, _ = next(iter(fastload.DataLoader(dataset, batch_size=6, transform=augment, seed=5)))
    for i, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        np.testing.assert_array_equal(cell(sheet, i % 3, i // 3), image)


def test_leaves_cells_empty_where_samples_run_out(dataset: Path, tmp_path: Path) -> None:
    sheet = contact_sheet(dataset, tmp_path / "grid.png", rows=1, columns=8)
    assert (cell(sheet, 5, 0) != BACKGROUND).any()
    assert (cell(sheet, 6, 0) == BACKGROUND).all()


def test_the_seed_decides(dataset: Path, tmp_path: Path) -> None:
    pictures = [
        contact_sheet(dataset, tmp_path / f"{i}.png", rows=1, columns=2, seed=seed).read_bytes()
        for i, seed in enumerate([1, 1, 2])
    ]
    assert pictures[0] == pictures[1] != pictures[2]


@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (3, 0), (-1, -1)])
def test_refuses_an_empty_sheet(dataset: Path, tmp_path: Path, rows: int, columns: int) -> None:
    with pytest.raises(ValueError, match=f"at least one row and one column, not {rows} and {columns}"):
        contact_sheet(dataset, tmp_path / "grid.png", rows=rows, columns=columns)
