"""The options of `prepare` that decide which bytes come out."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from fastload.errors import PrepareError

DEFAULT_SHARD_SIZE = 1 << 30
_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}


@dataclass(frozen=True)
class Options:
    """``shard_size`` in bytes, ``max_side`` in pixels, ``limit`` in source files per split.

    Raises PrepareError for values that have no meaning.
    """

    shard_size: int = DEFAULT_SHARD_SIZE
    max_side: int | None = None
    verbatim: bool = False
    limit: int | None = None
    keep_truncated: bool = False

    def __post_init__(self) -> None:
        for name, value in (
            ("shard_size", self.shard_size),
            ("max_side", self.max_side),
            ("limit", self.limit),
        ):
            if value is not None and value < 1:
                raise PrepareError(f"{name} is {value}, and must be at least 1")

    def record(self, fingerprint: str) -> dict[str, object]:
        """What the manifest and the journal keep, to tell whether another run would give the same bytes."""
        return {**asdict(self), "source": fingerprint}


def parse_size(text: str) -> int:
    """Bytes of ``256MB`` (10**6), ``1GiB`` (2**30), ``1g``, ``4096``. Raises PrepareError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(|[kmgt]i?)b?\s*", text, re.IGNORECASE)
    if match is None:
        raise PrepareError(f"{text!r} is not a size: write 256MB, 1GiB or a number of bytes")
    return int(float(match[1]) * _UNITS[match[2].lower()])
