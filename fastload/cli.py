"""The command line. Says what the library does and found; exit code 1 with one line for what went wrong."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from fastload.errors import FastloadError
from fastload.indexed import find_datasets
from fastload.manifest import FILE_NAME, Manifest, Skipped

INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_MOST_NAMED = 20  # files that were left out, on the terminal
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


class _Commands(TyperGroup):
    """Turns expected errors into one line. Anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:  # the class of its argument is private to typer
        try:
            return super().invoke(ctx)
        except (FastloadError, OSError) as error:
            _err.print(f"fastload: {error}", markup=False)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            resumes = ctx.invoked_subcommand in ("prepare", "index")
            again = " Run the same command again to go on." if resumes else ""
            _err.print(f"fastload: interrupted.{again}")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Exact, fast image data loading for PyTorch.",
)

Dest = Annotated[
    Path,
    typer.Argument(
        help="What `fastload prepare` made: DEST, or one split of it, as DEST/train; "
        "or what `fastload index` indexed: a tar, tars as 'NAME-{000..012}.tar', or a directory."
    ),
]
Workers = Annotated[int, typer.Option(help="Threads; 0 for one on each core.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Exit with 0 though files were left out.")]
KeepTruncated = Annotated[
    bool, typer.Option("--keep-truncated", help="Take JPEGs that end early; the rest is gray.")
]


@app.command()
def prepare(
    source: Annotated[
        Path, typer.Argument(help="A directory with ILSVRC2012's tars, or with a folder for each class.")
    ],
    dest: Annotated[Path, typer.Argument(help="Where DEST/<split> is made.")],
    split: Annotated[str | None, typer.Option(help="The split to prepare; for a folder, its name.")] = None,
    shard_size: Annotated[str, typer.Option(help="A shard ends when it reaches this size.")] = "1GiB",
    max_side: Annotated[
        int | None, typer.Option(help="Shrink images whose longer side has more pixels.")
    ] = None,
    verbatim: Annotated[bool, typer.Option("--verbatim", help="Keep the bytes of every JPEG.")] = False,
    workers: Workers = 0,
    limit: Annotated[int | None, typer.Option(help="Take only the first files of each split.")] = None,
    skip_bad: SkipBad = False,
    keep_truncated: KeepTruncated = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove first what was made in DEST/<split>.")
    ] = False,
) -> None:
    """Prepare images for fast loading. Interrupted, the same command goes on where it was."""
    from fastload.cli_progress import PrepareDisplay
    from fastload.prepare import prepare as prepare_
    from fastload.prepare.options import parse_size
    from fastload.prepare.sources.ilsvrc import describe

    # What Pillow warns of (broken EXIF, very large images) is no news here, and would break the progress bar.
    warnings.filterwarnings("ignore", module="PIL")
    for line in describe(source):
        _out.print(line, markup=False)
    with PrepareDisplay(_out) as display:
        manifests = prepare_(
            source,
            dest,
            split=split,
            shard_size=parse_size(shard_size),
            max_side=max_side,
            verbatim=verbatim,
            workers=workers,
            limit=limit,
            skip_bad=True,  # said below, after what was made
            keep_truncated=keep_truncated,
            overwrite=overwrite,
            progress=display.update,
        )
    for manifest in manifests:
        state = "prepared" if manifest.split in display.seen else "was already prepared"
        _out.print(f"{dest / manifest.split} {state}: {_summary(manifest)}", markup=False)
        _list_skipped(manifest.split, manifest.skipped, str(dest / manifest.split / FILE_NAME))
    _refuse_skipped(sum(len(manifest.skipped) for manifest in manifests), skip_bad)


@app.command()
def index(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="WebDataset tars, directories of them, or folders with one for each class.",
        ),
    ],
    workers: Workers = 0,
    skip_bad: SkipBad = False,
    keep_truncated: KeepTruncated = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make indexes again that are there and still valid.")
    ] = False,
) -> None:
    """Make an index beside images that stay as they are, for fast loading from where they lie."""
    from rich.filesize import decimal

    from fastload.cli_progress import PrepareDisplay
    from fastload.indexing import index as index_

    with PrepareDisplay(_out) as display:
        done = index_(
            list(paths),
            workers=workers,
            skip_bad=True,  # said below, after what was made
            keep_truncated=keep_truncated,
            overwrite=overwrite,
            progress=display.update,
        )
    for one in done:
        if one.index == one.source:
            _out.print(f"{one.source} has an index of its own: {one.num_samples:,} images", markup=False)
            continue
        state = "was already indexed" if one.was_there else "indexed"
        size = f"{decimal(one.notes.bytes)}, index {decimal(one.index_bytes)}"
        left_out = f", {len(one.notes.skipped):,} files left out" if one.notes.skipped else ""
        _out.print(f"{one.source} {state}: {one.num_samples:,} images, {size}{left_out}", markup=False)
        where = f"ShardDataset('{one.source}').manifest.skipped"
        _list_skipped(str(one.source), one.notes.skipped, where)
    _refuse_skipped(sum(len(one.notes.skipped) for one in done), skip_bad)


