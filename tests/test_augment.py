"""Augmentation of samples: the loader's tensors are torchvision's to the last bit, given what was drawn; what
is drawn has torchvision's distribution; lists that make no sense are refused."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import chi2_contingency, chisquare, ks_2samp, kstest
from torchvision import transforms as V
from torchvision.transforms import autoaugment, v2
from torchvision.transforms import functional as F

import fastload
from fastload import _native
from fastload import transforms as T
from fastload._native import augment
from fastload.errors import TransformError
from fastload.state import transform_digest
from fastload.transforms import auto
from photographs import photograph

Operation = _native.PixelOperation
NORMALIZE = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
SIZE = (48, 64)


@cache
def plan(steps: tuple[T.Transform, ...]) -> _native.Plan:
    return T.compile_plan(steps).plan


def drawn(steps: Sequence[T.Transform], index: int) -> Any:
    """Pixel operations, light, erasures."""
    return augment.draw(plan(tuple(steps)), 300, 200, 3, 0, index)


# --- lists --------------------------------------------------------------------------------------------------

MISPLACED = {
    "crop after pixels": [T.Resize(SIZE), T.RandomInvert(), T.CenterCrop(9)],
    "resize after policy": [T.Resize(SIZE), T.RandAugment(), T.Resize(9)],
    "pixels after light": [T.Resize(SIZE), T.Lighting(), T.ColorJitter(0.1)],
    "two lights": [T.Resize(SIZE), T.Lighting(), T.Lighting()],
    "light after normalise": [T.Resize(SIZE), NORMALIZE, T.Lighting()],
    "flip after normalise": [T.Resize(SIZE), NORMALIZE, T.RandomHorizontalFlip()],
    "erasing before normalise": [T.Resize(SIZE), T.RandomErasing(), NORMALIZE],
    "mixing before erasing": [T.Resize(SIZE), NORMALIZE, T.MixUp(num_classes=2), T.RandomErasing()],
    "two mixings": [T.Resize(SIZE), NORMALIZE, T.MixUp(num_classes=2), T.CutMix(num_classes=2)],
}


@pytest.mark.parametrize("steps", MISPLACED.values(), ids=MISPLACED)
def test_transforms_in_the_wrong_order_are_refused(steps: list[T.Transform]) -> None:
    with pytest.raises(
        TransformError, match=r"must not follow .*the order is crops|must be the last transform"
    ):
        T.compile_plan(steps)


MEANINGLESS = {
    "policy without a size": ([T.Resize(20), T.TrivialAugmentWide(), T.CenterCrop(4)], "must not follow"),
    "policy of different sizes": ([T.Resize(20), T.TrivialAugmentWide()], "needs images of one size"),
    "noise in bytes": ([T.Resize(SIZE), T.RandomErasing(value="random")], "whole values in 0..255"),
    "fractions in bytes": ([T.Resize(SIZE), T.RandomErasing(value=0.5)], "whole values in 0..255"),
    "mixed bytes": ([T.Resize(SIZE), T.MixUp(num_classes=2)], "cannot be mixed"),
    "too large": ([T.Resize((16, 30000)), T.RandAugment()], "are too large"),
}


@pytest.mark.parametrize(("steps", "message"), MEANINGLESS.values(), ids=MEANINGLESS)
def test_lists_without_a_meaning_are_refused(steps: list[T.Transform], message: str) -> None:
    with pytest.raises(TransformError, match=message):
        T.compile_plan(steps)


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.ColorJitter(-0.1),
        lambda: T.ColorJitter(brightness=(0.5, 0.4)),
        lambda: T.ColorJitter(contrast=(0.5, math.inf)),
        lambda: T.ColorJitter(saturation=(0.1, 0.2, 0.3)),
        lambda: T.ColorJitter(hue=0.6),
        lambda: T.ColorJitter(hue=math.nan),
        lambda: T.RandomGrayscale(1.1),
        lambda: T.RandomPosterize(0),
        lambda: T.RandomSolarize(math.nan),
        lambda: T.RandomAdjustSharpness(-1),
        lambda: T.Lighting(-0.1),
        lambda: T.Lighting(eigval=(1, 2)),
        lambda: T.Lighting(eigvec=((1, 2, 3), (1, 2, 3), (1, 2, math.inf))),
        lambda: T.RandomErasing(1.5),
        lambda: T.RandomErasing(scale=(0.5, 1.2)),
        lambda: T.RandomErasing(ratio=(0, 1)),
        lambda: T.RandomErasing(value="noise"),
        lambda: T.RandomErasing(value=(1, 2)),
        lambda: T.RandAugment(magnitude=31),
        lambda: T.RandAugment(interpolation="lanczos"),
        lambda: T.RandAugment(fill=(1, 2)),
        lambda: T.RandAugment(fill=256),
        lambda: T.TrivialAugmentWide(num_magnitude_bins=1),
        lambda: T.AutoAugment("mnist"),
        lambda: T.MixUp(alpha=0),
        lambda: T.CutMix(num_classes=0),
    ],
)
def test_wrong_arguments_are_refused_when_the_transform_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(TransformError):
        make()


def test_arguments_are_told_apart_in_states() -> None:
    """And lists are the tuples that they hold."""
    lists = [
        [T.ColorJitter(0.4)],
        [T.ColorJitter(0.4, hue=0.1)],
        [T.Lighting()],
        [T.Lighting(0.2)],
        [T.RandAugment()],
        [T.RandAugment(fill=3)],
        [T.AutoAugment("svhn")],
        [T.RandomErasing(value="random")],
        [T.RandomErasing(value=(1, 2, 3))],
        [T.MixUp(num_classes=3)],
        [T.CutMix(num_classes=3)],
    ]
    assert len({transform_digest(steps) for steps in lists}) == len(lists)
    assert T.ColorJitter([0.1, 0.4]) == T.ColorJitter((0.1, 0.4))
    assert T.AutoAugment(V.AutoAugmentPolicy.SVHN) == T.AutoAugment("svhn")
    assert hash(T.Lighting(eigval=list(T.IMAGENET_EIGVAL))) == hash(T.Lighting())
    assert hash(T.RandAugment(fill=[1, 2, 3])) == hash(T.RandAugment(fill=(1, 2, 3)))


# --- pixels -------------------------------------------------------------------------------------------------


def by_torchvision(image: Image.Image, operation: Operation) -> Image.Image:
    kind, value = operation.kind.name, operation.value
    functions: dict[str, Callable[[], Image.Image]] = {
        "brightness": lambda: F.adjust_brightness(image, value),
        "contrast": lambda: F.adjust_contrast(image, value),
        "saturation": lambda: F.adjust_saturation(image, value),
        "sharpness": lambda: F.adjust_sharpness(image, value),
        "hue": lambda: F.adjust_hue(image, (value if value < 128 else value - 256) / 255),
        "grayscale": lambda: F.rgb_to_grayscale(image, 3),
        "invert": lambda: F.invert(image),
        "posterize": lambda: F.posterize(image, int(value)),
        "solarize": lambda: F.solarize(image, value),
        "autocontrast": lambda: F.autocontrast(image),
        "equalize": lambda: F.equalize(image),
        "affine": lambda: image.transform(
            image.size,
            Image.Transform.AFFINE,
            operation.matrix,
            Image.Resampling.NEAREST,
            fillcolor=(0, 0, 0),
        ),
        "mirror": lambda: image,  # the test mirrors where the list does
    }
    return functions[kind]()


ALL = [
    T.RandomHorizontalFlip(1.0),
    T.RandAugment(num_ops=3),
    T.RandomHorizontalFlip(1.0),
    T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    T.RandomHorizontalFlip(1.0),
    T.TrivialAugmentWide(),
    T.Lighting(),
]
COUNT = 60


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "uint8"])
def test_a_loaders_tensors_are_torchvisions_given_the_draw(
    dataset: fastload.ShardDataset, dtype: str
) -> None:
    """Flips are where they stand in the list: a flip before a shear is not one after it."""
    mean, std = torch.tensor(T.IMAGENET_MEAN)[:, None, None], torch.tensor(T.IMAGENET_STD)[:, None, None]
    ends = (
        [] if dtype == "uint8" else [T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD, dtype, channels_last=True)]
    )
    value = (1, 2, 250) if dtype == "uint8" else (0.1, -2.0, 1 / 3)
    steps = [T.Resize(SIZE), *ALL, *ends, T.RandomErasing(0.7, value=value)]
    ((images, _),) = fastload.DataLoader(dataset, 70, transform=steps, seed=3)
    kinds: Counter[str] = Counter()
    for index in range(COUNT):
        image = Image.open(io.BytesIO(dataset[index].jpeg)).convert("RGB").resize(SIZE[::-1], Image.BILINEAR)
        operations, light, erasures = drawn(steps, index)
        kinds.update(operation.kind.name for operation in operations)
        jitter = [
            len(drawn(steps[: 3 + k], index)[0]) for k in (0, 2)
        ]  # behind RandAugment, behind ColorJitter
        image = F.hflip(image)
        pixels = [operation for operation in operations if operation.kind.name != "mirror"]
        marks = [mark - sum(o.kind.name == "mirror" for o in operations[:mark]) for mark in jitter]
        for position, operation in enumerate(pixels):
            image = F.hflip(image) if position == marks[0] else image
            image = F.hflip(image) if position == marks[1] else image
            image = by_torchvision(image, operation)
        for mark in marks:
            image = F.hflip(image) if mark == len(pixels) else image
        expected = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        shift = torch.tensor(light)[:, None, None]
        if dtype == "uint8":
            expected = (expected + shift * 255).round().clamp(0, 255).to(torch.uint8)
        else:
            expected = ((expected / 255 + shift - mean) / std).to(getattr(torch, dtype))
        for (x, y, width, height), values, _ in erasures:
            expected = F.erase(expected, y, x, height, width, torch.tensor(values)[:, None, None])
        assert torch.equal(images[index], expected), (index, [o.kind.name for o in operations])
    assert {"mirror", "affine", "hue", "contrast", "sharpness"} <= kinds.keys()


def test_what_is_drawn_depends_on_seed_epoch_and_sample_alone(dataset: fastload.ShardDataset) -> None:
    steps = [T.RandomResizedCrop(32), *ALL, NORMALIZE, T.RandomErasing(value="random")]
    (whole,) = fastload.DataLoader(dataset, 70, transform=steps, seed=3, num_workers=1)
    parts = list(fastload.DataLoader(dataset, 9, transform=steps, seed=3, num_workers=3))
    assert torch.equal(torch.cat([images for images, _ in parts]), whole[0])
    (other,) = fastload.DataLoader(dataset, 70, transform=steps, seed=4)
    assert not any(map(torch.equal, whole[0], other[0]))


def test_unscaled_values_get_the_light_of_bytes(dataset: fastload.ShardDataset) -> None:
    steps: list[T.Transform] = [T.Resize(SIZE), T.Lighting(2.0), T.ToDtype("float32", scale=False)]
    plain, lit = (
        next(iter(fastload.DataLoader(dataset, 70, transform=chosen, seed=3)))[0]
        for chosen in ([steps[0], steps[2]], steps)
    )
    for index in range(70):
        shift = torch.tensor(drawn(steps, index)[1])[:, None, None] * 255
        assert torch.equal(lit[index], plain[index] + shift)


# --- magnitudes and distributions ---------------------------------------------------------------------------

POLICIES: dict[str, tuple[Any, Any, Any]] = {
    "RandAugment": (T.RandAugment(), V.RandAugment(), auto._moderate(90, 120)),
    "TrivialAugmentWide": (T.TrivialAugmentWide(fill=7), V.TrivialAugmentWide(fill=7), auto._wide(90, 120)),
    "AutoAugment": (
        T.AutoAugment(interpolation="bilinear", fill=(3, 4, 5)),
        V.AutoAugment(interpolation=V.InterpolationMode.BILINEAR, fill=[3, 4, 5]),
        auto._moderate(90, 120),
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_every_operation_and_magnitude_is_torchvisions(name: str) -> None:
    ours, theirs, limits = POLICIES[name]
    pixels = np.ascontiguousarray(photograph("coffee")[100:190, 200:320])
    image = Image.fromarray(pixels)
    bins = 10 if name == "AutoAugment" else 31
    sizes = (bins,) if name == "TrivialAugmentWide" else (bins, image.size[::-1])
    operations = auto._Operations(ours, limits, bins, *image.size[::-1])
    space = theirs._augmentation_space(*sizes)
    assert name == "AutoAugment" or tuple(space) == auto._CHOICES
    for operation, (magnitudes, signed) in space.items():
        count = len(magnitudes) if magnitudes.ndim else 1
        signs = (1.0, -1.0) if signed else (1.0,)
        variants = operations.variants(operation, range(count))
        expected = [(k, sign) for k in range(count) for sign in signs]
        for variant, (k, sign) in zip(variants, expected, strict=True):
            magnitude = sign * float(magnitudes[k] if magnitudes.ndim else 0.0)
            result = autoaugment._apply_op(image, operation, magnitude, theirs.interpolation, theirs.fill)
            got = augment.apply(pixels, [variant])
            np.testing.assert_array_equal(got, np.asarray(result), f"{operation} {magnitude}")


def test_thresholds_of_v2_are_v2s() -> None:
    """Rounded another way, which matters where they should be whole."""
    one, two = (
        auto._Operations(T.RandAugment(v2_thresholds=v2_), auto._wide(9, 9), 31, 9, 9)._scale("Solarize")
        for v2_ in (False, True)
    )
    assert [math.ceil(a) for a in one] != [math.ceil(b) for b in two]
    theirs, _ = v2.RandAugment._AUGMENTATION_SPACE["Solarize"]
    assert [math.ceil(b) for b in two] == [math.ceil(255.0 * float(x)) for x in theirs(31, 9, 9)]


@pytest.mark.parametrize("count", [2, 3, 10, 11, 30, 31, 64])
def test_magnitudes_are_torchs_linspace(count: int) -> None:
    """To the last bit where torch's kernels have fused multiply-adds."""
    for first, last in [(0.0, 0.3), (0.0, 0.99), (0.0, 135.0), (255.0, 0.0), (0.0, 150.0 / 331.0 * 224)]:
        expected = torch.linspace(first, last, count)
        np.testing.assert_array_max_ulp(np.float32(auto.linspace(first, last, count)), expected.numpy(), 1)


