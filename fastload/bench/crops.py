"""torchvision's RandomResizedCrop.get_params in plain Python, for loaders that have none of their own."""

from __future__ import annotations

import math
from random import Random
from typing import TypeAlias

from .job import Job

Box: TypeAlias = tuple[int, int, int, int]


def random_box(width: int, height: int, job: Job, draw: Random) -> Box:
    """(x, y, width, height): ten tries, then the largest central box within the ratios."""
    for _ in range(10):
        area = width * height * draw.uniform(*job.scale)
        ratio = math.exp(draw.uniform(math.log(job.ratio[0]), math.log(job.ratio[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return draw.randint(0, width - w), draw.randint(0, height - h), w, h
    ratio = min(max(width / height, job.ratio[0]), job.ratio[1])
    w, h = min(width, round(height * ratio)), min(height, round(width / ratio))
    return (width - w) // 2, (height - h) // 2, w, h
