"""What fastload does not know goes to PyTorch's own DataLoader, with one warning that names the reason."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.utils import data
from torchvision import datasets
from torchvision import transforms as V
from torchvision.transforms import v2

import corpus
import fastload
from fastload import _native
from fastload.errors import FallbackWarning, RankError
from loading import assert_same

EVAL = V.Compose([V.Resize(72), V.CenterCrop(64), V.ToTensor()])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus.make_imagefolder(tmp_path_factory.mktemp("folder"), per_class=2, sides=(70, 100))


class Mine(V.RandomHorizontalFlip):
    """A class of one's own may do anything."""


UNKNOWN: dict[str, tuple[list[Any], str]] = {
    "an unknown transform": ([V.GaussianBlur(3), V.ToTensor()], r"GaussianBlur\(kernel_size=.* is not among"),
    "colours of a tensor": (
        [V.Resize((8, 8)), V.ToTensor(), V.ColorJitter(0.4)],
        "ColorJitter.* of a tensor differs",
    ),
    "crop after colours": (
        [V.Resize((9, 9)), V.ColorJitter(0.4), V.CenterCrop(8), V.ToTensor()],
        "CenterCrop: must not follow ColorJitter",
    ),
    "one channel": ([V.Resize((8, 8)), V.Grayscale(), V.ToTensor()], "Grayscale.* leaves one channel"),
    "erasing an image": (
        [V.Resize((8, 8)), V.RandomErasing(), V.ToTensor()],
        "RandomErasing.* is for tensors",
    ),
    "flip after erasing": (
        [V.Resize((8, 8)), V.ToTensor(), V.RandomErasing(), V.RandomHorizontalFlip()],
        "RandomHorizontalFlip.* comes after RandomErasing",
    ),
    "fills by type": (
        [v2.Resize((8, 8)), v2.RandAugment(fill={Image.Image: 3}), v2.ToImage()],
        "RandAugment",
    ),
    "a function": ([lambda image: image, V.ToTensor()], "<function .*lambda.* is not among"),
    "a class of one's own": ([Mine(), V.Resize((8, 8)), V.ToTensor()], "Mine.* is not among"),
    "resize of a tensor": ([V.ToTensor(), V.Resize((8, 8))], "Resize.* resizes a tensor"),
    "v2 resize of a tensor": (
        [v2.ToImage(), v2.RandomResizedCrop(8)],
        "RandomResizedCrop.* resizes a",
    ),
    "padding crop": ([V.RandomCrop(32, padding=4), V.ToTensor()], "RandomCrop.* pads"),
    "centre crop that may pad": (
        [V.CenterCrop(64), V.ToTensor()],
        "CenterCrop.* pads images",
    ),
    "no tensor": ([V.Resize((8, 8))], "end in a Pillow image"),
    "sizes that differ": ([V.Resize(8), V.ToTensor()], "images of different sizes"),
    "normalised bytes": (
        [v2.Resize((8, 8)), v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize([1] * 3, [1] * 3)],
        "Normalize.* does not come right after",
    ),
    "two channels": ([V.Resize((8, 8)), V.ToTensor(), V.Normalize([0.5], [0.5])], "three finite numbers"),
    "float64": ([V.Resize((8, 8)), v2.ToImage(), v2.ToDtype(torch.float64)], "is not the conversion"),
    "one size": ([v2.Resize(None, max_size=9), V.ToTensor()], "has no size"),
}


