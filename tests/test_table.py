"""Hugging Face datasets of images: bit for bit what PyTorch's own DataLoader yields of them."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.utils import data
from torchvision.transforms import v2

import corpus
import fastload
from fastload.errors import FallbackWarning, SampleError, StateError
from fastload.files import decode_with_pillow

datasets = pytest.importorskip(
    "datasets", reason="the package `datasets` is not installed (extra: frameworks)"
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EVAL = v2.Compose(
    [
        v2.RGB(),
        v2.Resize(40),
        v2.CenterCrop(32),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
)


def encoded(
    mode: str = "RGB", kind: str = "jpeg", orientation: int = 1, xmp: int = 1, **options: Any
) -> bytes:
    photo = Image.fromarray(corpus.photographs()[0][:90, :120]).convert(mode)
    exif = Image.Exif()
    if orientation != 1:
        exif[Image.ExifTags.Base.Orientation] = orientation
    if xmp != 1:
        options["xmp"] = f'<x:xmpmeta tiff:Orientation="{xmp}"/>'.encode()
    stream = io.BytesIO()
    photo.save(stream, kind, exif=exif, **options)
    return stream.getvalue()


def all_files() -> list[bytes]:
    """JPEGs of all encodings and orientations, and what only Pillow reads."""
    files = [encoded(orientation=k) for k in range(1, 9)] + [encoded(xmp=k) for k in (3, 6)]
    files += [encoded("L"), encoded("RGBA", "png"), encoded("P", "png"), encoded(kind="webp")]
    files += [encoded(progressive=True), encoded(restart_marker_blocks=3), encoded(subsampling="4:4:4")]
    for content in corpus.odd_cases().values():
        with contextlib.suppress(OSError):  # what Pillow refuses is the subject of another test
            decode_with_pillow(content)
            files.append(content)
    return files


def make(files: list[bytes], **columns: Any) -> Any:
    rows = {"image": [{"bytes": content, "path": None} for content in files], "label": range(len(files))}
    dataset = datasets.Dataset.from_dict({**rows, **columns})
    label = datasets.ClassLabel(names=[f"class {k}" for k in range(len(files))])
    return dataset.cast_column("image", datasets.Image()).cast_column("label", label)


@pytest.fixture(scope="module")
def dataset() -> Any:
    return make(all_files())


def assert_same(ours: Any, theirs: Any) -> None:
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert list(a) == list(b)
        for name in a:
            assert torch.equal(torch.as_tensor(a[name]), torch.as_tensor(b[name]))


def test_every_file_is_what_datasets_decodes(dataset: Any) -> None:
    dataset = dataset.with_transform(EVAL)
    loader = fastload.DataLoader(dataset, 8, num_workers=2)
    assert isinstance(loader, fastload.DataLoader)
    assert_same(loader, data.DataLoader(dataset, 8))
    assert fastload.explain(dataset).native
    assert f"Dataset of {len(dataset)} rows" in repr(loader)


def test_views_of_a_dataset(dataset: Any) -> None:
    views = [
        dataset.select([3, 1, 1, 0]),
        dataset.shuffle(seed=3),
        dataset.select(range(5, 12)).shuffle(seed=1).select([2, 0]),
        datasets.concatenate_datasets([dataset, dataset.select([2, 4])]),
        dataset.rename_columns({"image": "pixel_values", "label": "labels"}),
    ]
    for view in views:
        transformed = view.with_transform(EVAL)
        assert_same(fastload.DataLoader(transformed, 4), data.DataLoader(transformed, 4))


def test_images_in_files(dataset: Any, tmp_path: Path) -> None:
    names = []
    for k, content in enumerate(all_files()):
        names.append(str(tmp_path / f"{k}.img"))
        Path(names[-1]).write_bytes(content)
    files = datasets.Dataset.from_dict({"image": names, "label": range(len(names))})
    files = files.cast_column("image", datasets.Image()).with_transform(EVAL)
    assert_same(fastload.DataLoader(files, 4), data.DataLoader(files, 4))


def test_a_table_from_disk(dataset: Any, tmp_path: Path) -> None:
    dataset.to_parquet(tmp_path / "x.parquet")
    reread = datasets.Dataset.from_parquet(str(tmp_path / "x.parquet"), cache_dir=str(tmp_path / "cache"))
    reread = reread.with_transform(EVAL)
    loader = fastload.DataLoader(reread, 4)
    expected = list(data.DataLoader(reread, 4))
    del reread  # the loader keeps the table
    assert_same(loader, expected)


def test_a_transform_for_the_loader(dataset: Any) -> None:
    """The transform may be DataLoader's, and then images are RGB."""
    loader = fastload.DataLoader(dataset, 5, transform=v2.Compose(EVAL.transforms[1:]))
    assert_same(loader, data.DataLoader(dataset.with_transform(EVAL), 5))


