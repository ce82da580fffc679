"""The loaders that are compared, one module each, all with the interface ``Peer``.

To add one, write a module with these names and list it in ``PEERS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from fastload.errors import BenchError

if TYPE_CHECKING:
    import torch

    from ..crops import Box
    from ..job import Job

    Batch = tuple[torch.Tensor, torch.Tensor]


class Peer(Protocol):
    """What a peer module offers. Importing the module imports the peer's packages, and fails without them."""

    PACKAGES: tuple[str, ...]
    """Distributions whose versions belong into the report."""

    SETTINGS: dict[str, Any]
    """How the peer is set up, for the report; ``t`` is the number of threads."""

    TOLERANCE: float
    """Allowed mean difference from Pillow's result, in 8-bit levels; 0 asks for identical float32 bits."""

    def batches(self, job: Job) -> Iterator[Batch]:
        """Do ``job``. A batch is valid until the next one is asked for."""

    draw: Callable[[Job], tuple[Box, bool]]
    """Optional: of an unshuffled job's first image, the crop that will be drawn and whether it is flipped."""


class Entry(NamedTuple):
    module: str
    needs: str  # what to give `pip install` where the module cannot be imported


PEERS = {
    "fastload": Entry("fastload.bench.peers.fastload", "fastload"),
    "torchvision-pil": Entry("fastload.bench.peers.torchvision_pil", "torchvision"),
    "torchvision-tensor": Entry("fastload.bench.peers.torchvision_tensor", "torchvision"),
    "opencv": Entry("fastload.bench.peers.opencv", "opencv-python-headless"),
    "dali": Entry("fastload.bench.peers.dali", "nvidia-dali-cuda130"),
}

GROUPS = {"torchvision": ("torchvision-pil", "torchvision-tensor")}


def expand(names: list[str]) -> list[str]:
    """The peers meant by ``names`` (groups written out), fastload first, each once.

    Raises BenchError for a name that is neither a peer nor a group.
    """
    wanted = ["fastload"]
    for name in names:
        members = GROUPS.get(name, (name,))
        if members[0] not in PEERS:
            raise BenchError(f"unknown peer {name!r}; known are {', '.join([*GROUPS, *PEERS])}")
        wanted += [member for member in members if member not in wanted]
    return wanted


def load(module: str) -> Peer:
    """Import a peer's module. Raises ImportError where its packages are missing or broken."""
    return cast(Peer, importlib.import_module(module))
