"""The command line: what it says, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import corpus
from fastload.cli import app
from fastload.manifest import Manifest

REPOSITORY = Path(__file__).parent.parent


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastload.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def dest(ilsvrc_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dest")
    result = run("prepare", ilsvrc_dir, path, "--shard-size", "100kB", "--workers", "2")
    assert result.exit_code == 0, result.output
    return path


def test_prepare_in_a_process(ilsvrc_dir: Path, tmp_path: Path) -> None:
    done = run_process("prepare", ilsvrc_dir, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    size = (ilsvrc_dir / "ILSVRC2012_img_train.tar").stat().st_size
    assert lines[0] == f"ILSVRC2012_img_train.tar: {size:,} bytes (the official file has 147,897,477,120)"
    assert any(line.startswith("train: 100.0%, 21 images, ") for line in lines)
    assert lines[-2].startswith(f"{tmp_path}/out/train prepared: 21 images, 6 classes, 1 shards, ")
    assert lines[-1].startswith(f"{tmp_path}/out/val prepared: 12 images, 6 classes, 1 shards, ")
    again = run_process("prepare", ilsvrc_dir, tmp_path / "out")
    assert (again.returncode, again.stderr) == (0, "")
    assert f"{tmp_path}/out/val was already prepared: 12 images" in again.stdout


def test_prepare_options_reach_the_dataset(imagefolder: Path, tmp_path: Path) -> None:
    flags = ["--split", "x", "--max-side", 64, "--limit", 5, "--shard-size", "0.5KiB", "--verbatim"]
    assert run("prepare", imagefolder, tmp_path, *flags).exit_code == 0
    manifest = Manifest.load(tmp_path / "x")
    options = dict(manifest.options)
    assert len(str(options.pop("source"))) == 32
    assert options == {
        "shard_size": 512,
        "max_side": 64,
        "verbatim": True,
        "limit": 5,
        "keep_truncated": False,
    }
    assert (manifest.num_samples, len(manifest.shards)) == (5, 5)
    refused = run("prepare", imagefolder, tmp_path, "--split", "x")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"fastload: {tmp_path}/x was prepared with other options: limit was 5")
    assert run("prepare", imagefolder, tmp_path, "--split", "x", "--overwrite").exit_code == 0
    assert Manifest.load(tmp_path / "x").num_samples == 24


def test_bad_files_fail_unless_accepted(tmp_path: Path) -> None:
    source = corpus.make_ilsvrc(tmp_path / "in", bad=True)
    for flags, code in (((), 1), ((), 1), (("--skip-bad",), 0)):
        result = run("prepare", source, tmp_path / "out", *flags)
        assert result.exit_code == code
        assert result.stderr.count("left out: train: n") == 2
        assert "n03126707.tar/n03126707_30005.JPEG: the file is empty" in result.stderr
        assert "2 files left out" in result.stdout
        assert ("--skip-bad accepts that" in result.stderr) == (code == 1)
    assert run("verify", tmp_path / "out").exit_code == 0


@pytest.mark.parametrize("size", ["big", "1XB", "-5", "1 2"])
def test_sizes_that_are_none(imagefolder: Path, tmp_path: Path, size: str) -> None:
    result = run("prepare", imagefolder, tmp_path, f"--shard-size={size}")
    assert result.exit_code == 1
    assert f"{size!r} is not a size: write 256MB" in result.stderr


def test_errors_are_one_line_without_traceback(tmp_path: Path) -> None:
    for arguments, message in (
        (["prepare", tmp_path / "absent", tmp_path / "out"], f"{tmp_path}/absent does not exist"),
        (["info", tmp_path], f"{tmp_path} has no dataset.json: it is not a dataset"),
        (["verify", tmp_path / "absent"], f"{tmp_path}/absent is not a directory"),
    ):
        done = run_process(*arguments)
        assert done.returncode == 1
        assert done.stdout == ""
        [line] = done.stderr.splitlines()
        assert line.startswith(f"fastload: {message}")


def test_system_errors_are_one_line(imagefolder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("prepare", imagefolder, tmp_path / "file" / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("fastload: [Errno 20] Not a directory")


def test_interrupt_says_how_to_go_on(imagefolder: Path, tmp_path: Path) -> None:
    code = """
import os, signal
from fastload import cli, cli_progress
cli_progress.PrepareDisplay.update = lambda self, step: os.kill(os.getpid(), signal.SIGINT)
cli.app()
"""
    command = [sys.executable, "-c", code, "prepare", str(imagefolder), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "fastload: interrupted. Run the same command again to go on.\n"
    assert "its preparation is not finished" in run("info", tmp_path).stderr
    assert run("prepare", imagefolder, tmp_path).exit_code == 0


def test_info(dest: Path) -> None:
    result = run("info", dest)
    assert result.exit_code == 0
    assert f"{dest}/train: 21 images, 6 classes, " in result.stdout
    assert f"{dest}/val: 12 images, 6 classes, " in result.stdout
    for what in ("1 cmyk re-encoded", "1 ycck re-encoded", "1 png re-encoded", "shard_size=100000"):
        assert f"{what}" in result.stdout
    assert f"{dest}/train" not in run("info", dest / "val").stdout


def test_verify(dest: Path, tmp_path: Path) -> None:
    whole = run("verify", dest)
    assert whole.exit_code == 0
    assert whole.stdout.count(": whole") == 2
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (dest / "val").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    damaged = bytearray((copy / "val-000000.tar").read_bytes())
    damaged[2000] ^= 4
    (copy / "val-000000.tar").write_bytes(damaged)
    result = run("verify", copy)
    assert result.exit_code == 1
    assert f"{copy}: val-000000.tar, byte 512, key ILSVRC2012_val_00000001: " in result.stderr
    assert "problems: 1" in result.stdout


def test_show(dest: Path, tmp_path: Path) -> None:
    result = run("show", dest, "--out", tmp_path / "grid.png", "--rows", 2, "--columns", 3)
    assert result.exit_code == 0, result.output
    assert Image.open(tmp_path / "grid.png").format == "PNG"


def test_doctor() -> None:
    result = run("doctor")
    assert result.exit_code == 0
    assert "cores" in result.stdout


def test_bench_measures_fastload(dest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    flags = ["--against", "fastload", "--rounds", 1, "--seconds", 0.1, "--batch-size", 4, "--json", out]
    result = run("bench", dest, *flags)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["runs"][0]["peer"] == "fastload"
    refused = run("bench", dest, "--threads", "two")
    assert refused.exit_code == 2
    assert "'two' is no list of numbers" in refused.stderr
