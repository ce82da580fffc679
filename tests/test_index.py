"""fastload index: what is in an index, what is left out of it, and that nothing else is touched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import webdataset

import corpus
import fastload
from fastload import _native
from fastload.errors import PrepareError
from fastload.indexing import index, run
from fastload.prepare import prepare
from jpeg_cases import encode
from sources import state, write_folder, write_tar
from test_splice import boxes, pixels

REPOSITORY = Path(__file__).parent.parent
JPEG = encode("coffee", 60, 40)
INDEX = ".fastload_index"
RESTARTS = ("restart_row", "restart_1_mcu")  # good cases whose rows begin with restarts: no need for others


def reasons(done: list) -> dict[str, str]:
    return {entry.source: entry.reason for one in done for entry in one.notes.skipped}


def keys(path: Path) -> list[str]:
    return [sample.key for sample in fastload.ShardDataset(path)]


def add_members(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return path


# --- What is in it --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tar", "folder"])
def test_every_crop_of_every_good_file_has_the_pixels_of_the_whole(tmp_path: Path, kind: str) -> None:
    cases = corpus.good_cases()
    if kind == "tar":
        named = {name.replace(".", "_"): jpeg for name, jpeg in cases.items()}
        source = write_tar(tmp_path / "a.tar", [{"__key__": k, "jpg": j} for k, j in named.items()])
    else:
        named = {f"c/{name}.jpg": jpeg for name, jpeg in sorted(cases.items())}
        source = write_folder(tmp_path / "root", named)
    [done] = index(source)
    shard = _native.Shard(str(source if kind == "tar" else done.index))
    assert [shard.record(k).key for k in range(len(shard))] == list(named)
    rng = random.Random(1)
    by_rows = 0
    for number, (name, jpeg) in enumerate(named.items()):
        whole, record = pixels(jpeg), shard.record(number)
        assert shard.jpeg(number) == jpeg
        assert (record.height, record.width) == whole.shape[:2]
        assert record.stored == "verbatim"
        shard.verify(number)
        by_rows += record.row_count > 0
        assert (record.entry_interval > 0) == (record.row_count > 0 and Path(name).stem not in RESTARTS)
        for x, y, w, h in boxes(rng, whole.shape[1], whole.shape[0], 6):
            crop = shard.decode(number, (x, y, w, h))
            assert np.array_equal(crop, whole[y : y + h, x : x + w]), f"{name} {(x, y, w, h)}"
    read_whole = [change.key for change in done.notes.changes if change.what == "read whole"]
    assert by_rows == len(named) - len(read_whole)
    odd = ("progressive", "arithmetic", "multiscan", "no_huffman_tables")
    assert read_whole == [name for name in named if Path(name).stem.startswith(odd)]


def test_a_tar_has_the_samples_that_webdataset_finds(tmp_path: Path) -> None:
    members = [
        ("d.1/a.jpg", JPEG),
        ("d.1/a.cls", b"3"),
        ("d.1/a.json", b"{}"),
        ("d.1/b.seg.png", b"x"),
        ("d.1/b.JPEG", JPEG),
        ("d.1/b.cls", b" 12\n"),
        ("__meta__/c.jpg", JPEG),
        ("__info__", b""),
        ("no_extension", b""),
        ("e.cls", b"1"),
        ("e.jpeg", JPEG),
        ("f.jpg", JPEG),
        ("./g.jpg", JPEG),
        ("f.cls", b"5"),  # of a sample of its own: another one lies between
        ("h.b.jpg", JPEG),
        (f"{'long/' * 60}\u732b.jpg", JPEG),
        ("i.cls", b"-1"),
        ("i.jpg", JPEG),
    ]
    path = add_members(tmp_path / "a.tar", members)
    expected = [
        (sample["__key__"], int(sample.get("cls", -1)), sample.get("jpg", sample.get("jpeg")))
        for sample in webdataset.WebDataset(str(path), shardshuffle=False)
        if "jpg" in sample or "jpeg" in sample
    ]
    assert len(expected) == 7
    assert reasons(index(path)) == {}
    found = [(sample.key, sample.label, sample.jpeg) for sample in fastload.ShardDataset(path)]
    assert found == expected
    data = path.read_bytes()
    for sample in fastload.ShardDataset(path):
        assert sample.shard == str(path)
        assert data[sample.offset :].startswith(JPEG)


def test_a_folder_is_torchvisions_imagefolder(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    names = ["b/2.jpg", "b/10.JPG", "b/sub.d/deep/3.jpeg", "a b/x.y.jpg", "a b/.hidden.jpg", "Z/q.jpeg"]
    root = write_folder(
        tmp_path / "train", {**dict.fromkeys(names, JPEG), "b/notes.txt": b"", "b/x.pdf": b""}
    )
    reference = ImageFolder(root)
    index(root)
    dataset = fastload.ShardDataset(root)
    assert dataset.classes == tuple(reference.classes)
    assert [(s.shard, s.label) for s in dataset] == reference.samples
    assert [s.key for s in dataset] == [str(Path(path).relative_to(root)) for path, _ in reference.samples]
    assert {(s.offset, s.jpeg) for s in dataset} == {(0, JPEG)}
    assert (dataset.split, dataset.manifest.num_samples) == ("train", 6)


def test_bad_images_are_left_out_and_named(tmp_path: Path) -> None:
    bad = {**corpus.bad_cases(), "jpeg_bomb": corpus.jpeg_bomb()}
    odd = {name: corpus.odd_cases()[name] for name in ("cmyk", "ycck", "png", "webp", "no_eoi")}
    files = {f"c/{name}.jpg": data for name, data in {**bad, **odd}.items()}
    root = write_folder(tmp_path / "root", files | {"c/good.jpg": JPEG})
    (root / "c" / "nowhere.jpg").symlink_to(root / "absent")
    (root / "c" / os.fsdecode(b"\xff.jpg")).write_bytes(JPEG)
    done = index(root, skip_bad=True)
    assert keys(root) == ["c/good.jpg", "c/no_eoi.jpg"]
    why = {Path(name).stem: reason for name, reason in reasons(done).items()}
    assert sorted(why) == sorted([*bad, "cmyk", "ycck", "png", "webp", "nowhere", "\\xff"])
    assert why["empty"] == "the file is empty"
    assert why["png"] == why["webp"] == "is no JPEG: `fastload prepare` converts it"
    assert why["ycck"] == "is a JPEG in ycck: `fastload prepare` converts it"
    assert why["nowhere"] == "cannot be read: No such file or directory"
    assert why["\\xff"] == "its name is no UTF-8: rename it"
    assert why["truncated_half"].startswith("truncated JPEG")
    assert why["jpeg_bomb"].startswith("its header promises 65500 x 65500 pixels")
    with pytest.raises(PrepareError, match=rf"complete but for {len(why)} images .* and {len(why) - 3} more"):
        index(root)
    assert index(root, skip_bad=True)[0].notes == done[0].notes


def test_samples_of_a_tar_that_cannot_be_told_are_left_out(tmp_path: Path) -> None:
    members = [
        ("png.png", b"\x89PNG"),
        ("png.cls", b"1"),
        ("word.jpg", JPEG),
        ("word.cls", b"cat"),
        ("long.jpg", JPEG),
        ("long.cls", b"1" * 40),
        ("two.jpg", JPEG),
        ("two.jpeg", JPEG),
        ("good.jpg", JPEG),
    ]
    done = index(add_members(tmp_path / "a.tar", members), skip_bad=True)
    assert keys(tmp_path / "a.tar") == ["good"]
    assert reasons(done) == {
        "png.png": "is no JPEG: convert it to an ordinary JPEG",
        "word.jpg": "its label in word.cls is no number of a class: 'cat'",
        "long.jpg": "its label in long.cls is no number of a class: '...'",
        "two.jpg": "is one of several images or labels of the sample 'two': two.jpg, two.jpeg",
    }


def test_truncated_jpegs_are_taken_on_request(tmp_path: Path) -> None:
    cut = corpus.bad_cases()["truncated_half"]
    path = write_tar(tmp_path / "a.tar", [{"__key__": "cut", "jpg": cut}, {"__key__": "good", "jpg": JPEG}])
    [done] = index(path, skip_bad=True)
    assert keys(path) == ["good"]
    [again] = index(path, keep_truncated=True)
    assert (done.was_there, again.was_there) == (False, False)
    assert keys(path) == ["cut", "good"]
    shard = _native.Shard(str(path))
    assert shard.record(0).truncated
    whole = _native.decode_jpeg(cut)
    assert np.array_equal(shard.decode(0, (10, 120, 200, 70)), whole[120:190, 10:210])


def test_nothing_to_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.zip").touch()
    for path, message in (
        (tmp_path / "absent", "does not exist"),
        (tmp_path / "x.zip", "is no .tar file"),
        (tmp_path / "empty", "nor a folder for each class"),
        (
            add_members(tmp_path / "a.tar", [("a.png", b"")]),
            "holds no JPEG that can be indexed; the first is",
        ),
        (add_members(tmp_path / "b.tar", []), "holds no JPEG that can be indexed"),
        (corpus.make_ilsvrc(tmp_path / "in", train_per_class=1, val=1), "`fastload prepare` reads"),
    ):
        with pytest.raises(PrepareError, match=message):
            index(path)
    (tmp_path / "b.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:700])
    with pytest.raises(PrepareError, match="not a whole tar archive"):
        index(tmp_path / "b.tar")
    assert list(tmp_path.rglob(f"*{INDEX}*")) == []


# --- Sources stay, indexes are whole ----------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory of two tars, and in it a folder of classes."""
    for name in ("train-0.tar", "train-1.tar"):
        write_tar(tmp_path / name, [{"__key__": f"{name[:7]}{k}", "jpg": JPEG, "cls": k} for k in range(5)])
    write_folder(tmp_path / "images" / "val", {f"{c}/{k}.jpg": JPEG for c in "ab" for k in range(4)})
    return tmp_path


