"""fastload: exact, fast image data loading for PyTorch.

Names are imported when they are first used, so that ``import fastload`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastload import cuda, errors, transforms
    from fastload.dataset import Sample, ShardDataset
    from fastload.explanation import explain
    from fastload.loader import DataLoader
    from fastload.stats import LoaderStats

__version__ = "0.1.0"
__all__ = ["DataLoader", "LoaderStats", "Sample", "ShardDataset", "cuda", "errors", "explain", "transforms"]

_HOMES = {
    "DataLoader": "fastload.loader",
    "explain": "fastload.explanation",
    "LoaderStats": "fastload.stats",
    "Sample": "fastload.dataset",
    "ShardDataset": "fastload.dataset",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in __all__:
        return importlib.import_module(f"fastload.{name}")
    raise AttributeError(f"module 'fastload' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
