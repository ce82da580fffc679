"""Which samples an epoch's batches hold, when fastload decides: one global order, shared by all ranks."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastload.errors import RankError

Indices: TypeAlias = npt.NDArray[np.int64]
# A batch's positions in the dataset, and what a sampler must be told to go on behind it.
Step: TypeAlias = tuple[Indices, Mapping[str, Any] | None]


@dataclass(frozen=True)
class EpochOrder:
    """All samples of a dataset in 0, 1, ... or in a permutation keyed by (seed, epoch), cut into steps.

    Step ``s`` of all ranks together takes positions ``s * global_batch`` to ``(s + 1) * global_batch`` of the
    order; rank ``r`` takes the ``r``-th ``batch_size`` of these. So the order does not depend on the number
    of ranks, every rank takes as many steps, and any place is reached in constant time.

    Where ``size`` is no multiple of ``global_batch``, ``drop_last`` leaves out the rest, and ``pad`` makes a
    last step in which some ranks have fewer samples than ``batch_size``, or none. One rank alone needs
    neither: its last batch is smaller. Several ranks without either raise RankError.
    """

    size: int
    batch_size: int
    shuffle: bool
    drop_last: bool
    rank: int = 0
    world_size: int = 1
    pad: bool = False

    def __post_init__(self) -> None:
        rest = self.size % self.global_batch
        if self.world_size > 1 and rest and not self.drop_last and not self.pad:
            raise RankError(
                f"{self.size} samples on {self.world_size} ranks make global batches of {self.global_batch}, "
                f"and {rest} samples are left over, which some ranks would wait for in vain: "
                f"drop_last=True leaves them out of the epoch (other ones in every shuffled epoch), "
                f"return_mask=True pads the last batches and says which rows are samples"
            )

    @property
    def global_batch(self) -> int:
        return self.batch_size * self.world_size

    @property
    def name(self) -> str:
        return "shuffled" if self.shuffle else "sequential"

    def __len__(self) -> int:
        """Steps in an epoch, the same on every rank."""
        if self.drop_last:
            return self.size // self.global_batch
        return math.ceil(self.size / self.global_batch)

    def batch(self, step: int, seed: int, epoch: int) -> Indices:
        """The positions of this rank's samples in a step."""
        from fastload import _native

        start = min(self.size, step * self.global_batch + self.rank * self.batch_size)
        count = min(self.batch_size, self.size - start)
        if self.shuffle:
            return _native.epoch_order(self.size, seed, epoch, start, count)
        return np.arange(start, start + count, dtype=np.int64)

    def mark(self) -> None:
        """A step's number says it all: there is no mark."""

    def restore(self, mark: Mapping[str, Any]) -> None:
        """There is nothing to bring back."""

    def set_epoch(self, epoch: int) -> None:
        """The order is told the epoch with every batch."""

    def steps(self, seed: int, epoch: int, start: int, _saved: object = None) -> Iterator[Step]:
        """Batches from step ``start`` on."""
        return ((self.batch(step, seed, epoch), None) for step in range(start, len(self)))


def find_ranks(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """(rank, world size): the arguments, else those of an initialised torch.distributed, else (0, 1)."""
    if (rank is None) != (world_size is None):
        raise RankError("rank and world_size go together")
    if rank is not None and world_size is not None:
        if not 0 <= rank < world_size:
            raise RankError(f"rank must lie in 0..world_size-1, not {rank} of {world_size}")
        return rank, world_size
    # A group can only be initialised where torch.distributed was imported.
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
