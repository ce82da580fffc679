"""How `fastload prepare` and `index` show where they are: a bar on a terminal, or a line now and then."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fastload.prepare import Progress as Step

_BAR_SECONDS, _LINE_SECONDS = 0.1, 10.0
_STEPS = 1_000_000  # of the bar


class PrepareDisplay:
    """A context; the work calls ``update``. ``seen`` are the splits (of an index: the sources) that had
    something to do.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._begun = self._next = 0.0
        self.seen: set[str] = set()

    def __enter__(self) -> PrepareDisplay:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, step: Step) -> None:
        """Called after every image: mostly returns at once."""
        now = time.monotonic()
        if step.split not in self.seen:
            self._begin(step, now)
        if now < self._next and step.fraction < 1:
            return
        rate = (step.images - step.resumed) / max(now - self._begun, 1e-9)
        detail = f"{step.images:,} images, {rate:,.0f} images/s" + (
            f", {step.skipped:,} bad" if step.skipped else ""
        )
        if self._task is not None:
            self._bar.update(self._task, completed=step.fraction * _STEPS, detail=detail)
            self._next = now + _BAR_SECONDS
        else:
            left = (now - self._begun) * (1 - step.fraction) / max(step.fraction - self._first, 1e-9)
            self._console.print(
                f"{step.split}: {step.fraction:.1%}, {detail}, {_clock(left)} left", markup=False
            )
            self._next = now + _LINE_SECONDS

    def _begin(self, step: Step, now: float) -> None:
        self.seen.add(step.split)
        self._begun, self._first, self._next = now, step.fraction, now + _BAR_SECONDS
        if step.resumed:
            self._console.print(f"{step.split}: going on after {step.resumed:,} images", markup=False)
        if self._console.is_terminal:
            # Beginning the bar where the run begins keeps an earlier run's work out of the time left.
            begun = round(step.fraction * _STEPS)
            self._task = self._bar.add_task(step.split, total=_STEPS, completed=begun, detail="")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
