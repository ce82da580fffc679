"""A report on the terminal."""

from __future__ import annotations

from rich.table import Table

from .results import Report


def rich_table(report: Report) -> Table:
    """One line for each peer and thread count, and one for each peer without figures, saying why."""
    columns = ("threads", "loader", "images/s", "fastload is", "CPU s / 1,000", "peak MiB", "first batch s")
    table = Table(caption=f"{report.data['images']} images; peers read {report.data['peers_read']}; medians")
    for column in columns:
        table.add_column(column, justify="left" if column == "loader" else "right")
    for threads in report.threads:
        for peer in report.timed(threads):
            speed = report.spread(peer, threads, "images_per_second")
            ratio = report.ratio(peer, threads)
            table.add_row(
                str(threads),
                peer,
                f"{speed.median:,.0f} ({speed.min:,.0f} to {speed.max:,.0f})",
                "" if ratio is None or peer == "fastload" else f"{ratio.median:.2f}x",
                f"{report.spread(peer, threads, 'cpu_seconds_per_1000').median:.2f}",
                f"{report.spread(peer, threads, 'peak_memory_mib').median:,.0f}",
                f"{report.spread(peer, threads, 'first_batch_seconds').median:.2f}",
            )
        table.add_section()
    for peer, state in report.peers.items():
        if state.status != "ok":
            table.add_row("", peer, f"{state.status}: {state.detail}")
    return table
