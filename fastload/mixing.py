"""MixUp and CutMix of delivered batches, with torch's operations in torchvision's order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastload.errors import LabelError
from fastload.transforms import MixUp

if TYPE_CHECKING:
    import torch

    from fastload import _native
    from fastload.transforms.mix import Mixing

Box = tuple[int, int, int, int]  # left, top, right, bottom
_OPERATION = 0xFFFE  # a number of its own among a sample's random streams


def check_mixing(mixing: Mixing, *, batches: bool, collate: bool, mask: bool) -> None:
    """Raises ValueError where a loader's other options leave nothing that could be mixed."""
    name = type(mixing).__name__
    if not batches:
        raise ValueError(f"{name} mixes batches: batch_size=None makes none")
    if collate:
        raise ValueError(f"{name} excludes collate_fn, which takes single samples: mix in it, or drop it")
    if mask:
        raise ValueError(f"{name} excludes return_mask: a padded batch would be mixed with nothing")


class Mixer:
    """Mixes the batches of one epoch. What it draws depends on seed, epoch and the batch's first sample."""

    def __init__(self, mixing: Mixing, class_count: int, seed: int, epoch: int) -> None:
        classes = class_count if mixing.num_classes is None else mixing.num_classes
        if classes < 1:
            raise LabelError(
                f"{type(mixing).__name__}: the dataset does not say how many classes there are: "
                "give num_classes"
            )
        self._mixing, self._classes, self._seed, self._epoch = mixing, classes, seed, epoch

    def __call__(
        self, images: torch.Tensor, labels: torch.Tensor, first: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``images``: (N, 3, H, W), ``labels``: int64 (N,), ``first``: index of the first sample. Returns
        mixed images and float32 labels (N, num_classes), on the same device. Raises LabelError for a label
        that is not in 0 .. num_classes - 1."""
        import torch

        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < self._classes:
            raise LabelError(
                f"{type(self._mixing).__name__}: labels in {int(labels.min())}..{int(labels.max())} do not "
                f"lie in the {self._classes} classes"
            )
        soft = torch.nn.functional.one_hot(labels, self._classes).float()
        lam, box = self.draw(first, *images.shape[-2:])
        if box is None:
            mixed = _weigh(images, lam)
        else:
            left, top, right, bottom = box
            mixed = images.clone()
            mixed[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        return mixed, _weigh(soft, lam)

    def draw(self, first: int, height: int, width: int) -> tuple[float, Box | None]:
        """The weight of each image itself, and what of it is covered (None: mixed everywhere)."""
        from fastload import _native

        random = _native.RandomStream(self._seed, self._epoch, first, _OPERATION)
        lam = beta(random, self._mixing.alpha)
        if isinstance(self._mixing, MixUp):
            return lam, None
        x, y = random.below(width), random.below(height)
        half = 0.5 * math.sqrt(1.0 - lam)
        across, down = int(half * width), int(half * height)
        left, right = max(x - across, 0), min(x + across, width)
        top, bottom = max(y - down, 0), min(y + down, height)
        return 1.0 - (right - left) * (bottom - top) / (width * height), (left, top, right, bottom)


def _weigh(values: torch.Tensor, lam: float) -> torch.Tensor:
    return values.roll(1, 0).mul_(1.0 - lam).add_(values.mul(lam))


def beta(random: _native.RandomStream, alpha: float) -> float:
    """Of Beta(alpha, alpha), from two gamma deviates, by their logarithms: small alphas underflow."""
    return 1.0 / (
        1.0 + math.exp(min(700.0, _log_gamma_deviate(random, alpha) - _log_gamma_deviate(random, alpha)))
    )


def _log_gamma_deviate(random: _native.RandomStream, alpha: float) -> float:
    """Marsaglia and Tsang, "A simple method for generating gamma variables", 2000, sections 4 and 6."""
    boost = 0.0
    if alpha < 1.0:
        boost = math.log(1.0 - random.uniform(0.0, 1.0)) / alpha
        alpha += 1.0
    d = alpha - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = random.normal()
        v = (1.0 + c * x) ** 3
        u = 1.0 - random.uniform(0.0, 1.0)
        if v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            return math.log(d * v) + boost