def test_sources_are_not_touched(place: Path) -> None:
    before = state(place)
    done = index([place, place / "images"], workers=2)
    assert [(one.source.name, one.num_samples) for one in done] == [
        ("train-0.tar", 5),
        ("train-1.tar", 5),
        ("val", 8),
    ]
    for path in (place, place / "images" / "val"):
        assert len(list(fastload.DataLoader(path, 4, transform=fastload.transforms.Resize((8, 8))))) > 1
    assert state(place) == before
    made = {str(path.relative_to(place)) for path in place.rglob(f"*{INDEX}")}
    assert made == {f"train-0.tar{INDEX}", f"train-1.tar{INDEX}", f"images/val/{INDEX}"}


def test_the_index_does_not_depend_on_workers(place: Path) -> None:
    def made() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in place.rglob(f"*{INDEX}")}

    paths = [place, place / "images"]
    index(paths, workers=1)
    first = made()
    index(paths, workers=5, overwrite=True)
    assert len(first) == 3
    assert made() == first


def test_only_what_changed_is_indexed_again(place: Path) -> None:
    def again(**options: bool) -> list[bool]:
        return [one.was_there for one in index([place, place / "images"], **options)]

    assert again() == [False, False, False]
    assert again() == [True, True, True]
    assert again(overwrite=True) == [False, False, False]
    later = (place / f"train-0.tar{INDEX}").stat().st_mtime_ns + 1_000_000_000
    os.utime(place / "train-0.tar", ns=(later, later))
    os.utime(place / "images" / "val" / "a" / "2.jpg", ns=(later, later))
    assert again() == [False, True, False]
    os.utime(place / "train-0.tar", ns=(1, 1))
    os.utime(place / "images" / "val" / "a" / "2.jpg", ns=(1, 1))
    assert again() == [True, True, True]
    with (place / "train-1.tar").open("ab") as file:
        file.write(bytes(512))
    os.utime(place / "train-1.tar", ns=(1, 1))
    (place / "images" / "val" / "a" / "2.jpg").unlink()
    assert again() == [True, False, False]
    damaged = bytearray((place / f"train-0.tar{INDEX}").read_bytes())
    damaged[400] ^= 1
    (place / f"train-0.tar{INDEX}").write_bytes(damaged)
    assert again() == [False, True, True]
    assert again(keep_truncated=True) == [False, False, False]


