"""docs/errors.md, row by row: the exception, its cause, its message."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torchvision

import corpus
import fastload
from fastload import _native, errors
from fastload import transforms as T
from fastload.indexing import index
from fastload.manifest import Manifest
from fastload.prepare import prepare
from jpeg_cases import encode
from jpeg_surgery import Marker, edit

DOCUMENT = Path(__file__).parent.parent / "docs" / "errors.md"
SMALL = [T.Resize((16, 16))]
Case = Callable[[Path, Path], object]  # (a dataset's copy, an empty directory)
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    def register(function: Case) -> Case:
        CASES[name] = function
        return function

    return register


def load(dataset: Path | fastload.ShardDataset, **options: object) -> object:
    return list(fastload.DataLoader(dataset, **{"batch_size": 4, "transform": SMALL, **options}))


def shard_of(dataset: Path) -> Path:
    return dataset / "train-000000.tar"


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def folder(directory: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (directory / "source" / "class").mkdir(parents=True, exist_ok=True)
        (directory / "source" / "class" / name).write_bytes(data)
    return directory / "source"


JPEG = encode("coffee", 60, 40)

# --- files ------------------------------------------------------------------------------------------------

case("an empty file instead of a JPEG")(lambda _d, _e: _native.prepare_jpeg(b""))
case("a file that is not a JPEG")(lambda _d, _e: _native.decode_jpeg(b"GIF89a, or so it says"))
case("a truncated JPEG")(lambda _d, _e: _native.prepare_jpeg(JPEG[: len(JPEG) // 2]))
case("a lossless or 12-bit JPEG")(
    lambda _d, _e: _native.prepare_jpeg(edit(JPEG, Marker.SOF0, lambda f: b"\x0c" + f[1:]))
)
case("a JPEG with fractional chroma sampling")(
    lambda _d, _e: _native.prepare_jpeg(
        edit(JPEG, Marker.SOF0, lambda f: f[:7] + b"\x31" + f[8:10] + b"\x21" + f[11:])  # luma 3, Cb 2
    )
)


@case("a file that `prepare` cannot read")
def _(_dataset: Path, empty: Path) -> object:
    return prepare(folder(empty, {"a.jpg": JPEG, "b.jpg": b""}), empty / "dest", split="train")


@case("`prepare` continued with other options")
def _(_dataset: Path, empty: Path) -> object:
    source = folder(empty, {"a.jpg": JPEG})
    prepare(source, empty / "dest", split="train")
    return prepare(source, empty / "dest", split="train", verbatim=True)


case("a source that is not there")(lambda _d, e: prepare(e / "nowhere", e / "dest"))
case("a directory without classes or archives")(lambda _d, e: prepare(e, e.parent / "dest", split="train"))


@case("the validation archive without its devkit")
def _(_dataset: Path, empty: Path) -> object:
    source = corpus.make_ilsvrc(empty / "source", train_per_class=1, val=2, odd=False)
    (source / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    return prepare(source, empty / "dest", split="val")


@case("an image that `index` cannot take")
def _(_dataset: Path, empty: Path) -> object:
    return index(folder(empty, {"a.jpg": JPEG, "b.png": b"\x89PNG"}))


case("nothing to index")(lambda _d, e: index(folder(e, {"b.png": b"\x89PNG"})))


# --- datasets and shards ----------------------------------------------------------------------------------

case("a directory without a manifest")(lambda _d, e: fastload.ShardDataset(e))


@case("a manifest that is not JSON")
def _(dataset: Path, _empty: Path) -> object:
    (dataset / "dataset.json").write_text("{")
    return fastload.ShardDataset(dataset)


@case("a manifest of another version")
def _(dataset: Path, _empty: Path) -> object:
    fields = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(fields | {"version": 7}))
    return fastload.ShardDataset(dataset)


@case("a shard that is missing")
def _(dataset: Path, _empty: Path) -> object:
    shard_of(dataset).unlink()
    return fastload.ShardDataset(dataset)


case("a pattern that matches no tar")(lambda _d, e: fastload.ShardDataset(f"{e}/train-*.tar"))


@case("a shard of another dataset")
def _(dataset: Path, _empty: Path) -> object:
    _native.ShardWriter(str(shard_of(dataset))).close()
    return fastload.ShardDataset(dataset)


@case("a zero-byte shard")
def _(dataset: Path, _empty: Path) -> object:
    shard_of(dataset).write_bytes(b"")
    return fastload.ShardDataset(dataset)


@case("a shard that was cut short")
def _(dataset: Path, _empty: Path) -> object:
    os.truncate(shard_of(dataset), shard_of(dataset).stat().st_size - 700)
    return fastload.ShardDataset(dataset)


@case("a tar of another program")
def _(dataset: Path, _empty: Path) -> object:
    with tarfile.open(shard_of(dataset), "w") as tar:
        tar.add(dataset / "dataset.json")
    return fastload.ShardDataset(dataset)


def indexed_folder(empty: Path) -> Path:
    root = folder(empty, {"a.jpg": JPEG})
    index(root)
    return root


@case("a tar that changed since it was indexed")
def _(dataset: Path, _empty: Path) -> object:
    tar = dataset / "other.tar"
    with tarfile.open(tar, "w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
        info = tarfile.TarInfo("a.jpg")
        info.size = len(JPEG)
        archive.addfile(info, io.BytesIO(JPEG))
    index(tar)
    os.truncate(tar, tar.stat().st_size - 512)
    return fastload.ShardDataset(tar)


@case("an index that was cut short")
def _(_dataset: Path, empty: Path) -> object:
    root = indexed_folder(empty)
    os.truncate(root / ".fastload_index", 700)
    return fastload.ShardDataset(root)


@case("an index of another version")
def _(dataset: Path, _empty: Path) -> object:
    data = bytearray(shard_of(dataset).read_bytes())
    struct.pack_into("<I", data, len(data) - 1024 - 64 + 8, 7)
    shard_of(dataset).write_bytes(data)
    return fastload.ShardDataset(dataset)


def index_offset(dataset: Path) -> int:
    data = shard_of(dataset).read_bytes()
    return int(struct.unpack_from("<Q", data, len(data) - 1024 - 64 + 16)[0])


@case("a flipped bit in a shard's index header")
def _(dataset: Path, _empty: Path) -> object:
    flip(shard_of(dataset), index_offset(dataset) + 17)
    return fastload.ShardDataset(dataset)


@case("a flipped bit in an index record")
def _(dataset: Path, _empty: Path) -> object:
    flip(shard_of(dataset), index_offset(dataset) + 64 + 4 * 32 + 20)
    return load(dataset)


@case("a flipped bit in a JPEG")
def _(dataset: Path, _empty: Path) -> object:
    flip(shard_of(dataset), fastload.ShardDataset(dataset)[2].offset + 900)
    return load(dataset)


@case("an image file that changed since it was indexed")
def _(_dataset: Path, empty: Path) -> object:
    root = indexed_folder(empty)
    flip(root / "class" / "a.jpg", 900)
    return load(root)


@case("an image file that is gone since it was indexed")
def _(_dataset: Path, empty: Path) -> object:
    root = indexed_folder(empty)
    (root / "class" / "a.jpg").unlink()
    return load(root)


@case("a label outside the classes")
def _(dataset: Path, _empty: Path) -> object:
    manifest = Manifest.load(dataset)
    dataclasses.replace(manifest, classes=manifest.classes[:1]).save(dataset)
    return load(dataset)


# --- transforms and the loader ----------------------------------------------------------------------------

case("a crop larger than the image")(lambda d, _e: load(d, transform=T.CenterCrop(2000)))
case("a crop larger than the resize before it")(
    lambda d, _e: load(d, transform=[T.Resize((10, 10)), T.RandomCrop(11)])
)
case("transforms in an impossible order")(
    lambda d, _e: load(d, transform=[T.ToDtype("float32"), T.CenterCrop(8)])
)
case("transforms that leave different sizes")(lambda d, _e: load(d, transform=[T.Resize(8)]))
case("a transform with a wrong argument")(lambda _d, _e: T.Resize(8, interpolation="best"))
case("something that is not one of fastload's transforms")(lambda d, _e: load(d, transform=[len]))
case("batch_size 0")(lambda d, _e: load(d, batch_size=0))
case("arguments that exclude each other")(lambda d, _e: load(d, shuffle=True, sampler=[0]))
case("an unknown on_error")(lambda d, _e: load(d, on_error="hope"))
case("a torchvision transform that fastload does not know, as `transform=`")(
    lambda d, _e: load(d, transform=torchvision.transforms.GaussianBlur(3))
)


@case("a loader's state of another dataset, transforms, seed or global batch")
def _(dataset: Path, _empty: Path) -> object:
    state = fastload.DataLoader(dataset, 4, transform=SMALL).state_dict()
    return fastload.DataLoader(dataset, 3, transform=SMALL).load_state_dict(state)


@case("a sampler that cannot be brought back to where it was")
def _(dataset: Path, _empty: Path) -> object:
    loaders = [
        fastload.DataLoader(dataset, 1, transform=SMALL, sampler=order) for order in ([0, 1, 2], [2, 1, 0])
    ]
    next(iter(loaders[0]))
    loaders[1].load_state_dict(loaders[0].state_dict())
    return next(iter(loaders[1]))


case("an epoch that ranks cannot share evenly")(lambda d, _e: load(d, rank=0, world_size=2))
case("an index outside the dataset")(lambda d, _e: fastload.ShardDataset(d)[12345])
case("a sampler's index outside the dataset")(lambda d, _e: load(d, sampler=[0, 12345]))


@case("a batch that does not come in time")
def _(dataset: Path, _empty: Path) -> object:
    slow = {"batch_size": 600, "sampler": [0] * 600, "transform": T.RandomResizedCrop(1500), "num_workers": 1}
    return load(dataset, timeout=0.01, **slow)


@case("an iterator used after a fork")
def _(dataset: Path, _empty: Path) -> object:
    iterator = iter(fastload.DataLoader(dataset, 1, transform=SMALL, num_workers=1))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        message = b"no error"
        try:
            next(iterator)
        except ValueError as error:
            message = str(error).encode()
        os.write(writer, message)
        os._exit(0)
    os.waitpid(child, 0)
    raise ValueError(os.read(reader, 10_000).decode())


# --- GPUs -------------------------------------------------------------------------------------------------


def gpu_batch(device: int = 0, memory_limit: int = 0, **machine: Any) -> object:
    """An empty batch on a machine that the host plays."""
    kernels, sizes = _native.kernels, {"staging_bytes": 1 << 20, "workspace_bytes": 1 << 20}
    return kernels.run_batch(
        kernels.HostRuntime(**machine), [], 8, 8, device=device, memory_limit=memory_limit, **sizes
    )


case("no NVIDIA driver")(lambda _d, _e: gpu_batch(state="no_driver"))
case("an NVIDIA driver older than fastload's CUDA")(lambda _d, _e: gpu_batch(state="driver_too_old"))
case("no GPU")(lambda _d, _e: gpu_batch(devices=0))
case("a GPU that is not there")(lambda _d, _e: gpu_batch(devices=2, device=2))
case("a GPU that is full")(lambda _d, _e: gpu_batch(memory=1 << 20))
case("a batch beyond the GPU memory limit")(lambda _d, _e: gpu_batch(memory_limit=1 << 20))
case("CUDA used in a forked process")(lambda _d, _e: gpu_batch(state="after_fork"))


# ----------------------------------------------------------------------------------------------------------


def rows() -> dict[str, list[str]]:
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "---" not in line]
    return {name: rest for name, *rest in cells}


def test_every_row_has_a_case_and_every_case_a_row() -> None:
    assert list(rows()) == list(CASES)


def test_every_public_error_is_listed() -> None:
    listed = DOCUMENT.read_text()
    public = [
        n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.FastloadError)
    ]
    assert [n for n in public if n not in listed and n not in ("FastloadError", "BenchError")] == []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = corpus.make_imagefolder(tmp_path_factory.mktemp("source"), classes=3, per_class=3)
    dest = tmp_path_factory.mktemp("dest")
    prepare(source, dest, split="train")
    (found,) = (path.parent for path in dest.rglob("dataset.json"))
    return found


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("name", CASES)
def test_row(name: str, prepared: Path, tmp_path: Path) -> None:
    exception, message = rows()[name][:2]
    kinds = re.findall(r"`(\w+)`", exception)
    (text,) = re.findall(r"`(.+)`", message)
    dataset = tmp_path / "dataset"
    shutil.copytree(prepared, dataset)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Exception, match=re.escape(text)) as caught:
        CASES[name](dataset, tmp_path / "empty")
    assert type(caught.value).__name__ == kinds[0]
    if len(kinds) > 1:
        assert type(caught.value.__cause__).__name__ == kinds[1]
        for part in ("class/a.jpg" if "image file" in name else "train-000000.tar", "byte"):
            assert part in str(caught.value) or name == "a flipped bit in an index record"
