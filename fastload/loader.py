"""The data loader: batches of decoded, augmented, normalised images, made by native threads."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from fastload.dataset import ShardDataset
from fastload.errors import FastloadWarning, SampleError
from fastload.transforms import Transform, compile_plan

if TYPE_CHECKING:
    import torch

    from fastload import _native

OnErrorPolicy = Literal["raise", "skip", "substitute"]
_BATCHES_AHEAD = (
    2  # where prefetch_factor is not given: threads share each batch, so two keep all of them busy
)


@dataclass(frozen=True)
class LoaderStats:
    """What a loader has done since it was made. The seconds of the stages are summed over threads.

    ``samples``: images delivered to batches. ``bytes_read``: from shards. ``whole_images``: decoded whole,
    because their rows cannot be read alone. ``fallbacks``: decoded by libjpeg, by the reason why fastload's own
    decoder did not take them: "progressive", "arithmetic", "multiscan", "unsupported" (a colour space, a
    missing or odd table), "damaged". ``wait_seconds``: the consumer waited for a batch. ``skipped``, ``substituted``:
    failures.
    """

    samples: int = 0
    bytes_read: int = 0
    whole_images: int = 0
    fallbacks: Mapping[str, int] = field(default_factory=Counter)
    read_seconds: float = 0.0
    decode_seconds: float = 0.0
    resample_seconds: float = 0.0
    store_seconds: float = 0.0
    wait_seconds: float = 0.0
    skipped: int = 0
    substituted: int = 0

    def __add__(self, other: LoaderStats) -> LoaderStats:
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return LoaderStats(*(Counter(a) + Counter(b) if isinstance(a, Mapping) else a + b for a, b in both))


class DataLoader:
    """Iterates over a prepared dataset in batches ``(images, labels)``.

    ``images``: tensor of shape (N, 3, height, width), of the dtype and memory format that the transforms
    end in. ``labels``: int64, shape (N,). Both are ordinary CPU tensors, which stay valid as long as they
    are held; their memory is used again after that.

    Arguments as in :class:`torch.utils.data.DataLoader`:

    - ``dataset``: a :class:`ShardDataset` (or a view of one), or the path of a prepared split.
    - ``batch_size``: samples a batch; None yields single samples, without the first dimension.
    - ``shuffle``: a new global permutation of all samples every epoch, in constant memory.
    - ``sampler``, ``batch_sampler``: iterables of indices, of lists of indices; they exclude what they
      replace.
    - ``num_workers``: threads (not processes). 0: one for each core that this process may use.
    - ``drop_last``: leave out the last batch if it is smaller.
    - ``timeout``: seconds to wait for a batch before LoaderTimeoutError (a RuntimeError); 0 waits for ever.
    - ``pin_memory``: batches lie in page-locked memory; warns and does nothing where there is no GPU.
    - ``prefetch_factor``: batches in flight per thread. Default: two batches in all, which keeps every
      thread busy because threads share a batch.
    - ``generator``: a torch.Generator from which each epoch takes its seed, instead of ``seed``.

    And:

    - ``transform``: a list of :mod:`fastload.transforms`.
    - ``seed``: with it, two runs give the same batches, whatever the threads and the batch size. Default:
      drawn from torch's global generator (so torch.manual_seed decides it).
    - ``on_error``: what becomes of a sample that cannot be loaded. "raise": the batch raises SampleError,
      which names shard, offset and key; iteration may go on after it. "skip": the batch is shorter.
      "substitute": another sample of the dataset takes its place, the same in every run. The last two are
      counted in :meth:`stats` and warned of once.

    Every ``iter()`` begins the next epoch (0, 1, ...; :meth:`set_epoch` sets it), and may be abandoned at
    any point. An iterator belongs to one thread and one process; after a fork, call ``iter()`` again.
    Different loaders, and different iterators of one loader, are independent.

    Raises ValueError/TypeError for arguments that do not go together, TransformError for a transform list
    without a meaning, and what :class:`ShardDataset` raises.
    """

    def __init__(
        self,
        dataset: ShardDataset | str | Path,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Iterable[int]] | None = None,
        num_workers: int = 0,
        *,
        transform: Transform | Iterable[Transform],
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        generator: torch.Generator | None = None,
        prefetch_factor: int | None = None,
        seed: int | None = None,
        on_error: OnErrorPolicy = "raise",
    ) -> None:
        _check_arguments(
            batch_size, shuffle, sampler, batch_sampler, num_workers, drop_last, timeout, prefetch_factor
        )
        if on_error not in ("raise", "skip", "substitute"):
            raise ValueError(f"on_error must be 'raise', 'skip' or 'substitute', not {on_error!r}")
        if seed is not None and generator is not None:
            raise ValueError("seed and generator exclude each other: both decide the random numbers")
        if seed is not None and not 0 <= seed < 2**64:
            raise ValueError(f"seed must lie in 0..2**64-1, not {seed}")

        self.dataset = dataset if isinstance(dataset, ShardDataset) else ShardDataset(dataset)
        self.batch_size = None if batch_sampler is not None else batch_size
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.transform = (transform,) if isinstance(transform, Transform) else tuple(transform)
        self.drop_last = drop_last
        self.timeout = timeout
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.on_error = on_error
        self.seed = _random_seed(None) if seed is None and generator is None else seed
        self.pin_memory = pin_memory and _can_pin()
        self._compiled = compile_plan(self.transform)
        self._pool = _buffer_pool(self.pin_memory)
        self._epoch = 0
        self._stats = LoaderStats()
        self._warned = False

    def set_epoch(self, epoch: int) -> None:
        """The next ``iter()`` is this epoch: its order and its augmentations. With ``generator``, that
        decides alone."""
        if not 0 <= epoch < 2**32:
            raise ValueError(f"epoch must lie in 0..2**32-1, not {epoch}")
        self._epoch = epoch

    def stats(self) -> LoaderStats:
        """The sums over finished and abandoned iterators so far."""
        return self._stats

    def __len__(self) -> int:
        """Batches in an epoch: exact."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        samples = len(self.dataset) if self.sampler is None else len(self.sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else math.ceil(samples / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if self.generator is None:
            seed, epoch = cast(int, self.seed), self._epoch
        else:
            seed, epoch = _random_seed(self.generator), 0
        self._epoch += 1
        return _Epoch(self, seed, epoch)

    def _index_batches(self, seed: int, epoch: int) -> Iterator[npt.NDArray[np.int64]]:
        """Positions in the dataset, a batch at a time."""
        from fastload import _native

        size, step = len(self.dataset), self.batch_size or 1
        if self.batch_sampler is not None:
            for batch in self.batch_sampler:
                yield np.asarray(list(batch), dtype=np.int64)
        elif self.sampler is not None:
            yield from _chunks(self.sampler, step, self.drop_last)
        else:
            for start in range(0, size, step):
                count = min(step, size - start)
                if count < step and self.drop_last:
                    return
                if self.shuffle:
                    yield _native.epoch_order(size, seed, epoch, start, count)
                else:
                    yield np.arange(start, start + count, dtype=np.int64)

    def _count(self, failed: int) -> None:
        if not failed or self.on_error == "raise":
            return
        skip = self.on_error == "skip"
        self._stats += LoaderStats(skipped=failed if skip else 0, substituted=0 if skip else failed)

    def __repr__(self) -> str:
        steps = ", ".join(map(repr, self.transform))
        order = "shuffled" if self.shuffle else "in order"
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, {order}, "
            f"threads={self.num_workers or _usable_cores()}, transform=[{steps}])"
        )