def test_a_prepared_shard_needs_no_index(place: Path) -> None:
    prepare(place / "images" / "val", place / "out")
    [done] = index(place / "out" / "val")
    assert (done.was_there, done.index, done.num_samples) == (True, done.source, 8)
    assert list((place / "out").rglob(f"*{INDEX}")) == []


def test_interruptions_leave_no_part(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = state(place)
    with monkeypatch.context() as patch:
        patch.setattr(run, "move", interrupted)
        with pytest.raises(KeyboardInterrupt):
            index(place / "train-0.tar")
    with pytest.raises(KeyboardInterrupt):
        index(place / "train-1.tar", progress=interrupted)
    assert state(place) == before
    assert list(place.glob(f"*{INDEX}")) == []
    # Killed in the middle of the second tar: the first one's index is there, whole.
    code = f"""
import os, signal
from fastload.indexing import index
def kill(step):
    if step.split.endswith("train-1.tar") and step.images == 3:
        os.kill(os.getpid(), signal.SIGKILL)
index({str(place)!r}, progress=kill)
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == -signal.SIGKILL
    assert state(place) == before
    assert [path.name for path in place.glob(f"*{INDEX}")] == [f"train-0.tar{INDEX}"]
    assert [one.was_there for one in index(place)] == [True, False]