def _record(
    monkeypatch: pytest.MonkeyPatch, policy: torch.nn.Module, count: int
) -> list[tuple[tuple[str, float], ...]]:
    """What torchvision's policy draws, image by image."""
    found: list[list[tuple[str, float]]] = []

    def note(image: Image.Image, name: str, magnitude: float, **_: object) -> Image.Image:
        found[-1].append((name, magnitude))
        return image

    monkeypatch.setattr(autoaugment, "_apply_op", note)
    torch.manual_seed(1)
    image = Image.new("RGB", SIZE[::-1])
    for _ in range(count):
        found.append([])
        policy(image)
    return [tuple(operations) for operations in found]


KINDS = {
    "AutoContrast": "autocontrast",
    "Brightness": "brightness",
    "Color": "saturation",
    "Contrast": "contrast",
    "Equalize": "equalize",
    "Invert": "invert",
    "Posterize": "posterize",
    "Sharpness": "sharpness",
    "Solarize": "solarize",
}


def _their_mark(name: str, magnitude: float) -> tuple[object, ...]:
    """Operations by what tells them apart: kind and value or, of affine ones, direction and amount."""
    if name in KINDS:
        enhanced = name in ("Brightness", "Color", "Contrast", "Sharpness")
        return KINDS[name], round(1 + magnitude if enhanced else magnitude, 4)
    direction = {"ShearX": 1, "ShearY": 3, "TranslateX": 2, "TranslateY": 5, "Rotate": 4}[name]
    return direction, round(int(magnitude) if "Translate" in name else magnitude, 4)


