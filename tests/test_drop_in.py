"""torchvision's folders: bit for bit what PyTorch's own DataLoader yields, or that loader itself."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import kstest
from torch.utils import data
from torchvision import datasets
from torchvision import transforms as V
from torchvision.models import ResNet18_Weights
from torchvision.transforms import v2

import corpus
import fastload
from fastload import _native
from fastload import transforms as T
from fastload.errors import SampleError, StateError, TransformError
from fastload.files import decode_with_pillow
from loading import assert_same

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JPEGs of all encodings, and what only Pillow reads: PNG with and without alpha, CMYK, progressive."""
    root = corpus.make_imagefolder(tmp_path_factory.mktemp("folder"), per_class=6, sides=(70, 200))
    target = sorted(root.iterdir())[1]
    for name, content in corpus.odd_cases().items():
        with contextlib.suppress(OSError):  # what Pillow refuses is the subject of another test
            decode_with_pillow(content)
            (target / f"odd_{name}.jpg").write_bytes(content)
    photo = corpus.photographs()[0][:150, :180]
    for name, options in {"progressive.jpg": {"progressive": True}, "gray.jpg": {}, "x.png": {}}.items():
        image = Image.fromarray(photo).convert("L" if name == "gray.jpg" else "RGB")
        image.save(target / name, **options)
    return root


