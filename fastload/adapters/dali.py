"""fastload's shards as a source of NVIDIA DALI pipelines: crops as small JPEGs, or whole JPEGs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastload.dataset import ShardDataset
from fastload.epoch import PADDED_LABEL
from fastload.errors import TransformError
from fastload.order import EpochOrder, find_ranks
from fastload.transforms import CenterCrop, RandomCrop, RandomHorizontalFlip, RandomResizedCrop, compile_plan

if TYPE_CHECKING:
    from nvidia.dali.types import BatchInfo, SampleInfo

    from fastload import _native

Crop: TypeAlias = RandomResizedCrop | RandomCrop | CenterCrop | RandomHorizontalFlip


class Fields(NamedTuple):
    """What the pipeline gets of a sample.

    ``jpeg``: uint8, shape (bytes,). ``start``, ``shape``: int32, shape (2,): where in the decoded JPEG the
    crop lies, (x, y) and (width, height) in pixels. ``mirror``: int32, 0 or 1. ``label``: int64. ``valid``:
    int32, 0 for what only fills the last batch; its label is -100.
    """

    jpeg: Any
    start: Any
    shape: Any
    mirror: Any
    label: Any
    valid: Any


class ShardSource:
    """A source for DALI's ``fn.external_source``: the samples that fastload's DataLoader would load, in its
    order, with its crops and flips, but compressed.

    A crop comes as an ordinary, small JPEG that contains it, spliced from the stored one without decoding
    (the stored one itself where it has no restart markers to cut at, as in a verbatim shard). DALI's CPU
    decoder makes of it the pixels that it would make of the whole image::

        source = ShardSource("imagenet/train", 256, crop=[RandomResizedCrop(224), RandomHorizontalFlip()],
                             shuffle=True, seed=0)

        @pipeline_def(batch_size=256, num_threads=8, device_id=0)
        def train():
            jpeg, start, shape, mirror, label, _ = source.nodes()
            images = fn.decoders.image_slice(
                jpeg, start=start, shape=shape, device="mixed", adjust_orientation=False
            )
            images = fn.resize(images, size=(224, 224))
            return fn.crop_mirror_normalize(images, mirror=mirror, ...), label

    ``adjust_orientation=False`` belongs to it: boxes and sizes are those of the pixels as they are stored.

    - ``dataset``: a :class:`ShardDataset`, or the path of a prepared split.
    - ``batch_size``: the pipeline's.
    - ``crop``: None for whole JPEGs, or one of RandomResizedCrop, RandomCrop and CenterCrop, and
      RandomHorizontalFlip. Resizing is left to DALI.
    - ``shuffle``, ``seed``, ``rank``, ``world_size``, ``drop_last``: as in :class:`fastload.DataLoader`; the
      ranks of an initialised torch.distributed are the default. Every rank takes as many batches, all of them
      full: what is missing in the last one is filled with the dataset's first sample, and ``valid`` says so.
    - ``epoch``: what the pipeline's first epoch is, in a run that goes on. A restored DALI checkpoint counts
      by itself.

    An epoch ends in StopIteration, and the pipeline's ``reset()`` begins the next. The source may be pickled,
    so DALI's worker processes may be forked or spawned. A sample is one native call, which releases the GIL.

    Raises TransformError for a crop of another kind, ValueError for arguments out of range, and what
    :class:`ShardDataset` raises; in the pipeline, errors name shard and sample.
    """

    def __init__(
        self,
        dataset: ShardDataset | str | Path,
        batch_size: int,
        *,
        crop: Crop | Iterable[Crop] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_last: bool = False,
        epoch: int = 0,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed must lie in 0..2**64-1, not {seed}")
        self.dataset = dataset if isinstance(dataset, ShardDataset) else ShardDataset(dataset)
        self.crop = _check(crop)
        self.seed = seed
        self.epoch = epoch
        self.order = EpochOrder(
            len(self.dataset),
            batch_size,
            shuffle,
            drop_last,
            *find_ranks(rank, world_size),
            pad=not drop_last,
        )
        self._last: tuple[int, int, npt.NDArray[np.int64]] = -1, -1, np.empty(0, np.int64)
        self._plan = _plan(self.crop)

    def __len__(self) -> int:
        """Batches in an epoch, the same on every rank."""
        return len(self.order)

    # DALI's workers send plain tuples, but not named ones.
    def __call__(self, info: SampleInfo) -> tuple[Any, ...]:
        """:class:`Fields` of a sample, as ``fn.external_source(source, num_outputs=6, batch=False)`` asks."""
        if info.idx_in_batch >= self.order.batch_size:
            raise ValueError(f"the pipeline's batches are larger than the source's {self.order.batch_size}")
        indices, epoch = self._indices(info.iteration, info.epoch_idx)
        return self._sample(indices[info.idx_in_batch] if info.idx_in_batch < len(indices) else None, epoch)

    def batch(self, info: BatchInfo) -> tuple[list[Any], ...]:
        """Those of a batch, as ``fn.external_source(source.batch, num_outputs=6, batch_info=True)`` asks."""
        indices, epoch = self._indices(info.iteration, info.epoch_idx)
        missing = self.order.batch_size - len(indices)
        samples = [self._sample(index, epoch) for index in [*indices, *[None] * missing]]
        return tuple(map(list, zip(*samples, strict=True)))

    def nodes(self, *, parallel: bool = False, **options: Any) -> Fields:
        """The source as nodes of the pipeline that is being defined.

        ``parallel``: DALI's worker processes (``py_num_workers``) call it, instead of the thread that runs
        the pipeline. ``options``: further ones of ``fn.external_source``.
        """
        from nvidia.dali import Pipeline, fn, types

        size = Pipeline.current().max_batch_size
        if size != self.order.batch_size:
            raise ValueError(f"the pipeline's batch_size is {size}, the source's {self.order.batch_size}")
        integer = types.DALIDataType.INT32
        nodes = fn.external_source(
            source=self if parallel else self.batch,
            num_outputs=len(Fields._fields),
            batch=not parallel,
            batch_info=not parallel,
            parallel=parallel,
            dtype=[types.DALIDataType.UINT8, integer, integer, integer, types.DALIDataType.INT64, integer],
            ndim=[1, 1, 1, 0, 0, 0],
            **options,
        )
        return Fields(*nodes)

    def _indices(self, step: int, epoch: int) -> tuple[npt.NDArray[np.int64], int]:
        """Numbers in the whole dataset of this rank's samples in a step, and the epoch."""
        if step >= len(self.order):
            raise StopIteration
        epoch += self.epoch
        if self._last[:2] != (step, epoch):  # DALI asks for the samples of a batch one after the other
            positions = self.order.batch(step, self.seed, epoch)
            indices = self.dataset.indices[positions] if self.dataset.is_view else positions
            self._last = step, epoch, indices
        return self._last[2], epoch

    def _sample(self, index: int | None, epoch: int) -> tuple[Any, ...]:
        from fastload import _native

        number = int(self.dataset.indices[0]) if index is None else int(index)
        jpeg, (x, y, width, height), mirror, label = _native.drawn_jpeg(
            self.dataset.native, number, self._plan, seed=self.seed, epoch=epoch
        )
        return Fields(
            jpeg=jpeg,
            start=np.array((x, y), np.int32),
            shape=np.array((width, height), np.int32),
            mirror=np.array(mirror, np.int32),
            label=np.array(PADDED_LABEL if index is None else label, np.int64),
            valid=np.array(index is not None, np.int32),
        )[:]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_plan"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._plan = _plan(self.crop)

    def __repr__(self) -> str:
        what = f"crop=[{', '.join(map(repr, self.crop))}]" if self.crop else "whole JPEGs"
        return f"ShardSource({self.dataset!r}, batch_size={self.order.batch_size}, {self.order.name}, {what})"


def _check(crop: Crop | Iterable[Crop] | None) -> tuple[Crop, ...]:
    steps = () if crop is None else (crop,) if isinstance(crop, Crop) else tuple(crop)
    crops = [step for step in steps if not isinstance(step, RandomHorizontalFlip)]
    if steps and (len(crops) != 1 or not isinstance(crops[0], Crop)):
        raise TransformError(
            "crop takes one of RandomResizedCrop, RandomCrop and CenterCrop, and RandomHorizontalFlip: a "
            f"source cuts one box out of the stored image. It cannot take {list(steps)!r}; leave the rest, "
            "as a Resize before the crop, to the pipeline"
        )
    return steps


def _plan(crop: tuple[Crop, ...]) -> _native.Plan | None:
    return compile_plan(crop).plan if crop else None
