"""From torchvision's transforms to fastload's: the same pixels, or the reason why not.

Nothing here imports torchvision: a transform is known by the exact class it is, and whoever holds one has
imported it. A transform that a user derived from one of torchvision's is not that transform any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fastload import transforms as T
from fastload.errors import TransformError
from fastload.transforms._arguments import DTYPES, pair

_PILLOW_FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # by Pillow's number


class Untranslatable(Exception):  # noqa: N818
    """Its message is the reason, as FallbackWarning gives it."""


@dataclass
class _Chain:
    """What the transforms so far have made of the image: a Pillow image or a tensor, of which values."""

    steps: list[T.Transform]
    tensor: bool = False
    dtype: str = "uint8"
    scaled: bool = False  # to 0..1, by a division, or a product with the reciprocal
    reciprocal: bool = False
    normalize: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    # The least size that the image can have here.
    height: int = 1
    width: int = 1
    erasing: list[T.RandomErasing] = field(default_factory=list)

    def add(self, step: T.Geometric, height: int, width: int) -> None:
        self.steps.append(step)
        self.height, self.width = height, width

    def finish(self) -> tuple[T.Transform, ...]:
        if not self.tensor:
            raise Untranslatable("its transforms end in a Pillow image: add ToTensor(), or v2's ToImage()")
        return (*self.steps, *self._values(), *self.erasing)

    def _values(self) -> tuple[T.Transform, ...]:
        if self.normalize is not None:
            return (T.Normalize(*self.normalize, self.dtype, reciprocal=self.reciprocal),)
        if self.dtype == "uint8":
            return ()
        return (T.ToDtype(self.dtype, self.scaled, reciprocal=self.reciprocal),)


def translate_transform(transform: Any) -> tuple[T.Transform, ...]:
    """The list of :mod:`fastload.transforms` that gives the same bits (or distribution, where it is random)
    as ``transform``, torchvision's v1 or v2, on an RGB image of Pillow. Raises Untranslatable."""
    chain = _Chain([])
    for step in _flatten(transform):
        handler = _HANDLERS.get(_torchvision_name(step))
        if handler is None:
            raise Untranslatable(f"{short(step)} is not among the transforms that fastload knows")
        if chain.erasing and handler not in (_random_erasing, _nothing):
            raise Untranslatable(f"{short(step)} comes after RandomErasing")
        try:
            handler(chain, step)
        except (ValueError, TypeError, AttributeError) as error:
            raise Untranslatable(f"{short(step)}: {error}") from None
    try:
        translated = chain.finish()
        T.compile_plan(translated)
    except TransformError as error:
        raise Untranslatable(str(error)) from None
    return translated


def _flatten(transform: Any) -> Iterator[Any]:
    if transform is None:
        return
    kind = f"{type(transform).__module__}.{type(transform).__name__}"
    if _torchvision_name(transform) == "Compose":
        yield from (step for part in transform.transforms for step in _flatten(part))
    elif kind == "torch.nn.modules.container.Sequential":
        yield from (step for part in transform for step in _flatten(part))
    else:
        yield transform


def contains_rgb(transform: Any) -> bool:
    """Whether it makes images of other modes RGB, as v2.RGB() does."""
    return any(_torchvision_name(step) == "RGB" for step in _flatten(transform))


def _torchvision_name(transform: Any) -> str:
    """The class's name if it is torchvision's own, else ""."""
    kind = type(transform)
    return kind.__name__ if kind.__module__.startswith("torchvision.transforms") else ""


def _is_v2(transform: Any) -> bool:
    return type(transform).__module__.startswith("torchvision.transforms.v2")