@app.command()
def info(dest: Dest) -> None:
    """Say what a dataset holds, and what was done to its images."""
    from fastload.dataset import ShardDataset

    for directory in find_datasets(dest):
        prepared = (directory / FILE_NAME).is_file()
        manifest = Manifest.load(directory) if prepared else ShardDataset(directory).manifest
        _out.print(f"{directory}: {_summary(manifest)}", markup=False)
        for what, count in Counter(change.what for change in manifest.changes).most_common():
            _out.print(f"  {count:,} {what}", markup=False)
        for reason, count in Counter(entry.reason for entry in manifest.skipped).most_common():
            _out.print(f"  {count:,} left out: {reason}", markup=False)
        options = ", ".join(f"{name}={value}" for name, value in manifest.options.items())
        _out.print(f"  {'prepared' if prepared else 'indexed'} with {options}", markup=False)


@app.command()
def verify(dest: Dest) -> None:
    """Read everything and compare it with its checksums. Exit code 1 if anything changed."""
    from fastload.verify import verify as verify_

    damaged = False
    for directory in find_datasets(dest):
        report = verify_(directory)
        damaged |= not report.ok
        for problem in report.problems:
            _err.print(f"{directory}: {problem}", markup=False)
        state = "whole" if report.ok else f"problems: {len(report.problems)}"
        _out.print(
            f"{directory}: {report.samples:,} images in {report.shards:,} shards: {state}", markup=False
        )
    if damaged:
        raise typer.Exit(1)


@app.command()
def show(
    dest: Dest,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("grid.png"),
    rows: Annotated[int, typer.Option(min=1)] = 4,
    columns: Annotated[int, typer.Option(min=1)] = 8,
    seed: Annotated[int, typer.Option(help="Draws the images.")] = 0,
) -> None:
    """Draw some of a dataset's images with their classes."""
    from fastload.show import contact_sheet

    written = contact_sheet(find_datasets(dest)[0], out, rows=rows, columns=columns, seed=seed)
    _out.print(f"wrote {written}", markup=False)


@app.command()
def bench(
    dest: Dest,
    against: Annotated[
        str, typer.Option(help="Peers to measure beside fastload.")
    ] = "torchvision,opencv,dali",
    threads: Annotated[str, typer.Option(help="Thread counts to measure, as in 1,2,4.")] = "1",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds through all of them; the median counts.")] = 3,
    seconds: Annotated[float, typer.Option(help="How long each is timed in a round.")] = 10.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 256,
    limit: Annotated[int, typer.Option(min=1, help="Use at most so many images.")] = 10_000,
    source: Annotated[
        Path | None, typer.Option(help="Where the original files are, for the peers to read those.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write results, machine and versions here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a bar chart here, PNG.")] = None,
) -> None:
    """Measure fastload and other loaders on the same images. Exit code 1 if an installed one fails."""
    from fastload.bench.command import run

    try:
        counts = [int(count) for count in threads.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{threads!r} is no list of numbers", param_hint="--threads") from None
    report = run(
        dest,
        against=[name.strip() for name in against.split(",")],
        threads=counts,
        rounds=rounds,
        seconds=seconds,
        batch_size=batch_size,
        limit=limit,
        source=source,
        json=json,
        plot=plot,
        console=_out,
    )
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Say what was found on this machine and what is missing. Exit code 1 if fastload cannot work."""
    from fastload.doctor import as_text, healthy, report

    findings = report()
    _out.print(as_text(findings), markup=False)
    if not healthy(findings):
        raise typer.Exit(1)


def _list_skipped(whose: str, skipped: Sequence[Skipped], where: str) -> None:
    for entry in skipped[:_MOST_NAMED]:
        _err.print(f"left out: {whose}: {entry.source}: {entry.reason}", markup=False)
    if len(skipped) > _MOST_NAMED:
        _err.print(f"left out: ... all {len(skipped)} are listed in {where}", markup=False)


def _refuse_skipped(count: int, skip_bad: bool) -> None:
    if count and not skip_bad:
        _err.print(f"fastload: {count} files cannot be read and were left out; --skip-bad accepts that")
        raise typer.Exit(1)


def _summary(manifest: Manifest) -> str:
    from rich.filesize import decimal

    size = decimal(sum(shard.bytes for shard in manifest.shards))
    counts = (
        f"{manifest.num_samples:,} images, {len(manifest.classes):,} classes, {len(manifest.shards):,} shards"
    )
    left_out = f", {len(manifest.skipped):,} files left out" if manifest.skipped else ""
    return f"{counts}, {size}{left_out}"


if __name__ == "__main__":
    sys.exit(app())
