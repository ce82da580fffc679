"""MixUp and CutMix: torchvision's bits given what was drawn, and its distributions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest
from torchvision import datasets
from torchvision.transforms import v2

import fastload
from fastload import _native
from fastload import transforms as T
from fastload.errors import LabelError
from fastload.mixing import Mixer, beta

STEPS = [T.RandomResizedCrop(24), T.ToDtype("float32")]


def batches(dataset: Any, *mixing: T.Transform, **options: Any) -> list[Any]:
    steps = options.pop("steps", STEPS)
    options = {"batch_size": 16, "transform": [*steps, *mixing], "seed": 3, "shuffle": True, **options}
    return list(fastload.DataLoader(dataset, **options))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("mixing", [T.MixUp(alpha=0.8), T.CutMix()])
def test_batches_are_torchvisions_given_the_draw(
    dataset: fastload.ShardDataset, mixing: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(mixing).__name__
    steps = [STEPS[0], T.ToDtype(dtype)]
    theirs = getattr(v2, kind)(alpha=mixing.alpha, num_classes=dataset.class_count)
    plain = batches(dataset, steps=steps)
    mixed = batches(dataset, mixing, steps=steps)
    first = [int(batch.indices[0]) for batch in _native_batches(dataset, steps)]
    assert len(plain) == len(mixed) == len(first) == 5
    different = 0
    for (images, labels), (our_images, our_labels), index in zip(plain, mixed, first, strict=True):
        lam, box = Mixer(mixing, dataset.class_count, 3, 0).draw(index, 24, 24)
        params = {"lam": lam} if box is None else {"box": box, "lam_adjusted": lam}
        monkeypatch.setattr(theirs, "make_params", lambda _, params=params: params)
        expected_images, expected_labels = theirs(images, labels)
        assert our_images.dtype == images.dtype
        assert torch.equal(our_images, expected_images)
        assert our_labels.dtype == torch.float32
        assert torch.equal(our_labels, expected_labels)
        different += not torch.equal(our_images, images)
    assert different >= 4


def _native_batches(dataset: fastload.ShardDataset, steps: list[T.Transform]) -> list[Any]:
    """The batches as the epoch sees them, with the samples' numbers."""
    epoch = iter(fastload.DataLoader(dataset, 16, True, transform=steps, seed=3))
    found = []
    tensors = epoch._tensors

    def note(batch: Any) -> Any:
        found.append(batch)
        return tensors(batch)

    epoch._tensors = note
    list(epoch)
    return found


def test_what_is_mixed_does_not_depend_on_threads_and_goes_on_after_a_break(
    dataset: fastload.ShardDataset,
) -> None:
    expected = batches(dataset, T.CutMix(), num_workers=1)
    again = batches(dataset, T.CutMix(), num_workers=3, prefetch_factor=2)
    loader = fastload.DataLoader(dataset, 16, True, transform=[*STEPS, T.CutMix()], seed=3)
    iterator = iter(loader)
    next(iterator)
    rest = fastload.DataLoader(dataset, 16, True, transform=[*STEPS, T.CutMix()], seed=3)
    rest.load_state_dict(loader.state_dict())
    for ours, theirs in [*zip(again, expected, strict=True), *zip(rest, expected[1:], strict=True)]:
        assert all(map(torch.equal, ours, theirs))
    other = batches(dataset, T.CutMix(), seed=4)
    assert not any(torch.equal(a[1], b[1]) for a, b in zip(expected, other, strict=True))


def test_cut_mix_takes_bytes(dataset: fastload.ShardDataset) -> None:
    for images, labels in batches(dataset, T.CutMix(alpha=0.3), steps=STEPS[:1]):
        assert images.dtype == torch.uint8
        np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 0.8, 1.0, 3.0])
def test_weights_are_of_a_beta_distribution(alpha: float) -> None:
    weights = [beta(_native.RandomStream(1, 0, k, 7), alpha) for k in range(4000)]
    assert kstest(weights, "beta", args=(alpha, alpha)).pvalue > 1e-4


def test_a_tiny_alpha_leaves_one_of_two_images() -> None:
    weights = [beta(_native.RandomStream(1, 0, k, 7), 1e-4) for k in range(1000)]
    assert all(weight < 1e-9 or 1 - weight < 1e-9 for weight in weights[:50])
    assert 400 < sum(weight > 0.5 for weight in weights) < 600


def test_rectangles_have_torchvisions_distribution() -> None:
    theirs = v2.CutMix(alpha=0.7, num_classes=2)
    torch.manual_seed(0)
    expected = [theirs.make_params([torch.zeros(2, 3, 40, 56)]) for _ in range(3000)]
    mixer = Mixer(T.CutMix(alpha=0.7), 2, 1, 0)
    got = [mixer.draw(index, 40, 56) for index in range(3000)]
    for corner in range(4):
        mine = [box[corner] for _, box in got if box is not None]
        assert len(mine) == 3000
        assert ks_2samp(mine, [params["box"][corner] for params in expected]).pvalue > 1e-4
    assert ks_2samp([lam for lam, _ in got], [p["lam_adjusted"] for p in expected]).pvalue > 1e-4


def test_what_cannot_be_mixed_is_refused(dataset: fastload.ShardDataset, imagefolder: Path) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"batch_size": None, "shuffle": False}, "batch_size=None makes none"),
        ({"collate_fn": lambda batch: batch}, "excludes collate_fn"),
        ({"return_mask": True, "shuffle": False}, "excludes return_mask"),
    ]
    for options, message in refused:
        with pytest.raises(ValueError, match=message):
            batches(dataset, T.MixUp(), **options)
    folder = datasets.ImageFolder(imagefolder)
    with pytest.raises(LabelError, match="give num_classes"):
        batches(folder, T.MixUp())
    with pytest.raises(LabelError, match=r"labels in 0\.\.\d do not lie in the 2 classes"):
        batches(folder, T.MixUp(num_classes=2), shuffle=False, batch_size=len(folder))
    assert batches(folder, T.MixUp(num_classes=9))[0][1].shape == (16, 9)