@pytest.mark.parametrize(("steps", "reason"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_other_transforms_are_pytorchs_affair(root: Path, steps: list[Any], reason: str) -> None:
    folder = datasets.ImageFolder(root, V.Compose(steps))
    with pytest.warns(FallbackWarning, match=f"this ImageFolder: .*{reason}") as warned:
        loader = fastload.DataLoader(folder, batch_size=1, num_workers=0)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert isinstance(loader, data.DataLoader)
    explanation = fastload.explain(folder)
    assert not explanation.native
    assert explanation.reason in str(warned[0].message)
    assert explanation.reason in str(explanation)
    assert f"{explanation.reason}" == loader.fallback_reason


class Numbers(data.Dataset[int]):
    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> int:
        return index


class Stream(data.IterableDataset[int]):
    def __iter__(self) -> Any:
        return iter(range(4))


class Overridden(datasets.ImageFolder):
    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index)[0]


def folder_with(**options: Any) -> Any:
    return lambda root: datasets.ImageFolder(root, EVAL, **options)


DATASETS: dict[str, tuple[Any, str]] = {
    "a dataset of one's own": (lambda _: Numbers(), "Numbers is not a dataset that fastload knows"),
    "an iterable dataset": (lambda _: Stream(), "Stream is not a dataset"),
    "tensors": (lambda _: data.TensorDataset(torch.zeros(2)), "TensorDataset is not a dataset"),
    "a __getitem__": (lambda root: Overridden(root, EVAL), "Overridden has a __getitem__"),
    "target_transform": (folder_with(target_transform=str), "target_transform <class 'str'>"),
    "a loader": (folder_with(loader=Image.open), "its loader <function open"),
    "different transforms": (
        lambda root: data.ConcatDataset([folder_with()(root), datasets.ImageFolder(root, V.ToTensor())]),
        "different transforms|images of different sizes",
    ),
    "a subset of the unknown": (lambda _: data.Subset(Numbers(), [1]), "Numbers is not a dataset"),
}


@pytest.mark.parametrize(("make", "reason"), DATASETS.values(), ids=DATASETS.keys())
def test_other_datasets_are_pytorchs_affair(root: Path, make: Any, reason: str) -> None:
    dataset = make(root)
    with pytest.warns(FallbackWarning, match=reason):
        loader = fastload.DataLoader(dataset, 2)
    assert isinstance(loader, data.DataLoader)
    if isinstance(dataset, Numbers | Stream):
        assert_same(list(loader), list(data.DataLoader(dataset, 2)))
    assert not hasattr(loader, "load_state_dict")
    with pytest.raises(AttributeError, match="torchdata's StatefulDataLoader"):
        loader.state_dict()


def test_the_fallback_shares_an_epoch_too() -> None:
    with pytest.warns(FallbackWarning):
        ranks = [
            fastload.DataLoader(Numbers(), 2, True, None, drop_last=True, rank=r, world_size=2)
            for r in (0, 1)
        ]
    for epoch in range(2):
        got = [batch.tolist() for step in zip(*ranks, strict=True) for batch in step]
        assert [index for part in got for index in part] == _native.epoch_order(7, 0, epoch, 0, 4).tolist()
    with pytest.warns(FallbackWarning), pytest.raises(RankError, match="3 samples are left over"):
        fastload.DataLoader(Numbers(), 2, rank=0, world_size=2)
    for options in ({"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.warns(FallbackWarning), pytest.raises(RankError, match="without a sampler"):
            fastload.DataLoader(Numbers(), rank=0, world_size=2, **options)


@pytest.mark.filterwarnings("ignore::fastload.errors.FallbackWarning")
def test_the_fallback_takes_what_pytorchs_loader_takes() -> None:
    for options in ({"on_error": "skip"}, {"return_mask": True}):
        with pytest.raises(ValueError, match=next(iter(options))):
            fastload.DataLoader(Numbers(), **options)
    orders = [list(fastload.DataLoader(Numbers(), 7, True, seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(orders[0][0], orders[1][0])
    assert not torch.equal(orders[0][0], orders[2][0])
    sampler = data.DistributedSampler(Numbers(), 2, 0)
    loader = fastload.DataLoader(Numbers(), sampler=sampler)
    loader.set_epoch(5)
    assert sampler.epoch == 5
    assert loader.stats() == fastload.LoaderStats()


# --- the same signature -------------------------------------------------------------------------------------


def test_the_signature_is_torchs() -> None:
    """Every parameter of the installed torch, in its place, with its default."""
    ours = list(inspect.signature(fastload.DataLoader.__init__).parameters.values())
    theirs = list(inspect.signature(data.DataLoader.__init__).parameters.values())
    for our, their in zip(ours, theirs, strict=False):
        assert (our.name, our.kind, our.default) == (their.name, their.kind, their.default)
    assert len(ours) > len(theirs)
    added = ours[len(theirs) :]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in added)
    assert all(f"``{parameter.name}``" in (fastload.DataLoader.__doc__ or "") for parameter in ours[1:])


def test_arguments_of_worker_processes_are_taken(root: Path) -> None:
    folder = datasets.ImageFolder(root, EVAL)
    plain = list(fastload.DataLoader(folder, 8))
    options = {
        "worker_init_fn": lambda _: pytest.fail("there are no worker processes"),
        "multiprocessing_context": "spawn",
        "persistent_workers": True,
        "pin_memory_device": "cuda",
        "in_order": False,
        "prefetch_factor": 3,
        "timeout": 100,
    }
    assert_same(list(fastload.DataLoader(folder, 8, num_workers=2, **options)), plain)
