"""`fastload bench` small and whole, and the tables made from what it writes."""

from __future__ import annotations

import importlib.util
import io
import json
import re
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from fastload.bench import peers
from fastload.bench.check import check
from fastload.bench.command import check_peer, run
from fastload.bench.crops import random_box
from fastload.bench.images import lay_out
from fastload.bench.job import Job, epoch_order, listing
from fastload.bench.results import PeerState, Report, Run
from fastload.bench.table import rendered
from fastload.dataset import ShardDataset
from fastload.errors import BenchError
from fastload.prepare import prepare

REPOSITORY = Path(__file__).parent.parent

# To be completed by what it does wrong.
WRONG_PEER = """
from fastload.bench.peers.fastload import PACKAGES, SETTINGS
from fastload.bench.peers import fastload
TOLERANCE = 2.5

def batches(job):
    for images, labels in fastload.batches(job):
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, imagefolder: Path) -> Path:
    dest = tmp_path_factory.mktemp("bench")
    prepare(imagefolder, dest, split="train")
    return dest


def bench(dataset: Path, **options: Any) -> tuple[Report, str]:
    """A quick run, and what it printed."""
    output = Console(file=io.StringIO(), width=140)
    report = run(dataset, console=output, **{"rounds": 1, "seconds": 0.1, "batch_size": 8} | options)
    return report, output.file.getvalue()


@pytest.fixture
def job(dataset: Path, tmp_path: Path) -> Job:
    """Three images to check a peer with."""
    lay_out(dataset / "train", None, tmp_path / "images", 3)
    return Job(dataset=str(dataset / "train"), folder=str(tmp_path / "images"), batch_size=3)


@pytest.mark.parametrize("name", peers.PEERS)
def test_peers_make_pillows_images(name: str, job: Job, tmp_path: Path) -> None:
    entry = peers.PEERS[name]
    try:
        peer = peers.load(entry.module)
    except ImportError as error:
        pytest.skip(f"{error}: pip install {entry.needs}")
    checked = check(peer, job, tmp_path / "check")
    assert checked["passed"], checked["problem"]
    assert checked["identical"] >= (name in ("fastload", "torchvision-pil"))
    assert checked["compared"] == (6 if name == "fastload" else 3)  # fastload: whole images, and drawn crops


def test_loaders_are_checked_timed_and_shown(dataset: Path, imagefolder: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "out.json", tmp_path / "out.png"
    others = ["torchvision-pil", "opencv"]
    report, printed = bench(dataset, against=others, threads=[2], source=imagefolder, json=out, plot=picture)

    names = ["fastload", *others]
    assert {name: state.status for name, state in report.peers.items()} == dict.fromkeys(names, "ok")
    assert report.ok
    assert report.threads == [2]
    assert report.data["peers_read"] == "the original files"
    originals = sum(path.stat().st_size for path in imagefolder.rglob("*.jpg"))
    assert report.data["peers_bytes"] == originals
    assert all(name in printed for name in names)
    assert Image.open(picture).format == "PNG"

    document = json.loads(out.read_text())
    assert (document["format"], document["version"]) == ("fastload-bench", 1)
    assert {"cpu", "cores_usable", "memory_gib", "system", "load_at_start"} <= document["machine"].keys()
    assert document["options"]["batch_size"] == 8
    assert [(entry["peer"], entry["round"]) for entry in document["runs"]] == [(name, 0) for name in names]
    for entry in document["runs"]:
        assert entry["images"] >= 8
        assert min(entry["images_per_second"], entry["peak_memory_mib"], entry["first_batch_seconds"]) > 0
    assert {row["peer"] for row in document["summary"]} == set(names)
    assert "torch" in document["peers"]["torchvision-pil"]["versions"]
    assert str(dataset) not in out.read_text()
    assert Report.load(out) == report


def test_a_missing_package_is_reported(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    state = check_peer("opencv", job, tmp_path)
    assert state.status == "not installed"
    assert state.detail.startswith("pip install opencv-python-headless (libGL.so.1")


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("yield images.flip(1).contiguous(), labels", "refused", "differs from Pillow by"),  # blue first
        ("yield images.double(), labels", "refused", r"images are torch.float64 \(1, 3, 224, 224\)"),
        ("yield images, labels + 1", "refused", r"label \[1\] instead of \[0\]"),
        ("raise SystemExit('no more memory')", "failed", "no more memory"),
    ],
)
def test_a_wrong_peer_is_not_timed(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, status: str, reason: str
) -> None:
    (tmp_path / "wrong_peer.py").write_text(WRONG_PEER + f"        {code}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(peers.PEERS, "wrong", peers.Entry("wrong_peer", ""))
    state = check_peer("wrong", job, tmp_path)
    assert state.status == status
    assert re.search(reason, state.detail)


def test_peers_without_figures_are_shown() -> None:
    report = report_of({"fastload": [1000], "dali": [500], "opencv": []})
    report.peers["dali"] = PeerState("refused", "differs from Pillow by 9 levels")
    report.peers["opencv"] = PeerState("not installed", "pip install opencv-python-headless")
    assert not report.ok
    output = io.StringIO()
    Console(file=output, width=140).print(rendered(report))
    assert "dali: refused: differs from Pillow by 9 levels" in output.getvalue()
    assert "opencv: not installed: pip install opencv-python-headless" in output.getvalue()
    assert [row["peer"] for row in report.summary()] == ["fastload"]
    report.peers["dali"] = PeerState("not installed")
    assert report.ok


def test_without_a_source_the_stored_jpegs_are_used(dataset: Path, tmp_path: Path) -> None:
    data = lay_out(dataset / "train", None, tmp_path, 5)
    assert data["images"] == 5
    assert data["peers_read"] == "the JPEGs stored in the shards"
    assert data["peers_bytes"] == data["fastload_bytes"]
    samples = ShardDataset(dataset / "train")
    files = listing(tmp_path)
    assert [int(Path(path).stem) for path, _ in files] == [0, 4, 9, 14, 19]  # evenly spread over 24
    for path, label in files:
        sample = samples[int(Path(path).stem)]
        assert (Path(path).read_bytes(), label) == (sample.jpeg, sample.label)


def test_wrong_arguments(dataset: Path, tmp_path: Path, ilsvrc_dir: Path) -> None:
    with pytest.raises(BenchError, match=r"unknown peer 'tensorflow'; known are torchvision, fastload"):
        bench(dataset, against=["tensorflow"])
    with pytest.raises(BenchError, match="must be positive"):
        bench(dataset, rounds=0)
    with pytest.raises(BenchError, match=r"lacks 24 of the 24 samples, for example .*stored in the shards"):
        bench(dataset, source=ilsvrc_dir)


def test_boxes_follow_torchvision() -> None:

    draw, job = Random(0), Job(dataset="", folder="")
    for _ in range(1000):
        x, y, w, h = random_box(500, 375, job, draw)
        assert 0 <= x <= 500 - w
        assert 0 <= y <= 375 - h
        assert 0.079 < w * h / (500 * 375) <= 1
        assert 0.74 < w / h < 1.35
    assert random_box(1000, 10, job, draw) == (493, 0, 13, 10)  # no ratio fits: central, as wide as allowed


def test_an_epoch_is_whole_permutations_in_full_batches() -> None:
    order = epoch_order(Job(dataset="", folder="", batch_size=4), 10)
    assert len(order) == 260
    assert all(sorted(order[i : i + 10]) == list(range(10)) for i in range(0, 260, 10))
    assert order[:10] != order[10:20]
    assert epoch_order(Job(dataset="", folder="", shuffle=False), 3) == [0, 1, 2]


def report_of(speeds: dict[str, list[float]]) -> Report:
    """A report with these images/s in its rounds."""
    options = {"rounds": 3, "seconds": 10.0, "batch_size": 256, "output": "float32 CHW 224 px, normalised"}
    data = {"images": 800, "mean_pixels": 190_000, "fastload_reads": "A", "peers_read": "B"}
    machine = {"cpu": "a CPU", "cores_usable": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11.7"}
    machine["load_at_start"] = 0.1
    check = {"identical": False, "mean_difference": 0.25, "tolerance": 1.0}
    return Report(
        "2025-01-31T12:00:00+00:00",
        machine,
        options,
        data,
        {name: PeerState("ok", check=check) for name in speeds},
        [
            Run(name, 1, i, 2560, 10.0, speed, 1.5, 0.5, 512.0)
            for name, values in speeds.items()
            for i, speed in enumerate(values)
        ],
    )


def test_ratios_are_taken_within_a_round() -> None:
    report = report_of({"fastload": [1000, 500, 1200], "dali": [500, 250, 400]})
    ratio = report.ratio("dali", 1)
    assert ratio is not None
    assert (ratio.median, ratio.min, ratio.max) == (2.0, 2.0, 3.0)
    spread = report.spread("dali", 1, "images_per_second")
    assert (spread.median, spread.min, spread.max) == (400, 250, 500)
    assert report.timed(1) == ["fastload", "dali"]


def test_a_failed_peer_has_no_figures() -> None:
    report = report_of({"fastload": [1000], "dali": [500]})
    report.peers["fastload"].status = "failed"
    assert report.timed(1) == ["dali"]
    assert report.ratio("dali", 1) is None


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """benchmarks/report.py."""
    spec = importlib.util.spec_from_file_location("report", REPOSITORY / "benchmarks" / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_documents_show_the_result(writer: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("before\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nafter\n")
    (tmp_path / "docs" / "performance.md").write_text("<!-- details:begin -->\n<!-- details:end -->")
    result = tmp_path / writer.RESULT
    result.parent.mkdir(parents=True)
    report_of({"fastload": [1000], "dali": [500]}).save(result)

    documents = [Path("README.md"), Path("docs/performance.md")]
    assert writer.update(tmp_path, check=True) == documents
    assert "old" in (tmp_path / "README.md").read_text()
    assert writer.update(tmp_path, check=False) == documents
    assert Image.open(tmp_path / writer.CHART).format == "PNG"
    assert writer.update(tmp_path, check=True) == []
    assert writer.update(tmp_path, check=False) == []
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("before\n")
    assert readme.endswith("<!-- figures:end -->\nafter\n")
    assert "| 1 | **fastload** | 1,000 |  | 1.50 | 512 |" in readme
    assert "| 1 | dali | 500 | 2.00 times as fast | 1.50 | 512 |" in readme

    report_of({"fastload": [1500], "dali": [500]}).save(result)
    assert writer.update(tmp_path, check=True) == documents


def test_documents_need_their_markers(writer: ModuleType) -> None:
    with pytest.raises(ValueError, match="one <!-- figures:begin -->"):
        writer.insert("no markers", "figures", "body")
    with pytest.raises(ValueError, match="one <!-- figures:begin -->"):
        writer.insert("<!-- figures:end --><!-- figures:begin -->", "figures", "body")


def test_only_results_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"format": "fastload-bench", "version": 99}')
    with pytest.raises(ValueError, match="not a fastload-bench file of version 1"):
        Report.load(path)
