"""torch's DataLoader as both torchvision peers use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

from ..job import Job, epoch_order

if TYPE_CHECKING:
    from . import Batch

PACKAGES = ("torch", "torchvision", "pillow")

SETTINGS: dict[str, Any] = {
    "dataset": "torchvision.datasets.ImageFolder",
    "loader": "torch.utils.data.DataLoader",
    "num_workers": "t",
    "persistent_workers": True,
    "prefetch_factor": 2,
    "torch threads in each worker": 1,  # DataLoader's own choice
}


def folder_batches(
    job: Job, transform: Callable[[Any], Any], read: Callable[[str], Any] | None = None
) -> Iterator[Batch]:
    """Batches of an ImageFolder; ``read`` replaces Pillow's opening of a path."""
    how = {} if read is None else {"loader": read}
    # allow_empty: classes without an image keep their number
    dataset = ImageFolder(job.folder, transform=transform, allow_empty=True, **how)
    loader: DataLoader[Any] = DataLoader(
        dataset,
        batch_size=job.batch_size,
        sampler=epoch_order(job, len(dataset)),
        num_workers=job.threads,
        persistent_workers=True,
        prefetch_factor=2,
    )
    yield from loader
    while job.shuffle:
        yield from loader
