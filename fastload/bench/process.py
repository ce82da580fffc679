"""Start a worker process, bring back its answer, leave nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastload

GRACE = 180.0  # seconds beyond the timed span: imports, start, warm-up on a slow machine


class WorkerError(RuntimeError):
    """A worker that ended without an answer; the message is the end of what it wrote."""


def ask(request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Have a fresh process answer ``request``.

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
        output, errors = process.communicate(json.dumps(request), timeout=seconds + GRACE)
    except subprocess.TimeoutExpired:
        raise WorkerError(f"no answer after {seconds + GRACE:.0f} s") from None
    finally:
        if process.poll() is None:  # too late, or interrupted: end it with its own workers
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    lines = output.strip().splitlines()
    if process.returncode != 0 or not lines:
        raise WorkerError("\n".join(errors.strip().splitlines()[-5:]) or f"exit status {process.returncode}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer
