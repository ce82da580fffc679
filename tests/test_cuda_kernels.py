"""A batch's CUDA kernels give the CPU path's bytes: run by the host thread by thread, and by a GPU, if any.

On the host, blocks, and threads within a phase, run in a shuffled order: a result that depends on it would
differ.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
import pytest

import corpus
import test_matrix as matrix
from fastload import _native
from fastload._native import image, kernels
from fastload.errors import GpuMemoryError
from jpeg_cases import encode
from test_decoder import Crop, crops

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
IMAGENET: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
STORES: list[dict[str, Any]] = [
    {"dtype": dtype, "channels_last": channels_last, **normalize}
    for dtype in ("uint8", "float32", "float16", "bfloat16")
    for channels_last in (False, True)
    for normalize in ({}, IMAGENET)
    if not (dtype == "uint8" and normalize)
]
WAYS = ["whole", "rows", "prepared", "prepared rows"]


class Case(NamedTuple):
    """A picture of a batch, as the CPU path and as the kernels take it."""

    jpeg: bytes
    crop: Crop
    size: tuple[int, int] | None = None
    filter: str = "bilinear"
    window: Crop | None = None
    mirror: bool = False
    flip: bool = False

    def picture(self, by_rows: bool) -> kernels.Picture:
        return kernels.Picture(**self._asdict(), by_rows=by_rows)

    def expected(self, store: dict[str, Any]) -> tuple[npt.NDArray[Any], bool]:
        """The CPU path's values, and whether its own decoder took the image."""
        decoder = _native.entropy.Decoder()
        rgb = decoder.decode(self.jpeg, self.crop)
        if self.mirror:
            rgb = rgb[:, ::-1].copy()
        width, height = self.size or self.crop[2:]
        rgb = image.resize(rgb, width, height, self.filter, window=self.window)
        return image.store(rgb, flip=self.flip, **store), list(decoder.counts) == ["fast"]


def output_size(case: Case) -> tuple[int, int]:
    width, height = (case.window or (0, 0, *(case.size or case.crop[2:])))[2:]
    return width, height


def run(
    cases: Sequence[Case], by_rows: bool = False, seed: int | None = 0, gpu: bool = False, **options: Any
) -> tuple[npt.NDArray[Any], list[str]]:
    ((width, height),) = {output_size(case) for case in cases}
    pictures = [case.picture(by_rows) for case in cases]
    runtime = kernels.cuda_runtime() if gpu else kernels.HostRuntime(seed=seed)
    return kernels.run_batch(runtime, pictures, width, height, **options)


def check(
    cases: Sequence[Case], by_rows: bool = False, seed: int | None = 0, gpu: bool = False, **store: Any
) -> int:
    """How many images the kernels took: all that the CPU's own decoder takes."""
    store = {"dtype": "uint8", **store}
    batch, states = run(cases, by_rows, seed, gpu, **store)
    taken = 0
    for case, values, state in zip(cases, batch, states, strict=True):
        expected, fast = case.expected(store)
        assert (state == "decoded") == fast, (state, case[1:])
        if fast:
            assert values.tobytes() == expected.tobytes(), case[1:]
            taken += 1
    return taken


@pytest.fixture(params=["host", pytest.param("gpu", marks=pytest.mark.gpu)])
def gpu(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "gpu")


def stored(jpeg: bytes, way: str) -> bytes:
    return bytes(_native.prepare_jpeg(jpeg).jpeg) if way.startswith("prepared") else jpeg


