"""timm's loops on fastload: its own loader's batches, or a refusal."""

from __future__ import annotations

import inspect
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import fastload
from fastload import transforms as T
from fastload.errors import TransformError
from training_loops import example

timm_data = pytest.importorskip("timm.data", reason="needs timm (pip install 'fastload[frameworks]')")
from fastload.adapters import timm as adapter  # noqa: E402
from fastload.adapters.timm import create_loader  # noqa: E402

CPU = torch.device("cpu")


class Stored(torch.utils.data.Dataset[Any]):
    """The shards' own JPEGs as timm would read them from files; give it a transform."""

    def __init__(self, dataset: fastload.ShardDataset) -> None:
        self.dataset, self.transform = dataset, None

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        sample = self.dataset[index]
        assert self.transform is not None
        return self.transform(Image.open(io.BytesIO(sample.jpeg)).convert("RGB")), sample.label


EVALUATIONS: list[dict[str, Any]] = [
    {},
    {"interpolation": "bicubic", "crop_pct": 0.95, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
    {"crop_mode": "squash", "crop_pct": 1.0},
    {"is_training": True, "no_aug": True, "interpolation": "random"},
]


@pytest.mark.parametrize("use_prefetcher", [False, True])
@pytest.mark.parametrize("options", EVALUATIONS, ids=lambda o: ",".join(o) or "defaults")
def test_what_is_not_random_is_timms_to_the_bit(
    dataset: fastload.ShardDataset, options: dict[str, Any], use_prefetcher: bool
) -> None:
    common = {"device": CPU, "use_prefetcher": use_prefetcher, **options}
    theirs = timm_data.create_loader(Stored(dataset), (3, 64, 64), 10, num_workers=0, **common)
    ours = create_loader(dataset, (3, 64, 64), 10, **common)
    assert type(ours) is (type(theirs) if use_prefetcher else fastload.DataLoader)
    assert len(ours) == len(theirs) == 7
    got, expected = ([torch.cat(column) for column in zip(*loader, strict=True)] for loader in (ours, theirs))
    if options.get("is_training"):  # shuffled, each in its own way: as sets of images

        def order(pair: list[torch.Tensor]) -> torch.Tensor:
            return pair[0].double().sum(dim=(1, 2, 3)).argsort(stable=True)

        got, expected = ([column[order(pair)] for column in pair] for pair in (got, expected))
    assert torch.equal(got[0], expected[0])
    assert torch.equal(got[1], expected[1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": (0.3, 0.9), "ratio": (0.5, 2.0), "hflip": 0.2, "interpolation": "bicubic"},
        {"hflip": 0.0},
    ],
    ids=["defaults", "others", "no flip"],
)
def test_training_draws_from_timms_distributions(
    dataset: fastload.ShardDataset, options: dict[str, Any]
) -> None:
    loader = create_loader(
        dataset, (3, 64, 48), 10, is_training=True, color_jitter=0, use_prefetcher=False, **options
    )
    theirs = timm_data.create_transform((3, 64, 48), is_training=True, color_jitter=0, **options).transforms
    crop = theirs[0]
    ours = [
        T.RandomResizedCrop(tuple(crop.size), tuple(crop.scale), tuple(crop.ratio), crop.interpolation.value)
    ]
    flips = [T.RandomHorizontalFlip(step.p) for step in theirs if "Flip" in type(step).__name__]
    assert loader.transform == (*ours, *flips, T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD))
    assert [len(labels) for _, labels in loader] == [10] * 7


def test_timms_prefetcher_erases(dataset: fastload.ShardDataset) -> None:
    loader = create_loader(
        dataset, 64, 10, is_training=True, device=CPU, color_jitter=0, re_prob=1.0, re_mode="const"
    )
    for images, _ in loader:
        erased = (images == 0).all(dim=1).flatten(1).sum(1)
        assert (erased > 0.02 * 64 * 64 - 2 * 64).all()


PARAMETERS = inspect.signature(timm_data.create_loader).parameters
REFUSED = sorted(set(PARAMETERS) - adapter._TAKEN - adapter._NO_EFFECT)


@pytest.mark.parametrize("name", REFUSED)
def test_every_other_argument_is_refused_by_name(dataset: fastload.ShardDataset, name: str) -> None:
    options = {"is_training": True, "color_jitter": 0, "device": CPU, name: "something"}
    with pytest.raises(TransformError, match=f"{name}='something' is nothing that fastload's loader can do"):
        create_loader(dataset, 64, 10, **options)
    if name in adapter._TRAINING_ONLY:
        create_loader(dataset, 64, 10, **{**options, "is_training": False})


def test_what_else_is_refused(dataset: fastload.ShardDataset) -> None:
    train = {"is_training": True, "device": CPU}
    with pytest.raises(TransformError, match=r"color_jitter=0\.4 .*pass color_jitter=0"):
        create_loader(dataset, 64, 10, **train)
    with pytest.raises(TransformError, match="take 'bilinear' or 'bicubic'"):
        create_loader(dataset, 64, 10, color_jitter=0, interpolation="random", **train)
    with pytest.raises(TransformError, match="re_prob goes with use_prefetcher"):
        create_loader(dataset, 64, 10, color_jitter=0, re_prob=0.1, use_prefetcher=False, **train)
    with pytest.raises(TransformError, match="crop_mode='border'"):
        create_loader(dataset, 64, 10, crop_mode="border", device=CPU)
    with pytest.raises(TransformError, match="square input"):
        create_loader(dataset, (3, 64, 32), 10, device=CPU)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour_jitter'"):
        create_loader(dataset, 64, 10, colour_jitter=0)
    with pytest.raises(TypeError, match="`fastload prepare` makes one"):
        create_loader(Stored(dataset), 64, 10)


def test_the_example_trains(two_classes: Path) -> None:
    assert 0 <= example("train_timm").main(two_classes, epochs=1, name="test_resnet") <= 100
