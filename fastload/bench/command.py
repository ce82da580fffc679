"""``fastload bench``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from fastload.errors import BenchError
from fastload.indexed import find_datasets

from . import chart, images, machine
from .job import Job
from .peers import PEERS, expand
from .process import WorkerError, ask
from .results import PeerState, Report, Run
from .table import rendered


def run(
    dest: Path,
    *,
    against: Sequence[str] = ("torchvision", "opencv", "dali"),
    threads: Sequence[int] = (1,),
    rounds: int = 3,
    seconds: float = 10.0,
    batch_size: int = 256,
    limit: int = 10_000,
    source: Path | None = None,
    json: Path | None = None,
    plot: Path | None = None,
    console: Console | None = None,
) -> Report:
    """Measure fastload and its peers on the dataset ``dest`` (a split, or the first of those in it).

    ``against`` names peers or groups (``peers.PEERS``, ``peers.GROUPS``). Every peer is first checked, then
    timed in ``rounds`` rounds, each of which goes through all thread counts and peers, each time in a fresh
    process, for at least ``seconds`` after a warm-up. At most ``limit`` images, evenly spread over the
    dataset, are used; a batch is never larger than their number. Peers read the original files where
    ``source`` says where they are, otherwise the JPEGs stored in the shards. Writes ``json`` and the picture
    ``plot`` where given; prints a table on ``console``.

    Raises BenchError for an unknown peer, for numbers below 1 and for a source that lacks samples;
    ManifestError if ``dest`` is no dataset; PrepareError if ``source`` is none. A peer that cannot be timed
    is no exception: see ``Report.peers`` and ``Report.ok``.
    """
    console = console or Console()
    names = expand(list(against))
    if min([rounds, batch_size, limit, *threads]) < 1 or seconds <= 0 or not threads:
        raise BenchError("threads, rounds, seconds, batch_size and limit must be positive")
    split = find_datasets(dest)[0]
    with (
        tempfile.TemporaryDirectory(prefix="fastload-bench-") as scratch,
        console.status("laying out images") as status,
    ):
        folder = Path(scratch) / "images"
        data = images.lay_out(split, source, folder, limit)
        job = Job(
            dataset=str(split.resolve()),
            folder=str(folder),
            batch_size=min(batch_size, data["images"]),
            seconds=seconds,
        )
        options = {
            "threads": list(threads),
            "rounds": rounds,
            "seconds": seconds,
            "batch_size": job.batch_size,
            "output": f"float32 CHW {job.size} px, normalised",
            "crop_scale": list(job.scale),
            "crop_ratio": list(job.ratio),
            "flip": job.flip,
            "page_cache": "warm",
        }
        date = datetime.now(UTC).isoformat(timespec="seconds")
        report = Report(date, machine.describe(), options, data, peers={})
        for name in names:
            status.update(f"checking {name}")
            report.peers[name] = check_peer(name, job, Path(scratch))
        for round_ in range(rounds):
            for count in threads:
                for name in names:
                    status.update(f"round {round_ + 1} of {rounds}: {name}, {count} thread(s)")
                    _time(report, name, job, count, round_)
    console.print(rendered(report))
    if json is not None:
        report.save(json)
    if plot is not None:
        chart.save(report, plot)
    return report


def check_peer(name: str, job: Job, scratch: Path) -> PeerState:
    """Whether a peer may be timed. Uses ``scratch`` for a few files."""
    request = {"action": "check", "module": PEERS[name].module, "job": job.to_json(), "scratch": str(scratch)}
    try:
        answer = ask(request, seconds=0)
    except WorkerError as error:
        return PeerState("failed", str(error))
    if "missing" in answer:
        return PeerState("not installed", f"pip install {PEERS[name].needs} ({answer['missing']})")
    check = answer["check"]
    return PeerState(
        "ok" if check["passed"] else "refused",
        check["problem"],
        answer["settings"],
        answer["versions"],
        check,
    )


def _time(report: Report, name: str, job: Job, threads: int, round_: int) -> None:
    """Add one run to ``report``, unless the peer is out, or fails now and is out from now on."""
    state = report.peers[name]
    if state.status != "ok":
        return
    request = {
        "action": "measure",
        "module": PEERS[name].module,
        "job": replace(job, threads=threads).to_json(),
    }
    try:
        answer = ask(request, job.seconds)
    except WorkerError as error:
        state.status, state.detail = "failed", f"with {threads} thread(s): {error}"
        return
    report.runs.append(Run(peer=name, threads=threads, round=round_, **answer))