DETERMINISTIC: dict[str, Any] = {
    "v1": V.Compose([V.Resize(72), V.CenterCrop(64), V.ToTensor(), V.Normalize(MEAN, STD)]),
    "v1, bicubic": V.Compose(
        [V.Resize((40, 50), V.InterpolationMode.BICUBIC), V.CenterCrop([30, 40]), V.ToTensor()]
    ),
    "v1, uint8": V.Compose([V.Resize([48, 48]), V.PILToTensor()]),
    "v1, crop of the tensor": V.Compose([V.Resize(72), V.PILToTensor(), V.CenterCrop(64)]),
    "v1, converted": V.Compose(
        [
            V.Resize(64, V.InterpolationMode.LANCZOS),
            V.CenterCrop(64),
            V.PILToTensor(),
            V.ConvertImageDtype(torch.float32),
            V.Normalize(MEAN, STD),
        ]
    ),
    "v1, float16": V.Compose([V.Resize((32, 32)), V.PILToTensor(), V.ConvertImageDtype(torch.float16)]),
    "v1, nested": V.Compose(
        [V.Compose([V.Resize((32, 32))]), torch.nn.Sequential(V.CenterCrop(16)), V.ToTensor()]
    ),
    "v1, normalised, then bfloat16": V.Compose(
        [V.Resize((32, 32)), V.ToTensor(), V.Normalize(MEAN, STD), V.ConvertImageDtype(torch.bfloat16)]
    ),
    "v1, nearest": V.Compose([V.Resize((33, 44), V.InterpolationMode.NEAREST_EXACT), V.ToTensor()]),
    "v2": v2.Compose(
        [
            v2.Resize(72),
            v2.CenterCrop(64),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    ),
    "v2, scaled": v2.Compose(
        [v2.RGB(), v2.Resize((50, 60)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    ),
    "v2, unscaled": v2.Compose([v2.Resize((50, 60)), v2.PILToTensor(), v2.ToDtype(torch.float32)]),
    "v2, float16": v2.Compose([v2.Resize((50, 60)), v2.ToImage(), v2.ToDtype(torch.float16, scale=True)]),
    "v2, normalised, then float16": v2.Compose(
        [
            v2.Resize((50, 60), "bicubic"),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
            v2.ToDtype(torch.float16),
            v2.ToPureTensor(),
        ]
    ),
    "preset": ResNet18_Weights.IMAGENET1K_V1.transforms(crop_size=60, resize_size=66),
    "v1, photometric": V.Compose(
        [
            V.Resize((50, 60)),
            V.ColorJitter(brightness=(1.3, 1.3)),
            V.ColorJitter(contrast=(0.7, 0.7)),
            V.RandomHorizontalFlip(1),
            V.ColorJitter(saturation=(1.8, 1.8)),
            V.ColorJitter(hue=(-0.2, -0.2)),
            V.RandomAdjustSharpness(1.7, p=1),
            V.RandomAutocontrast(p=1),
            V.RandomEqualize(p=0),
            V.ToTensor(),
            V.Normalize(MEAN, STD),
        ]
    ),
    "v2, photometric": v2.Compose(
        [
            v2.Resize((50, 60)),
            v2.RandomEqualize(p=1),
            v2.ColorJitter(saturation=(0.5, 0.5)),
            v2.RandomAdjustSharpness(0.2, p=1),
            v2.RandomPosterize(5, p=1),
            v2.RandomSolarize(100.5, p=1),
            v2.RandomInvert(p=1),
            v2.RandomAutocontrast(p=1),
            v2.RandomGrayscale(p=0),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    ),
    "gray": V.Compose([V.Resize((50, 60)), V.Grayscale(3), V.ToTensor()]),
    "v2, gray": v2.Compose([v2.Resize((50, 60)), v2.RandomGrayscale(1), v2.ToImage()]),
    "bytes of a tensor": v2.Compose(
        [
            v2.Resize((50, 60)),
            v2.ToImage(),
            v2.RandomPosterize(2, p=1),
            v2.RandomInvert(p=1),
            v2.RandomSolarize(90, p=1),
            v2.RandomErasing(0),
        ]
    ),
    "nothing random": V.Compose(
        [V.Resize((50, 60)), V.RandAugment(0), V.ToTensor(), V.RandomErasing(0), V.RandomErasing(0)]
    ),
    "always flipped": V.Compose([V.Resize((50, 60)), V.RandomHorizontalFlip(1), V.ToTensor()]),
}


@pytest.mark.parametrize("transform", DETERMINISTIC.values(), ids=DETERMINISTIC.keys())
def test_deterministic_chains_are_bit_for_bit_pytorchs(root: Path, transform: Any) -> None:
    folder = datasets.ImageFolder(root, transform)
    ours = fastload.DataLoader(folder, 7, num_workers=2)
    assert isinstance(ours, fastload.DataLoader)
    theirs = data.DataLoader(folder, 7)
    assert len(ours) == len(theirs)
    assert_same(list(ours), list(theirs))


def test_what_only_pillow_reads_is_counted_by_reason(root: Path) -> None:
    folder = datasets.ImageFolder(root, DETERMINISTIC["v1, uint8"])
    loader = fastload.DataLoader(folder, 7, num_workers=2)
    list(loader)
    expected = {"damaged": 2}  # bytes_lost_in_the_middle and restart_marker_lost
    for path, _ in folder.samples:
        try:
            info = _native.jpeg_info(Path(path).read_bytes())
            reason = info.source if info.source != "baseline" else ""
            reason = reason or ("unsupported" if info.components not in (1, 3) else "")
        except ValueError:
            reason = "not JPEG"
        if reason:
            expected[reason] = expected.get(reason, 0) + 1
    assert dict(loader.stats().fallbacks) == expected
    assert {"progressive", "not JPEG", "unsupported"} <= expected.keys()


SHAPES: dict[str, dict[str, Any]] = {
    "single samples": {"batch_size": None},
    "drop_last": {"batch_size": 5, "drop_last": True},
    "collate_fn": {"batch_size": 5, "collate_fn": lambda batch: {"n": len(batch), "first": batch[0]}},
    "default_collate": {"batch_size": 5, "collate_fn": data.default_collate},
    "collate_fn of a sample": {"batch_size": None, "collate_fn": lambda sample: [sample]},
    "sampler": {"batch_size": 3, "sampler": [4, 4, 0, 9]},
    "batch_sampler": {"batch_sampler": [[3, 1], [2]]},
}


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES.keys())
def test_batches_have_pytorchs_shape(root: Path, options: dict[str, Any]) -> None:
    folder = datasets.ImageFolder(root, DETERMINISTIC["v1"])
    assert_same(
        list(fastload.DataLoader(folder, num_workers=1, **options)), list(data.DataLoader(folder, **options))
    )


def test_parts_and_sums_of_folders(root: Path) -> None:
    folder = datasets.ImageFolder(root, DETERMINISTIC["v1"])
    plain = datasets.DatasetFolder(str(root), datasets.folder.pil_loader, (".jpg",), DETERMINISTIC["v1"])
    for dataset in (
        data.Subset(folder, [5, 0, 5, 11]),
        data.ConcatDataset([folder, data.Subset(plain, range(3))]),
        data.random_split(folder, [0.5, 0.5], torch.Generator().manual_seed(0))[1],
        plain,
    ):
        assert_same(list(fastload.DataLoader(dataset, 4, num_workers=1)), list(data.DataLoader(dataset, 4)))


def test_a_transform_may_change_between_epochs(root: Path) -> None:
    folder = datasets.ImageFolder(root, V.Compose([V.Resize((32, 32)), V.ToTensor()]))
    loader = fastload.DataLoader(data.Subset(folder, range(6)), 6, num_workers=1)
    assert next(iter(loader))[0].shape[2:] == (32, 32)
    folder.transform.transforms[0].size = (16, 24)
    assert_same(list(loader), list(data.DataLoader(data.Subset(folder, range(6)), 6)))
    folder.transform = V.Compose([V.Resize((32, 32)), V.GaussianBlur(3), V.ToTensor()])
    with pytest.raises(TransformError, match="was changed: GaussianBlur"):
        iter(loader)


def test_a_transform_for_a_folder_without_one(root: Path) -> None:
    bare = datasets.ImageFolder(root)
    expected = list(data.DataLoader(datasets.ImageFolder(root, DETERMINISTIC["v1"]), 4))
    for transform in (
        DETERMINISTIC["v1"],
        [T.Resize(72), T.CenterCrop(64), T.Normalize(MEAN, STD)],
    ):
        assert_same(list(fastload.DataLoader(bare, 4, transform=transform)), expected)
    with pytest.raises(ValueError, match="has a transform already"):
        fastload.DataLoader(datasets.ImageFolder(root, V.ToTensor()), transform=DETERMINISTIC["v1"])
    with pytest.raises(TransformError, match="GaussianBlur"):
        fastload.DataLoader(bare, transform=V.Compose([V.GaussianBlur(3), V.ToTensor()]))


def test_files_that_pillow_decodes_are_not_reduced(root: Path) -> None:
    """decode_scale="auto" is for the JPEGs that a decoder of ours takes."""
    bare = datasets.ImageFolder(root)
    whole, reduced = (
        fastload.DataLoader(bare, None, transform=T.Resize((16, 16), decode_scale=scale), num_workers=2)
        for scale in (None, "auto")
    )
    differ = 0
    for (path, _), (image, _), (small, _) in zip(bare.samples, whole, reduced, strict=True):
        info = None
        with contextlib.suppress(ValueError):
            info = _native.jpeg_info(Path(path).read_bytes())
        ours = info is not None and info.source == "baseline" and info.components in (1, 3)
        assert ours or torch.equal(image, small), path
        differ += not torch.equal(image, small)
    assert differ > len(bare) // 2


def test_shards_take_torchvisions_transforms(dataset: fastload.ShardDataset) -> None:
    (ours,) = fastload.DataLoader(dataset, 70, transform=DETERMINISTIC["v2"])
    for image, sample in zip(ours[0], dataset, strict=True):
        assert torch.equal(image, DETERMINISTIC["v2"](Image.open(io.BytesIO(sample.jpeg)).convert("RGB")))


# --- random chains ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [V, v2])
def test_random_chains_have_torchvisions_distribution(module: Any, tmp_path: Path) -> None:
    """A picture whose red and green tell where a pixel comes from: crop corners, sizes and flips are read off
    the batches of both loaders, and compared as samples of one distribution."""
    y, x = np.mgrid[:120, :200]
    picture = np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(picture).save(tmp_path / "a" / "0.png")
    chains = {
        "crop": [module.RandomResizedCrop(16, scale=(0.2, 0.9)), module.RandomHorizontalFlip(0.3)],
        "shift": [module.Resize(40), module.RandomCrop((30, 20)), module.RandomHorizontalFlip()],
    }
    for steps in chains.values():
        folder = datasets.ImageFolder(tmp_path, module.Compose([*steps, module.PILToTensor()]))
        many = data.Subset(folder, [0] * 800)
        torch.manual_seed(5)
        ((theirs, _),) = data.DataLoader(many, len(many))
        ((ours, _),) = fastload.DataLoader(many, len(many), num_workers=1, seed=3)
        for ours_, theirs_ in zip(_placement(ours), _placement(theirs), strict=True):
            assert kstest(ours_, theirs_).pvalue > 1e-3


@pytest.mark.parametrize("module", [V, v2])
def test_random_augmentation_has_torchvisions_distribution(module: Any, tmp_path: Path) -> None:
    """Of the mean, spread and erased share of batches of one photograph, channel by channel."""
    (tmp_path / "a").mkdir()
    Image.fromarray(corpus.photographs()[0][:64, :64]).save(tmp_path / "a" / "0.png")
    policies = {
        "jitter": [module.ColorJitter(0.4, 0.4, 0.4, 0.2), module.RandomGrayscale(0.2)],
        "rand": [module.RandAugment(fill=[1, 2, 3])],
        "trivial": [module.TrivialAugmentWide(interpolation=V.InterpolationMode.BILINEAR)],
        "auto": [module.AutoAugment(V.AutoAugmentPolicy.CIFAR10)],
    }
    for policy in policies.values():
        steps = [module.Resize((32, 32)), *policy, module.ToTensor(), module.RandomErasing(0.5, value=2.0)]
        folder = datasets.ImageFolder(tmp_path, module.Compose(steps))
        many = data.Subset(folder, [0] * 800)
        torch.manual_seed(5)
        ((theirs, _),) = data.DataLoader(many, len(many))
        ((ours, _),) = fastload.DataLoader(many, len(many), num_workers=1, seed=3)
        for measure in (
            lambda images: images.clamp(0, 1).mean((2, 3)),
            lambda images: images.clamp(0, 1).std((2, 3)),
            lambda images: (images == 2).double().mean((2, 3)),
        ):
            jitter = torch.rand((800, 3), generator=torch.Generator().manual_seed(1)) * 1e-4  # no ties
            for mine, their in zip((measure(ours) + jitter).T, (measure(theirs) + jitter).T, strict=True):
                assert kstest(mine.numpy(), their.numpy()).pvalue > 1e-4


def _placement(images: torch.Tensor) -> list[np.ndarray]:
    """Of each image: left and upper edge, width and height of its crop, whether it is mirrored."""
    images = images.double()
    left, right = images[:, 0, :, 0].mean(1), images[:, 0, :, -1].mean(1)
    top, bottom = images[:, 1, 0].mean(1), images[:, 1, -1].mean(1)
    mirrored = (left > right).double()
    jitter = torch.rand(len(images), generator=torch.Generator().manual_seed(1)) * 1e-3  # no ties
    columns = [torch.minimum(left, right), top, (left - right).abs(), bottom - top, mirrored]
    return [(column + jitter).numpy() for column in columns]


# --- life ---------------------------------------------------------------------------------------------------


BAD = {**corpus.bad_cases(), "no_eoi": corpus.odd_cases()["no_eoi"]}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_files_that_pillow_refuses_are_named(content: bytes, tmp_path: Path) -> None:
    """Even where the crop does not reach the damage."""
    path = tmp_path / "a" / "0.jpg"
    path.parent.mkdir()
    path.write_bytes(content)
    folder = datasets.ImageFolder(tmp_path, V.Compose([V.RandomCrop(1), V.ToTensor()]))
    with pytest.raises(OSError, match=r"\w"):
        folder[0]
    with pytest.raises(SampleError, match="cannot load sample 0") as caught:
        list(fastload.DataLoader(folder, num_workers=1))
    assert (caught.value.shard, caught.value.index, caught.value.key) == (str(path), 0, "0")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_file_that_has_gone_is_named(root: Path, tmp_path: Path) -> None:
    folder = datasets.ImageFolder(root, DETERMINISTIC["v1"])
    folder.samples.insert(1, (str(tmp_path / "gone.jpg"), 0))
    iterator = iter(fastload.DataLoader(folder, 1, num_workers=1))
    assert_same(next(iterator)[0][0], folder[0][0])
    with pytest.raises(SampleError, match=r"gone\.jpg': No such file"):
        next(iterator)
    assert_same(next(iterator)[0][0], folder[2][0])


def test_states_of_folders(root: Path, tmp_path: Path) -> None:
    steps = [V.RandomResizedCrop(24), V.ToTensor()]

    def make(root: Path) -> fastload.DataLoader:
        return fastload.DataLoader(datasets.ImageFolder(root, V.Compose(steps)), 5, True, seed=4)

    expected = list(make(root))
    loader = make(root)
    iterator = iter(loader)
    next(iterator)
    moved = tmp_path / "elsewhere"
    moved.symlink_to(root)
    again = make(moved)
    again.load_state_dict(loader.state_dict())
    assert_same(list(again), expected[1:])
    with pytest.raises(StateError, match="another dataset"):
        fastload.DataLoader(
            data.Subset(datasets.ImageFolder(root, V.Compose(steps)), range(9)), 5, True, seed=4
        ).load_state_dict(loader.state_dict())


ENDS = {
    "plain": "pass",
    "cycle": "cycle = [iterator]; cycle.append(cycle)",
    "thread": "threading.Thread(target=list, args=[iterator], daemon=True).start()",
}


def test_an_iterator_that_pillow_works_for_can_be_dropped(root: Path) -> None:
    """Threads that wait for the GIL must not be waited for by who holds it."""
    folder = datasets.ImageFolder(root, V.Compose([V.Resize((224, 224)), V.ToTensor()]))
    only_odd = [k for k, (path, _) in enumerate(folder.samples) if "odd" in path] * 40
    for _ in range(20):
        iterator = iter(fastload.DataLoader(folder, 30, sampler=only_odd, num_workers=3))
        next(iterator)
        del iterator


@pytest.mark.parametrize("how", ENDS.values(), ids=ENDS.keys())
def test_an_interpreter_may_end_while_pillow_works(root: Path, how: str) -> None:
    script = f"""
import threading, fastload
from torchvision import datasets, transforms as V
folder = datasets.ImageFolder({str(root)!r}, V.Compose([V.Resize((224, 224)), V.ToTensor()]))
odd = [k for k, (path, _) in enumerate(folder.samples) if "odd" in path] * 300
iterator = iter(fastload.DataLoader(folder, 8, sampler=odd, num_workers=4, prefetch_factor=4))
next(iterator)
{how}
print("over")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "over\n"), done.stderr[-2000:]


def test_explain_says_what_runs_where(root: Path, split: Path) -> None:
    text = str(fastload.explain(datasets.ImageFolder(root, DETERMINISTIC["v1"])))
    assert "fastload's native threads" in text
    assert "all other files by Pillow" in text
    assert "Resize(size=72, interpolation='bilinear'" in text
    assert "Normalize(mean=(0.485, 0.456, 0.406)" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "PyTorch's own DataLoader, because" in str(fastload.explain(data.TensorDataset(torch.ones(1))))
    loader = fastload.DataLoader(datasets.ImageFolder(root, DETERMINISTIC["v1"]))
    assert repr(loader).startswith(f"DataLoader(ImageFolder of {len(loader)} files, batch_size=1, in order, ")
    shards = fastload.explain(split, V.Compose([V.Resize((9, 9)), V.PILToTensor()]))
    assert shards.native
    assert "the rows that the crop lies in" in str(shards)
    assert "ToDtype(dtype='uint8'" in str(shards)
