"""Transform lists: what they mean, what they refuse, and that their distributions are torchvision's."""

from __future__ import annotations

import math
import random

import pytest
import torch
from torchvision import transforms as V
from torchvision.transforms.functional import _compute_resized_output_size

from fastload import transforms as T
from fastload.errors import TransformError

Stage = tuple[tuple[int, int, int, int], bool, tuple[int, int] | None, tuple[int, int, int, int]]


def draw(
    steps: list[T.Transform], width: int, height: int, index: int, seed: int = 5
) -> tuple[list[Stage], bool]:
    return T.compile_plan(steps).plan.draw(width, height, seed, 0, index)


IMPOSSIBLE = {
    "no size": ([], "different sizes"),
    "one side": ([T.Resize(256)], "different sizes"),
    "flip only": ([T.RandomHorizontalFlip()], "different sizes"),
    "crop after normalise": (
        [T.Normalize((0, 0, 0), (1, 1, 1)), T.CenterCrop(5)],
        "must be the last transform",
    ),
    "two normalises": (
        [T.CenterCrop(5), T.Normalize((0, 0, 0), (1, 1, 1)), T.Normalize((0, 0, 0), (1, 1, 1))],
        "must be the last transform",
    ),
    "dtype before normalise": (
        [T.CenterCrop(5), T.ToDtype("float32"), T.Normalize((0, 0, 0), (1, 1, 1))],
        "must be the last transform",
    ),
    "crop larger than what reaches it": ([T.CenterCrop(5), T.RandomCrop(6)], "larger than the"),
    "crop larger than the resize": ([T.Resize((20, 30)), T.CenterCrop((21, 10))], "larger than the"),
}


@pytest.mark.parametrize(("steps", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_lists_without_a_meaning_are_refused(steps: list[T.Transform], message: str) -> None:
    with pytest.raises(TransformError, match=message):
        T.compile_plan(steps)


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.RandomResizedCrop(0),
        lambda: T.RandomResizedCrop((224, 224, 3)),
        lambda: T.RandomResizedCrop(224, scale=(1.0, 0.08)),
        lambda: T.RandomResizedCrop(224, ratio=(0, 1)),
        lambda: T.RandomResizedCrop(224, interpolation="cubic"),
        lambda: T.Resize(224, max_size=200),
        lambda: T.Resize((224, 224), max_size=300),
        lambda: T.CenterCrop(-1),
        lambda: T.RandomHorizontalFlip(1.5),
        lambda: T.Normalize((0, 0), (1, 1)),
        lambda: T.Normalize((0, 0, 0), (1, 0, 1)),
        lambda: T.Normalize((0, 0, math.nan), (1, 1, 1)),
        lambda: T.Normalize((0, 0, 0), (1, 1, 1), dtype="uint8"),
        lambda: T.ToDtype("float64"),
    ],
)
def test_wrong_arguments_are_refused_when_the_transform_is_made(make: object) -> None:
    with pytest.raises(TransformError):
        make()  # type: ignore[operator]


def test_a_torchvision_transform_is_not_taken_for_ours() -> None:
    with pytest.raises(TypeError, match="not a transform of fastload"):
        T.compile_plan([V.CenterCrop(5)])  # type: ignore[list-item]


