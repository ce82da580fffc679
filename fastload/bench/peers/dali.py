"""NVIDIA DALI's CPU pipeline, as in its ImageNet examples: only the crop is decoded to pixels."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nvidia.dali import fn, pipeline_def, types
from torch.utils.dlpack import from_dlpack

from ..job import MEAN, STD, Job, listing

if TYPE_CHECKING:
    from . import Batch

PACKAGES = ("nvidia-dali-cuda130", "nvidia-dali-cuda120", "nvidia-nvimgcodec-cu13", "torch")
TOLERANCE = 0.5  # it resizes in floating point

PREFETCH = 2

SETTINGS: dict[str, Any] = {
    "num_threads": "t",
    "prefetch_queue_depth": PREFETCH,
    "device_id": None,
    "executor": "this version's default",
    "reader": "fn.readers.file, shuffle_after_epoch",
    "decoder": "fn.decoders.image_random_crop (cpu), orientation ignored",
    "resize": "fn.resize, linear, antialias",
    "output": "fn.crop_mirror_normalize to float32 CHW; DLPack to torch without a copy",
}


def batches(job: Job) -> Iterator[Batch]:
    files = listing(job.folder)
    if job.shuffle:
        random.Random(job.seed).shuffle(files)  # the reader itself shuffles from the second epoch on

    @pipeline_def(  # type: ignore[untyped-decorator]
        batch_size=job.batch_size,
        num_threads=job.threads,
        device_id=None,
        prefetch_queue_depth=PREFETCH,
        seed=job.seed,
    )
    def pipeline() -> tuple[Any, Any]:
        encoded, labels = fn.readers.file(
            files=[path for path, _ in files],
            labels=[label for _, label in files],
            shuffle_after_epoch=job.shuffle,
        )
        images = fn.decoders.image_random_crop(
            encoded,
            device="cpu",
            random_area=job.scale,
            random_aspect_ratio=job.ratio,
            adjust_orientation=False,
        )
        images = fn.resize(images, resize_x=job.size, resize_y=job.size)
        images = fn.crop_mirror_normalize(
            images,
            dtype=types.FLOAT,
            output_layout="CHW",
            mean=[255 * m for m in MEAN],
            std=[255 * s for s in STD],
            mirror=fn.random.coin_flip(probability=job.flip),
        )
        return images, labels

    pipe = pipeline()
    pipe.build()
    passes = None if job.shuffle else -(-len(files) // job.batch_size)
    while passes is None or passes > 0:
        images, labels = pipe.run()
        yield from_dlpack(images.as_tensor()), from_dlpack(labels.as_tensor()).flatten().long()
        passes = None if passes is None else passes - 1
