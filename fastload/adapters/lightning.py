"""A DataLoader for PyTorch Lightning, whose checkpoints keep the place within an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fastload


class DataLoader(fastload.DataLoader):
    """:class:`fastload.DataLoader`, with the same arguments, for Lightning's ``Trainer``.

    Lightning leaves it as it is, on several devices too, where it shares an epoch among the ranks by itself;
    moves its batches to the device; and keeps its state in every checkpoint. A plain
    :class:`fastload.DataLoader` works as well, but for two points about epochs:

    - Lightning calls ``iter()`` once for nothing, before it trains. Here an epoch begins with its first
      batch, so that the first one trained on is epoch 0.
    - A checkpoint behind the last batch of an epoch is for Lightning the beginning of the next one. A plain
      loader has yet to come to its end, which Lightning would take for an epoch without batches.
    """

    def __iter__(self) -> Iterator[Any]:
        batches = super().__iter__()
        for batch in batches:
            if self.state_dict()["step"] == len(self):
                assert next(batches, None) is None
            yield batch
