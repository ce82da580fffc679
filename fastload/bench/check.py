"""A peer is timed only after it has shown that it makes the images it is timed for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from .job import MEAN, STD, Job, listing
from .peers import Peer

IMAGES = 8


def reference(path: str, size: int, flip: bool) -> torch.Tensor:
    """Pillow's whole image resized to ``(size, size)``, then ToTensor and Normalize; float32 CHW."""
    with Image.open(path) as image:
        small = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous()
    if flip:
        pixels = pixels.flip(-1)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return pixels.to(torch.float32).div(255).sub_(mean).div_(std)


def check(peer: Peer, job: Job, scratch: Path) -> dict[str, Any]:
    """Compare ``peer`` with Pillow on a few of the job's images. ``passed`` says whether it may be timed.

    Each image is a job of its own, the same pipeline as the timed one with its random ranges closed: area 1,
    the image's own ratio (so the crop is the whole image), flip for every other image.
    """
    files = listing(job.folder)
    step = max(1, len(files) // IMAGES)
    levels, identical, problem = [], True, None
    for i, (path, label) in enumerate(files[::step][:IMAGES]):
        folder = scratch / str(i)
        for class_folder in Path(job.folder).iterdir():  # empty ones too: they number the classes
            (folder / class_folder.name).mkdir(parents=True)
        shutil.copy(path, folder / Path(path).parent.name)
        with Image.open(path) as image:
            ratio = image.width / image.height
        flip = i % 2
        one = replace(
            job,
            folder=str(folder),
            batch_size=1,
            scale=(1.0, 1.0),
            ratio=(ratio, ratio),
            flip=float(flip),
            shuffle=False,
        )
        [(images, labels)] = list(peer.batches(one))
        problem = problem or wrong_kind(images, labels, one)
        if problem is not None:
            break
        if labels.tolist() != [label]:
            problem = f"label {labels.tolist()} instead of [{label}]"
        expected = reference(path, job.size, bool(flip))
        identical &= torch.equal(images[0], expected)
        scale = torch.tensor(STD).view(3, 1, 1) * 255
        levels.append(((images[0] - expected) * scale).abs().mean().item())
    mean = sum(levels) / max(1, len(levels))
    if problem is None and peer.TOLERANCE == 0 and not identical:
        problem = f"differs from Pillow by {mean:.4f} levels on average; identical bits are asked for"
    elif problem is None and mean > peer.TOLERANCE > 0:
        problem = f"differs from Pillow by {mean:.2f} levels on average; {peer.TOLERANCE} are allowed"
    return {
        "passed": problem is None,
        "problem": problem,
        "images": len(levels),
        "identical": identical,
        "mean_difference": mean,  # of 8-bit levels, over all the images
        "worst_image_difference": max(levels, default=0.0),
        "tolerance": peer.TOLERANCE,
    }


def wrong_kind(images: torch.Tensor, labels: torch.Tensor, job: Job) -> str | None:
    """What is wrong with a batch's shapes and types, if anything."""
    shape = (job.batch_size, 3, job.size, job.size)
    if images.dtype != torch.float32 or tuple(images.shape) != shape or not images.is_contiguous():
        return f"images are {images.dtype} {tuple(images.shape)}, not contiguous float32 {shape}"
    if labels.dtype != torch.int64 or tuple(labels.shape) != shape[:1]:
        return f"labels are {labels.dtype} {tuple(labels.shape)}, not int64 {shape[:1]}"
    return None
