"""Sample keys: the source file's stem, made safe for tar and WebDataset, and unique.

A key becomes a tar member's name (``KEY.jpg``), and WebDataset splits names at the first dot and groups them
by what precedes it. So ``%``, ``.``, ``/``, ``\\``, control characters and bytes that are no UTF-8 are
written as ``%`` and two hexadecimal digits a byte, as in a URL; all other characters stay, non-ASCII ones as
UTF-8. A key of more than 95 bytes (USTAR's names have 100) keeps its beginning, then ``~`` and 16 hexadecimal
digits of a BLAKE2b hash of the whole.

Keys depend on names alone, never on what was prepared before, so that an interrupted run finds them again.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

MAX_BYTES = 95
_UNSAFE = re.compile(r"[%./\\\x00-\x1f\x7f\udc80-\udcff]")  # the last range: os.fsdecode's broken bytes


def safe_key(name: str) -> str:
    """``name`` escaped and cut to at most 95 bytes of UTF-8. Different names give different keys."""
    key = _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in os.fsencode(match[0])), name)
    encoded = key.encode()
    if len(encoded) <= MAX_BYTES:
        return key
    digest = blake2b(encoded, digest_size=8).hexdigest()
    kept = encoded[: MAX_BYTES - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"


def stem(name: str) -> str:
    """The last part of a path without its extension."""
    return os.path.splitext(name.rpartition("/")[2])[0]


def unique_keys(names: Iterable[tuple[str, str]]) -> list[str]:
    """Keys of (group, stem) pairs, in order: the stem; ``group_stem`` wherever a stem occurs twice; then a
    number.

    The number, from ``-2`` on, is given in the order of ``names`` to files that still share a key.
    """
    pairs = list(names)
    occurrences = Counter(base for _, base in pairs)
    keys = [base if occurrences[base] == 1 else f"{group}_{base}" for group, base in pairs]
    reserved, taken = set(keys), set[str]()
    for position, wanted in enumerate(keys):
        key, number = wanted, 1
        while key in taken or (number > 1 and key in reserved):
            number += 1
            key = f"{wanted}-{number}"
        taken.add(key)
        keys[position] = key
    return [safe_key(key) for key in keys]