@pytest.mark.parametrize("way", WAYS)
def test_the_corpus(way: str, gpu: bool) -> None:
    """Every sampling, colour space and coding that the fast decoder takes; the others are refused."""
    taken = 0
    for name, original in corpus.good_cases().items():
        jpeg = stored(original, way)
        info = _native.jpeg_info(jpeg)
        boxes = crops(info.width, info.height, seed=len(name))
        for box in boxes[: 2 if "x" in name else 6]:
            rng = random.Random(name + str(box))
            size = (rng.randint(1, 40), rng.randint(1, 40))
            cases = [Case(jpeg, box, size), Case(jpeg, box, size, mirror=True, flip=True)]
            taken += check(cases, way.endswith("rows"), rng.randrange(1 << 32), gpu)
    assert taken > 300


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize(
    ("crop", "size"),
    [
        ((31, 22, 100, 80), (61, 47)),  # smaller
        ((31, 22, 100, 80), (100, 33)),  # columns are copied
        ((31, 22, 100, 80), (37, 80)),  # rows are copied
        ((31, 22, 40, 30), (150, 131)),  # larger
        ((0, 0, 120, 200), (115, 20)),  # the vertical pass goes first
        ((5, 3, 1, 1), (17, 9)),
        ((0, 0, 190, 143), (1, 1)),
    ],
)
def test_filters(filter: str, crop: Crop, size: tuple[int, int], gpu: bool) -> None:
    jpeg = encode("coffee", 200, 210, subsampling="4:2:0")
    window = (size[0] // 3, size[1] // 4, size[0] - size[0] // 3, size[1] - size[1] // 4)
    cases = [Case(jpeg, crop, size, filter), Case(jpeg, crop, size, filter, mirror=True)]
    assert check(cases, gpu=gpu) == 2
    assert check([Case(jpeg, crop, size, filter, window, flip=True)], gpu=gpu) == 1


@pytest.mark.parametrize("store", STORES, ids=str)
def test_stores(store: dict[str, Any], gpu: bool) -> None:
    """All dtypes and layouts, in batches of images of many sizes."""
    jpegs = [encode("astronaut", 97, 130), encode("coins", 64, 64, "L"), encode("china", 33, 200)]
    cases = [Case(jpeg, (1, 2, 30, 60), (24, 20), flip=k % 2 == 1) for k, jpeg in enumerate(jpegs * 2)]
    assert check(cases, gpu=gpu, **store) == 6


def test_a_crop_alone(gpu: bool) -> None:
    """Without a resize."""
    jpeg = encode("astronaut", 97, 130)
    cases = [Case(jpeg, (13, 40, 31, 17)), Case(jpeg, (66, 113, 31, 17), flip=True)]
    assert check(cases, gpu=gpu) == 2


@pytest.mark.parametrize("restarts", [0, 1, 3, 25, 26, 60, 65535])
@pytest.mark.parametrize("by_rows", [False, True])
def test_restarts_anywhere(restarts: int, by_rows: bool, gpu: bool) -> None:
    """Within rows, across them, at their ends, behind the image; by rows, entry points lie between them."""
    options = {"restart_marker_blocks": restarts} if restarts else {}
    jpeg = encode("rocket", 200, 166, subsampling="4:4:4", **options)
    cases = [Case(jpeg, box, (9, 7)) for box in crops(200, 166)]
    assert check(cases, by_rows, gpu=gpu) == len(cases)


def test_the_order_of_threads_makes_no_difference() -> None:
    jpeg = stored(encode("coffee", 300, 200), "prepared")
    cases = [Case(jpeg, (10 * k, 5 * k, 100, 90), (50, 40)) for k in range(4)]
    orders = [run(cases, True, seed, dtype="float32", **IMAGENET) for seed in (None, 1, 2, 3)]
    assert len({batch.tobytes() for batch, _ in orders}) == 1


@pytest.mark.parametrize("by_rows", [False, True])
def test_the_matrix(by_rows: bool, gpu: bool) -> None:
    """Every pair of samplings, codes (to 16 bits), restarts, coefficients (to 15 bits), sizes ..."""
    for k, case in enumerate(matrix.pairs()):
        box = crops(case.width, case.height, seed=k)[2]
        assert check([Case(case.jpeg(), box, (5, 6))], by_rows, k, gpu) == 1, case


def damaged(jpeg: bytes, count: int) -> Iterator[bytes]:
    rng = random.Random(7)
    start = jpeg.index(b"\xff\xda") + 14
    for _ in range(count):
        data = bytearray(jpeg)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(start, len(data))] = rng.choice([0, 0xFF, 0xD0, 0xD3, rng.randrange(256)])
        cut = rng.randrange(start, len(data)) if rng.random() < 0.3 else len(data)
        yield bytes(data[:cut])


@pytest.mark.parametrize("restarts", [0, 4, 7])
def test_damage_is_seen(restarts: int, gpu: bool) -> None:
    """Where the CPU's own decoder stumbles, so do the kernels; and where it does not, pixels are the same."""
    options = {"restart_marker_blocks": restarts} if restarts else {}
    jpeg = encode("coffee", 128, 96, subsampling="4:2:0", quality=60, **options)
    cases = [Case(data, (20, 30, 70, 40), (12, 9)) for data in damaged(jpeg, 150)]
    taken = sum(check(cases[k : k + 10], False, k, gpu) for k in range(0, len(cases), 10))
    assert 10 < taken < 140


def test_what_does_not_fit_is_left_to_the_host() -> None:
    jpeg = encode("coffee", 64, 48)
    cases = [Case(jpeg, (0, 0, 64, 48), (8, 8))] * 3
    _, states = run(cases, workspace_bytes=60_000)
    assert states == ["decoded", "decoded", "full"]
    _, states = run(cases, staging_bytes=6_000)
    assert states == ["decoded", "full", "full"]


def test_the_host_fills_in_what_the_kernels_left() -> None:
    good, progressive = encode("coffee", 64, 48), encode("coffee", 64, 48, progressive=True)
    cases = [Case(jpeg, (0, 0, 64, 48), (8, 8)) for jpeg in (progressive, good, good[:-300], progressive)]
    store = {"dtype": "float16", "channels_last": True}
    expected = [case.expected(store)[0] for case in cases]
    by_host = {k: values.tobytes() for k, values in enumerate(expected[:3])}
    batch, states = run(cases, by_host=by_host, **store)
    assert states == ["unsupported", "decoded", "damaged", "unsupported"]
    assert batch[:3].tobytes() == b"".join(by_host.values())
    assert set(batch[3].tobytes()) == {0x5A}  # nobody has touched it


def test_nothing_is_kept() -> None:
    runtime = kernels.HostRuntime(devices=2)
    picture = Case(encode("coffee", 64, 48), (0, 0, 64, 48), (8, 8)).picture(False)
    kernels.run_batch(runtime, [picture], 8, 8, device=1)
    assert (runtime.bytes_in_use, runtime.handles_in_use) == (0, 0)


def test_nothing_is_kept_where_memory_runs_out() -> None:
    runtime = kernels.HostRuntime(memory=1 << 20)
    with pytest.raises(GpuMemoryError) as caught:
        kernels.run_batch(runtime, [], 8, 8)
    assert isinstance(caught.value, MemoryError)
    assert (runtime.bytes_in_use, runtime.handles_in_use) == (0, 0)
