"""PyTorch's own DataLoader, for datasets that only Python can load."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch.utils.data

from fastload.errors import FallbackWarning, RankError
from fastload.order import EpochOrder, find_ranks
from fastload.stats import LoaderStats

_OURS = ("transform", "seed", "on_error", "rank", "world_size", "return_mask")


class TorchLoader(torch.utils.data.DataLoader[Any]):
    """PyTorch's DataLoader, behaviour and all, with the methods that a script for fastload's may call.

    ``fallback_reason``: why fastload does not load this dataset. Several ranks share an epoch as
    :class:`fastload.DataLoader` does it, unless there is a sampler or an iterable dataset.
    """

    fallback_reason: str = ""

    def set_epoch(self, epoch: int) -> None:
        """Handed on to a sampler that has ``set_epoch``."""
        for sampler in (self.sampler, self.batch_sampler, getattr(self.batch_sampler, "sampler", None)):
            tell = getattr(sampler, "set_epoch", None)
            if tell is not None:
                tell(epoch)

    def stats(self) -> LoaderStats:
        """Nothing: PyTorch's loader does not measure itself."""
        return LoaderStats()

    def __getattr__(self, name: str) -> Any:
        """No state: Lightning, accelerate and others save that of every loader that has the methods."""
        if name in ("state_dict", "load_state_dict"):
            raise AttributeError(
                f"PyTorch's own DataLoader loads this dataset, because {self.fallback_reason}, and keeps "
                "no state: torchdata's StatefulDataLoader does"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class _RankBatches(torch.utils.data.Sampler[list[int]]):
    """A rank's batches of the global order, for PyTorch's loader. Every ``iter()`` is the next epoch."""

    def __init__(self, order: EpochOrder, seed: int) -> None:
        self._order, self._seed, self._epoch = order, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[list[int]]:
        epoch, self._epoch = self._epoch, self._epoch + 1
        for batch, _ in self._order.steps(self._seed, epoch, 0):
            yield batch.tolist()


def torch_loader(reason: str, arguments: dict[str, Any]) -> TorchLoader:
    """``arguments``: of :class:`fastload.DataLoader`. Warns of ``reason``. Raises ValueError for arguments
    that PyTorch's loader cannot honour."""
    ours = {name: arguments.pop(name) for name in _OURS if name in arguments}
    dataset = arguments["dataset"]
    message = f"PyTorch's own DataLoader loads this {type(dataset).__name__}: {reason}"
    warnings.warn(message, FallbackWarning, stacklevel=3)
    for name, harmless in (("on_error", "raise"), ("return_mask", False)):
        if ours.get(name, harmless) != harmless:
            raise ValueError(
                f"{name}={ours[name]!r} is not for datasets that PyTorch's loader loads: {reason}"
            )
    seed = ours.get("seed")
    if seed is not None:
        arguments["generator"] = torch.Generator().manual_seed(seed)
    rank, world_size = find_ranks(ours.get("rank"), ours.get("world_size"))
    if world_size > 1:
        _share(arguments, rank, world_size, seed, asked=ours.get("rank") is not None)
    loader = TorchLoader(**arguments)
    loader.fallback_reason = reason
    return loader


def _share(arguments: dict[str, Any], rank: int, world_size: int, seed: int | None, *, asked: bool) -> None:
    """Puts this rank's batches in the place of a whole epoch's."""
    ordered = any(arguments.get(name) is not None for name in ("sampler", "batch_sampler"))
    if ordered or isinstance(arguments["dataset"], torch.utils.data.IterableDataset):
        if asked:
            raise RankError("rank and world_size are for datasets without a sampler, read by index")
        return
    order = EpochOrder(
        len(arguments["dataset"]),
        arguments.pop("batch_size", 1) or 1,
        bool(arguments.pop("shuffle", False)),
        arguments.pop("drop_last", False),
        rank,
        world_size,
    )
    # Every rank must draw the same order; torch.manual_seed need not be the same on all.
    arguments["batch_sampler"] = _RankBatches(order, 0 if seed is None else seed)