def _our_mark(operation: Operation) -> tuple[object, ...]:
    if operation.kind.name != "affine":
        return operation.kind.name, round(operation.value, 4)
    a, b, c, d, _, f = operation.matrix
    if a != 1 or (b and d):
        return 4, round(math.degrees(math.atan2(-b, a)), 4)
    if b:
        return 1, round(b, 4)
    if d:
        return 3, round(d, 4)
    return (2, -c) if c else (5, -f)


def _same_frequencies(ours: Counter[object], theirs: Counter[object]) -> float:
    """Of a test that both were drawn alike; what is rare is one class."""
    total = ours + theirs
    common = [mark for mark, count in total.items() if count >= 5]
    rows = [[counts[mark] for mark in common] for counts in (ours, theirs)]
    for row, counts in zip(rows, (ours, theirs), strict=True):
        row.append(counts.total() - sum(row))
    table = np.array(rows)
    return float(chi2_contingency(table[:, table.sum(0) > 0]).pvalue)


@pytest.mark.parametrize("name", ["RandAugment", "TrivialAugmentWide", "AutoAugment", "cifar10", "svhn"])
def test_policies_have_torchvisions_frequencies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that is drawn for an image: operations, magnitudes, signs, and what comes together."""
    if name in ("cifar10", "svhn"):
        ours, theirs = T.AutoAugment(name), V.AutoAugment(V.AutoAugmentPolicy(name))
    else:
        ours, theirs = getattr(T, name)(), getattr(V, name)()
    count = 4000

    def without_nothing(marks: list[tuple[object, ...]]) -> tuple[tuple[object, ...], ...]:
        """Shears and translations by nothing are the identity, whichever they are."""
        return tuple(mark for mark in marks if mark[0] not in (1, 2, 3, 5) or mark[1])

    found = _record(monkeypatch, theirs, count)
    expected = Counter(
        without_nothing([_their_mark(n, m) for n, m in operations if n != "Identity"]) for operations in found
    )
    got = Counter(
        without_nothing([_our_mark(o) for o in drawn([T.Resize(SIZE), ours], index)[0]])
        for index in range(count)
    )
    assert _same_frequencies(got, expected) > 1e-4
    single_got = Counter(mark for marks, n in got.items() for mark in marks for _ in range(n))
    single_expected = Counter(mark for marks, n in expected.items() for mark in marks for _ in range(n))
    assert {mark[0] for mark in single_got} == {mark[0] for mark in single_expected}
    assert _same_frequencies(single_got, single_expected) > 1e-4


def test_color_jitter_has_torchvisions_distribution() -> None:
    arguments: dict[str, Any] = {"brightness": 0.4, "contrast": (0.2, 1.1), "saturation": 1.5, "hue": 0.3}
    theirs = V.ColorJitter(**arguments)
    steps = [T.Resize(SIZE), T.ColorJitter(**arguments)]
    count = 3000
    draws = [[(o.kind.name, o.value) for o in drawn(steps, index)[0]] for index in range(count)]
    torch.manual_seed(0)
    params = [
        V.ColorJitter.get_params(theirs.brightness, theirs.contrast, theirs.saturation, theirs.hue)
        for _ in range(count)
    ]
    for position, kind in enumerate(("brightness", "contrast", "saturation")):
        mine = [dict(draw)[kind] for draw in draws]
        assert ks_2samp(mine, [p[1 + position] for p in params]).pvalue > 1e-4, kind
    hues = Counter(dict(draw)["hue"] for draw in draws)
    assert _same_frequencies(hues, Counter(int(p[4] * 255) % 256 for p in params)) > 1e-4
    orders = Counter(tuple(kind for kind, _ in draw) for draw in draws)
    assert len(orders) == 24
    assert chisquare(list(orders.values())).pvalue > 1e-4


def test_color_jitter_leaves_out_what_changes_nothing() -> None:
    steps = [T.Resize(SIZE), T.ColorJitter(brightness=0.0, contrast=(1.0, 1.0), saturation=(2.0, 2.0), hue=0)]
    assert [(o.kind.name, o.value) for o in drawn(steps, 0)[0]] == [("saturation", 2.0)]


def test_probabilities() -> None:
    transforms = {
        "grayscale": T.RandomGrayscale(0.3),
        "invert": T.RandomInvert(0.1),
        "posterize": T.RandomPosterize(3, 0.2),
        "solarize": T.RandomSolarize(100.5, 0.5),
        "autocontrast": T.RandomAutocontrast(0.9),
        "equalize": T.RandomEqualize(0.0),
        "sharpness": T.RandomAdjustSharpness(1.5, 1.0),
    }
    count = 3000
    draws = [drawn([T.Resize(SIZE), *transforms.values()], index)[0] for index in range(count)]
    found = Counter(operation.kind.name for draw in draws for operation in draw)
    for kind, transform in transforms.items():
        if transform.p in (0, 1):
            assert found[kind] == transform.p * count
        else:
            expected = [transform.p * count, (1 - transform.p) * count]
            assert chisquare([found[kind], count - found[kind]], expected).pvalue > 1e-4, kind
    values = {o.kind.name: o.value for draw in draws for o in draw}
    assert (values["posterize"], values["solarize"], values["sharpness"]) == (3, 100.5, 1.5)
    assert [o.kind.name for o in drawn([T.Resize(SIZE), T.Grayscale()], 0)[0]] == ["grayscale"]


def test_random_erasing_has_torchvisions_distribution() -> None:
    """Also where most tries fail, so that some images stay whole."""
    count = 3000
    image = torch.zeros(3, *SIZE)
    for scale, ratio in [((0.02, 0.33), (0.3, 3.3)), ((0.5, 1.0), (0.05, 20.0))]:
        steps = [T.Resize(SIZE), NORMALIZE, T.RandomErasing(1.0, scale, ratio)]
        rects = [drawn(steps, index)[2] for index in range(count)]
        torch.manual_seed(0)
        theirs = [V.RandomErasing.get_params(image, scale, ratio, [0.0])[:4] for _ in range(count)]
        erased = [rect[0][0] for rect in rects if rect]
        expected = [params for params in theirs if params[2:] != SIZE]
        table = [[len(erased), count - len(erased)], [len(expected), count - len(expected)]]
        assert np.array(table)[:, 1].sum() == 0 or chi2_contingency(table).pvalue > 1e-4
        for name, mine, their in [
            ("top", [y for _, y, _, _ in erased], [i for i, _, _, _ in expected]),
            ("left", [x for x, _, _, _ in erased], [j for _, j, _, _ in expected]),
            ("height", [h for _, _, _, h in erased], [h for _, _, h, _ in expected]),
            ("width", [w for _, _, w, _ in erased], [w for _, _, _, w in expected]),
        ]:
            assert ks_2samp(mine, their).pvalue > 1e-4, name
    happened = sum(bool(drawn([T.Resize(SIZE), NORMALIZE, T.RandomErasing(0.3)], k)[2]) for k in range(count))
    assert chisquare([happened, count - happened], [0.3 * count, 0.7 * count]).pvalue > 1e-4


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_noise_is_normal_and_fills_the_rectangle(
    dataset: fastload.ShardDataset, dtype: str, channels_last: bool
) -> None:
    steps = [
        T.Resize(SIZE),
        T.ToDtype(dtype, channels_last=channels_last),
        T.RandomErasing(1.0, value="random"),
    ]
    plain, erased = (
        next(iter(fastload.DataLoader(dataset, 70, transform=chosen, seed=3)))[0]
        for chosen in (steps[:2], steps)
    )
    noise = []
    for index in range(70):
        (((x, y, width, height), _, key),) = drawn(steps, index)[2]
        inside = torch.zeros(SIZE, dtype=torch.bool)
        inside[y : y + height, x : x + width] = True
        assert torch.equal(plain[index][:, ~inside], erased[index][:, ~inside])
        values = erased[index][:, y : y + height, x : x + width]
        expected = torch.from_numpy(augment.noise(key, values.numel())).to(values.dtype)
        assert torch.equal(values.flatten(), expected)
        noise.append(values.flatten().float())
    assert kstest(torch.cat(noise)[:20000].numpy(), "norm").pvalue > 1e-4 or dtype == "bfloat16"


def test_normal_quantiles() -> None:
    """Against scipy's, from one end to the other: the algorithm's own bound is 1e-7, relatively."""
    from scipy.stats import norm

    bits = np.concatenate([np.arange(500), np.linspace(0, 2**32 - 1, 20001)]).astype(np.uint32)
    np.testing.assert_allclose(
        augment.normal_quantile(bits), norm.ppf((bits + 0.5) / 2**32), rtol=2e-7, atol=1e-10
    )


def test_light_has_the_components_distribution() -> None:
    count = 3000
    std = 0.3
    lights = np.array([drawn([T.Resize(SIZE), T.Lighting(std)], index)[1] for index in range(count)])
    components = lights @ np.linalg.inv(np.array(T.IMAGENET_EIGVEC)).T / (std * np.array(T.IMAGENET_EIGVAL))
    for component in components.T:
        assert kstest(component, "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(components.T) - np.eye(3)).max() < 0.1
