"""Files that are whole or absent, whatever stops the process: write aside, fsync, rename, fsync the
directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
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


def write_json(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a JSON object, dataclasses as objects too; a reader sees the old file or the new one, never a
    part. Each field, and each entry of a field that is a list, has a line of its own.
    """
    encode = json.JSONEncoder(default=vars).encode  # in C, unlike json's own indentation
    lines = []
    for name, value in fields.items():
        if isinstance(value, list | tuple) and value:
            text = "[\n  " + ",\n  ".join(map(encode, value)) + "\n ]"
        else:
            text = encode(value)
        lines.append(f" {encode(name)}: {text}")
    aside = path.with_name(f".{path.name}.tmp")
    with aside.open("w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
        file.flush()
        os.fsync(file.fileno())
    move(aside, path)
