"""Prepare a dataset once, so that it can be read fast ever after: images in, shards and a manifest out."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from fastload._durable import sync_directory
from fastload.errors import PrepareError
from fastload.manifest import FILE_NAME, JOURNAL_NAME, Manifest, name_first
from fastload.prepare.journal import refuse_other_plan
from fastload.prepare.options import DEFAULT_SHARD_SIZE, Options
from fastload.prepare.run import Progress, prepare_split
from fastload.prepare.sources import FolderSource, Source, open_sources

__all__ = ["Progress", "prepare"]


def prepare(
    source: str | Path,
    dest: str | Path,
    *,
    split: str | None = None,
    shard_size: int = DEFAULT_SHARD_SIZE,
    max_side: int | None = None,
    verbatim: bool = False,
    workers: int = 0,
    limit: int | None = None,
    skip_bad: bool = False,
    keep_truncated: bool = False,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> list[Manifest]:
    """Prepare ``source`` into ``dest/<split>``, and return the manifests of the splits that it has.

    ``source`` is a directory with ILSVRC2012's archives (splits train and val; ``split`` picks one), or one
    with a folder of images for each class (``split`` names it). Every JPEG keeps its pixels exactly; other
    formats and CMYK are re-encoded, which the manifest's ``changes`` tell.

    ``shard_size`` in bytes: a shard ends with the sample that reaches it. ``max_side`` in pixels shrinks
    larger images. ``verbatim`` keeps the bytes of every JPEG. ``workers`` are threads, 0 for as many as this
    process has cores. ``limit`` takes only the first files of each split. ``keep_truncated`` takes JPEGs that
    end early, filled as libjpeg fills them. ``progress`` is called on this thread after every file.

    The output's bytes depend on source and options, not on ``workers``. Stopped in whatever way, the same
    call goes on with the last finished shard; on a finished dataset it does nothing. ``overwrite`` first
    removes what an earlier call made of these splits.

    Raises PrepareError where it cannot begin or go on, and, unless ``skip_bad``, at the end if files had to
    be left out (the datasets are complete without them then); LabelError where labels do not fit. One process
    at a time may work on a ``dest``.
    """
    options = Options(shard_size, max_side, verbatim, limit, keep_truncated)
    if workers < 0:
        raise PrepareError(f"workers is {workers}: give a number of threads, or 0 for one on each core")
    workers = workers or len(os.sched_getaffinity(0))
    with ExitStack() as stack:
        sources = open_sources(source, split)
        for opened in sources:
            stack.callback(opened.close)
        manifests = []
        for opened in sources:
            directory = Path(dest) / opened.split
            if isinstance(opened, FolderSource) and directory.resolve().is_relative_to(opened.root.resolve()):
                raise PrepareError(
                    f"{directory} is in {source}, where it would count as a class: give another DEST"
                )
            if overwrite:
                _remove(directory, opened.split)
            manifests.append(
                _finished(directory, opened, options)
                or prepare_split(opened, directory, options, workers, progress)
            )
    if not skip_bad:
        _refuse_skipped(Path(dest), manifests)
    return manifests


def _finished(directory: Path, source: Source, options: Options) -> Manifest | None:
    """The manifest that an earlier call left, if it is of the same source and options."""
    if not (directory / FILE_NAME).exists():
        return None
    manifest = Manifest.load(directory)
    refuse_other_plan(directory, "was prepared", manifest.options, options.record(source.fingerprint))
    return manifest


def _remove(directory: Path, split: str) -> None:
    """Remove a dataset: first what makes it one, so that a crash here leaves an unfinished one."""
    import shutil

    if not directory.is_dir():
        return
    (directory / FILE_NAME).unlink(missing_ok=True)
    sync_directory(directory)
    for shard in directory.glob(f"{split}-*.tar"):
        shard.unlink()
    shutil.rmtree(directory / JOURNAL_NAME, ignore_errors=True)
    sync_directory(directory)


def _refuse_skipped(dest: Path, manifests: list[Manifest]) -> None:
    skipped = [(manifest.split, entry) for manifest in manifests for entry in manifest.skipped]
    if not skipped:
        return
    raise PrepareError(
        f"{dest} is complete but for {len(skipped)} files that cannot be read ({name_first(skipped)}). "
        f"They are listed under 'skipped' in {FILE_NAME}; --skip-bad accepts them"
    )
