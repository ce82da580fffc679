"""What would run where, if a dataset were given to fastload's DataLoader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastload.dataset import ShardDataset
from fastload.drop_in import describe_steps, translate
from fastload.translate import Untranslatable


@dataclass(frozen=True)
class Explanation:
    """``native``: fastload's threads load the dataset; else PyTorch's own DataLoader does, for ``reason``.
    ``steps``: what is done to a sample, one after the other, and by whom. ``str()`` tells all in lines."""

    dataset: str
    native: bool
    reason: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        if not self.native:
            return f"{self.dataset}: PyTorch's own DataLoader, because {self.reason}"
        return "\n  ".join([f"{self.dataset}: fastload's native threads", *self.steps])

    __repr__ = __str__


def explain(dataset: Any, transform: Any = None) -> Explanation:
    """What ``fastload.DataLoader(dataset, transform=transform)`` would run where. ``print()`` it.

    Raises what making that loader raises, for example TransformError.
    """
    name = type(dataset).__name__ if not isinstance(dataset, str) else f"'{dataset}'"
    try:
        native = translate(dataset, transform)
    except Untranslatable as reason:
        return Explanation(name, False, str(reason), ())
    if isinstance(native.samples, ShardDataset):
        first = [
            "read: the rows that the crop lies in, where the index knows them",
            "decode: the crop alone, by fastload's decoder; libjpeg for what it does not take",
        ]
    else:
        first = [
            "read: whole files (`fastload prepare` or `fastload index` makes their rows readable alone)",
            "decode: baseline JPEGs by fastload's decoder, the crop alone; all other files by Pillow",
        ]
    steps = [*first, *map(repr, describe_steps(native.transform))]
    return Explanation(f"{name} of {len(native.samples)} samples", True, "", tuple(steps))
