"""timm's training loop on fastload: ``create_loader`` with the arguments of ``timm.data.create_loader``."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastload.dataset import ShardDataset
from fastload.errors import TransformError
from fastload.loader import DataLoader
from fastload.transforms import (
    CenterCrop,
    Normalize,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
    ToDtype,
    Transform,
)

# What is taken; and what only tells worker processes how to work, which fastload has none of.
_TAKEN = {"dataset", "input_size", "batch_size", "is_training", "no_aug", "scale", "ratio", "hflip"}
_TAKEN |= {
    "interpolation",
    "mean",
    "std",
    "num_workers",
    "distributed",
    "crop_pct",
    "crop_mode",
    "pin_memory",
}
_TAKEN |= {"fp16", "img_dtype", "device", "use_prefetcher", "re_prob", "re_mode", "re_count", "re_split"}
_NO_EFFECT = {"use_multi_epochs_loader", "persistent_workers", "worker_seeding"}
# Augmentation of training images: without a meaning for others.
_TRAINING_ONLY = {"train_crop_mode", "vflip", "color_jitter", "color_jitter_prob", "grayscale_prob"}
_TRAINING_ONLY |= {"gaussian_blur_prob", "auto_augment", "num_aug_repeats", "num_aug_splits"}
_OFF: dict[str, tuple[Any, ...]] = {"color_jitter": (0, None), "train_crop_mode": ("rrc", None)}
_REMEDIES = {
    "color_jitter": "pass color_jitter=0 (timm's own default is 0.4)",
    "collate_fn": "for mixup, use timm.data.Mixup on the batches",
    "num_aug_repeats": "an index drawn twice in an epoch would get the same crop",
}


def create_loader(*args: Any, **kwargs: Any) -> Any:
    """A loader of fastload's shards for timm's loops.

    Arguments, their order and their defaults are those of the installed ``timm.data.create_loader``. So are
    the batches: to the bit with ``is_training=False`` or ``no_aug=True``, else of the same distributions.

    - ``dataset``: a :class:`fastload.ShardDataset`, or the path of a prepared split.
    - ``num_workers``: threads; 0 for one on each core.
    - ``use_prefetcher``: timm's own PrefetchLoader normalises and erases (``re_prob``) on the device. Without
      it, fastload normalises, which is faster where the device is the CPU.
    - ``distributed``: ranks are those of torch.distributed. Training leaves out the last, incomplete global
      batch; evaluation takes timm's OrderedDistributedSampler, which repeats samples where ranks lack some.
    - ``persistent_workers``, ``worker_seeding``, ``use_multi_epochs_loader`` have no effect.

    Everything else has to be off, among it colour jitter, whose default is on: pass ``color_jitter=0``.

    Raises TransformError for an argument that fastload cannot do, TypeError for one that timm does not know.
    """
    import timm.data

    signature = inspect.signature(timm.data.create_loader)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    o = SimpleNamespace(**bound.arguments)
    _refuse(bound.arguments, {name: p.default for name, p in signature.parameters.items()})
    loader = DataLoader(
        o.dataset,
        o.batch_size,
        shuffle=o.is_training,
        drop_last=o.is_training,
        num_workers=o.num_workers,
        pin_memory=o.pin_memory,
        transform=_transform(o),
        **_ranks(o),
    )
    if not o.use_prefetcher:
        return loader
    return timm.data.loader.PrefetchLoader(
        loader,
        mean=o.mean,
        std=o.std,
        channels=3,
        device=o.device,
        fp16=o.fp16,
        img_dtype=o.img_dtype,
        re_prob=o.re_prob if o.is_training and not o.no_aug else 0.0,
        re_mode=o.re_mode,
        re_count=o.re_count,
        re_num_splits=2 if o.re_split else 0,
    )


def _refuse(arguments: dict[str, Any], defaults: dict[str, Any]) -> None:
    if not isinstance(arguments["dataset"], str | Path | ShardDataset):
        raise TypeError(
            f"dataset must be a fastload.ShardDataset or the path of a prepared split, not "
            f"{arguments['dataset']!r}: `fastload prepare` makes one; timm.data.create_loader takes others"
        )
    augments = arguments["is_training"] and not arguments["no_aug"]
    for name, value in arguments.items():
        if name in _TAKEN | _NO_EFFECT or (name in _TRAINING_ONLY and not augments):
            continue
        if value not in _OFF.get(name, (defaults[name],)):
            remedy = _REMEDIES.get(name, "leave it at its default")
            raise TransformError(
                f"{name}={value!r} is nothing that fastload's loader can do: {remedy}, or stay with "
                "timm.data.create_loader"
            )
    if augments and arguments["interpolation"] == "random":
        raise TransformError(
            "interpolation='random' (a filter drawn for each image) is nothing that fastload's loader can "
            "do: take 'bilinear' or 'bicubic'"
        )
    if arguments["re_prob"] and augments and not arguments["use_prefetcher"]:
        raise TransformError("re_prob goes with use_prefetcher=True: timm's PrefetchLoader erases")


def _transform(o: SimpleNamespace) -> list[Transform]:
    """What timm.data.create_transform makes of these arguments."""
    from timm.data.constants import DEFAULT_CROP_PCT

    size = o.input_size if isinstance(o.input_size, int) else tuple(o.input_size[-2:])
    square = isinstance(size, int) or size[0] == size[1]
    steps: list[Transform]
    if o.is_training and not o.no_aug:
        steps = [
            RandomResizedCrop(
                size, tuple(o.scale or (0.08, 1.0)), tuple(o.ratio or (3 / 4, 4 / 3)), o.interpolation
            )
        ]
        if o.hflip > 0:
            steps.append(RandomHorizontalFlip(o.hflip))
    else:
        interpolation = "bilinear" if o.interpolation == "random" else o.interpolation
        if o.is_training:
            resize: Any = size
        else:
            height, width = (size, size) if isinstance(size, int) else size
            crop_pct = o.crop_pct or DEFAULT_CROP_PCT
            resize = math.floor(height / crop_pct), math.floor(width / crop_pct)
            if o.crop_mode == "border" or (o.crop_mode != "squash" and not square):
                raise TransformError(
                    f"crop_mode={o.crop_mode!r} with input_size={o.input_size!r} is nothing that fastload's "
                    "loader can do: take crop_mode='squash', or a square input with crop_mode='center'"
                )
            resize = resize if o.crop_mode == "squash" else resize[0]
        steps = [Resize(resize, interpolation), CenterCrop(size)]
    if o.use_prefetcher:
        return [*steps, ToDtype("uint8")]
    # Without its prefetcher, timm leaves the type to autocast.
    return [*steps, Normalize(o.mean, o.std)]


def _ranks(o: SimpleNamespace) -> dict[str, Any]:
    if not o.distributed:
        return {"rank": 0, "world_size": 1}
    if o.is_training:
        return {"seed": _common_seed()}
    from timm.data.distributed_sampler import OrderedDistributedSampler

    dataset = o.dataset if isinstance(o.dataset, ShardDataset) else ShardDataset(o.dataset)
    return {"sampler": OrderedDistributedSampler(dataset)}


def _common_seed() -> int:
    """Rank 0's: timm's train.py seeds each rank differently, but they must agree on the order."""
    import torch
    from torch import distributed

    seed = [int(torch.empty((), dtype=torch.int64).random_().item())]
    distributed.broadcast_object_list(seed, src=0)
    return seed[0]
