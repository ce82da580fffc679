"""Datasets as other people have them: WebDataset tars and image folders, and their state on the disc."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import webdataset


def write_tar(path: Path, samples: Iterable[dict[str, Any]]) -> Path:
    """Samples of WebDataset's: ``{"__key__": ..., "jpg": ..., "cls": ...}``."""
    with webdataset.TarWriter(str(path)) as writer:
        for sample in samples:
            writer.write(sample)
    return path


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    """``root/CLASS/NAME`` for each of ``files``."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def state(root: Path) -> dict[str, tuple[str, int, int]]:
    """Digest, time of change and inode of every file but the indexes."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.name.endswith(".fastload_index"):
            status = path.stat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(root))] = digest, status.st_mtime_ns, status.st_ino
    return found
