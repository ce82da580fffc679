"""From the datasets that users have to samples that native threads can load, or the reason why not."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fastload.dataset import ShardDataset
from fastload.errors import TransformError
from fastload.files import INT32, FileList
from fastload.transforms import Normalize, RandomErasing, ToDtype, Transform
from fastload.transforms.mix import Mixing
from fastload.translate import Untranslatable, short, translate_transform

if TYPE_CHECKING:
    from fastload.table import TableImages

    Samples: TypeAlias = ShardDataset | FileList | TableImages

_SUBSET = "torch.utils.data.dataset.Subset"
_CONCAT = "torch.utils.data.dataset.ConcatDataset"
_TABLE = "datasets.arrow_dataset.Dataset"  # Hugging Face's


@dataclass(frozen=True)
class Native:
    """What native threads load: samples, and what becomes of their pixels."""

    samples: Samples
    transform: tuple[Transform, ...]


def translate(dataset: Any, transform: Any = None) -> Native:
    """``dataset`` as a :class:`~fastload.DataLoader` would load it natively. ``transform``: instead of the
    dataset's own.

    Raises Untranslatable for a dataset, or a transform in it, that only Python can load; TransformError for a
    ``transform`` that was asked for and cannot be had; what ShardDataset raises.
    """
    asked = None if transform is None else transform_list(transform)
    if isinstance(dataset, str | Path | ShardDataset) or _are_tars(dataset):
        samples = dataset if isinstance(dataset, ShardDataset) else ShardDataset(dataset)
        return Native(samples, asked or ())
    found = _find_samples(dataset)
    own = find_transform(dataset)
    if asked is not None and own is not None:
        raise ValueError("the dataset has a transform already: give transform= to a dataset without one")
    steps = translate_transform(own) if asked is None else asked
    return Native(found, steps)


def _find_samples(dataset: Any) -> FileList | TableImages:
    if _kind(dataset) == _TABLE:
        from fastload.table import TableImages

        return TableImages(dataset)
    files = find_files(dataset)
    return FileList([path for path, _ in files], [label for _, label in files])


def _are_tars(dataset: Any) -> bool:
    """Any other list is a dataset to PyTorch: of its items."""
    return (
        isinstance(dataset, list | tuple)
        and len(dataset) > 0
        and all(isinstance(item, str | Path) and str(item).endswith(".tar") for item in dataset)
    )


def transform_list(transform: Any) -> tuple[Transform, ...]:
    """``transform=``: a transform or a list of :mod:`fastload.transforms`, or a chain of torchvision's."""
    if isinstance(transform, Transform):
        return (transform,)
    if isinstance(transform, Iterable) and not callable(transform):
        return tuple(transform)
    try:
        return translate_transform(transform)
    except Untranslatable as reason:
        raise TransformError(f"transform= cannot be run natively: {reason}") from None


def find_files(dataset: Any) -> list[tuple[str, int]]:
    """(path, label) of each sample of an image folder, or of parts of such. Raises Untranslatable."""
    if _kind(dataset) == _SUBSET:
        files = find_files(dataset.dataset)
        return [files[index] for index in dataset.indices]
    if _kind(dataset) == _CONCAT:
        return [file for part in dataset.datasets for file in find_files(part)]
    return _folder_files(dataset)


def find_transform(dataset: Any) -> Any:
    """The transform that all samples have. Raises Untranslatable where parts have different ones."""
    if _kind(dataset) == _SUBSET:
        return find_transform(dataset.dataset)
    if _kind(dataset) == _CONCAT:
        transform, *others = map(find_transform, dataset.datasets)
        if any(other is not transform and _steps(other) != _steps(transform) for other in others):
            raise Untranslatable("the parts of its ConcatDataset have different transforms")
        return transform
    if _kind(dataset) == _TABLE:
        from fastload.table import find_table_transform

        return find_table_transform(dataset)
    return dataset.transform


def _folder_files(dataset: Any) -> list[tuple[str, int]]:
    """Of torchvision's DatasetFolder and what is derived from it, as long as that reads samples alike."""
    folders = sys.modules.get("torchvision.datasets")
    if folders is None or not isinstance(dataset, folders.DatasetFolder):
        raise Untranslatable(f"{_kind(dataset)} is not a dataset that fastload knows")
    kind, base = type(dataset), folders.DatasetFolder
    for method in ("__getitem__", "__len__"):
        if getattr(kind, method) is not getattr(base, method):
            raise Untranslatable(f"{kind.__name__} has a {method} of its own")
    if hasattr(kind, "__getitems__"):
        raise Untranslatable(f"{kind.__name__} has a __getitems__ of its own")
    if dataset.loader not in (folders.folder.default_loader, folders.folder.pil_loader):
        raise Untranslatable(f"its loader {short(dataset.loader)} is not torchvision's")
    if sys.modules["torchvision"].get_image_backend() != "PIL":
        raise Untranslatable("torchvision's image backend is not Pillow")
    if dataset.target_transform is not None:
        raise Untranslatable(f"its target_transform {short(dataset.target_transform)} is a Python function")
    for path, label in dataset.samples:
        if type(label) is not int or label not in INT32:
            raise Untranslatable(f"the label of {path} is {label!r}, not an integer")
    return list(dataset.samples)


def _kind(dataset: Any) -> str:
    return f"{type(dataset).__module__}.{type(dataset).__qualname__}"


def _steps(transform: Any) -> tuple[Transform, ...] | None:
    return None if transform is None else translate_transform(transform)


def describe_steps(steps: tuple[Transform, ...]) -> list[Transform]:
    """The steps, with what a list without Normalize or ToDtype does instead."""
    if any(isinstance(step, Normalize | ToDtype) for step in steps):
        return list(steps)
    after = sum(isinstance(step, RandomErasing | Mixing) for step in steps)
    end = len(steps) - after
    return [*steps[:end], ToDtype("uint8"), *steps[end:]]
