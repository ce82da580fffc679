"""Transforms of whole batches; fastload.mixing does them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from fastload.transforms._arguments import fail


@dataclass(frozen=True, kw_only=True)
class MixUp:
    """Each image becomes ``lam * image + (1 - lam) * image before it in the batch``, and so do the labels,
    which become float32 of shape (N, num_classes); ``lam`` is drawn once a batch from Beta(alpha, alpha)
    (Zhang et al., "mixup: Beyond empirical risk minimization", 2018).

    ``num_classes``: None for the dataset's. It comes last; images must be of a floating-point type. The bits
    are those of torchvision.transforms.v2.MixUp on the same batch with the same ``lam``.
    """

    alpha: float = 1.0
    num_classes: int | None = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class CutMix:
    """Each image gets a rectangle of the image before it in the batch, and the labels are mixed by its share
    of the area: float32 of shape (N, num_classes). The rectangle is one for the batch; its sides are
    ``sqrt(1 - lam)`` of the image's, ``lam`` from Beta(alpha, alpha), around a uniform centre, as far as they
    lie in the image (Yun et al., "CutMix: Regularization strategy to train strong classifiers with
    localizable features", 2019).

    ``num_classes``: None for the dataset's. It comes last. The bits are those of
    torchvision.transforms.v2.CutMix on the same batch with the same rectangle.
    """

    alpha: float = 1.0
    num_classes: int | None = None

    def __post_init__(self) -> None:
        _check(self)


Mixing: TypeAlias = MixUp | CutMix


def _check(mix: Mixing) -> None:
    if not 0 < mix.alpha < math.inf:
        raise fail(mix, f"alpha must be positive, not {mix.alpha!r}")
    if mix.num_classes is not None and mix.num_classes < 1:
        raise fail(mix, f"num_classes must be None or positive, not {mix.num_classes!r}")
