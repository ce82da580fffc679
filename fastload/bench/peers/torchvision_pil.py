"""torchvision as in PyTorch's ImageNet example: Pillow decodes, crops and resizes in worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torchvision.transforms import Compose, Normalize, RandomHorizontalFlip, RandomResizedCrop, ToTensor

from ..job import MEAN, STD, Job
from . import _torch_loader
from ._torch_loader import PACKAGES, folder_batches

if TYPE_CHECKING:
    from . import Batch

__all__ = ["PACKAGES", "SETTINGS", "TOLERANCE", "batches"]

TOLERANCE = 0.0
SETTINGS = {**_torch_loader.SETTINGS, "transforms": "torchvision.transforms (v1) on PIL images, ToTensor"}


def batches(job: Job) -> Iterator[Batch]:
    transform = Compose(
        [
            RandomResizedCrop(job.size, job.scale, job.ratio),
            RandomHorizontalFlip(job.flip),
            ToTensor(),
            Normalize(MEAN, STD),
        ]
    )
    return folder_batches(job, transform)