class _Epoch(Iterator[tuple[Any, Any]]):
    """One pass over the data. Keeps as many batches submitted as the loader asks for."""

    def __init__(self, loader: DataLoader, seed: int, epoch: int) -> None:
        from fastload import _native

        self._loader = loader
        self._epoch = epoch
        self._batches = loader._index_batches(seed, epoch)
        dataset = loader.dataset
        self._view = dataset.indices if dataset.is_view else None
        threads = loader.num_workers or _usable_cores()
        self._ahead = loader.prefetch_factor * threads if loader.prefetch_factor else _BATCHES_AHEAD
        policy = _native.OnError.raise_ if loader.on_error == "raise" else _native.OnError[loader.on_error]
        self._native: _native.Loader | None = _native.Loader(
            dataset.native,
            loader._compiled.plan,
            loader._pool,
            threads=threads,
            seed=seed,
            on_error=policy,
            height=loader._compiled.height,
            width=loader._compiled.width,
            class_count=len(dataset.manifest.classes),
            population=self._view,
        )
        self._submit()

    def __next__(self) -> tuple[torch.Tensor, torch.Tensor]:
        from torch.utils.dlpack import from_dlpack

        while self._native is not None:
            if not self._native.pending:
                self._finish()
                break
            started = time.perf_counter()
            batch = self._native.next(self._loader.timeout)
            self._loader._stats += LoaderStats(wait_seconds=time.perf_counter() - started)
            self._submit()
            self._report(batch)
            images = from_dlpack(self._native.images(batch))
            labels = from_dlpack(self._native.labels(batch))
            if len(labels) == 0:  # every sample of it was skipped
                continue
            if self._loader.batch_size is None and self._loader.batch_sampler is None:
                return images[0], labels[0]
            return images, labels
        raise StopIteration

    def _submit(self) -> None:
        assert self._native is not None
        while self._native.pending < self._ahead:
            positions = next(self._batches, None)
            if positions is None:
                return
            size = len(self._loader.dataset)
            if positions.size and (positions.min() < -size or positions.max() >= size):
                outside = positions[(positions < -size) | (positions >= size)][0]
                raise IndexError(f"the sampler gave index {outside} for a dataset of {size} samples")
            positions = positions % size if size else positions
            self._native.submit(positions if self._view is None else self._view[positions], self._epoch)

    def _report(self, batch: _native.Batch) -> None:
        failures = batch.failures
        lost = [f for f in failures if not f.substituted] if self._loader.on_error != "skip" else []
        if lost:
            raise _sample_error(lost[0])
        self._loader._count(len(failures))
        if failures and not self._loader._warned:
            self._loader._warned = True
            warnings.warn(
                f"on_error={self._loader.on_error!r}: {_describe(failures[0])} (others are only counted)",
                FastloadWarning,
                stacklevel=3,
            )

    def _finish(self) -> None:
        """Stops the threads and keeps their counts."""
        native, self._native = self._native, None
        if native is not None:
            self._loader._stats += replace(LoaderStats(), **native.counters())

    def __del__(self) -> None:
        if getattr(self, "_native", None) is not None:
            self._finish()


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


