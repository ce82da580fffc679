"""What a loader has done, and who waited for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

_WAIT_THAT_MATTERS = 0.05  # of the time; below it, a faster loader would gain nothing that can be measured


@dataclass(frozen=True)
class LoaderStats:
    """What a loader has done since it was made. The seconds of the stages are summed over threads.

    ``samples``: images delivered to batches. ``bytes_read``: from shards or files. ``whole_images``: decoded
    whole, because their rows cannot be read alone. ``fallbacks``: decoded by libjpeg or Pillow, by the reason
    why fastload's own decoder did not take them: "progressive", "arithmetic", "multiscan", "unsupported" (a
    colour space, a missing or odd table), "damaged", "not JPEG". ``wait_seconds``: the
    consumer waited for a batch. ``epoch_seconds``: from ``iter()`` to its end, wall clock. ``skipped``,
    ``substituted``: failures.
    """

    samples: int = 0
    bytes_read: int = 0
    whole_images: int = 0
    fallbacks: Mapping[str, int] = field(default_factory=Counter)
    read_seconds: float = 0.0
    decode_seconds: float = 0.0
    resample_seconds: float = 0.0
    store_seconds: float = 0.0
    wait_seconds: float = 0.0
    epoch_seconds: float = 0.0
    skipped: int = 0
    substituted: int = 0

    def __add__(self, other: LoaderStats) -> LoaderStats:
        sums = {
            name: value + getattr(other, name) for name, value in vars(self).items() if name != "fallbacks"
        }
        return LoaderStats(**sums, fallbacks=Counter(self.fallbacks) + Counter(other.fallbacks))

    @property
    def bottleneck(self) -> str:
        """Who holds up whom, in one sentence."""
        if not self.epoch_seconds:
            return "nothing was loaded and measured yet"
        waiting = min(1.0, self.wait_seconds / self.epoch_seconds)
        if waiting < _WAIT_THAT_MATTERS:
            return (
                f"the consumer: it waited for batches only {waiting:.0%} of {self.epoch_seconds:.1f} s, "
                "so a faster loader would not help"
            )
        stages = {
            "reading": self.read_seconds,
            "decoding": self.decode_seconds,
            "resampling": self.resample_seconds,
            "storing": self.store_seconds,
        }
        slowest = max(stages, key=stages.__getitem__)
        share = stages[slowest] / (sum(stages.values()) or 1)
        remedy = "faster storage" if slowest == "reading" else "more threads (num_workers) or cores"
        return (
            f"the loader, by {slowest}: the consumer waited for batches {waiting:.0%} of "
            f"{self.epoch_seconds:.1f} s, and {share:.0%} of the threads' work was {slowest}; "
            f"{remedy} would help"
        )

    def __str__(self) -> str:
        return f"{self.samples} samples in {self.epoch_seconds:.1f} s; bottleneck: {self.bottleneck}"
