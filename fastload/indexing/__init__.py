"""Make an index beside images that stay as they are: WebDataset tars, and folders of class folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fastload.errors import PrepareError
from fastload.indexed import Notes, expand
from fastload.indexing.run import Indexed, make_index
from fastload.indexing.targets import find_targets, still_valid
from fastload.manifest import name_first
from fastload.prepare.run import Progress

__all__ = ["Indexed", "index"]


def index(
    paths: str | Path | Sequence[str | Path],
    *,
    workers: int = 0,
    skip_bad: bool = False,
    keep_truncated: bool = False,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> list[Indexed]:
    """Make an index for each of ``paths``, so that ShardDataset reads it in place; change nothing else.

    A path is a ``.tar`` in the WebDataset layout (KEY.jpg, KEY.cls; its index is ``NAME.tar.fastload_index``
    beside it), a pattern or directory of them, or a folder of class folders (its index is ``.fastload_index``
    in it), or a directory of such folders named train, val, test.

    Images that cannot be decoded are left out, which :class:`Indexed` tells; so are those that are no JPEG of
    one or three components. JPEGs of which rows cannot be decoded alone (progressive ones) will be read
    whole. ``workers`` are threads, 0 for as many as this process has cores. ``keep_truncated`` takes JPEGs
    that end early. ``progress`` is called on this thread after every image.

    An index that is whole and not older than its source is kept, unless ``overwrite``. Indexes appear whole
    or not at all.

    Raises PrepareError where a path is not one of these, and, unless ``skip_bad``, at the end if images had
    to be left out (the indexes are complete without them then).
    """
    if workers < 0:
        raise PrepareError(f"workers is {workers}: give a number of threads, or 0 for one on each core")
    workers = workers or len(os.sched_getaffinity(0))
    done = []
    for path in expand(paths):
        for target in find_targets(path):
            there = None if overwrite else still_valid(target, target.options(keep_truncated))
            if there is None:
                done.append(make_index(target, keep_truncated, workers, progress))
                continue
            own = not target.index.exists()
            size = 0 if own else target.index.stat().st_size
            where = target.source if own else target.index
            done.append(Indexed(target.source, where, len(there), size, Notes.of(there), True))
    if not skip_bad:
        _refuse_skipped(done)
    return done


def _refuse_skipped(done: list[Indexed]) -> None:
    skipped = [(one.source, entry) for one in done for entry in one.notes.skipped]
    if not skipped:
        return
    raise PrepareError(
        f"the indexes are complete but for {len(skipped)} images ({name_first(skipped)}). "
        "--skip-bad accepts that"
    )
