"""The last stage equals torchvision's ToTensor + Normalize bit for bit; half precisions are that, rounded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from fastload._native import image as native

DTYPES = {
    "uint8": torch.uint8,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
FLOATS = [name for name in DTYPES if name != "uint8"]
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

Pixels = npt.NDArray[np.uint8]


pytestmark = pytest.mark.usefixtures("simd_target")  # every test, with each target


def every_byte(width: int = 256, height: int = 3) -> Pixels:
    """All 256 bytes in every channel, where there is room, in an order that differs between channels."""
    count = np.arange(width * height)
    planes = [count % 256, (count * 7 + 3) % 256, 255 - count % 256]
    return np.stack(planes, axis=-1).reshape(height, width, 3).astype(np.uint8)


def reference(
    rgb: Pixels,
    dtype: str,
    channels_last: bool = False,
    scale: bool = True,
    mean: list[float] | None = None,
    std: list[float] | None = None,
    flip: bool = False,
) -> torch.Tensor:
    """The slow twin: torch and torchvision, step by step."""
    image = torch.from_numpy(rgb).permute(2, 0, 1).contiguous()
    if flip:
        image = image.flip(-1)
    if dtype != "uint8":
        image = image.to(torch.float32)
        if scale:
            image = image.div(255)
        if mean is not None:
            image = tv.normalize(image, mean, std)
        image = image.to(DTYPES[dtype])
    return image.permute(1, 2, 0).contiguous() if channels_last else image.contiguous()


def bits(array: npt.NDArray[np.generic] | torch.Tensor) -> Pixels:
    """Bytes in memory, so that -0.0 and the payload of NaN count."""
    if isinstance(array, torch.Tensor):
        array = array.view(torch.uint8).numpy()
    return np.ascontiguousarray(array).view(np.uint8).ravel()


def check(rgb: Pixels, dtype: str, **options: object) -> None:
    got = native.store(rgb, dtype, **options)
    expected = reference(rgb, dtype, **options)  # type: ignore[arg-type]
    assert got.shape == tuple(expected.shape)
    np.testing.assert_array_equal(bits(got), bits(expected))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_torchvision(dtype: str, channels_last: bool, flip: bool) -> None:
    mean, std = IMAGENET
    options = {"channels_last": channels_last, "flip": flip}
    check(every_byte(), dtype, mean=mean, std=std, **options)
    check(every_byte(), dtype, **options)
    check(every_byte(), dtype, scale=False, **options)
    check(
        every_byte(),
        dtype,
        scale=False,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        **options,
    )


@pytest.mark.parametrize("dtype", FLOATS)
def test_usual_arithmetic_is_vectorized(simd_target: str, dtype: str) -> None:
    """The formula is exact for the usual constants where multiply-adds are fused; a table serves the rest."""
    mean, std = IMAGENET
    fused = simd_target not in {"SSE2", "SSSE3", "SSE4", "SCALAR", "EMU128"}
    assert native.store_is_vectorized(dtype) or not fused
    assert native.store_is_vectorized(dtype, mean=mean, std=std) or not fused
    assert not native.store_is_vectorized(dtype, mean=mean, std=[1e-39] * 3)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("std", [1e-39, 1e-38, 1e-30, 3e-6, 2.0**-20, 1e30], ids=str)
def test_extreme_divisors(std: float, dtype: str) -> None:
    """Overflow, subnormal results and unwieldy reciprocals are torch's too."""
    check(every_byte(), dtype, mean=[0.5, 0.0, 1.0], std=[std, 0.25 + std, 1.0 + std])


@settings(max_examples=60, deadline=None)
@given(
    width=st.one_of(st.integers(1, 70), st.integers(500, 1100)),
    height=st.integers(1, 4),
    dtype=st.sampled_from(sorted(DTYPES)),
    channels_last=st.booleans(),
    flip=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size(width: int, height: int, dtype: str, channels_last: bool, flip: bool, seed: int) -> None:
    """Rows shorter than a vector, longer than the internal buffer, and between; any mean and std."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mean, std = rng.uniform(-1, 1, 3).tolist(), rng.uniform(0.05, 2, 3).tolist()
    check(rgb, dtype, channels_last=channels_last, flip=flip, mean=mean, std=std)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_large_and_unaligned(channels_last: bool, dtype: str) -> None:
    """Results fill their slot, wherever it begins, and nothing else."""
    mean, std = IMAGENET
    rgb = every_byte(224, 224)
    expected = bits(reference(rgb, dtype, channels_last, True, mean, std))
    itemsize = 4 if dtype == "float32" else 2
    kind = {"float32": np.float32, "float16": np.float16, "bfloat16": np.uint16}[dtype]
    for offset in (0, itemsize, 64 - itemsize):
        memory = np.full(expected.size + 256, 0xA5, np.uint8)
        start = -memory.ctypes.data % 64 + 64 + offset
        slot = memory[start : start + expected.size]
        native.store(rgb, dtype, channels_last, True, mean, std, out=slot.view(kind))
        np.testing.assert_array_equal(slot, expected)
        assert (memory[:start] == 0xA5).all()
        assert (memory[start + expected.size :] == 0xA5).all()


def test_rows_may_be_apart() -> None:
    canvas = every_byte(100, 40)
    view = canvas[3:30, 17:90]
    got = native.store(view, "float32", flip=True)
    np.testing.assert_array_equal(
        bits(got), bits(reference(np.ascontiguousarray(view), "float32", flip=True))
    )


def test_refuses_what_has_no_meaning() -> None:
    rgb = every_byte()
    with pytest.raises(ValueError, match="unknown dtype 'float64'"):
        native.store(rgb, "float64")
    with pytest.raises(ValueError, match="come together"):
        native.store(rgb, "float32", mean=[0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"\(height, width, 3\)"):
        native.store(rgb[..., :2], "float32")
    with pytest.raises(ValueError, match="out must be"):
        native.store(rgb, "float32", out=np.zeros(5, np.float32))
