"""Datasets read where they lie: the same batches as prepared ones, and named errors where files changed."""

from __future__ import annotations

import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

import corpus
import fastload
from fastload import _native
from fastload import transforms as T
from fastload.cli import app
from fastload.errors import ManifestError, SampleError, ShardError
from fastload.indexed import expand
from fastload.indexing import index
from fastload.prepare import prepare
from fastload.verify import verify
from jpeg_cases import encode
from loading import batches
from sources import write_folder, write_tar
from test_shard import crc32c

JPEG = encode("coffee", 60, 40)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same 42 images: an indexed folder, two indexed tars, prepared, and prepared verbatim."""
    root = tmp_path_factory.mktemp("everywhere")
    folder = corpus.make_imagefolder(root / "images", classes=3, per_class=14, sides=(70, 300))
    (root / "tars").mkdir()
    paths = sorted(folder.rglob("*.jpg"))
    labels = {name: label for label, name in enumerate(sorted(path.name for path in folder.iterdir()))}
    for number, part in enumerate((paths[:20], paths[20:])):
        samples = [
            {"__key__": f"{p.parent.name}_{p.stem}", "jpg": p.read_bytes(), "cls": labels[p.parent.name]}
            for p in part
        ]
        write_tar(root / "tars" / f"train-{number:03}.tar", samples)
    index([folder, root / "tars"])
    prepare(folder, root / "prepared", split="train")
    prepare(folder, root / "verbatim", split="train", verbatim=True)
    return {
        "folder": folder,
        "tars": root / "tars",
        "prepared": root / "prepared" / "train",
        "verbatim": root / "verbatim" / "train",
    }


def test_batches_are_those_of_the_prepared_dataset(everywhere: dict[str, Path]) -> None:
    for steps in ([T.RandomResizedCrop(64), T.RandomHorizontalFlip()], [T.Resize(64), T.CenterCrop(48)]):
        got = {
            name: [
                torch.cat(parts) for parts in zip(*batches(path, transform=steps, shuffle=True), strict=True)
            ]
            for name, path in everywhere.items()
        }
        assert len(got["prepared"][1]) == 42
        for images, labels in got.values():
            assert torch.equal(images, got["prepared"][0])
            assert torch.equal(labels, got["prepared"][1])


def test_sample_images_in_place(imagenet_sample: Path, tmp_path: Path) -> None:
    """The 900 real images, in a tar as they are, and prepared."""
    prepare(imagenet_sample, tmp_path / "out", verbatim=True)
    for split in ("train", "val"):
        prepared = fastload.ShardDataset(tmp_path / "out" / split)
        tar = tmp_path / f"{split}.tar"
        write_tar(tar, [{"__key__": s.key, "jpg": s.jpeg, "cls": s.label} for s in prepared])
        index(tar)
        steps = [T.RandomResizedCrop(224), T.RandomHorizontalFlip()]
        for (a, x), (b, y) in zip(
            batches(prepared, transform=steps), batches(tar, transform=steps), strict=True
        ):
            assert torch.equal(a, b)
            assert torch.equal(x, y)


def test_manifest_of_indexes(everywhere: dict[str, Path]) -> None:
    folder = fastload.ShardDataset(everywhere["folder"])
    tars = fastload.ShardDataset(everywhere["tars"])
    names = tuple(sorted(path.name for path in everywhere["folder"].iterdir() if path.is_dir()))
    assert (folder.classes, folder.split, len(folder)) == (names, "", 42)
    assert (tars.classes, tars.split, len(tars)) == ((), "train", 42)
    assert [shard.num_samples for shard in tars.manifest.shards] == [20, 22]
    assert sum(shard.bytes for shard in tars.manifest.shards) == sum(len(s.jpeg) for s in folder)
    assert repr(tars).endswith(": train, 42 samples, 0 classes, 2 shards)")


def test_every_way_to_name_tars(everywhere: dict[str, Path]) -> None:
    root = everywhere["tars"]
    first, second = root / "train-000.tar", root / "train-001.tar"
    whole = [sample.key for sample in fastload.ShardDataset(root)]
    for named in (
        f"{root}/train-{{000..001}}.tar",
        f"{root}/train-{{000,001}}.tar",
        f"{root}/train-*.tar",
        f"{root}/train-00[01].tar",
        [first, str(second)],
        (f"{root}/train-{{000..000}}.tar", second),
    ):
        assert [sample.key for sample in fastload.ShardDataset(named)] == whole
    assert [s.key for s in fastload.ShardDataset(first)] == whole[:20]
    assert [s.key for s in fastload.ShardDataset([second, first, second])] == whole[20:] + whole[:20] + whole[
        20:
    ]
    assert len(fastload.DataLoader([first, second], 42, transform=T.Resize((8, 8)))) == 1
    with pytest.raises(ManifestError, match=r"no file matches .*/val-\*\.tar"):
        fastload.ShardDataset(f"{root}/val-*.tar")
    with pytest.raises(ManifestError, match=r"train-002\.tar' is missing"):
        fastload.ShardDataset(f"{root}/train-{{000..002}}.tar")
    with pytest.raises(ManifestError, match="no tars are given"):
        fastload.ShardDataset([])


@pytest.mark.parametrize(
    "pattern",
    [
        *("a{0..3}", "a{8..11}.tar", "a{08..11}.tar", "a{000..2}", "a{3..0}", "{x,y}{0..1}", "{a,b{1..2}}x"),
        *("a{b}", "{,x}y", "plain", "{train,val}-{0..1}{a,b}"),
    ],
)
def test_braces_are_webdatasets(pattern: str) -> None:
    import braceexpand

    assert [str(path) for path in expand(pattern)] == list(braceexpand.braceexpand(pattern))


def test_views_and_pickles(everywhere: dict[str, Path]) -> None:
    for named in (everywhere["folder"], everywhere["tars"], f"{everywhere['tars']}/train-*.tar"):
        view = fastload.ShardDataset(named)[10:30:3]
        again = pickle.loads(pickle.dumps(view))
        assert list(again) == list(view)
        assert (again.path, again.manifest) == (view.path, view.manifest)


def test_a_pickle_of_tars_that_were_indexed_anew(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", [{"__key__": "a", "jpg": JPEG}])
    index(tar)
    pickled = pickle.dumps(fastload.ShardDataset(tar))
    write_tar(tar, [{"__key__": key, "jpg": JPEG} for key in "ab"])
    index(tar)
    with pytest.raises(ManifestError, match="holds 2 samples, but 1 are expected"):
        pickle.loads(pickled)


# --- What changed is named --------------------------------------------------------------------------


@pytest.fixture
def copy(everywhere: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """The indexed folder and tars, to be damaged."""
    return {name: Path(shutil.copytree(everywhere[name], tmp_path / name)) for name in ("folder", "tars")}


def damage(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def test_changed_images_of_a_folder(copy: dict[str, Path]) -> None:
    dataset = fastload.ShardDataset(copy["folder"])
    paths = [Path(sample.shard) for sample in dataset]
    damage(paths[3], -20)
    paths[4].write_bytes(paths[5].read_bytes())
    paths[6].unlink()
    for number, message in (
        (3, f"'{paths[3]}' changed since it was indexed: run `fastload index` again: the JPEG of sample"),
        (4, f"'{paths[4]}' has {paths[5].stat().st_size} bytes, and had"),
        (6, f"cannot open '{paths[6]}': No such file or directory"),
    ):
        with pytest.raises((ShardError, OSError)) as caught:
            dataset[number]
        assert message in str(caught.value)
        with pytest.raises(SampleError) as lost:
            batches(dataset[number : number + 1], transform=T.Resize((8, 8)))
        assert (lost.value.key, lost.value.shard) == (
            str(paths[number].relative_to(copy["folder"])),
            str(paths[number]),
        )
        assert type(lost.value.__cause__) is type(caught.value)
    problems = verify(copy["folder"]).problems
    assert [(p.key, p.offset) for p in problems] == [
        (str(paths[number].relative_to(copy["folder"])), 0) for number in (3, 4, 6)
    ]
    index(copy["folder"])  # takes them as they are now
    report = verify(copy["folder"])
    assert (report.ok, report.samples) == (True, 41)


def test_a_changed_tar(copy: dict[str, Path]) -> None:
    tar = copy["tars"] / "train-000.tar"
    dataset = fastload.ShardDataset(copy["tars"])
    sample = dataset[7]
    good = tar.read_bytes()
    damage(tar, sample.offset + 300)
    with pytest.raises(ShardError, match=r"train-000\.tar' changed since it was indexed"):
        dataset[7]
    assert [(p.shard, p.key, p.offset) for p in verify(copy["tars"]).problems] == [
        ("train-000.tar", sample.key, sample.offset)
    ]
    tar.write_bytes(good + bytes(512))
    with pytest.raises(
        ShardError, match=rf"has {len(good) + 512} bytes, and had {len(good)}: it changed since"
    ):
        fastload.ShardDataset(copy["tars"])
    assert [str(p)[:15] for p in verify(copy["tars"]).problems] == ["train-000.tar: "]
    tar.write_bytes(good)
    (copy["tars"] / "train-000.tar.fastload_index").unlink()
    with pytest.raises(ShardError, match=r"nor is there one beside it .*`fastload index` makes"):
        fastload.ShardDataset(copy["tars"])


def test_any_flipped_bit_of_an_index_is_found(copy: dict[str, Path]) -> None:
    """But those of the padding between its sections."""
    path = copy["folder"] / ".fastload_index"
    good = path.read_bytes()
    sections = struct.unpack_from("<I", good, 12)[0]
    assert sections == 6
    covered = [range(64 + 32 * sections), range(len(good) - 64, len(good))]
    for k in range(sections):
        offset, length = struct.unpack_from("<QQ", good, 64 + 32 * k + 8)
        covered.append(range(offset, offset + length))
    rng = np.random.default_rng(0)
    for place in [int(rng.choice(part)) for part in covered if len(part) for _ in range(8)]:
        damage(path, place)
        assert verify(copy["folder"]).problems, place
        path.write_bytes(good)
    for size in (0, 63, 64, 500, len(good) - 1):
        path.write_bytes(good[:size])
        with pytest.raises(ShardError, match=r"\.fastload_index' is not a complete fastload index"):
            fastload.ShardDataset(copy["folder"])


def test_indexes_of_the_wrong_kind(copy: dict[str, Path]) -> None:
    sidecar, own = copy["tars"] / "train-000.tar.fastload_index", copy["folder"] / ".fastload_index"
    of_tar, of_folder = sidecar.read_bytes(), own.read_bytes()
    sidecar.write_bytes(of_folder)
    own.write_bytes(of_tar)
    for path, message in (
        (copy["tars"], "not the index of an archive"),
        (copy["folder"], "of a folder of images"),
    ):
        with pytest.raises(ShardError, match=message):
            fastload.ShardDataset(path)


def test_a_key_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    root = write_folder(tmp_path / "root", {"c/a.jpg": JPEG})
    prepared = _native.prepare_jpeg(JPEG, verbatim=True)
    for key in ("../secret.jpg", str(tmp_path / "secret.jpg"), "c/../../secret.jpg", ".."):
        builder = _native.IndexBuilder()
        builder.add(key, 0, prepared, 0)
        builder.write(str(root / ".fastload_index"), _native.IndexKind.folder)
        shard = _native.Shard(str(root / ".fastload_index"))
        for read in (shard.record, shard.jpeg, shard.decode, shard.verify):
            with pytest.raises(ShardError, match="leads out of the folder"):
                read(0)


def test_entry_points_of_another_number_are_refused(tmp_path: Path) -> None:
    """A record with a right checksum and a wrong interval, as a faulty writer would make it."""
    tar = write_tar(tmp_path / "a.tar", [{"__key__": "a", "jpg": encode("coffee", 400, 300)}])
    index(tar)
    path = tmp_path / "a.tar.fastload_index"
    data = bytearray(path.read_bytes())
    sections = {k[0]: k[1:] for k in (struct.unpack_from("<I4xQQ", data, 64 + 32 * i) for i in range(4))}
    at, rows, entries, key = sections[1][0], sections[2], sections[4], sections[3]
    interval = struct.unpack_from("<H", data, at + 54)[0]
    assert interval > 0
    struct.pack_into("<H", data, at + 54, 2 * interval)
    parts = [range(at, at + 60), *(range(start, start + size) for start, size in (rows, entries, key))]
    crc = crc32c(b"".join(bytes(data[part.start : part.stop]) for part in parts))
    struct.pack_into("<I", data, at + 60, crc)
    path.write_bytes(data)
    shard = _native.Shard(str(tar))
    with pytest.raises(ShardError, match="entry points for sample 'a' instead of"):
        shard.decode(0, (0, 0, 50, 50))
    with pytest.raises(ShardError, match="entry points"):
        shard.verify(0)


# --- The command line -------------------------------------------------------------------------------


def test_commands_take_indexes(everywhere: dict[str, Path], tmp_path: Path) -> None:
    tars, folder = everywhere["tars"], everywhere["folder"]
    result = run("index", tars, folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.partition(", ")[0] for line in result.stdout.splitlines()] == [
        f"{tars}/train-000.tar was already indexed: 20 images",
        f"{tars}/train-001.tar was already indexed: 22 images",
        f"{folder} was already indexed: 42 images",
    ]
    for path, shards in ((tars, 2), (tars / "train-*.tar", 2), (folder, 1), (folder.parent, 1)):
        result = run("info", path)
        assert result.exit_code == 0, result.output
        assert f"42 images, {3 if shards == 1 else 0} classes, {shards} shards, " in result.stdout
        assert "indexed with keep_truncated=False" in result.stdout
        result = run("verify", path)
        assert f"42 images in {shards} shards: whole" in result.stdout
        assert run("show", path, "--out", tmp_path / "grid.png").exit_code == 0
    for path in (tars, folder):
        flags = ["--against", "fastload", "--rounds", 1, "--seconds", 0.1, "--batch-size", 4]
        result = run("bench", path, *flags)
        assert result.exit_code == 0, result.output


def test_bench_needs_labels(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", [{"__key__": "a", "jpg": JPEG}])
    index(tar)
    result = run("bench", tar, "--against", "fastload")
    assert result.exit_code == 1
    assert "some samples have no label" in result.stderr


def test_index_lists_what_it_left_out(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "root", {"c/good.jpg": JPEG, "c/bad.jpg": b"", "c/p.png": b"\x89PNG"})
    for flags, code in (((), 1), ((), 1), (("--skip-bad",), 0)):
        result = run("index", root, *flags)
        assert result.exit_code == code
        assert f"left out: {root}: c/bad.jpg: the file is empty" in result.stderr
        assert f"left out: {root}: c/p.png: is no JPEG" in result.stderr
        assert "2 files left out" in result.stdout
        assert ("--skip-bad accepts that" in result.stderr) == (code == 1)
    assert "1 left out: the file is empty" in run("info", root).stdout
