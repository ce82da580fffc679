"""torchvision's quicker road: decode_image to a tensor, v2 transforms on uint8, in worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

from ..job import MEAN, STD, Job
from . import _torch_loader
from ._torch_loader import PACKAGES, folder_batches

if TYPE_CHECKING:
    from . import Batch

__all__ = ["PACKAGES", "SETTINGS", "TOLERANCE", "batches"]

TOLERANCE = 0.1  # its uint8 resize rounds otherwise than Pillow's
SETTINGS = {
    **_torch_loader.SETTINGS,
    "decoder": "torchvision.io.decode_image",
    "transforms": "torchvision.transforms.v2 on uint8 tensors (antialias), then float32",
}


def read_rgb(path: str) -> torch.Tensor:
    image: torch.Tensor = decode_image(read_file(path), ImageReadMode.RGB)
    return image


def batches(job: Job) -> Iterator[Batch]:
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(job.size, job.scale, job.ratio, antialias=True),
            v2.RandomHorizontalFlip(job.flip),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    return folder_batches(job, transform, read_rgb)
