"""Which samples an epoch's batches hold, when the user's sampler or batch sampler decides."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastload.errors import StateError
from fastload.order import Indices, Step

if TYPE_CHECKING:
    import torch


class SamplerOrder:
    """Exactly the batches that torch's DataLoader would make of this sampler or batch sampler.

    Coming back to a step: a sampler with ``state_dict`` and ``load_state_dict`` (torchdata's, or one's own)
    is given the state that it had right behind that step. Any other is told the epoch that it had
    (``set_epoch``), its ``generator`` is set as it was when the epoch began, and the steps before are drawn
    and passed over: numbers, not images. Their checksum must then be the one that was saved, else StateError:
    a sampler that draws from torch's global generator cannot be brought back, and this is how it is noticed.
    """

    name = "sampler"

    def __init__(
        self,
        sampler: Iterable[int] | None,
        batch_sampler: Iterable[Iterable[int]] | None,
        batch_size: int,
        drop_last: bool,
    ) -> None:
        self.source: Any = sampler if batch_sampler is None else batch_sampler
        self._batched = batch_sampler is not None
        self._drop_last = drop_last
        self._ended = False  # the sampler has given a whole epoch, and was not asked for another one yet
        self.global_batch = 0 if self._batched else batch_size  # 0: the batch sampler's affair

    def __len__(self) -> int:
        if self._batched:
            return len(self.source)
        samples = len(self.source)
        return samples // self.global_batch if self._drop_last else math.ceil(samples / self.global_batch)

    def set_epoch(self, epoch: int) -> None:
        """As :class:`torch.utils.data.DistributedSampler` wants to be told before each epoch."""
        for sampler in self._samplers():
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(epoch)

    def mark(self) -> dict[str, Any]:
        """What leads back to where the sampler is now, between two epochs."""
        if self._keeps_state:
            return {"state": self.source.state_dict(), "ended": self._ended}
        began: dict[str, Any] = {}
        for sampler in self._samplers():
            if isinstance(getattr(sampler, "epoch", None), int):
                began["epoch"] = sampler.epoch
            if getattr(sampler, "generator", None) is not None:
                began["generator"] = save_generator(sampler.generator)
        return began

    def restore(self, mark: Mapping[str, Any]) -> None:
        """Brings the sampler to where it was at ``mark``, or at the beginning of that epoch. Raises
        StateError."""
        if ("state" in mark) != self._keeps_state:
            raise StateError("the state was saved with another kind of sampler")
        if self._keeps_state:
            self.source.load_state_dict(mark["state"])
            self._ended = mark["ended"]
            if self._ended:  # such samplers go on with the epoch that is over: let them come to its end
                next(iter(self.source), None)
            return
        if "epoch" in mark:
            self.set_epoch(mark["epoch"])
        for sampler in self._samplers():
            if "generator" in mark and getattr(sampler, "generator", None) is not None:
                load_generator(sampler.generator, mark["generator"])

    def steps(
        self, _seed: int, _epoch: int, start: int, mark: Mapping[str, Any] | None = None
    ) -> Iterator[Step]:
        """Batches from step ``start`` on, to which ``mark`` led. Raises StateError."""
        if self._keeps_state:
            self._ended = False
            for batch in self._batches():
                yield batch, {"state": self.source.state_dict(), "ended": False}
            self._ended = True
            return
        began, digest, number = self.mark(), 0, 0
        for batch in self._batches():
            if number == start and mark is not None:
                _check_digest(digest, mark)
            digest = zlib.crc32(np.append(batch, -1).tobytes(), digest)
            number += 1
            if number > start:
                yield batch, {**began, "digest": digest}
        if number <= start and mark is not None:
            _check_digest(digest, mark)

    @property
    def _keeps_state(self) -> bool:
        return hasattr(self.source, "state_dict") and hasattr(self.source, "load_state_dict")

    def _samplers(self) -> Iterator[Any]:
        """The source, and the sampler inside it if it is a batch sampler."""
        yield self.source
        if hasattr(self.source, "sampler"):
            yield self.source.sampler

    def _batches(self) -> Iterator[Indices]:
        if self._batched:
            for batch in self.source:
                yield np.asarray(list(batch), dtype=np.int64)
            return
        chunk: list[int] = []
        for index in self.source:
            chunk.append(index)
            if len(chunk) == self.global_batch:
                yield np.asarray(chunk, dtype=np.int64)
                chunk = []
        if chunk and not self._drop_last:
            yield np.asarray(chunk, dtype=np.int64)


def _check_digest(digest: int, mark: Mapping[str, Any]) -> None:
    if digest != mark.get("digest", 0):
        raise StateError(
            "the sampler gives other indices than in the run that saved the state, so that samples would "
            "come twice or never: give it a seeded generator, call its set_epoch, or give it state_dict "
            "and load_state_dict"
        )


def save_generator(generator: torch.Generator) -> str:
    """A generator's state as text (about 6.7 KB)."""
    return base64.b64encode(generator.get_state().numpy().tobytes()).decode()


def load_generator(generator: torch.Generator, text: str) -> None:
    import torch

    state = np.frombuffer(base64.b64decode(text), dtype=np.uint8).copy()
    generator.set_state(torch.from_numpy(state))
