"""A report on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from .results import OURS, Report


def rendered(report: Report) -> Group:
    """A table for each number of threads; then the peers that have no figures, and why."""
    return Group(*(_table(report, threads) for threads in report.threads), *_remarks(report))


def _table(report: Report, threads: int) -> Table:
    table = Table(
        title=f"{threads} thread{'s' if threads > 1 else ''}", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("loader", no_wrap=True)
    for column in ("images per s", "min to max", "ratio", "CPU s per 1,000", "peak MiB", "first batch, s"):
        table.add_column(column, justify="right", no_wrap=column == "min to max")
    for peer in report.timed(threads):
        speed = report.spread(peer, threads, "images_per_second")
        ratio = report.ratio(peer, threads)
        table.add_row(
            peer,
            f"{speed.median:,.0f}",
            f"{speed.min:,.0f} to {speed.max:,.0f}",
            "" if ratio is None or peer == OURS else f"{ratio.median:.2f}x",
            f"{report.spread(peer, threads, 'cpu_seconds_per_1000').median:.2f}",
            f"{report.spread(peer, threads, 'peak_memory_mib').median:,.0f}",
            f"{report.spread(peer, threads, 'first_batch_seconds').median:.2f}",
            style="bold" if peer == OURS else "",
        )
    return table


def _remarks(report: Report) -> Iterator[Text]:
    for peer, state in report.peers.items():
        if state.status != "ok":
            yield Text(f"{peer}: {state.status}: {state.detail}")
    data, rounds = report.data, report.options["rounds"]
    yield Text(
        f"{data['images']:,} images; fastload reads {data['fastload_reads']}, others {data['peers_read']}."
    )
    yield Text(
        f"Medians of {rounds} rounds; ratio: fastload's speed over the loader's, within a round. "
        f"The machine's load at the start: {report.machine['load_at_start']:g}."
    )
