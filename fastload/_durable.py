"""Files that are whole or absent, whatever stops the process: write aside, fsync, rename, fsync the
directory.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def sync_directory(directory: Path) -> None:
    """Make renames and removals in ``directory`` outlive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename a file whose bytes are already synced, durably. Both paths are on one file system."""
    source.replace(target)
    sync_directory(target.parent)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON; a reader sees the old file or the new one, never a part."""
    aside = path.with_name(f".{path.name}.tmp")
    with aside.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    move(aside, path)
