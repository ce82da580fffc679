"""The images of a benchmark: shards for fastload, the same pictures as files for its peers."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from fastload.dataset import ShardDataset
from fastload.errors import ManifestError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def split_directory(dest: Path) -> Path:
    """``dest`` if it is a split, else its ``train`` or ``val``. Raises ManifestError if none is a dataset."""
    for candidate in (dest, dest / "train", dest / "val"):
        if (candidate / "dataset.json").is_file():
            return candidate
    raise ManifestError(f"{dest}: no dataset.json here nor in its train or val; run `fastload prepare` first")


def lay_out(split: Path, source: Path | None, folder: Path, limit: int) -> dict[str, Any]:
    """Write up to ``limit`` samples of the dataset, evenly spread, as ``folder/LABEL/INDEX.jpg``.

    The bytes are those of ``source`` (ILSVRC tars, or a folder of images; found by the sample's key, which is
    the file's stem) or, without one, the JPEGs as stored in the shards. All of it has been read once
    afterwards, so it is in the page cache if that is large enough. Returns the facts for the report.

    Raises ValueError if ``source`` lacks one of the samples.
    """
    dataset = ShardDataset(split)
    count = min(limit, len(dataset))
    positions = [i * len(dataset) // count for i in range(count)]
    for label in range(len(dataset.classes)):
        (folder / f"{label:05d}").mkdir(parents=True)
    wanted, in_shards, pixels = {}, 0, 0
    for i in positions:
        sample = dataset[i]
        in_shards += len(sample.jpeg)
        pixels += sample.width * sample.height
        path = folder / f"{sample.label:05d}" / f"{i}.jpg"
        if source is None:
            path.write_bytes(sample.jpeg)
        else:
            wanted[sample.key] = path
    if source is not None:
        for stem, data in source_files(source, set(wanted)):
            wanted.pop(stem).write_bytes(data)
        if wanted:
            raise ValueError(
                f"{source} lacks {len(wanted)} of the dataset's {count} samples, for example "
                f"{next(iter(wanted))}; without --source the JPEGs stored in the shards are used"
            )
    as_files = sum(len(path.read_bytes()) for path in folder.rglob("*.jpg"))
    return {
        "images": count,
        "mean_pixels": round(pixels / count),
        "fastload_reads": "the shards",
        "fastload_bytes": in_shards,
        "peers_read": "the JPEGs stored in the shards" if source is None else "the original files",
        "peers_bytes": as_files,
    }


def source_files(source: Path, stems: set[str]) -> Iterator[tuple[str, bytes]]:
    """``(stem, bytes)`` of the files that ``stems`` names, in tars (of tars), else in subfolders.

    Each stem comes once, the first time that it is met.
    """
    missing = set(stems)
    for tar in sorted(source.glob("*.tar")):
        with tar.open("rb") as stream:
            yield from _tar_files(stream, missing)
    for path in sorted(source.rglob("*")) if missing else []:
        if path.stem in missing and path.suffix.lower() in IMAGE_SUFFIXES:
            missing.discard(path.stem)
            yield path.stem, path.read_bytes()


def _tar_files(stream: IO[bytes], missing: set[str]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream) as tar:
        for member in tar:
            name = Path(member.name)
            file = tar.extractfile(member) if missing else None
            if file is None:
                continue
            if name.suffix == ".tar":
                yield from _tar_files(file, missing)
            elif name.stem in missing:
                missing.discard(name.stem)
                yield name.stem, file.read()
