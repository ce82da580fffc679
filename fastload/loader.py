"""The data loader: batches of decoded, augmented, normalised images, made by native threads."""

from __future__ import annotations

import inspect
import logging
import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from fastload.collate import is_default_collate
from fastload.dataset import ShardDataset
from fastload.drop_in import Native, find_transform, translate
from fastload.epoch import Epoch
from fastload.errors import FastloadWarning, RankError, StateError, TransformError
from fastload.mixing import check_mixing
from fastload.order import EpochOrder, find_ranks
from fastload.sampler_order import SamplerOrder, load_generator, save_generator
from fastload.state import Identity, Position, dataset_fingerprint, from_dict, to_dict, transform_digest
from fastload.stats import LoaderStats
from fastload.transforms import Transform, compile_plan
from fastload.translate import Untranslatable, translate_transform

if TYPE_CHECKING:
    import torch

    from fastload import _native

OnErrorPolicy = Literal["raise", "skip", "substitute"]
_log = logging.getLogger("fastload")


class DataLoader:
    """PyTorch's DataLoader for images: the same arguments, batches ``(images, labels)``, native threads.

    ``images``: tensor of shape (N, 3, height, width), of the dtype and memory format that the transforms
    end in. ``labels``: int64, shape (N,). Both are ordinary CPU tensors, which stay valid as long as they
    are held; their memory is used again after that.

    Arguments of :class:`torch.utils.data.DataLoader`:

    - ``dataset``: a :class:`ShardDataset` (or a view of one), or the path of one; or torchvision's
      ImageFolder, ImageNet or DatasetFolder, also in Subset and ConcatDataset, with transforms that fastload
      knows: its batches are bit for bit those of PyTorch's loader, or of the same distribution where
      transforms are random. For anything else, PyTorch's own DataLoader is made, with a FallbackWarning that
      says why; :func:`fastload.explain` says it in advance. A folder's transform may be changed between
      epochs.
    - ``batch_size``: samples a batch; None yields single samples, without the first dimension.
    - ``shuffle``: a new global permutation of all samples every epoch, in constant memory.
    - ``sampler``, ``batch_sampler``: iterables of indices, of lists of indices; they exclude what they
      replace.
    - ``num_workers``: threads (not processes). 0: one for each core that this process may use.
    - ``collate_fn``: is given the batch as a list of (image, label), as PyTorch's workers give it, but in the
      consumer's thread.
    - ``pin_memory``: batches lie in page-locked memory; warns and does nothing where there is no GPU.
    - ``drop_last``: leave out the last batch if it is smaller.
    - ``timeout``: seconds to wait for a batch before LoaderTimeoutError (a RuntimeError); 0 waits for ever.
    - ``generator``: a torch.Generator from which each epoch takes its seed, instead of ``seed``.
    - ``prefetch_factor``: batches in flight per thread. Default: two batches in all, which keeps every
      thread busy because threads share a batch.
    - ``worker_init_fn``, ``multiprocessing_context``, ``persistent_workers``, ``pin_memory_device``,
      ``in_order``: for PyTorch's loader. Threads have no process to initialise or keep, random numbers do not
      depend on them, and batches come in order always.

    And:

    - ``transform``: a list of :mod:`fastload.transforms`, or a chain of torchvision's; for a dataset that has
      none of its own.
    - ``seed``: with it, two runs give the same batches, whatever the threads and the batch size. Default:
      drawn from torch's global generator (so torch.manual_seed decides it); 0 where several ranks must agree.
    - ``on_error``: what becomes of a sample that cannot be loaded. "raise": the batch raises SampleError,
      which names shard, offset and key; iteration may go on after it. "skip": the batch is shorter.
      "substitute": another sample of the dataset takes its place, the same in every run. The last two are
      counted in :meth:`stats` and warned of once.
    - ``rank``, ``world_size``: each rank takes its part of every global batch of batch_size * world_size
      samples, without a sampler (see :class:`~fastload.order.EpochOrder`). Default: those of
      torch.distributed, where a process group is initialised.
    - ``return_mask``: batches are ``(images, labels, mask)`` and always of full size; ``mask`` (bool, shape
      (N,)) is False for rows that only fill up the epoch's last batch, which are 0 with label -100 (what
      torch's cross_entropy leaves out).

    Every ``iter()`` begins the next epoch (0, 1, ...; :meth:`set_epoch` sets it), and may be abandoned at
    any point. An iterator belongs to one thread and one process; after a fork, call ``iter()`` again.
    Different loaders, and different iterators of one loader, are independent.

    Raises ValueError/TypeError for arguments that do not go together, TransformError for a transform list
    without a meaning, RankError for an epoch that ranks cannot share evenly, and what :class:`ShardDataset`
    raises.
    """

    _native: Native

    def __new__(cls, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            native = translate(dataset, kwargs.get("transform"))
        except Untranslatable as reason:
            from fastload.fallback import torch_loader

            bound = inspect.signature(cls.__init__).bind(None, dataset, *args, **kwargs)
            bound.arguments.pop("self")
            return torch_loader(str(reason), bound.arguments)
        self = super().__new__(cls)
        self._native = native
        return self

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Iterable[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: torch.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        transform: Any = None,
        seed: int | None = None,
        on_error: OnErrorPolicy = "raise",
        rank: int | None = None,
        world_size: int | None = None,
        return_mask: bool = False,
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
        if rank is not None and (sampler is not None or batch_sampler is not None):
            raise ValueError("rank and world_size exclude a sampler: it has the ranks' shares in it, or none")
        if collate_fn is not None and return_mask:
            raise ValueError("collate_fn excludes return_mask: it makes batches of what is there")
        find_ranks(rank, world_size)

        self._samples = self._native.samples
        self.dataset = self._samples if isinstance(self._samples, ShardDataset) else dataset
        self.batch_size = None if batch_sampler is not None else batch_size
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = None if is_default_collate(collate_fn) else collate_fn
        self.drop_last = drop_last
        self.timeout = timeout
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.on_error = on_error
        self.return_mask = return_mask
        self.seed = _random_seed(None) if seed is None and generator is None else seed
        self._seed_is_fixed = self._seed_is_shared = seed is not None
        self._rank, self._world_size = rank, world_size
        self.pin_memory = pin_memory and _can_pin()
        self._pool = _buffer_pool(self.pin_memory)
        self._transform_is_asked = transform is not None
        self._set_transform(self._native.transform)
        self._sampler_order = (
            None
            if sampler is None and batch_sampler is None
            else SamplerOrder(sampler, batch_sampler, self.batch_size or 1, drop_last)
        )
        self._fingerprint: str | None = None
        self._position = self._upcoming = Position(0, None)
        self._stats = LoaderStats()
        self._live: weakref.WeakSet[Epoch] = weakref.WeakSet()
        self._warned = False
        _log.info("%r", self)

    def _set_transform(self, transform: tuple[Transform, ...]) -> None:
        self.transform = transform
        self._compiled = compile_plan(transform)
        if self._compiled.mixing is not None:
            check_mixing(
                self._compiled.mixing,
                batches=self.batch_size is not None or self.batch_sampler is not None,
                collate=self.collate_fn is not None,
                mask=self.return_mask,
            )
        self._digest = transform_digest(transform)

    def _follow_dataset(self) -> None:
        """A folder's transform is looked at anew for each epoch, as PyTorch's loader does."""
        if not isinstance(self._samples, ShardDataset) and not self._transform_is_asked:
            try:
                transform = translate_transform(find_transform(self.dataset))
            except Untranslatable as reason:
                raise TransformError(f"the dataset's transform was changed: {reason}") from None
            if transform != self.transform:
                self._set_transform(transform)

    def set_epoch(self, epoch: int) -> None:
        """The next ``iter()`` is this epoch: its order and its augmentations. (With ``generator``, that
        decides alone.) Handed on to a sampler that has ``set_epoch``. An epoch in which
        :meth:`load_state_dict` put the loader goes on if it is this one."""
        if not 0 <= epoch < 2**32:
            raise ValueError(f"epoch must lie in 0..2**32-1, not {epoch}")
        order = self._order()
        order.set_epoch(epoch)
        if epoch != self._upcoming.epoch:
            self._upcoming = Position(epoch, None)
        self._position = self._upcoming

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is, as plain JSON (some hundred bytes; with ``generator``, 7 KB more).

        That is behind the last batch that the newest iterator delivered, or at the beginning of the next
        epoch where that one has ended. It is the same on every rank, except with a ``sampler``: then each
        rank has its own."""
        order = self._order()
        position = replace(self._position)
        if position.sampler is None:
            position.sampler = order.mark()
        if position.seed is None and self.generator is None:
            position.seed = self._shared_seed()
        generator = None if self.generator is None else save_generator(self.generator)
        return to_dict(position, self._identity(order), generator)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The next ``iter()`` goes on where ``state`` was saved, with the same batches, and the one after it
        is a whole epoch. In constant time (see ``sampler_order`` for samplers), and on any number of threads,
        and of ranks with the same global batch (batch_size * world_size).

        A loader that was made without a seed takes that of the state. Raises StateError, and changes nothing,
        for a state of another dataset, transforms, seed, order or global batch.
        """
        order = self._order()
        position = from_dict(state, self._identity(order))
        if ("generator" in state) != (self.generator is not None):
            raise StateError("one of the state and this loader has generator=: both or none must")
        if self._seed_is_fixed and position.seed != self.seed:
            raise StateError(
                f"the state was saved with seed={position.seed}, and this loader has {self.seed}"
            )
        if position.sampler is not None:
            order.restore(position.sampler)
        if self.generator is not None:
            load_generator(self.generator, state["generator"])
        else:
            self.seed = position.seed
            self._seed_is_shared = True
        self._upcoming = self._position = position
        _log.info("resuming epoch %d behind step %d", position.epoch, position.step)

    def stats(self) -> LoaderStats:
        """The sums over all iterators so far."""
        return sum((epoch.stats() for epoch in list(self._live)), self._stats)

    @property
    def threads(self) -> int:
        return self.num_workers or _usable_cores()

    def __len__(self) -> int:
        """Batches in an epoch, on each rank: exact."""
        return len(self._order())

    def __iter__(self) -> Iterator[Any]:
        self._follow_dataset()
        position = replace(self._upcoming)
        if position.seed is None:
            position.seed = (
                _random_seed(self.generator) if self.generator is not None else self._shared_seed()
            )
        epoch = Epoch(self, position)
        self._upcoming = Position(position.epoch + 1, None)
        self._position = position
        self._live.add(epoch)
        return epoch

    def _shared_seed(self) -> int:
        """What each rank drew for itself does not do where all must have the same order."""
        assert self.seed is not None
        alone = self._sampler_order is not None or find_ranks(self._rank, self._world_size)[1] == 1
        return self.seed if self._seed_is_shared or alone else 0

    def _order(self) -> EpochOrder | SamplerOrder:
        if self._sampler_order is not None:
            return self._sampler_order
        rank, world_size = find_ranks(self._rank, self._world_size)
        if world_size > 1 and self.on_error == "skip" and not self.return_mask:
            raise RankError(
                "on_error='skip' may leave ranks with different numbers of batches: take 'substitute', or "
                "return_mask=True"
            )
        return EpochOrder(
            len(self._samples),
            self.batch_size or 1,
            self.shuffle,
            self.drop_last,
            rank,
            world_size,
            pad=self.return_mask,
        )

    def _identity(self, order: EpochOrder | SamplerOrder) -> Identity:
        if self._fingerprint is None:
            self._fingerprint = dataset_fingerprint(self._samples)
        return Identity(self._fingerprint, self._digest, order.name, order.global_batch)

    def _end(self, position: Position, stats: LoaderStats) -> None:
        """An iterator came to its end."""
        _log.info("epoch %d: %s", position.epoch, stats)
        if self._position is position:
            self._position = self._upcoming

    def _count(self, stats: LoaderStats) -> None:
        self._stats += stats

    def __repr__(self) -> str:
        steps = ", ".join(map(repr, self.transform))
        name = repr(self._samples)
        if not isinstance(self._samples, ShardDataset):
            name = f"{type(self.dataset).__name__} of {self._samples!r}"
        order = "shuffled" if self.shuffle else "in order"
        if self.sampler is not None:
            order = f"by {type(self.sampler).__name__}"
        if self.batch_sampler is not None:
            order = f"in batches by {type(self.batch_sampler).__name__}"
        rank, world_size = find_ranks(self._rank, self._world_size)
        ranks = f", rank {rank} of {world_size}" if world_size > 1 else ""
        return (
            f"DataLoader({name}, batch_size={self.batch_size}, {order}{ranks}, "
            f"threads={self.threads}, transform=[{steps}])"
        )


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
