"""Start a worker process, watch its memory, bring back its answer, leave nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

import fastload

SAMPLE_EVERY = 0.25  # seconds between two looks at the memory
GRACE = 180.0  # seconds beyond the timed span: imports, start, warm-up on a slow machine


class WorkerError(RuntimeError):
    """A worker that ended without an answer; the message is the end of what it wrote."""


def tree_memory(pid: int) -> int:
    """Bytes of memory of a process and its descendants; a page that several share counts once (PSS)."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.Error:  # a process that ended meanwhile
        return total
    return total


def ask(request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Have a fresh process answer ``request``. The answer gains ``peak_memory_mib``.

    Raises WorkerError if it fails, or has no answer ``seconds`` plus a grace after its start.
    """
    root = str(Path(fastload.__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "fastload.bench.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    try:
        return _converse(process, json.dumps(request), seconds + GRACE)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _converse(process: subprocess.Popen[str], request: str, limit: float) -> dict[str, Any]:
    message: str | None = request
    peak, waited = 0, 0.0
    while True:
        try:
            output, errors = process.communicate(message, timeout=SAMPLE_EVERY)
            break
        except subprocess.TimeoutExpired:
            message = None
            waited += SAMPLE_EVERY
            peak = max(peak, tree_memory(process.pid))
            if waited > limit:
                raise WorkerError(f"no answer after {limit:.0f} s") from None
    lines = output.strip().splitlines()
    if process.returncode != 0 or not lines:
        raise WorkerError("\n".join(errors.strip().splitlines()[-5:]) or f"exit status {process.returncode}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return {**answer, "peak_memory_mib": peak / 2**20}
