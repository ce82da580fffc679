"""A DataLoader for Hugging Face accelerate, which ``Accelerator.prepare`` takes as one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch.utils.data
from accelerate.data_loader import DataLoaderStateMixin
from accelerate.state import GradientState, PartialState
from accelerate.utils import send_to_device

import fastload
from fastload.errors import RankError
from fastload.order import find_ranks


# To those who ask, a torch DataLoader, because accelerate passes over all else; its methods are fastload's.
class DataLoader(DataLoaderStateMixin, fastload.DataLoader, torch.utils.data.DataLoader[Any]):  # type: ignore[misc]
    """:class:`fastload.DataLoader`, with the same arguments, for scripts that hand it to ``prepare``.

    Prepared or not, batches lie on accelerate's device, ``accumulate`` knows the last batch of an epoch,
    ``gather_for_metrics`` leaves out rows that only pad it (``return_mask=True``; they come last), and
    ``save_state``/``load_state`` keep the place within an epoch. Ranks are those of the process group, so
    ``split_batches``, ``dispatch_batches`` and ``even_batches`` have no effect.

    accelerate takes any other iterable through ``prepare`` as it is, a :class:`fastload.DataLoader` too: that
    works as well, but batches must be moved to the device, and none of the rest happens.
    """

    # What accelerate looks for.
    _is_accelerate_prepared = True
    use_stateful_dataloader = True

    @property
    def gradient_state(self) -> GradientState:
        return GradientState()

    @property
    def _drop_last(self) -> bool:
        return self.drop_last

    @property
    def total_batch_size(self) -> int:
        return (self.batch_size or 1) * int(PartialState().num_processes)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        _check_ranks(PartialState().num_processes)
        batches = fastload.DataLoader.__iter__(self)
        step = self.state_dict()["step"]
        device = PartialState().device
        self.begin()
        try:
            for step, batch in enumerate(batches, start=step + 1):  # noqa: B020
                self.end_of_dataloader = step == len(self)
                yield send_to_device(batch, device, non_blocking=self.pin_memory)
        finally:
            self.end()


def _check_ranks(known: int) -> None:
    _, ranks = find_ranks(None, None)
    if ranks not in (1, known):
        raise RankError(
            f"the process group has {ranks} ranks, but accelerate knows of {known}: start with "
            "`accelerate launch` (on CPUs with --cpu), or make Accelerator(cpu=True)"
        )