def _chunks(indices: Iterable[int], size: int, drop_last: bool) -> Iterator[npt.NDArray[np.int64]]:
    chunk: list[int] = []
    for index in indices:
        chunk.append(index)
        if len(chunk) == size:
            yield np.asarray(chunk, dtype=np.int64)
            chunk = []
    if chunk and not drop_last:
        yield np.asarray(chunk, dtype=np.int64)


def _check_arguments(
    batch_size: int | None,
    shuffle: bool | None,
    sampler: object,
    batch_sampler: object,
    num_workers: int,
    drop_last: bool,
    timeout: float,
    prefetch_factor: int | None,
) -> None:
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
    if num_workers < 0:
        raise ValueError(f"num_workers must be 0 (all cores) or the number of threads, not {num_workers}")
    if timeout < 0:
        raise ValueError(f"timeout must be 0 (none) or seconds, not {timeout}")
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"prefetch_factor must be at least 1, not {prefetch_factor}")
    if sampler is not None and shuffle:
        raise ValueError("sampler excludes shuffle: the sampler decides the order")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler excludes batch_size, shuffle, sampler and drop_last")
    if batch_size is None and drop_last:
        raise ValueError("batch_size=None makes no batches, so there is no last one to drop")


def _random_seed(generator: torch.Generator | None) -> int:
    import torch

    return int(torch.empty((), dtype=torch.int64).random_(generator=generator).item())


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _can_pin() -> bool:
    from fastload import cuda

    if cuda.is_available():
        return True
    warnings.warn("pin_memory=True has no effect: no CUDA device is available", FastloadWarning, stacklevel=3)
    return False


def _buffer_pool(pinned: bool) -> _native.BufferPool:
    from fastload import _native

    return _native.BufferPool(pinned)
