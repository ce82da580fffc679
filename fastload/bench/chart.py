"""A report as a picture: one panel for each number of threads, a bar for each loader."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .results import OURS, Report


def save(report: Report, path: Path) -> None:
    """Write a PNG. Bars are medians, whiskers reach from the slowest to the fastest round."""
    panels = max(1, len(report.threads))
    rows = max([len(report.timed(threads)) for threads in report.threads], default=1)
    figure = Figure(figsize=(8, 1.0 + panels * (0.7 + 0.42 * rows)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    for threads, axis in zip(report.threads, axes, strict=False):
        peers = report.timed(threads)[::-1]
        speeds = [report.spread(peer, threads, "images_per_second") for peer in peers]
        axis.barh(
            peers,
            [speed.median for speed in speeds],
            xerr=[[s.median - s.min for s in speeds], [s.max - s.median for s in speeds]],
            height=0.7,
            color=["#d1495b" if peer == OURS else "#8d99ae" for peer in peers],
            error_kw={"capsize": 3, "lw": 1},
        )
        for y, (peer, speed) in enumerate(zip(peers, speeds, strict=True)):
            ratio = report.ratio(peer, threads)
            note = "" if ratio is None or peer == OURS else f"  (fastload {ratio.median:.2f}x)"
            axis.annotate(
                f"{speed.median:,.0f}{note}", (speed.max, y), (6, 0), textcoords="offset points", va="center"
            )
        axis.set_title(f"{threads} thread{'s' if threads > 1 else ''}", loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    fastest = max((run.images_per_second for run in report.runs), default=1.0)
    axes[-1].set_xlim(0, 1.3 * fastest)  # room for the notes
    axes[-1].set_xlabel("images/s, float32 CHW 224 px, RandomResizedCrop + flip + normalise")
    figure.suptitle(report.machine["cpu"], fontsize=10)
    figure.savefig(path, format="png")
