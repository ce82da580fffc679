"""One pass over the data: what is in flight, what was delivered, and how a batch reaches the user."""

from __future__ import annotations

import atexit
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastload.dataset import ShardDataset
from fastload.errors import FastloadWarning, SampleError
from fastload.mixing import Mixer
from fastload.stats import LoaderStats

if TYPE_CHECKING:
    import torch

    from fastload import _native
    from fastload.loader import DataLoader
    from fastload.order import Indices
    from fastload.state import Position

_BATCHES_AHEAD = (
    2  # where prefetch_factor is not given: threads share each batch, so two keep all of them busy
)
# torch's cross_entropy passes over labels of this value, and no prediction equals it.
PADDED_LABEL = -100


_open: weakref.WeakSet[Epoch] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Threads that decode with Python must not come back to an interpreter that is gone."""
    for epoch in list(_open):
        epoch.close()


class Epoch(Iterator[Any]):
    """Keeps as many batches submitted as the loader asks for; counts in ``position`` those it delivered."""

    def __init__(self, loader: DataLoader, position: Position) -> None:
        from fastload import _native

        self._loader = loader
        self._position = position
        self._began = time.perf_counter()
        self._waited = 0.0
        # With a generator, the epoch's seed says it all.
        self._number = 0 if loader.generator is not None else position.epoch
        assert position.seed is not None
        order = loader._order()
        if position.sampler is None:
            position.sampler = order.mark()
        self._steps = order.steps(position.seed, self._number, position.step, position.sampler)
        # Of the batches in flight: samples asked for, and the sampler's mark behind them.
        self._in_flight: deque[tuple[int, Mapping[str, Any] | None]] = deque()
        dataset = self._samples = loader._samples
        self._view = dataset.indices if dataset.is_view else None
        self._ahead = loader.prefetch_factor * loader.threads if loader.prefetch_factor else _BATCHES_AHEAD
        policy = _native.OnError.raise_ if loader.on_error == "raise" else _native.OnError[loader.on_error]
        self._native: _native.Loader | None = _native.Loader(
            dataset.native,
            loader._compiled.plan,
            loader._pool,
            threads=loader.threads,
            seed=position.seed,
            on_error=policy,
            height=loader._compiled.height,
            width=loader._compiled.width,
            class_count=dataset.class_count,
            population=self._view,
        )
        mixing = loader._compiled.mixing
        self._mixer = (
            None if mixing is None else Mixer(mixing, dataset.class_count, position.seed, self._number)
        )
        _open.add(self)
        self._submit()

    def __next__(self) -> Any:
        while self._native is not None and self._native.pending:
            started = time.perf_counter()
            batch = self._native.next(self._loader.timeout)
            self._waited += time.perf_counter() - started
            asked, mark = self._in_flight.popleft()
            self._position.step += 1
            self._position.sampler = mark
            self._submit()
            self._report(batch)
            if self._loader.return_mask:
                rows = asked if self._loader.batch_sampler is not None else self._loader.batch_size or 1
                return self._masked(batch, rows)
            if len(batch.indices) or not asked:  # else every sample of it was skipped
                return self._deliver(*self._mixed(batch))
        if self._native is not None:
            stats = self.stats()
            self.close()
            self._loader._end(self._position, stats)
        raise StopIteration

    def _submit(self) -> None:
        assert self._native is not None
        while self._native.pending < self._ahead:
            step = next(self._steps, None)
            if step is None:
                return
            positions, mark = step
            _check_inside(positions, len(self._samples))
            positions = positions % max(1, len(self._samples))
            indices = positions if self._view is None else self._view[positions]
            self._native.submit(indices, self._number)
            self._in_flight.append((len(positions), mark))

    def _tensors(self, batch: _native.Batch) -> tuple[torch.Tensor, torch.Tensor]:
        from torch.utils.dlpack import from_dlpack

        assert self._native is not None
        return from_dlpack(self._native.images(batch)), from_dlpack(self._native.labels(batch))

    def _mixed(self, batch: _native.Batch) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = self._tensors(batch)
        if self._mixer is None or not len(labels):
            return images, labels
        images, labels = self._mixer(images, labels, int(batch.indices[0]))
        return (images.pin_memory(), labels.pin_memory()) if self._loader.pin_memory else (images, labels)

    def _masked(self, batch: _native.Batch, rows: int) -> Any:
        """The batch in ``rows`` rows: rows without a sample come last, black and labelled PADDED_LABEL."""
        import torch

        images, labels = self._tensors(batch)
        count = len(labels)
        mask = torch.arange(rows) < count
        if count < rows:
            pinned = self._loader.pin_memory
            # Strides, not a memory format: an empty batch has none that could be told from its tensor.
            padded = torch.empty_strided(
                (rows, *images.shape[1:]), images.stride(), dtype=images.dtype, pin_memory=pinned
            )
            padded[:count], padded[count:] = images, 0
            filler = torch.full((rows - count,), PADDED_LABEL)
            images, labels = padded, torch.cat([labels, filler])
            labels = labels.pin_memory() if pinned else labels
        return self._deliver(images, labels, mask)

    def _deliver(self, images: torch.Tensor, labels: torch.Tensor, *mask: torch.Tensor) -> Any:
        loader, samples = self._loader, self._samples
        single = loader.batch_size is None and loader.batch_sampler is None
        if loader.collate_fn is not None:
            rows = zip(images, labels.tolist(), strict=True)
            given = [row if isinstance(samples, ShardDataset) else samples.sample(*row) for row in rows]
            return loader.collate_fn(given[0] if single else given)
        columns: tuple[Any, ...] = (images, labels, *mask)
        if single:
            columns = tuple(column[0] for column in columns)
        if isinstance(samples, ShardDataset):
            return columns
        # PyTorch's loader gives a single sample's label as it is.
        return samples.batch(columns[0], int(columns[1]) if single else columns[1], *columns[2:])

    def _report(self, batch: _native.Batch) -> None:
        failures, policy = batch.failures, self._loader.on_error
        lost = [f for f in failures if not f.substituted] if policy != "skip" else []
        if lost:
            raise _sample_error(lost[0])
        if policy == "skip":
            self._loader._count(LoaderStats(skipped=len(failures)))
        elif policy == "substitute":
            self._loader._count(LoaderStats(substituted=len(failures)))
        if failures and not self._loader._warned:
            self._loader._warned = True
            warnings.warn(
                f"on_error={policy!r}: {_describe(failures[0])} (others are only counted)",
                FastloadWarning,
                stacklevel=3,
            )

    def stats(self) -> LoaderStats:
        """Of this epoch until now; nothing once it was closed, because the loader has counted it then."""
        if self._native is None:
            return LoaderStats()
        seconds = time.perf_counter() - self._began
        return replace(
            LoaderStats(wait_seconds=self._waited, epoch_seconds=seconds), **self._native.counters()
        )

    def close(self) -> None:
        """Stops the threads and hands their counts to the loader."""
        if self._native is None:
            return
        self._native.stop()
        self._loader._count(self.stats())
        self._native = None

    def __del__(self) -> None:
        if getattr(self, "_native", None) is not None:
            self.close()


def _check_inside(positions: Indices, size: int) -> None:
    outside = positions[(positions < -size) | (positions >= size)]
    if outside.size:
        raise IndexError(f"the sampler gave index {outside[0]} for a dataset of {size} samples")


def _describe(failure: _native.Failure) -> str:
    place = f"sample {failure.index}"
    if failure.shard:
        place += f" (key '{failure.key}', '{failure.shard}' at byte {failure.offset})"
    return f"{place}: {failure.message}"


def _sample_error(failure: _native.Failure) -> SampleError:
    error = SampleError(
        f"cannot load {_describe(failure)}",
        index=failure.index,
        key=failure.key,
        shard=failure.shard,
        offset=failure.offset,
    )
    try:
        failure.raise_cause()
    except Exception as cause:
        error.__cause__ = cause
    return error
