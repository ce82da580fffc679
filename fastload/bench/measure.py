"""Time one peer in this process: its speed once it runs evenly, and what that takes."""

from __future__ import annotations

import time
from typing import Any

import psutil

from .check import wrong_kind
from .job import Job
from .peers import Peer


def measure(peer: Peer, job: Job) -> dict[str, Any]:
    """Run ``job`` for at least ``job.seconds`` after the warm-up.

    Both ends of the timed span are the arrival of a batch, in a stream that is already flowing and whose
    consumer never makes it wait, so nothing prepared beforehand is counted. Workers that make whole batches
    deliver them in bursts; a span of a multiple of ``threads`` batches counts whole bursts. Memory is looked
    at before and after the span, because a look takes many milliseconds.

    Raises RuntimeError if a batch has another shape or type than the job asks for.
    """
    burst = job.threads
    begin = time.perf_counter()
    stream = peer.batches(job)
    next(stream)
    first_batch = time.perf_counter() - begin
    memory = [tree_memory()]
    for _ in range(3 * burst - 1):
        next(stream)
    batches, cpu, start = 0, cpu_seconds(), time.perf_counter()
    while True:
        images, labels = next(stream)
        problem = wrong_kind(images, labels, job)
        if problem:
            raise RuntimeError(problem)
        batches += 1
        elapsed = time.perf_counter() - start
        if elapsed >= job.seconds and batches % burst == 0:
            break
    cpu = cpu_seconds() - cpu
    for _ in range(2 * burst):
        next(stream)
        memory.append(tree_memory())
    count = batches * job.batch_size
    return {
        "images": count,
        "seconds": elapsed,
        "images_per_second": count / elapsed,
        "cpu_seconds_per_1000": 1000 * cpu / count,
        "first_batch_seconds": first_batch,
        "peak_memory_mib": max(memory) / 2**20,
    }


def cpu_seconds() -> float:
    """Processor time so far of this process, its threads and its living children."""
    total = time.process_time()
    for child in psutil.Process().children(recursive=True):
        times = child.cpu_times()
        total += times.user + times.system
    return total


def tree_memory() -> int:
    """Bytes of memory of this process and its children; a page that several share counts once (PSS)."""
    process = psutil.Process()
    return sum(p.memory_full_info().pss for p in [process, *process.children(recursive=True)])
