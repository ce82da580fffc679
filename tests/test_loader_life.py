"""The loader's life: buffers, threads, forks, Ctrl-C, timeouts."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

import fastload
from fastload import transforms as T
from fastload.errors import LoaderTimeoutError
from loading import TRAIN, batches


def test_tensors_stay_valid_while_they_are_held(dataset: fastload.ShardDataset) -> None:
    """Buffers are used again, but only after the user dropped them."""
    loader = fastload.DataLoader(dataset, 10, transform=TRAIN, seed=3, num_workers=2)
    held = list(loader)
    copies = [images.clone() for images, _ in held]
    del loader
    for _ in range(3):
        list(fastload.DataLoader(dataset, 10, transform=TRAIN, num_workers=2))
    assert all(torch.equal(images, copy) for (images, _), copy in zip(held, copies, strict=True))
    loader = fastload.DataLoader(dataset, 10, transform=TRAIN)
    addresses = {images.data_ptr() for _ in range(4) for images, _ in loader}
    assert len(addresses) <= 5, "batches that were dropped are not used again"


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def raise_in_loop(batches: object) -> None:
    for _ in batches:  # type: ignore[attr-defined]
        raise RuntimeError("in the loop")


def test_no_thread_outlives_its_iterator(dataset: fastload.ShardDataset) -> None:
    gc.collect()  # iterators that the tracebacks of earlier tests hold
    before = threads()
    loader = fastload.DataLoader(dataset, 4, transform=TRAIN, num_workers=3)
    for _ in loader:
        assert threads() >= before + 3
        break
    assert threads() == before, "after break"
    list(loader)
    assert threads() == before, "after the end"
    iterator = iter(loader)
    next(iterator)
    del loader, iterator
    gc.collect()
    assert threads() == before, "after deletion"
    held = iter(fastload.DataLoader(dataset, 4, transform=TRAIN, num_workers=3))
    with pytest.raises(RuntimeError, match="in the loop"):
        raise_in_loop(held)
    del held
    gc.collect()
    assert threads() == before, "after an exception in the loop"


def test_iterators_of_one_loader_are_independent(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(dataset, 16, shuffle=True, transform=TRAIN, seed=3)
    pairs = list(zip(loader, loader, strict=True))
    expected = fastload.DataLoader(dataset, 16, shuffle=True, transform=TRAIN, seed=3)
    for epoch in (0, 1):
        for pair, (images, labels) in zip(pairs, expected, strict=True):
            assert torch.equal(pair[epoch][0], images)
            assert torch.equal(pair[epoch][1], labels)


def test_several_loaders_in_several_threads(dataset: fastload.ShardDataset) -> None:
    expected = torch.cat([b for b, _ in batches(dataset)])
    results: list[bool] = []

    def run() -> None:
        results.append(torch.equal(torch.cat([b for b, _ in batches(dataset, num_workers=2)]), expected))

    workers = [threading.Thread(target=run) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 4


def _in_child(loader: fastload.DataLoader, iterator: object, queue: multiprocessing.Queue) -> None:
    try:
        next(iterator)  # type: ignore[call-overload]
        queue.put("no error")
    except ValueError as error:
        queue.put(str(error))
    del iterator
    gc.collect()
    queue.put([labels.tolist() for _, labels in loader])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_the_child_starts_anew_and_nothing_hangs(dataset: fastload.ShardDataset) -> None:
    torch.set_num_threads(1)
    loader = fastload.DataLoader(dataset, 8, transform=TRAIN, num_workers=2)
    iterator = iter(loader)
    next(iterator)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(loader, iterator, queue))
    child.start()
    message, labels = queue.get(timeout=60), queue.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    assert "before a fork" in message
    assert labels == [labels.tolist() for _, labels in loader]
    assert len(list(iterator)) == len(loader) - 1


def test_ctrl_c_ends_a_wait(split: Path) -> None:
    script = f"""
import fastload, sys, time
from fastload import transforms as T
dataset = fastload.ShardDataset({str(split)!r})
large = T.RandomResizedCrop(900)
loader = fastload.DataLoader(dataset, 70, sampler=list(range(70)) * 3000, transform=large, num_workers=1)
print("ready", flush=True)
try:
    for _ in loader: pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "interrupted\n"
    assert process.returncode == 0


def test_timeout(dataset: fastload.ShardDataset) -> None:
    loader = fastload.DataLoader(
        dataset,
        700,
        sampler=list(range(70)) * 10,
        transform=T.RandomResizedCrop(1500),
        num_workers=1,
        timeout=0.01,
    )
    with pytest.raises(LoaderTimeoutError, match="timeout="):
        next(iter(loader))
