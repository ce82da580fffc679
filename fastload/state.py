"""A loader's state: where an epoch is, as plain JSON, and whether it belongs to this loader."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fastload.dataset import ShardDataset
from fastload.errors import StateError

if TYPE_CHECKING:
    from fastload.drop_in import Samples
    from fastload.transforms import Transform

_FORMAT, _VERSION = "fastload-loader", 1


@dataclass
class Position:
    """Where an epoch is: behind ``step`` batches that were delivered; those in flight do not count.

    ``seed``: the epoch's; None where a generator has yet to draw it. ``sampler``: what
    :class:`~fastload.sampler_order.SamplerOrder` needs to come back here.
    """

    epoch: int
    seed: int | None
    step: int = 0
    sampler: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Identity:
    """What a state and a loader must have in common, so that one goes on where the other was.

    ``dataset``: fingerprint. ``transform``: digest of the plan. ``order``: "shuffled", "sequential" or
    "sampler". ``global_batch``: samples a step on all ranks together; 0 where a batch sampler decides.
    """

    dataset: str
    transform: str
    order: str
    global_batch: int


_MEANING = {
    "dataset": "another dataset, or another version or view of it",
    "transform": "other transforms",
    "order": "another order (shuffle, sampler)",
    "global_batch": "another global batch (batch_size * world_size)",
}


def to_dict(position: Position, identity: Identity, generator: str | None) -> dict[str, Any]:
    state: dict[str, Any] = {"format": _FORMAT, "version": _VERSION, **vars(identity), **vars(position)}
    if generator is not None:
        state["generator"] = generator
    return state


def from_dict(state: Mapping[str, Any], identity: Identity) -> Position:
    """Raises StateError for what is not a state, or not one of a loader like this."""
    if not isinstance(state, Mapping) or state.get("format") != _FORMAT or state.get("version") != _VERSION:
        raise StateError(f"this is not a state that fastload's DataLoader of version {_VERSION} saved")
    names = [field.name for cls in (Identity, Position) for field in fields(cls)]
    missing = [name for name in names if name not in state]
    if missing:
        raise StateError(f"the state lacks {missing[0]!r}: it is damaged")
    for name, ours in vars(identity).items():
        if state[name] != ours:
            raise StateError(
                f"the state was saved with {_MEANING[name]}: "
                f"{name} is {state[name]!r} there and {ours!r} here"
            )
    return Position(**{field.name: state[field.name] for field in fields(Position)})


def transform_digest(transforms: Iterable[Transform]) -> str:
    """Equal for lists that do the same, whichever way their filters and types are spelt."""
    return _digest([[type(step).__name__, *map(_plain, vars(step).values())] for step in transforms])


def dataset_fingerprint(dataset: Samples) -> str:
    """Depends on the stored samples and on the view (for single files and tables see theirs), not on where
    they lie."""
    if not isinstance(dataset, ShardDataset):
        return _digest(dataset.fingerprint())
    shards = [
        [os.path.basename(shard.name), shard.num_samples, shard.bytes, shard.sha256]
        for shard in dataset.manifest.shards
    ]
    view = hashlib.sha256(dataset.indices.tobytes()).hexdigest() if dataset.is_view else ""
    return _digest([shards, view])


def _plain(value: Any) -> Any:
    if isinstance(value, int | float | None):
        return value
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return str(getattr(value, "name", value)).removeprefix("torch.").lower()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]
