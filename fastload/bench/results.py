"""What a benchmark found, as plain data that goes to JSON and comes back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

FORMAT = "fastload-bench"
VERSION = 1
OURS = "fastload"


@dataclass(frozen=True)
class Run:
    """One timed process."""

    peer: str
    threads: int
    round: int
    images: int
    seconds: float
    images_per_second: float
    cpu_seconds_per_1000: float  # of the whole process tree, for 1,000 images
    first_batch_seconds: float  # from making the loader to having the first batch; imports are not in it
    peak_memory_mib: float  # of the process tree, shared pages counted once, outside the timed span


@dataclass
class PeerState:
    """Whether a peer could be timed, and how it was set up."""

    status: Literal["ok", "not installed", "refused", "failed"]
    detail: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    check: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    median: float
    min: float
    max: float

    @staticmethod
    def of(values: list[float]) -> Spread:
        return Spread(median(values), min(values), max(values))


@dataclass
class Report:
    date: str
    machine: dict[str, Any]
    options: dict[str, Any]
    data: dict[str, Any]
    peers: dict[str, PeerState]
    runs: list[Run] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No peer failed or was refused. One that is not installed is no failure."""
        return all(state.status in ("ok", "not installed") for state in self.peers.values())

    @property
    def threads(self) -> list[int]:
        return sorted({run.threads for run in self.runs})

    def timed(self, threads: int) -> list[str]:
        """Peers with figures for this number of threads, fastest first."""
        names = {
            run.peer for run in self.runs if run.threads == threads and self.peers[run.peer].status == "ok"
        }
        return sorted(names, key=lambda name: -self.spread(name, threads, "images_per_second").median)

    def spread(self, peer: str, threads: int, figure: str) -> Spread:
        """Median, minimum and maximum of one of Run's figures over the rounds."""
        return Spread.of(
            [getattr(run, figure) for run in self.runs if (run.peer, run.threads) == (peer, threads)]
        )

    def ratio(self, peer: str, threads: int) -> Spread | None:
        """How many times faster fastload is: the spread of the ratios within each round."""
        speed = {(run.peer, run.round): run.images_per_second for run in self.runs if run.threads == threads}
        ratios = [
            speed[OURS, round_] / value
            for (name, round_), value in speed.items()
            if name == peer and (OURS, round_) in speed
        ]
        return Spread.of(ratios) if ratios and self.peers[OURS].status == "ok" else None

    def summary(self) -> list[dict[str, Any]]:
        """One row for each peer and thread count, for readers of the JSON that do not want to compute."""
        figures = ("images_per_second", "cpu_seconds_per_1000", "first_batch_seconds", "peak_memory_mib")
        rows = []
        for threads in self.threads:
            for peer in self.timed(threads):
                row: dict[str, Any] = {"peer": peer, "threads": threads}
                row |= {figure: asdict(self.spread(peer, threads, figure)) for figure in figures}
                ratio = self.ratio(peer, threads)
                row["fastload_is_times_faster"] = None if ratio is None else asdict(ratio)
                rows.append(row)
        return rows

    def save(self, path: Path) -> None:
        document = {"format": FORMAT, "version": VERSION, **asdict(self), "summary": self.summary()}
        path.write_text(json.dumps(document, indent=1) + "\n")

    @staticmethod
    def load(path: Path) -> Report:
        """Raises ValueError for a file that is not a benchmark's result of this version."""
        document = json.loads(path.read_text())
        if (document.get("format"), document.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"{path} is not a {FORMAT} file of version {VERSION}")
        return Report(
            date=document["date"],
            machine=document["machine"],
            options=document["options"],
            data=document["data"],
            peers={name: PeerState(**state) for name, state in document["peers"].items()},
            runs=[Run(**run) for run in document["runs"]],
        )
