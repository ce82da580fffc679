"""The process in which one peer runs: ``python -m fastload.bench.worker``, a JSON request on standard input.

The answer is the last line of standard output, so that libraries may write there before.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from .job import Job
from .peers import load


def answer(request: dict[str, Any]) -> dict[str, Any]:
    job = Job.from_json(request["job"])
    try:
        peer = load(request["module"])
    except ImportError as error:
        return {"missing": str(error)}
    if request["action"] == "measure":
        from .measure import measure

        return measure(peer, job)
    from .check import check

    with tempfile.TemporaryDirectory(dir=request["scratch"]) as scratch:
        return {
            "check": check(peer, job, Path(scratch)),
            "settings": peer.SETTINGS,
            "versions": versions(peer.PACKAGES),
        }


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    installed = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
    return {name: installed[name] for name in packages if name in installed}


if __name__ == "__main__":
    print("\n" + json.dumps(answer(json.load(sys.stdin))), flush=True)
