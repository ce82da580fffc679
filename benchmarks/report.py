"""Write the figures of the committed result into README.md and docs/performance.md, and draw its chart.

``python benchmarks/report.py`` writes; with ``--check`` it only says, by its exit status, whether that would
change a document, so that no figure can differ from the result that it is said to come from. In a document a
table stands between two markers, ``<!-- figures:begin -->`` and ``<!-- figures:end -->``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from fastload.bench import chart
from fastload.bench.results import OURS, Report, Spread

REPOSITORY = Path(__file__).resolve().parent.parent
RESULT = Path("benchmarks/results/bench.json")
CHART = RESULT.with_suffix(".png")


def figures(report: Report) -> str:
    """The short table: speed, how many times faster fastload is, and what it costs."""
    rows = ["| threads | loader | images/s | fastload is | CPU s per 1,000 images | peak memory, MiB |"]
    rows += ["| ---: | --- | ---: | ---: | ---: | ---: |"]
    for threads in report.threads:
        for peer in report.timed(threads):
            speed = report.spread(peer, threads, "images_per_second")
            cpu = report.spread(peer, threads, "cpu_seconds_per_1000")
            memory = report.spread(peer, threads, "peak_memory_mib")
            ratio = report.ratio(peer, threads)
            faster = "" if ratio is None or peer == OURS else f"{ratio.median:.2f} times as fast"
            name = f"**{peer}**" if peer == OURS else peer
            cells = [str(threads), name, f"{speed.median:,.0f}", faster]
            cells += [f"{cpu.median:.2f}", f"{memory.median:,.0f}"]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, "", conditions(report)])


def details(report: Report) -> str:
    """The long tables: spreads and first batches; what each peer was, and how its check came out."""
    rows = ["| threads | loader | images/s (min to max) | fastload is faster by | first batch, s |"]
    rows += ["| ---: | --- | ---: | ---: | ---: |"]
    for threads in report.threads:
        for peer in report.timed(threads):
            speed = between(report.spread(peer, threads, "images_per_second"), ",.0f")
            ratio = report.ratio(peer, threads)
            faster = "" if ratio is None or peer == OURS else between(ratio, ".2f")
            first = report.spread(peer, threads, "first_batch_seconds")
            rows.append(f"| {threads} | {peer} | {speed} | {faster} | {first.median:.2f} |")
    rows += ["", "| loader | versions | set up (t: threads) | mean difference from Pillow, 8-bit levels |"]
    rows += ["| --- | --- | --- | --- |"]
    for peer, state in report.peers.items():
        versions = ", ".join(f"{name} {version}" for name, version in state.versions.items())
        settings = "; ".join(f"{name}: {value}" for name, value in state.settings.items())
        outcome = f"{state.status}: {state.detail}"
        if state.status == "ok":
            same, mean = state.check["identical"], state.check["mean_difference"]
            outcome = (
                "none, identical float32" if same else f"{mean:.3f} (allowed: {state.check['tolerance']})"
            )
        rows.append(f"| {peer} | {versions} | {settings} | {outcome} |")
    return "\n".join([*rows, "", conditions(report)])


def between(spread: Spread, form: str) -> str:
    return f"{spread.median:{form}} ({spread.min:{form}} to {spread.max:{form}})"


def conditions(report: Report) -> str:
    machine, data, options = report.machine, report.data, report.options
    kernel = f"{machine['system']}, Python {machine['python']}"
    size = f"{data['mean_pixels'] / 1e6:.2f} megapixels on average"
    rounds = f"{options['rounds']} interleaved rounds of {options['seconds']:g} s"
    return (
        f"Medians of {rounds} on {report.date[:10]}: "
        f"{machine['cpu']}, {machine['cores_usable']} cores, {machine['memory_gib']:g} GiB, {kernel}.\n"
        f"{data['images']:,} images of {size}, in the page cache; fastload reads {data['fastload_reads']}, "
        f"the others {data['peers_read']}.\n"
        f"RandomResizedCrop and flip, then {options['output']}, in batches of {options['batch_size']}."
    )


DOCUMENTS: dict[Path, dict[str, Callable[[Report], str]]] = {
    Path("README.md"): {"figures": figures},
    Path("docs/performance.md"): {"details": details},
}


def insert(text: str, marker: str, body: str) -> str:
    """``text`` with ``body`` between ``<!-- marker:begin -->`` and ``<!-- marker:end -->``.

    Raises ValueError if the two markers are not there, once and in order.
    """
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end or begin in rest or end in after:
        raise ValueError(f"there must be one {begin} and after it one {end}")
    return f"{before}{begin}\n{body}\n{end}{after}"


def update(root: Path, check: bool) -> list[Path]:
    """Documents below ``root`` that did not show its result's figures. Unless ``check``, now they do."""
    report = Report.load(root / RESULT)
    if not check:
        chart.save(report, root / CHART)
    stale = []
    for name, parts in DOCUMENTS.items():
        old = text = (root / name).read_text()
        for marker, write in parts.items():
            text = insert(text, marker, write(report))
        if text != old:
            stale.append(name)
            if not check:
                (root / name).write_text(text)
    return stale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if something would")
    check = parser.parse_args().check
    stale = update(REPOSITORY, check)
    for name in stale:
        print(f"{name}: {'differs from' if check else 'now shows'} {RESULT}")
    if stale and check:
        print("run: python benchmarks/report.py")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
