"""The images of a benchmark: shards for fastload, the same pictures as files for its peers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastload.dataset import ShardDataset
from fastload.errors import BenchError
from fastload.prepare.sources import open_sources


def lay_out(split: Path, source: Path | None, folder: Path, limit: int) -> dict[str, Any]:
    """Write up to ``limit`` samples of the dataset, evenly spread, as ``folder/LABEL/INDEX.jpg``.

    The bytes are those of ``source``, from which the dataset was prepared, or, without one, the JPEGs as
    stored in the shards. All of it has been read once afterwards, so it is in the page cache if that is large
    enough. Returns the facts for the report.

    Raises BenchError if ``source`` lacks one of the samples, PrepareError if it is no source.
    """
    dataset = ShardDataset(split)
    count = min(limit, len(dataset))
    chosen = dataset.select([k * len(dataset) // count for k in range(count)])
    _make_class_folders(folder, len(dataset.classes), (sample.label for sample in chosen))
    paths, in_shards, pixels = {}, 0, 0
    for i, sample in zip(chosen.indices, chosen, strict=True):
        in_shards += len(sample.jpeg)
        pixels += sample.width * sample.height
        paths[sample.key] = folder / f"{sample.label:05d}" / f"{i}.jpg"
        if source is None:
            paths[sample.key].write_bytes(sample.jpeg)
    if source is not None:
        _write_originals(source, dataset.split or None, paths)
    return {
        "split": dataset.split,
        "images": count,
        "mean_pixels": round(pixels / count),
        "fastload_reads": "the shards",
        "fastload_bytes": in_shards,
        "peers_read": "the JPEGs stored in the shards" if source is None else "the original files",
        "peers_bytes": sum(len(path.read_bytes()) for path in paths.values()),
    }


def _make_class_folders(folder: Path, classes: int, labels: Iterable[int]) -> None:
    """A folder for each class, also for those without images: peers number the classes by folders."""
    if not classes:  # an index of tars names none
        found = set(labels)
        if min(found) < 0:
            raise BenchError("some samples have no label: the peers tell classes by the folders of a dataset")
        classes = max(found) + 1
    for label in range(classes):
        (folder / f"{label:05d}").mkdir(parents=True)


def _write_originals(source: Path, split: str | None, paths: dict[str, Path]) -> None:
    missing = dict(paths)
    for opened in open_sources(source, split):
        for group in range(len(opened.group_bytes)):
            for item in opened.items(group) if missing else ():
                if item.key in missing:
                    missing.pop(item.key).write_bytes(item.read())
        opened.close()
    if missing:
        raise BenchError(
            f"{source} lacks {len(missing)} of the {len(paths)} samples, for example {next(iter(missing))}; "
            "without a source, the JPEGs stored in the shards are used"
        )
