"""A contact sheet: a PNG with samples of a dataset, as stored or as a transform makes them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import fastload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import ImageFont

    from fastload.transforms import Transform

CELL = 160  # pixels, a side of the square in which a sample is shown
CAPTION = 30  # pixels below it, for two lines of text
GAP = 8
FONT_SIZE = 11
BACKGROUND, INK, FAINT = (250, 250, 250), (20, 20, 20), (130, 130, 130)


def contact_sheet(
    path: str | Path,
    out: str | Path,
    *,
    rows: int = 4,
    columns: int = 8,
    seed: int = 0,
    transform: Sequence[Transform] | None = None,
) -> Path:
    """Write ``rows`` x ``columns`` samples of the dataset at ``path`` to the PNG ``out``; returns its path.

    Samples are drawn with ``seed``, without repetition, and ordered by label; cells stay empty where the
    dataset has fewer. Each one is shown whole, as stored, or as ``transform`` makes it in epoch 0, without
    its Normalize and dtype, which are not for the eye. Below stand class, stored size and key.

    Raises ManifestError where ``path`` holds no dataset, ValueError where ``rows`` or ``columns`` is below 1.
    """
    from PIL import Image, ImageDraw, ImageFont

    if rows < 1 or columns < 1:
        raise ValueError(f"a contact sheet needs at least one row and one column, not {rows} and {columns}")
    dataset = fastload.ShardDataset(path)
    chosen = random.Random(seed).sample(range(len(dataset)), min(rows * columns, len(dataset)))
    samples = dataset.select(sorted(chosen, key=lambda i: (dataset[i].label, i)))
    pictures = (
        [sample.image() for sample in samples] if transform is None else _augmented(samples, transform, seed)
    )

    step_x, step_y = CELL + GAP, CELL + CAPTION + GAP
    sheet = Image.new("RGB", (columns * step_x + GAP, rows * step_y + GAP), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for i, (sample, pixels) in enumerate(zip(samples, pictures, strict=True)):
        x, y = GAP + i % columns * step_x, GAP + i // columns * step_y
        picture = Image.fromarray(pixels)
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (x + (CELL - picture.width) // 2, y + (CELL - picture.height) // 2))
        draw.text((x, y + CELL + 2), _fit(_class_name(dataset, sample.label), font), INK, font)
        draw.text(
            (x, y + CELL + 16), _fit(f"{sample.width} x {sample.height}  {sample.key}", font), FAINT, font
        )
    sheet.save(out)
    return Path(out)


def _class_name(dataset: fastload.ShardDataset, label: int) -> str:
    if label < 0:
        return "(no label)"
    if not dataset.manifest.classes:
        return f"label {label}"  # an index of tars has no names
    found = dataset.manifest.classes[label]
    return found.words.split(",")[0] or found.id


def _augmented(
    samples: fastload.ShardDataset, transform: Sequence[Transform], seed: int
) -> list[npt.NDArray[np.uint8]]:
    from fastload import transforms as T

    visible = [
        step
        for step in transform
        if not isinstance(step, (T.Normalize, T.ToDtype, T.RandomErasing, T.MixUp, T.CutMix))
    ]
    loader = fastload.DataLoader(samples, batch_size=len(samples), transform=visible, seed=seed)
    images, _ = next(iter(loader))
    return list(images.permute(0, 2, 3, 1).numpy())


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= CELL:
        return text
    while text and font.getlength(text + "…") > CELL:
        text = text[:-1]
    return text + "…"
