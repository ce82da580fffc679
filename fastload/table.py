"""The images of a Hugging Face dataset, read where they lie: in the mapped Arrow table, or in files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastload.files import INT32, EncodedSamples, decode_with_pillow, join_paths
from fastload.translate import Untranslatable, contains_rgb, short

if TYPE_CHECKING:
    from PIL import Image


class TableImages(EncodedSamples):
    """Row k of ``dataset`` (a ``datasets.Dataset``) has an image and an integer label; no column but these.

    Images are upright RGB, as ``datasets`` decodes them: baseline JPEGs without an orientation by fastload's
    own decoder, all others by Pillow. Batches are dicts by the names of the columns, as ``datasets`` makes
    them. Nothing is copied: the table stays mapped as long as this object lives.

    Raises Untranslatable for any other dataset, with the reason.
    """

    def __init__(self, dataset: Any) -> None:
        from fastload import _native

        columns = _columns(dataset)
        table, rows = dataset.data, _rows(dataset)
        if table.column(columns.label).null_count:
            raise Untranslatable(f"its column {columns.label!r} has rows without a label")
        labels = _take(table.column(columns.label).to_numpy(), rows)
        if labels.size and not (int(labels.min()) in INT32 and int(labels.max()) in INT32):
            raise Untranslatable(f"its column {columns.label!r} has labels beyond 32 bits")
        self._columns = columns
        self.labels = labels.astype(np.int32)
        images = table.column(columns.image).chunks
        addresses, self._sizes = _find_images(images, rows)
        self._paths: npt.NDArray[Any] | None = None
        if addresses.all():
            self.native = _native.MemorySource(
                addresses, self._sizes, self.labels, table, decode_upright, upright=True
            )
            return
        self._paths = paths = _take(_find_paths(images), rows)
        if addresses.any() or any(path is None or "://" in path for path in paths):
            raise Untranslatable(
                f"its column {columns.image!r} has images neither in the table nor all in local files"
            )
        self.native = _native.FileSource(join_paths(paths), self.labels, decode_upright, upright=True)

    def __repr__(self) -> str:
        return f"{len(self)} rows"

    def batch(self, *columns: Any) -> dict[str, Any]:
        return dict(zip((self._columns.image, self._columns.label, "mask"), columns, strict=False))

    def sample(self, image: Any, label: int) -> dict[str, Any]:
        return self.batch(image, label)

    def _identity(self) -> bytes:
        """Their sizes in bytes; their names, where they are files."""
        if self._paths is None:
            return self._sizes.tobytes()
        return "\0".join(map(os.path.basename, self._paths)).encode()


@dataclass(frozen=True)
class _Columns:
    image: str
    label: str


def _columns(dataset: Any) -> _Columns:
    from datasets import ClassLabel, Image, Value

    images, labels = [], []
    visible = dataset.format["columns"]
    for name, feature in dataset.features.items():
        if name not in visible:
            continue
        if isinstance(feature, Image) and feature.decode:
            images.append(name)
        elif isinstance(feature, ClassLabel) or (isinstance(feature, Value) and "int" in feature.dtype):
            labels.append(name)
        else:
            raise Untranslatable(
                f"its column {name!r} is neither an image nor an integer label: remove_columns leaves it out"
            )
    if len(images) != 1 or len(labels) != 1:
        raise Untranslatable(
            f"it has {len(images)} columns of images and {len(labels)} of labels, where one of each is loaded"
        )
    return _Columns(images[0], labels[0])


def find_table_transform(dataset: Any) -> Any:
    """The torchvision transform that ``with_transform`` or ``set_transform`` gave the dataset, or None.

    Raises Untranslatable for a Python function, or where it leaves images of other modes than RGB.
    """
    kind = dataset.format["type"]
    if kind is None:
        return None
    transform = dataset.format["format_kwargs"].get("transform")
    if kind != "custom" or transform is None:
        raise Untranslatable(f"it is formatted as {kind!r}")
    if not type(transform).__module__.startswith("torchvision.transforms.v2"):
        raise Untranslatable(
            f"its transform {short(transform)} is a Python function of whole batches of examples: give "
            "with_transform a chain of torchvision.transforms.v2 itself, or DataLoader a transform="
        )
    modes = {feature.mode for feature in dataset.features.values() if hasattr(feature, "mode")}
    if modes != {"RGB"} and not contains_rgb(transform):
        raise Untranslatable(
            "its images may be gray or have an alpha channel: begin its transform with v2.RGB()"
        )
    return transform


def _rows(dataset: Any) -> npt.NDArray[np.int64] | None:
    """Rows of the table, where select, shuffle and the like have left a view of it."""
    chosen = dataset._indices
    return None if chosen is None else chosen.column(0).to_numpy().astype(np.int64)


def _take(values: npt.NDArray[Any], rows: npt.NDArray[np.int64] | None) -> npt.NDArray[Any]:
    return values if rows is None else values[rows]


def _find_images(
    chunks: Iterable[Any], rows: npt.NDArray[np.int64] | None
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Addresses (0: null) and sizes of the images' bytes."""
    addresses, sizes = (np.concatenate(parts) for parts in zip(*_chunks(chunks), strict=True))
    return _take(addresses, rows), _take(sizes, rows)


def _find_paths(chunks: Iterable[Any]) -> npt.NDArray[Any]:
    return np.array([path for chunk in chunks for path in chunk.field("path").to_pylist()], object)


def _chunks(chunks: Iterable[Any]) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]]:
    yield np.empty(0, np.uint64), np.empty(0, np.uint64)
    for chunk in chunks:
        content = chunk.field("bytes")
        _, offsets, data = content.buffers()
        wide = np.int64 if str(content.type).startswith("large") else np.int32
        ends = np.frombuffer(offsets, wide)[content.offset :][: len(content) + 1].astype(np.uint64)
        present = content.is_valid().to_numpy(zero_copy_only=False) & chunk.is_valid().to_numpy(
            zero_copy_only=False
        )
        base = np.uint64(data.address if data is not None else 0)
        yield np.where(present, ends[:-1] + base, np.uint64(0)), np.diff(ends)


def decode_upright(data: bytes) -> npt.NDArray[np.uint8]:
    """A file's image as ``datasets`` sees it, in RGB: turned as its EXIF orientation says."""
    from PIL import Image, ImageOps

    def turned(image: Image.Image) -> Image.Image:
        if image.getexif().get(Image.ExifTags.Base.Orientation) is None:  # type: ignore[attr-defined]
            return image
        return ImageOps.exif_transpose(image)

    return decode_with_pillow(data, turned)
