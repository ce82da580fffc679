"""prepare, stopped: whatever ends it and when, the same call goes on, and ends with the same bytes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import corpus
from fastload.errors import PrepareError
from fastload.prepare import Progress, prepare

SHARD_SIZE = 60_000

# Prepares SOURCE into DEST and dies by SIGKILL, either after so many images (while workers and the commit
# thread are at whatever they are at), or at the so-manieth fsync or rename, the steps that make things last.
CHILD = f"""
import os, pathlib, signal, sys
source, dest, event, count = *sys.argv[1:4], int(sys.argv[4])
def die():
    os.kill(os.getpid(), signal.SIGKILL)
class Bomb:
    left = count
    def tick(self, *ignored):
        self.left -= 1
        if self.left == 0:
            die()
bomb = Bomb()
from fastload.prepare import prepare
if event == "step":
    fsync, replace = os.fsync, pathlib.Path.replace
    os.fsync = lambda fd: (bomb.tick(), fsync(fd))[1]
    pathlib.Path.replace = lambda self, target: (bomb.tick(), replace(self, target))[1]
prepare(source, dest, shard_size={SHARD_SIZE}, workers=2, skip_bad=True,
        progress=bomb.tick if event == "image" else None)
"""


def run_child(source: Path, dest: Path, event: str, count: int) -> int:
    command = [sys.executable, "-c", CHILD, str(source), str(dest), event, str(count)]
    return subprocess.run(command, check=False).returncode


def tree(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus.make_ilsvrc(tmp_path_factory.mktemp("source"), train_per_class=30, val=20, bad=True)


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    dest = tmp_path_factory.mktemp("undisturbed")
    prepare(source, dest, shard_size=SHARD_SIZE, skip_bad=True)
    files = tree(dest)
    assert len([name for name in files if name.endswith(".tar")]) >= 10
    return files


class StopError(Exception):
    """Raised out of the progress callback, as Ctrl-C may be."""


def stop_after(images: int) -> Callable[[Progress], None]:
    def callback(step: Progress) -> None:
        if step.images == images:
            raise StopError

    return callback


def test_killed_ten_times_at_random_images(
    source: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    rng = random.Random(2012)
    for _ in range(10):
        assert run_child(source, tmp_path, "image", rng.randint(5, 20)) == -signal.SIGKILL
    assert (tmp_path / "train" / "train-000000.tar").exists()
    assert run_child(source, tmp_path, "image", 0) == 0
    assert tree(tmp_path) == undisturbed


def test_killed_at_every_step_that_lasts(source: Path, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    steps = 1
    while run_child(source, tmp_path, "step", steps) != 0:
        # A shard that can be seen is whole.
        for path in tmp_path.glob("*/*.tar"):
            assert path.read_bytes() == undisturbed[str(path.relative_to(tmp_path))]
        steps += 3
    assert tree(tmp_path) == undisturbed


def test_a_stopped_run_goes_on_after_its_last_shard(source: Path, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        prepare(source, tmp_path, split="train", shard_size=SHARD_SIZE, progress=stop_after(30))
    shards = sorted(path.name for path in (tmp_path / "train").glob("*.tar"))
    assert shards
    assert not list((tmp_path / "train" / ".prepare").glob("*.tar"))
    steps: list[Progress] = []
    options = {"split": "train", "shard_size": SHARD_SIZE, "skip_bad": True}
    [manifest] = prepare(source, tmp_path, progress=steps.append, **options)  # type: ignore[arg-type]
    kept = sum(shard.num_samples for shard in manifest.shards if shard.name in shards)
    assert 0 < kept <= 30
    assert {step.resumed for step in steps} == {steps[0].resumed}
    assert kept <= steps[0].resumed <= 30
    assert steps[0].images == steps[0].resumed + 1
    assert steps[0].fraction > 0.9 * steps[0].resumed / steps[-1].images


def test_a_finished_dataset_is_left_alone(source: Path, tmp_path: Path) -> None:
    [manifest] = prepare(source, tmp_path, split="val")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    calls: list[Progress] = []
    assert prepare(source, tmp_path, split="val", progress=calls.append) == [manifest]
    assert not calls
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("finished", [True, False])
def test_other_options_or_another_source_are_refused(
    source: Path, ilsvrc_dir: Path, imagefolder: Path, tmp_path: Path, finished: bool
) -> None:
    stop = None if finished else stop_after(10)
    with contextlib.nullcontext() if finished else pytest.raises(StopError):
        prepare(source, tmp_path, split="val", shard_size=SHARD_SIZE, progress=stop)
    before = tree(tmp_path)
    state = "was prepared" if finished else "was begun"
    for changed, message in (
        ({"shard_size": 70_000}, "shard_size was 60000 and is 70000"),
        ({"max_side": 50}, "max_side was None and is 50"),
        ({"verbatim": True, "limit": 3}, "limit was None and is 3; verbatim was False and is True"),
    ):
        options: dict[str, Any] = {"split": "val", "shard_size": SHARD_SIZE, **changed}
        with pytest.raises(PrepareError, match=f"{state} with other options: {message}.*--overwrite"):
            prepare(source, tmp_path, **options)
    for other in (ilsvrc_dir, imagefolder):
        with pytest.raises(PrepareError, match=f"{state} with other options: the source is another one"):
            prepare(other, tmp_path, split="val", shard_size=SHARD_SIZE)
    assert tree(tmp_path) == before
    prepare(source, tmp_path, split="val", overwrite=True)
    prepare(source, tmp_path / "fresh", split="val")
    assert tree(tmp_path / "val") == tree(tmp_path / "fresh" / "val")


def test_shards_of_unknown_origin_are_refused(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path, split="val")
    (tmp_path / "val" / "dataset.json").unlink()
    with pytest.raises(PrepareError, match=r"holds val-000000\.tar, but no dataset\.json and no notes"):
        prepare(source, tmp_path, split="val")


def test_a_shard_changed_between_runs_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        prepare(source, tmp_path, split="train", shard_size=SHARD_SIZE, progress=stop_after(30))
    shard = tmp_path / "train" / "train-000000.tar"
    shard.write_bytes(shard.read_bytes()[:-512])
    with pytest.raises(PrepareError, match=f"{shard} has .* bytes, and had .* when it was finished"):
        prepare(source, tmp_path, split="train", shard_size=SHARD_SIZE)


def test_two_at_once_are_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "val" / ".prepare").mkdir(parents=True)
    with (tmp_path / "val" / ".prepare" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(PrepareError, match="another `fastload prepare` is working in"):
            prepare(source, tmp_path, split="val")
    prepare(source, tmp_path, split="val")


def test_a_full_disc_stops_cleanly_and_the_run_goes_on(
    source: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    # A file size limit, whose signal Python ignores, makes writes fail as a full disc does.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SHARD_SIZE // 2, hard))
    try:
        with pytest.raises(PrepareError, match=r"train-000000\.tar.* run the same command again to go on"):
            prepare(source, tmp_path, shard_size=SHARD_SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob("*.tar"))
    prepare(source, tmp_path, shard_size=SHARD_SIZE, skip_bad=True)
    assert tree(tmp_path) == undisturbed


def test_failing_storage_is_no_bad_image(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("fastload.prepare.tar.TarIndex.read", broken)
        with pytest.raises(PrepareError, match=r"cannot read ILSVRC2012_val_00000001\.JPEG: .*Input"):
            prepare(source, tmp_path, split="val", skip_bad=True)
    [manifest] = prepare(source, tmp_path, split="val")
    assert manifest.num_samples == 20
