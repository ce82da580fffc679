"""Ranks of a gloo group, for test_ranks.py. Run as a script: a process of its own forks them, because a fork
of pytest would take along whatever threads earlier tests have started, and importing torch in each takes
seconds."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

import fastload
from fastload import transforms as T

GLOBAL_BATCH = 6
EPOCHS = 8
EVAL = [T.Resize((8, 8))]


def fork_group(world: int, body: Callable[[int], None], store: Path) -> list[int]:
    """Process ids of ``world`` ranks that run ``body(rank)`` within a gloo group."""
    pids = []
    for rank in range(world):
        pid = os.fork()
        if pid == 0:
            try:
                init = f"file://{store}"
                dist.init_process_group("gloo", init_method=init, rank=rank, world_size=world)
                body(rank)
                dist.destroy_process_group()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        pids.append(pid)
    return pids


def join(pids: list[int]) -> None:
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"a rank ended with status {status}"


def gather(value: Any) -> list[Any]:
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def epoch(path: str, world: int, out: Path, **options: Any) -> None:
    """Each step's (labels, mask) of every rank, as ``out``."""

    def body(rank: int) -> None:
        loader = fastload.DataLoader(path, transform=EVAL, seed=5, num_workers=1, **options)
        # Only ranks that take as many steps come through this.
        steps = [gather([column.tolist() for column in columns[1:]]) for columns in loader]
        assert len(steps) == len(loader)
        if rank == 0:
            out.write_text(json.dumps(steps))

    with tempfile.TemporaryDirectory() as directory:
        join(fork_group(world, body, Path(directory) / "store"))


def train(path: str, checkpoint: Path, world: int, rank: int) -> None:
    """Trains for EPOCHS epochs from ``checkpoint``. What it learns is which samples it has seen."""
    loader = fastload.DataLoader(
        path,
        GLOBAL_BATCH // world,
        shuffle=True,
        transform=EVAL,
        seed=5,
        num_workers=1 + world % 2,
        return_mask=True,
    )
    seen: list[int] = []
    if checkpoint.exists():
        saved = json.loads(checkpoint.read_text())
        seen = saved["seen"]
        loader.load_state_dict(saved["loader"])
    for _ in range(loader.state_dict()["epoch"], EPOCHS):
        for _, labels, mask in loader:
            for part in gather(labels[mask].tolist()):
                seen += part
            if rank == 0:
                save(checkpoint, {"seen": seen, "loader": loader.state_dict()})
            time.sleep(0.01)
            dist.barrier()


def save(path: Path, value: Any) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(value))
    temporary.replace(path)


def killed(path: str, checkpoint: Path, kills: int, random_seed: int) -> int:
    """Trains on 1, 2, 3, 1, ... ranks, killed at random points, then to the end. Returns how many lives were
    cut short."""
    rng = random.Random(random_seed)
    cut = 0
    for life in range(kills + 1):
        world = 1 + life % 3
        with tempfile.TemporaryDirectory() as directory:
            pids = fork_group(
                world, lambda rank, w=world: train(path, checkpoint, w, rank), Path(directory) / "store"
            )
            if life < kills:
                for _ in range(rng.randrange(5)):
                    wait_for_change(checkpoint, pids)
                time.sleep(rng.random() * 0.02)
                for pid in rng.sample(pids, len(pids)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                statuses = [os.waitpid(pid, 0)[1] for pid in pids]
                cut += statuses == [signal.SIGKILL] * world
            else:
                join(pids)
    return cut


def wait_for_change(file: Path, pids: list[int]) -> None:
    def stamp() -> Iterator[int]:
        with contextlib.suppress(FileNotFoundError):
            yield file.stat().st_mtime_ns

    before = list(stamp())
    while list(stamp()) == before:
        if os.waitid(os.P_PID, pids[0], os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.001)


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    what, arguments = sys.argv[1], json.loads(sys.argv[2])
    if what == "epochs":
        for case in arguments["cases"]:
            out = Path(arguments["directory"]) / case.pop("name")
            epoch(arguments["path"], out=out, **case)
    else:
        checkpoint = Path(arguments["directory"]) / "checkpoint.json"
        print(killed(arguments["path"], checkpoint, arguments["kills"], arguments["seed"]))
