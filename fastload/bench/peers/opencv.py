"""OpenCV in a pool of Python threads, which do run side by side: its calls release the interpreter lock."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..crops import random_box
from ..job import MEAN, STD, Job, epoch_order, listing

if TYPE_CHECKING:
    from . import Batch

PACKAGES = ("opencv-python-headless", "opencv-python", "numpy", "torch")
TOLERANCE = 2.5  # INTER_AREA, its only antialiasing filter, is a box; Pillow's bilinear is a triangle

IN_FLIGHT = 3  # batches that the threads may work on before the first one is taken
CHUNK = 8  # images in one task: small enough to share a batch out, large enough to hide the pool's own cost

# (v / 255 - mean) / std for each of the 256 values, which is all that normalising an 8-bit image can give
TABLES = [
    ((np.arange(256, dtype=np.float32) / np.float32(255) - np.float32(m)) / np.float32(s))[None]
    for m, s in zip(MEAN, STD, strict=True)
]


SETTINGS: dict[str, Any] = {
    "threads": "t Python threads, cv2.setNumThreads(0)",
    "decoder": "cv2.imdecode, whole image, orientation ignored",
    "resize": "INTER_AREA where the crop shrinks both ways, INTER_LINEAR otherwise",
    "normalise": "cv2.LUT on each channel, straight into the batch",
    "batches in flight": IN_FLIGHT,
}


def load_into(out: NDArray[np.float32], path: str, job: Job, draw: random.Random) -> None:
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    image: Any = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    x, y, w, h = random_box(image.shape[1], image.shape[0], job, draw)
    filter_ = cv2.INTER_AREA if w > job.size and h > job.size else cv2.INTER_LINEAR
    image = cv2.resize(image[y : y + h, x : x + w], (job.size, job.size), interpolation=filter_)
    if draw.random() < job.flip:
        image = cv2.flip(image, 1)
    for channel, table, plane in zip(cv2.split(image), TABLES, out, strict=True):
        cv2.LUT(channel, table, plane)


def batches(job: Job) -> Iterator[Batch]:
    cv2.setNumThreads(0)
    files = listing(job.folder)

    def load_chunk(images: NDArray[np.float32], paths: list[str], seed: int) -> None:
        draw = random.Random(seed)
        for out, path in zip(images, paths, strict=True):
            load_into(out, path, job, draw)

    def start(rows: list[int], first: int) -> tuple[Batch, list[Future[None]]]:
        images = torch.empty((len(rows), 3, job.size, job.size))
        labels = torch.tensor([files[row][1] for row in rows])
        paths, array = [files[row][0] for row in rows], images.numpy()
        spans = [slice(i, i + CHUNK) for i in range(0, len(rows), CHUNK)]
        return (images, labels), [
            pool.submit(load_chunk, array[span], paths[span], job.seed + first + span.start) for span in spans
        ]

    def finish(pending: tuple[Batch, list[Future[None]]]) -> Batch:
        batch, tasks = pending
        for task in tasks:
            task.result()
        return batch

    order = epoch_order(job, len(files))
    waiting: deque[tuple[Batch, list[Future[None]]]] = deque()
    with ThreadPoolExecutor(job.threads) as pool:
        done = 0
        while not done or job.shuffle:
            for i in range(0, len(order), job.batch_size):
                waiting.append(start(order[i : i + job.batch_size], done))
                done += job.batch_size
                if len(waiting) == IN_FLIGHT:
                    yield finish(waiting.popleft())
        while waiting:
            yield finish(waiting.popleft())