def test_single_samples_masks_and_collate_fn(dataset: Any) -> None:
    dataset = dataset.with_transform(EVAL)
    assert_same(fastload.DataLoader(dataset, None), data.DataLoader(dataset, None))
    single = next(iter(fastload.DataLoader(dataset, None)))
    assert type(single["label"]) is int
    *_, last = fastload.DataLoader(dataset, len(dataset) - 1, return_mask=True)
    assert last["mask"].tolist() == [True] + [False] * (len(dataset) - 2)

    def collate(rows: list[dict[str, Any]]) -> Any:
        return torch.stack([row["image"] for row in rows]), [row["label"] for row in rows]

    ours, theirs = (
        list(make_loader(dataset, 4, collate_fn=collate))
        for make_loader in (fastload.DataLoader, data.DataLoader)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a[0], torch.as_tensor(b[0]))
        assert a[1] == b[1]


def test_the_transform_is_followed(dataset: Any) -> None:
    changing = dataset.select([0, 1])
    changing.set_transform(EVAL)
    loader = fastload.DataLoader(changing, 2)
    assert next(iter(loader))["image"].shape[-1] == 32
    changing.set_transform(v2.Compose([v2.RGB(), v2.Resize((9, 7)), v2.ToImage()]))
    assert_same(loader, data.DataLoader(changing, 2))


def test_a_state_belongs_to_its_rows(dataset: Any) -> None:
    dataset = dataset.with_transform(EVAL)
    loader = fastload.DataLoader(dataset, 4, shuffle=True, seed=1)
    batches = iter(loader)
    next(batches)
    state, rest = loader.state_dict(), list(batches)
    again = fastload.DataLoader(make(all_files()).with_transform(EVAL), 4, shuffle=True, seed=1)
    again.load_state_dict(state)
    assert_same(again, rest)
    with pytest.raises(StateError, match="another dataset"):
        fastload.DataLoader(dataset.select(range(3)), 4, shuffle=True).load_state_dict(state)


def test_a_broken_image_is_named() -> None:
    broken = make([encoded(), encoded()[:50]]).with_transform(EVAL)
    with pytest.raises(SampleError, match="sample 1"):
        list(fastload.DataLoader(broken, 2))


GRAY = v2.Compose([v2.Resize((8, 8)), v2.ToImage()])

OTHERS: dict[str, tuple[Any, str]] = {
    "a function": (lambda d: d.with_transform(lambda rows: rows), "Python function of whole batches"),
    "no RGB": (lambda d: d.with_transform(GRAY), "begin its transform with v2.RGB"),
    "tensors": (lambda d: d.with_format("torch"), "formatted as 'torch'"),
    "no transform": (lambda d: d, "end in a Pillow image"),
    "more columns": (
        lambda d: d.add_column("text", ["a"] * len(d)).with_transform(EVAL),
        "column 'text' is neither an image nor an integer label",
    ),
    "no label": (lambda d: d.remove_columns("label").with_transform(EVAL), "0 of labels"),
    "encoded": (
        lambda d: d.cast_column("image", datasets.Image(decode=False)).with_transform(EVAL),
        "column 'image' is neither",
    ),
    "a missing label": (
        lambda _: make([encoded()] * 2, label=[0, None]).with_transform(EVAL),
        "rows without a label",
    ),
    "a missing image": (
        lambda _: make([encoded()], image=[None]).with_transform(EVAL),
        "neither in the table nor all in local files",
    ),
    "large labels": (
        lambda d: datasets.Dataset.from_dict({"image": d["image"][:1], "label": [2**40]}).with_transform(
            EVAL
        ),
        "labels beyond 32 bits",
    ),
}


@pytest.mark.parametrize(("change", "reason"), OTHERS.values(), ids=OTHERS.keys())
def test_others_are_pytorchs_affair(dataset: Any, change: Any, reason: str) -> None:
    with pytest.warns(FallbackWarning, match=reason):
        loader = fastload.DataLoader(change(dataset), 2)
    assert isinstance(loader, data.DataLoader)


def test_modes_that_datasets_converts(dataset: Any) -> None:
    """Image(mode="RGB") makes v2.RGB() needless."""
    converted = dataset.cast_column("image", datasets.Image(mode="RGB")).with_transform(GRAY)
    assert_same(fastload.DataLoader(converted, 4), data.DataLoader(converted, 4))


def test_an_empty_dataset(dataset: Any) -> None:
    assert list(fastload.DataLoader(dataset.select([]).with_transform(EVAL), 4)) == []
