"""What happens to an image between shard and batch: declared here, compiled to one native plan, run in C++.

Names, arguments and distributions are torchvision's. Crops and resizes give Pillow's bytes, normalisation
gives torch's float32 values (float16 and bfloat16: those, rounded to nearest even). A list reads from left
to right: crops and resizes, which must end in one size because a batch is one tensor; transforms of pixels,
which give Pillow's bytes too; :class:`Lighting`; one of :class:`Normalize` and :class:`ToDtype`, without
which images are uint8; :class:`RandomErasing`; :class:`MixUp` or :class:`CutMix`. Flips may stand anywhere
before Normalize. docs/transforms.md says what each one is exact with.

Resizes that shrink an image much may have it decoded at a part of its size: ``decode_scale="auto"``. Where
the crop is at least 2, 4 or 8 times the output in both directions, blocks are decoded to 4 x 4, 2 x 2 or
1 x 1 pixels (those of libjpeg-turbo's ``scale_denom`` 2, 4 or 8), and the reduced image is resized with the
crop as a box whose ends may lie between pixels: the bytes of Pillow's ``draft``, then ``resize(box=...)``.
As in Pillow, taps at the box's ends read beyond it, as far as the image goes. These are NOT the bytes of the
full decode, so the default is None: the full decode, always. Measured on 900 ImageNet images, bilinear:
RandomResizedCrop to 224, 160 and 112 pixels reduces 3, 20 and 59% of its crops, and decodes and resizes those
reduced by 2 in 1/1.35 to 1/1.65 of the time; the result is at 41 to 44 dB PSNR from the exact one on average,
30 at worst.

All classes are frozen dataclasses: they compare, hash and print by their arguments. Wrong arguments raise
TransformError (a ValueError) when the transform is made.
"""

from fastload.transforms._arguments import Size
from fastload.transforms.auto import AutoAugment, RandAugment, TrivialAugmentWide
from fastload.transforms.color import (
    ColorJitter,
    Grayscale,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from fastload.transforms.compiled import Compiled, Transform, compile_plan
from fastload.transforms.erasing import RandomErasing
from fastload.transforms.geometry import (
    CenterCrop,
    Geometric,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
)
from fastload.transforms.lighting import IMAGENET_EIGVAL, IMAGENET_EIGVEC, Lighting
from fastload.transforms.mix import CutMix, MixUp
from fastload.transforms.output import IMAGENET_MEAN, IMAGENET_STD, Normalize, ToDtype

__all__ = [
    "IMAGENET_EIGVAL",
    "IMAGENET_EIGVEC",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "AutoAugment",
    "CenterCrop",
    "ColorJitter",
    "Compiled",
    "CutMix",
    "Geometric",
    "Grayscale",
    "Lighting",
    "MixUp",
    "Normalize",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAutocontrast",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomSolarize",
    "Resize",
    "Size",
    "ToDtype",
    "Transform",
    "TrivialAugmentWide",
    "compile_plan",
]
