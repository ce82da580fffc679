"""Whose batches a collate function makes."""

from __future__ import annotations

import sys
from typing import Any


def is_default_collate(collate_fn: Any) -> bool:
    """None, or PyTorch's own, which stacks samples: native batches are stacked already."""
    if collate_fn is None:
        return True
    collate = sys.modules.get("torch.utils.data")
    return collate is not None and collate_fn is collate.default_collate