def test_dtypes_and_filters_by_torchs_own_names() -> None:
    assert T.compile_plan([T.CenterCrop((4, 6)), T.ToDtype(torch.bfloat16)]).width == 6
    T.RandomResizedCrop(4, interpolation=V.InterpolationMode.BICUBIC)
    assert T.Normalize([0, 0, 0], [1, 1, 1]) == T.Normalize((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_center_crop_and_resize_have_torchvisions_geometry() -> None:
    rng = random.Random(0)
    for _ in range(300):
        width, height = rng.randint(20, 900), rng.randint(20, 900)
        size, crop = rng.randint(16, 300), rng.randint(1, 16)
        max_size = rng.choice([None, size + rng.randint(1, 400)])
        h, w = _compute_resized_output_size((height, width), [size], max_size)
        steps = [T.Resize(size, max_size=max_size), T.CenterCrop(min(crop, h, w))]
        stages, flip = draw(steps, width, height, 0)
        c = min(crop, h, w)
        window = (round((w - c) / 2.0), round((h - c) / 2.0), c, c)
        assert not flip
        if (w, h) == (width, height):
            assert stages == [(window, False, None, window)]
        else:
            assert stages == [((0, 0, width, height), False, (w, h), window)]


def test_flips_before_crops_take_the_mirror_image() -> None:
    """A crop of a mirrored image mirrors another crop; before a resize the pixels are mirrored."""
    always = T.RandomHorizontalFlip(1.0)
    assert draw([always, T.CenterCrop(4)], 11, 4, 0) == ([((3, 0, 4, 4), False, None, (3, 0, 4, 4))], True)
    stages, flip = draw([always, T.Resize((5, 7)), T.CenterCrop(5)], 20, 20, 0)
    assert (stages, flip) == ([((0, 0, 20, 20), True, (7, 5), (1, 0, 5, 5))], False)
    assert draw([always, always, T.CenterCrop(4)], 4, 4, 0)[1] is False


def test_two_resizes_are_two_stages() -> None:
    steps = [T.Resize((40, 50)), T.CenterCrop(30), T.Resize((8, 9)), T.CenterCrop(5)]
    stages, _ = draw(steps, 100, 80, 0)
    assert stages == [
        ((0, 0, 100, 80), False, (50, 40), (10, 5, 30, 30)),
        ((0, 0, 30, 30), False, (9, 8), (2, 2, 5, 5)),
    ]


def test_draws_depend_on_seed_epoch_and_sample_alone() -> None:
    plan = T.compile_plan([T.RandomResizedCrop(10), T.RandomHorizontalFlip()]).plan
    draws = {
        (s, e, i): str(plan.draw(300, 200, s, e, i)) for s in (0, 1) for e in (0, 1) for i in (0, 1, 2**40)
    }
    assert len(set(draws.values())) == len(draws)
    assert all(str(plan.draw(300, 200, *key)) == value for key, value in draws.items())


def kolmogorov_smirnov(a: list[float], b: list[float]) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(a, b).pvalue)


@pytest.mark.parametrize("size", [(500, 375), (300, 90), (60, 400)])
def test_random_resized_crop_has_torchvisions_distribution(size: tuple[int, int]) -> None:
    """Areas, ratios and positions of 4,000 draws; the last two sizes reach the fallback."""
    width, height = size
    torch.manual_seed(0)
    image = torch.empty(1, height, width)
    theirs = [V.RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)]
    plan = T.compile_plan([T.RandomResizedCrop(10)]).plan
    ours = [plan.draw(width, height, 1, 0, i)[0][0][0] for i in range(4000)]
    for name, mine, their in [
        ("width", [w for _, _, w, _ in ours], [w for _, _, _, w in theirs]),
        ("height", [h for _, _, _, h in ours], [h for _, _, h, _ in theirs]),
        ("area", [w * h for _, _, w, h in ours], [w * h for _, _, h, w in theirs]),
        ("left", [x for x, _, _, _ in ours], [x for _, x, _, _ in theirs]),
        ("top", [y for _, y, _, _ in ours], [y for y, _, _, _ in theirs]),
    ]:
        assert kolmogorov_smirnov(mine, their) > 1e-4, name


def test_random_crop_and_flip_are_uniform() -> None:
    from scipy.stats import chisquare

    plan = T.compile_plan([T.RandomCrop(8), T.RandomHorizontalFlip(0.3)]).plan
    draws = [plan.draw(13, 11, 2, 0, i) for i in range(6000)]
    columns = [sum(d[0][0][0][0] == x for d in draws) for x in range(6)]
    rows = [sum(d[0][0][0][1] == y for d in draws) for y in range(4)]
    assert sum(columns) == sum(rows) == 6000
    assert chisquare(columns).pvalue > 1e-4
    assert chisquare(rows).pvalue > 1e-4
    flips = sum(d[1] for d in draws)
    assert chisquare([flips, 6000 - flips], [1800, 4200]).pvalue > 1e-4