def short(transform: Any) -> str:
    text = " ".join(repr(transform).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _size(size: Any) -> Any:
    return size if isinstance(size, int) else tuple(size)


def _filter(interpolation: Any) -> str:
    if isinstance(interpolation, int) and 0 <= interpolation < len(_PILLOW_FILTERS):
        return _PILLOW_FILTERS[interpolation]
    name = str(getattr(interpolation, "name", interpolation)).lower()
    return "nearest" if name in ("nearest_exact", "nearest-exact") else name  # the same to Pillow


def _needs_pillow(chain: _Chain, step: Any) -> None:
    if chain.tensor:
        raise Untranslatable(
            f"{short(step)} resizes a tensor, which differs from resizing the image: put it before "
            "ToTensor or ToImage"
        )


def _random_resized_crop(chain: _Chain, step: Any) -> None:
    _needs_pillow(chain, step)
    size = _size(step.size)
    crop = T.RandomResizedCrop(size, tuple(step.scale), tuple(step.ratio), _filter(step.interpolation))
    chain.add(crop, *pair(crop, size))


def _resize(chain: _Chain, step: Any) -> None:
    _needs_pillow(chain, step)
    if step.size is None:
        raise Untranslatable(f"{short(step)} has no size")
    resize = T.Resize(_size(step.size), _filter(step.interpolation), step.max_size)
    # A limit on the longer side may leave the shorter one any size.
    least = (1, 1) if step.max_size is not None else pair(resize, resize.size)
    chain.add(resize, *least)


def _center_crop(chain: _Chain, step: Any) -> None:
    _add_center_crop(chain, step, step.size)


def _add_center_crop(chain: _Chain, step: Any, size: Any) -> None:
    crop = T.CenterCrop(_size(size))
    height, width = pair(crop, crop.size)
    if height > chain.height or width > chain.width:
        raise Untranslatable(f"{short(step)} pads images that are smaller: resize before it")
    chain.add(crop, height, width)


def _random_crop(chain: _Chain, step: Any) -> None:
    if step.padding is not None or step.pad_if_needed:
        raise Untranslatable(f"{short(step)} pads")
    crop = T.RandomCrop(_size(step.size))
    chain.add(crop, *pair(crop, crop.size))


def _random_horizontal_flip(chain: _Chain, step: Any) -> None:
    chain.add(T.RandomHorizontalFlip(step.p), chain.height, chain.width)


def _to_tensor(chain: _Chain, step: Any) -> None:
    if chain.tensor:
        raise Untranslatable(f"{short(step)} comes after a tensor was made")
    import torch

    if torch.get_default_dtype() is not torch.float32:
        raise Untranslatable(f"{short(step)} makes tensors of torch's default type, which is not float32")
    chain.tensor, chain.dtype, chain.scaled = True, "float32", True


def _to_image(chain: _Chain, step: Any) -> None:
    if chain.tensor and _torchvision_name(step) == "PILToTensor":
        raise Untranslatable(f"{short(step)} comes after a tensor was made")
    chain.tensor = True


def _to_dtype(chain: _Chain, step: Any) -> None:
    name = str(step.dtype).removeprefix("torch.")
    if name not in DTYPES or not chain.tensor:
        raise Untranslatable(f"{short(step)} is not the conversion of a tensor to {', '.join(DTYPES)}")
    if name == chain.dtype:
        return
    if name == "uint8" or chain.dtype not in ("uint8", "float32"):
        raise Untranslatable(f"{short(step)} rounds a second time")
    if chain.dtype == "uint8":
        chain.scaled = bool(getattr(step, "scale", True))
        chain.reciprocal = chain.scaled and _is_v2(step)
    chain.dtype = name


def _normalize(chain: _Chain, step: Any) -> None:
    if chain.dtype != "float32" or not chain.scaled or chain.normalize is not None:
        raise Untranslatable(f"{short(step)} does not come right after a conversion to float32 in 0..1")
    mean, std = (tuple(float(value) for value in values) for values in (step.mean, step.std))
    chain.normalize = mean, std


def _classification_preset(chain: _Chain, step: Any) -> None:
    """``weights.transforms()`` of torchvision's models."""
    _needs_pillow(chain, step)
    resize = T.Resize(_size(step.resize_size), _filter(step.interpolation))
    chain.add(resize, *pair(resize, resize.size))
    _add_center_crop(chain, step, step.crop_size)
    chain.tensor, chain.dtype, chain.scaled = True, "float32", True
    _normalize(chain, step)


def _nothing(_chain: _Chain, _step: Any) -> None:
    """Of an RGB image, or of its tensor."""


def _photometric(chain: _Chain, step: Any) -> None:
    """Of a Pillow image; of the same bytes in a tensor where torchvision does not calculate."""
    name = _torchvision_name(step)
    exact = chain.dtype == "uint8" and name in ("RandomInvert", "RandomPosterize", "RandomSolarize")
    if chain.tensor and not exact:
        raise Untranslatable(
            f"{short(step)} of a tensor differs from that of the image: put it before ToTensor or ToImage"
        )
    chain.steps.append(_PHOTOMETRIC[name](step))


def _grayscale(step: Any) -> T.Transform:
    if step.num_output_channels != 3:
        raise Untranslatable(f"{short(step)} leaves one channel: give num_output_channels=3")
    return T.Grayscale()


def _policy(step: Any) -> dict[str, Any]:
    return {
        "interpolation": _filter(step.interpolation),
        "fill": step.fill,
        "v2_thresholds": _is_v2(step),
    }


def _random_erasing(chain: _Chain, step: Any) -> None:
    if not chain.tensor:
        raise Untranslatable(f"{short(step)} is for tensors: put ToTensor or ToImage before it")
    value: Any = "random" if step.value is None else step.value
    chain.erasing.append(T.RandomErasing(step.p, tuple(step.scale), tuple(step.ratio), value))


_PHOTOMETRIC: dict[str, Callable[[Any], T.Transform]] = {
    "ColorJitter": lambda s: T.ColorJitter(s.brightness or 0, s.contrast or 0, s.saturation or 0, s.hue or 0),
    "Grayscale": _grayscale,
    "RandomGrayscale": lambda s: T.RandomGrayscale(s.p),
    "RandomInvert": lambda s: T.RandomInvert(s.p),
    "RandomPosterize": lambda s: T.RandomPosterize(s.bits, s.p),
    "RandomSolarize": lambda s: T.RandomSolarize(s.threshold, s.p),
    "RandomAutocontrast": lambda s: T.RandomAutocontrast(s.p),
    "RandomEqualize": lambda s: T.RandomEqualize(s.p),
    "RandomAdjustSharpness": lambda s: T.RandomAdjustSharpness(s.sharpness_factor, s.p),
    "RandAugment": lambda s: T.RandAugment(s.num_ops, s.magnitude, s.num_magnitude_bins, **_policy(s)),
    "TrivialAugmentWide": lambda s: T.TrivialAugmentWide(s.num_magnitude_bins, **_policy(s)),
    "AutoAugment": lambda s: T.AutoAugment(s.policy, **_policy(s)),
}
_HANDLERS: dict[str, Callable[[_Chain, Any], None]] = {
    "RandomResizedCrop": _random_resized_crop,
    "Resize": _resize,
    "CenterCrop": _center_crop,
    "RandomCrop": _random_crop,
    "RandomHorizontalFlip": _random_horizontal_flip,
    "ToTensor": _to_tensor,
    "PILToTensor": _to_image,
    "ToImage": _to_image,
    "ToPureTensor": _nothing,
    "ToDtype": _to_dtype,
    "ConvertImageDtype": _to_dtype,
    "Normalize": _normalize,
    "ImageClassification": _classification_preset,
    **dict.fromkeys(_PHOTOMETRIC, _photometric),
    "RandomErasing": _random_erasing,
    "RGB": _nothing,
    "Identity": _nothing,
}
