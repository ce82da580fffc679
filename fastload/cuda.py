"""What fastload's native core sees of CUDA. Works without torch, and on machines without a GPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """``compiled``: built with CUDA. ``device_count``: GPUs that a kernel could be launched on.

    ``driver_version``, ``runtime_version``: as CUDA counts them (13000 is 13.0), 0 where missing.
    ``kernel_ran``: an empty kernel ran on device 0. ``problem``: CUDA's own words about what is missing, or
    "".
    """

    compiled: bool
    device_count: int = 0
    driver_version: int = 0
    runtime_version: int = 0
    kernel_ran: bool = False
    problem: str = ""


def probe() -> Probe:
    """Asks the CUDA runtime. Never raises; on a machine with a GPU it creates a context on device 0."""
    from fastload import _native

    found = _native.cuda_probe()
    if found is None:
        return Probe(compiled=False, problem="this fastload was built without CUDA (no nvcc was found)")
    return Probe(compiled=True, **found)


def is_available() -> bool:
    """Whether this build has CUDA kernels and they run on this machine."""
    return probe().kernel_ran
