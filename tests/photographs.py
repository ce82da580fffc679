"""The photographs that the scikit-image and scikit-learn wheels carry, read from disk, never downloaded."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

# scikit-image's other images are fetched by pooch when asked for; these lie in the wheel itself.
FILES = {
    "astronaut": "skimage/data/astronaut.png",
    "brick": "skimage/data/brick.png",
    "camera": "skimage/data/camera.png",
    "chelsea": "skimage/data/chelsea.png",
    "china": "sklearn/datasets/images/china.jpg",
    "coffee": "skimage/data/coffee.png",
    "coins": "skimage/data/coins.png",
    "flower": "sklearn/datasets/images/flower.jpg",
    "grass": "skimage/data/grass.png",
    "gravel": "skimage/data/gravel.png",
    "hubble": "skimage/data/hubble_deep_field.jpg",
    "ihc": "skimage/data/ihc.png",
    "moon": "skimage/data/moon.png",
    "motorcycle_left": "skimage/data/motorcycle_left.png",
    "retina": "skimage/data/retina.jpg",
    "rocket": "skimage/data/rocket.jpg",
}


@cache
def photograph(name: str) -> np.ndarray:
    """One photograph, read-only uint8 (H, W, 3)."""
    package, _, inside = FILES[name].partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"The photograph {name} lies in the package {package}: pip install 'fastload[test]'"
        )
    with Image.open(Path(spec.origin).parent / inside) as image:
        pixels = np.array(image.convert("RGB"))
    pixels.setflags(write=False)
    return pixels


def photographs() -> list[np.ndarray]:
    """All of them, in the order of their names."""
    return [photograph(name) for name in FILES]
