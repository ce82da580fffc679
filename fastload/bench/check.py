"""A peer is timed only after it has shown that it makes the images it is timed for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from .crops import Box
from .job import MEAN, STD, Job, listing
from .peers import Peer

IMAGES = 8


def check(peer: Peer, job: Job, scratch: Path) -> dict[str, Any]:
    """Compare ``peer`` with Pillow on a few of the job's images. ``passed`` says whether it may be timed.

    Each image is a job of its own: the same pipeline as the timed one, but with its random ranges closed
    (area 1 and the image's own ratio, so that the crop is the whole image; flip for every other image). A
    peer that can tell what it draws is also compared on crops that it drew.
    """
    files = listing(job.folder)
    problem, identical, levels = "", True, list[float]()
    for i, (path, label) in enumerate(files[:: max(1, len(files) // IMAGES)][:IMAGES]):
        folder = scratch / str(i)
        for class_folder in Path(job.folder).iterdir():  # empty ones too: they number the classes
            (folder / class_folder.name).mkdir(parents=True)
        shutil.copy(path, folder / Path(path).parent.name)
        for one, box, flip in _tasks(peer, replace(job, folder=str(folder), batch_size=1, shuffle=False), i):
            [(images, labels)] = list(peer.batches(one))
            problem = wrong_kind(images, labels, one)
            if not problem and labels.tolist() != [label]:
                problem = f"label {labels.tolist()} instead of [{label}]"
            if problem:
                return _verdict(peer, problem, identical, levels)
            expected = reference(path, box, flip, job.size)
            identical &= torch.equal(images[0], expected)
            levels.append((255 * _column(STD) * (images[0] - expected)).abs().mean().item())
    mean = sum(levels) / len(levels)
    if mean > peer.TOLERANCE or (peer.TOLERANCE == 0 and not identical):
        problem = f"differs from Pillow by {mean:.4f} levels on average; {peer.TOLERANCE:g} are allowed"
    return _verdict(peer, problem, identical, levels)


def reference(path: str, box: Box | None, flip: bool, size: int) -> torch.Tensor:
    """Pillow's crop (x, y, width, height), resize and flip, then ToTensor and Normalize; float32 CHW."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    if box is not None:
        x, y, width, height = box
        image = image.crop((x, y, x + width, y + height))
    pixels = torch.from_numpy(np.array(image.resize((size, size), Image.Resampling.BILINEAR)))
    pixels = pixels.permute(2, 0, 1).flip([-1] if flip else [])
    return pixels.to(torch.float32).div(255).sub(_column(MEAN)).div(_column(STD))


def wrong_kind(images: torch.Tensor, labels: torch.Tensor, job: Job) -> str:
    """What is wrong with a batch's shapes and types; empty if nothing is."""
    shape = (job.batch_size, 3, job.size, job.size)
    if images.dtype != torch.float32 or tuple(images.shape) != shape or not images.is_contiguous():
        return f"images are {images.dtype} {tuple(images.shape)}, not contiguous float32 {shape}"
    if labels.dtype != torch.int64 or tuple(labels.shape) != shape[:1]:
        return f"labels are {labels.dtype} {tuple(labels.shape)}, not int64 {shape[:1]}"
    return ""


def _tasks(peer: Peer, one: Job, number: int) -> list[tuple[Job, Box | None, bool]]:
    """Jobs on the one image, each with the crop (None: whole) and the flip that must come out."""
    [(path, _)] = listing(one.folder)
    with Image.open(path) as image:
        ratio = image.width / image.height
    flip = number % 2 == 1
    # DALI rounds the sides of a crop down: a hair more than the whole image is the whole image to all.
    ratios = (ratio * (1 - 1e-5), ratio * (1 + 1e-5))
    whole = replace(one, scale=(1.0001, 1.0001), ratio=ratios, flip=float(flip))
    tasks: list[tuple[Job, Box | None, bool]] = [(whole, None, flip)]
    if hasattr(peer, "draw"):
        tasks.append((one, *peer.draw(one)))
    return tasks


def _column(values: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(values).view(3, 1, 1)


def _verdict(peer: Peer, problem: str, identical: bool, levels: list[float]) -> dict[str, Any]:
    return {
        "passed": not problem,
        "problem": problem,
        "compared": len(levels),
        "identical": identical,
        "mean_difference": sum(levels) / max(1, len(levels)),  # in 8-bit levels
        "worst_image_difference": max(levels, default=0.0),
        "tolerance": peer.TOLERANCE,
    }
