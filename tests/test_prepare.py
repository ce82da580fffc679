"""prepare: the right images with the right labels and exactly their pixels, whatever the source holds."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import corpus
from fastload._native import Shard, decode_jpeg, jpeg_info
from fastload.errors import LabelError, PrepareError
from fastload.manifest import Manifest
from fastload.prepare import Progress, prepare

Folder = Callable[[dict[str, bytes]], Path]
END = b"\xff\xd9"
TRAIN, VAL, DEVKIT = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Makes an image folder out of {"class/name.jpg": bytes}."""

    def make(files: dict[str, bytes]) -> Path:
        root = tmp_path / "source"
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return root

    return make


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def samples(directory: Path) -> dict[str, tuple[int, bytes]]:
    """{key: (label, stored JPEG)}, in order."""
    found = {}
    for info in Manifest.load(directory).shards:
        shard = Shard(str(directory / info.name))
        for i in range(len(shard)):
            record = shard.record(i)
            assert record.key not in found
            found[record.key] = record.label, shard.jpeg(i)
    return found


def tree(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def is_reencoded(data: bytes) -> bool:
    image = Image.open(io.BytesIO(data))
    return image.format != "JPEG" or image.mode == "CMYK"


def archive_members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


# --- Pixels -------------------------------------------------------------------------------------


def test_every_good_jpeg_keeps_its_pixels(folder: Folder, tmp_path: Path) -> None:
    cases = corpus.good_cases()
    prepare(folder({f"c/{name}.jpg": data for name, data in cases.items()}), tmp_path / "out")
    stored = samples(tmp_path / "out" / "train")
    assert sorted(stored) == sorted(cases)
    for name, (_, jpeg) in stored.items():
        np.testing.assert_array_equal(pixels(jpeg), pixels(cases[name]), err_msg=name)
        np.testing.assert_array_equal(decode_jpeg(jpeg), pixels(cases[name]), err_msg=name)


def test_real_images_keep_their_pixels_and_size(imagenet_sample: Path, tmp_path: Path) -> None:
    prepare(imagenet_sample, tmp_path, shard_size=20_000_000)
    train = archive_members((imagenet_sample / TRAIN).read_bytes())
    sources = {k: v for synset in train.values() for k, v in archive_members(synset).items()}
    sources |= archive_members((imagenet_sample / VAL).read_bytes())
    stored = samples(tmp_path / "train") | samples(tmp_path / "val")
    assert len(stored) == 900
    for name, data in sources.items():
        np.testing.assert_array_equal(pixels(stored[Path(name).stem][1]), pixels(data), err_msg=name)
    shards = sum(path.stat().st_size for path in tmp_path.rglob("*.tar"))
    assert shards <= 1.015 * sum(map(len, sources.values()))


def test_damaged_jpegs_that_libjpeg_decodes_keep_their_pixels(folder: Folder, tmp_path: Path) -> None:
    cases = {name: data for name, data in corpus.odd_cases().items() if not is_reencoded(data)}
    assert len(cases) >= 5
    prepare(folder({f"c/{name}.jpg": data for name, data in cases.items()}), tmp_path / "out")
    for name, (_, jpeg) in samples(tmp_path / "out" / "train").items():
        # Where the end marker is missing libjpeg assumes it; Pillow wants to see it.
        reference = cases[name] if cases[name].endswith(END) else cases[name] + END
        np.testing.assert_array_equal(pixels(jpeg), pixels(reference), err_msg=name)


def test_odd_images_are_pillows_rgb_and_named(folder: Folder, tmp_path: Path) -> None:
    cases = {name: data for name, data in corpus.odd_cases().items() if is_reencoded(data)}
    assert {"cmyk", "ycck", "png_alpha", "png_gray_16", "png_palette", "webp", "gif", "bmp"} <= set(cases)
    [manifest] = prepare(folder({f"c/{name}.JPEG": data for name, data in cases.items()}), tmp_path / "out")
    stored = samples(tmp_path / "out" / "train")
    changes = {change.key: change for change in manifest.changes}
    assert sorted(changes) == sorted(stored) == sorted(cases)
    for name, data in cases.items():
        expected = io.BytesIO()
        Image.open(io.BytesIO(data)).convert("RGB").save(expected, "JPEG", quality=100, subsampling=0)
        np.testing.assert_array_equal(pixels(stored[name][1]), pixels(expected.getvalue()), err_msg=name)
        assert changes[name].what == f"{name.partition('_')[0]} re-encoded"
        assert changes[name].detail.endswith("-> RGB 150x200, quality 100, 4:4:4")
        assert changes[name].shard == "train-000000.tar"


def test_verbatim_keeps_bytes(imagefolder: Path, tmp_path: Path) -> None:
    prepare(imagefolder, tmp_path / "out", verbatim=True)
    sources = sorted(path.read_bytes() for path in imagefolder.rglob("*.jpg"))
    assert sorted(jpeg for _, jpeg in samples(tmp_path / "out" / "train").values()) == sources
    shard = Shard(str(tmp_path / "out" / "train" / "train-000000.tar"))
    for i in range(len(shard)):
        record = shard.record(i)
        baseline = jpeg_info(shard.jpeg(i)).source == "baseline"
        assert (record.entry_interval > 0, record.row_count > 0) == (baseline, baseline)


def test_max_side_shrinks_with_pillows_lanczos(folder: Folder, tmp_path: Path) -> None:
    big, gray, small = (
        corpus.photographs()[0][:200, :300],
        corpus.photographs()[1][:160, :40],
        corpus.photographs()[2][:100, :100],
    )
    files = {}
    for name, image in (
        ("big", Image.fromarray(big)),
        ("gray", Image.fromarray(gray).convert("L")),
        ("small", Image.fromarray(small)),
    ):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=90)
        files[f"c/{name}.jpg"] = out.getvalue()
    [manifest] = prepare(folder(files), tmp_path / "out", max_side=100)
    stored = samples(tmp_path / "out" / "train")
    for name, size in (("big", (100, 67)), ("gray", (25, 100))):
        expected = io.BytesIO()
        image = Image.open(io.BytesIO(files[f"c/{name}.jpg"])).resize(size, Image.Resampling.LANCZOS)
        image.save(expected, "JPEG", quality=95, subsampling=0)
        assert Image.open(io.BytesIO(stored[name][1])).mode == image.mode
        np.testing.assert_array_equal(pixels(stored[name][1]), pixels(expected.getvalue()))
    np.testing.assert_array_equal(pixels(stored["small"][1]), pixels(files["c/small.jpg"]))
    assert [(change.key, change.what) for change in manifest.changes] == [
        ("big", "shrunk"),
        ("gray", "shrunk"),
    ]


def test_orientation_survives_reencoding(folder: Folder, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {}
    for name, kind, mode in (("a", "PNG", "RGB"), ("b", "JPEG", "RGB"), ("c", "JPEG", "CMYK")):
        out = io.BytesIO()
        Image.fromarray(corpus.photographs()[0][:60, :90]).convert(mode).save(out, kind, exif=exif)
        files[f"c/{name}.jpg"] = out.getvalue()
    prepare(folder(files), tmp_path / "out", max_side=80)
    shard = Shard(str(tmp_path / "out" / "train" / "train-000000.tar"))
    found = [(shard.record(i).orientation, shard.record(i).width, shard.record(i).height) for i in range(3)]
    assert found == [(6, 80, 53)] * 3


# --- Labels, keys, order ------------------------------------------------------------------------


def test_ilsvrc_keys_labels_and_order(ilsvrc_dir: Path, tmp_path: Path) -> None:
    train, val = prepare(ilsvrc_dir, tmp_path)
    wnids = sorted(synset.wnid for synset in corpus.LEAVES)
    assert [info.id for info in train.classes] == [info.id for info in val.classes] == wnids
    assert train.hierarchy == val.hierarchy != ()
    synsets = archive_members((ilsvrc_dir / TRAIN).read_bytes())
    expected = []
    for name in sorted(synsets):
        for member in sorted(archive_members(synsets[name])):
            expected.append((Path(member).stem, wnids.index(Path(name).stem)))
    assert [(key, label) for key, (label, _) in samples(tmp_path / "train").items()] == expected
    truth = corpus.val_truth(val.num_samples)
    expected = [(f"ILSVRC2012_val_{i:08}", wnids.index(s.wnid)) for i, s in enumerate(truth, start=1)]
    assert [(key, label) for key, (label, _) in samples(tmp_path / "val").items()] == expected


def test_train_archive_alone_names_its_classes(ilsvrc_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / TRAIN).symlink_to(ilsvrc_dir / TRAIN)
    [manifest] = prepare(tmp_path / "in", tmp_path / "out")
    assert [info.id for info in manifest.classes] == sorted(synset.wnid for synset in corpus.LEAVES)
    assert manifest.hierarchy == ()


def test_labels_count_classes_without_images(imagenet_sample: Path, tmp_path: Path) -> None:
    # 800 of 1,000 classes have a training image; the labels are still those of all 1,000.
    [manifest] = prepare(imagenet_sample, tmp_path, split="train", limit=60)
    for key, (label, _) in samples(tmp_path / "train").items():
        assert manifest.classes[label].id == key.partition("_")[0]
    assert len(manifest.classes) == 1000
    assert manifest.num_samples == 60


def test_folder_is_torchvisions_imagefolder(folder: Folder, tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    jpeg = corpus.good_cases()[next(iter(corpus.good_cases()))]
    names = [
        "b/2.jpg",
        "b/10.JPG",
        "b/sub/deep/3.jpeg",
        "b/A.webp",
        "a b/x.png",
        "a b/.hidden.jpg",
        "Z/q.tiff",
    ]
    root = folder(dict.fromkeys([*names, "b/notes.txt", "b/archive.jpg.gz"], jpeg))
    reference = ImageFolder(root)
    [manifest] = prepare(root, tmp_path / "out", split="x")
    assert [info.id for info in manifest.classes] == reference.classes
    found = samples(tmp_path / "out" / "x")
    assert [label for label, _ in found.values()] == [label for _, label in reference.samples]
    expected = ["q", "%2Ehidden", "x", "10", "2", "A", "3"]
    assert list(found) == expected
    assert [Path(path).stem.replace(".", "%2E") for path, _ in reference.samples] == expected


def test_keys_are_unique_safe_and_readable_by_webdataset(folder: Folder, tmp_path: Path) -> None:
    import webdataset

    jpeg = corpus.good_cases()[next(iter(corpus.good_cases()))]
    long = "l" * 200
    names = [
        "a/1.jpg",
        "b/1.jpg",
        "b/1.jpeg",
        "a/v1.2.jpg",
        "a/50%.jpg",
        "a/\u732b.jpg",
        f"a/{long}1.jpg",
        f"a/{long}2.jpg",
    ]
    prepare(folder(dict.fromkeys([*names, "a/\udcff.jpg"], jpeg)), tmp_path / "out")
    keys = list(samples(tmp_path / "out" / "train"))
    assert keys[:4] == ["a_1", "50%25", keys[2], keys[3]]
    assert keys[2].startswith("l" * 70)
    assert keys[2] != keys[3]
    assert keys[4:] == ["v1%2E2", "\u732b", "%FF", "b_1", "b_1-2"]
    assert max(len(key.encode()) for key in keys) == 95
    shard = str(tmp_path / "out" / "train" / "train-000000.tar")
    read = [(item["__key__"], item["jpg"]) for item in webdataset.WebDataset(shard, shardshuffle=False)]
    assert [key for key, _ in read] == keys
    assert all((pixels(data) == pixels(jpeg)).all() for _, data in read)


# --- Bytes do not depend on how -----------------------------------------------------------------


def test_bytes_do_not_depend_on_workers(ilsvrc_dir: Path, tmp_path: Path) -> None:
    for workers in (1, 2, 7):
        prepare(ilsvrc_dir, tmp_path / str(workers), workers=workers, shard_size=50_000)
    first = tree(tmp_path / "1")
    assert len([name for name in first if name.endswith(".tar")]) > 4
    assert tree(tmp_path / "2") == first
    assert tree(tmp_path / "7") == first


def test_shard_ends_with_the_sample_that_fills_it(imagefolder: Path, tmp_path: Path) -> None:
    [one] = prepare(imagefolder, tmp_path / "one")
    [many] = prepare(imagefolder, tmp_path / "many", shard_size=1)
    assert (len(one.shards), len(many.shards)) == (1, one.num_samples)
    assert samples(tmp_path / "one" / "train") == samples(tmp_path / "many" / "train")
    assert sorted(path.name for path in (tmp_path / "one" / "train").iterdir()) == [
        "dataset.json",
        "train-000000.tar",
    ]


def test_progress_ends_at_one(imagefolder: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    [manifest] = prepare(imagefolder, tmp_path / "out", progress=steps.append)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert [fraction for fraction in fractions if fraction == 1.0] == fractions[-1:]
    assert [step.images for step in steps] == [*range(1, manifest.num_samples + 1), manifest.num_samples]


# --- Bad files ----------------------------------------------------------------------------------


def png_bomb() -> bytes:
    """A PNG of a few bytes that promises 60,000 x 60,000 pixels."""
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = (60_000).to_bytes(4, "big") * 2  # IHDR's width and height
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def test_bad_files_are_named_counted_and_skipped(folder: Folder, tmp_path: Path) -> None:
    good = corpus.good_cases()[next(iter(corpus.good_cases()))]
    bad = {**corpus.bad_cases(), "bomb": png_bomb(), "jpeg_bomb": corpus.jpeg_bomb()}
    root = folder({"c/1.jpg": good, **{f"c/{name}.jpg": data for name, data in bad.items()}, "d/z.jpg": good})
    (root / "c" / "nowhere.jpg").symlink_to(root / "absent")
    count = len(bad) + 1
    with pytest.raises(PrepareError, match=f"complete but for {count} files .*; and {count - 3} more"):
        prepare(root, tmp_path / "out")
    manifest = Manifest.load(tmp_path / "out" / "train")
    reasons = {Path(entry.source).stem: entry.reason for entry in manifest.skipped}
    assert sorted(reasons) == sorted([*bad, "nowhere"])
    assert manifest.skipped[0].source == "c/12_bit.jpg"
    assert reasons["empty"] == "the file is empty"
    assert reasons["nowhere"] == "cannot be read: No such file or directory"
    assert reasons["truncated_half"].startswith("truncated JPEG")
    assert "decompression bomb" in reasons["bomb"]
    assert reasons["jpeg_bomb"] == "its header promises 65500 x 65500 pixels, more than 178,956,970"
    assert "cannot identify image file" in reasons["text"]
    assert list(samples(tmp_path / "out" / "train")) == ["1", "z"]
    assert prepare(root, tmp_path / "out", skip_bad=True) == [manifest]
    with pytest.raises(PrepareError, match=f"{count} files"):
        prepare(root, tmp_path / "out")


def test_nothing_readable_is_an_error(folder: Folder, tmp_path: Path) -> None:
    root = folder({"c/a.jpg": b"", "c/b.jpg": b"x"})
    with pytest.raises(PrepareError, match=r"none of the 2 files .* the first is c/a.jpg: the file is empty"):
        prepare(root, tmp_path / "out", skip_bad=True)


def test_keep_truncated_fills_as_libjpeg_does(folder: Folder, tmp_path: Path, monkeypatch: Any) -> None:
    from PIL import ImageFile

    image = Image.fromarray(corpus.photographs()[0][:120, :160])
    files = {}
    for name, mode in (("rgb", "RGB"), ("cmyk", "CMYK")):
        out = io.BytesIO()
        image.convert(mode).save(out, "JPEG", quality=90)
        files[f"c/{name}.jpg"] = out.getvalue()[: len(out.getvalue()) // 2]
    root = folder(files)
    with pytest.raises(PrepareError, match="none of the 2"):
        prepare(root, tmp_path / "strict")
    [manifest] = prepare(root, tmp_path / "out", keep_truncated=True)
    stored = samples(tmp_path / "out" / "train")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    np.testing.assert_array_equal(pixels(stored["rgb"][1]), pixels(files["c/rgb.jpg"]))
    assert [change.what for change in manifest.changes if change.key == "rgb"] == ["truncated"]
    assert {change.key for change in manifest.changes} == {"rgb", "cmyk"}


# --- What cannot be prepared --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "split", "message"),
    [
        ([VAL], None, f"{DEVKIT} is missing: it has the labels of {VAL}"),
        ([TRAIN, VAL], None, "is missing.*--split train"),
        ([TRAIN], "val", f"{VAL} is missing"),
        ([TRAIN, DEVKIT], "test", "splits are train and val: there is no 'test'"),
        (
            [],
            None,
            "holds neither ILSVRC2012_img_train.tar or ILSVRC2012_img_val.tar, nor a folder for each class",
        ),
    ],
)
def test_missing_archives_are_named(
    ilsvrc_dir: Path, tmp_path: Path, files: list[str], split: str | None, message: str
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in files:
        (source / name).symlink_to(ilsvrc_dir / name)
    with pytest.raises(PrepareError, match=message):
        prepare(source, tmp_path / "out", split=split)


def test_damaged_archives_are_refused(ilsvrc_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / DEVKIT).symlink_to(ilsvrc_dir / DEVKIT)
    whole = (ilsvrc_dir / TRAIN).read_bytes()
    for cut in (0, 300, 512, len(whole) // 2, len(whole) // 2 // 512 * 512 + 100):
        (source / TRAIN).write_bytes(whole[:cut])
        with pytest.raises(PrepareError, match=f"{TRAIN} is not a whole tar archive"):
            prepare(source, tmp_path / "out")
    with tarfile.open(ilsvrc_dir / TRAIN) as archive:
        second = archive.getmembers()[1]
    with tarfile.open(fileobj=io.BytesIO(whole[second.offset_data :])) as archive:
        inner = archive.getmembers()[1].offset
    for place, where in ((second.offset, TRAIN), (second.offset_data + inner, second.name)):
        damaged = bytearray(whole)
        damaged[place + 150] ^= 1  # in a header's checksum: tarfile alone would take this for the end
        (source / TRAIN).write_bytes(damaged)
        with pytest.raises(PrepareError, match=f"{where} is not a whole tar archive: no valid header"):
            prepare(source, tmp_path / f"out-{place}")


def test_archives_of_other_releases_are_refused(ilsvrc_dir: Path, tmp_path: Path) -> None:
    def add(archive: Path, name: str, target: Path) -> None:
        target.write_bytes(archive.read_bytes())
        with tarfile.open(target, "a") as opened:
            opened.addfile(tarfile.TarInfo(name))

    source = tmp_path / "in"
    source.mkdir()
    (source / DEVKIT).symlink_to(ilsvrc_dir / DEVKIT)
    add(ilsvrc_dir / TRAIN, "n99999999.tar", source / TRAIN)
    with pytest.raises(LabelError, match=r"n99999999 .*no low-level synset"):
        prepare(source, tmp_path / "out")
    add(ilsvrc_dir / TRAIN, "readme.txt", source / TRAIN)
    with pytest.raises(PrepareError, match=r"holds readme\.txt"):
        prepare(source, tmp_path / "out")
    (source / TRAIN).unlink()
    add(ilsvrc_dir / VAL, "ILSVRC2012_val_00050000.JPEG", source / VAL)
    with pytest.raises(LabelError, match=r"val_00050000\.JPEG, but the ground truth .* has 12 lines"):
        prepare(source, tmp_path / "out")


def test_wrong_directories_are_refused(imagefolder: Path, folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(PrepareError, match="absent does not exist"):
        prepare(tmp_path / "absent", tmp_path / "out")
    with pytest.raises(PrepareError, match="is a file"):
        prepare(next(imagefolder.rglob("*.jpg")), tmp_path / "out")
    with pytest.raises(PrepareError, match="would count as a class"):
        prepare(imagefolder, imagefolder)
    root = folder({"train/c/x.jpg": b"", "val/c/x.jpg": b""})
    with pytest.raises(PrepareError, match=r"holds splits \(train, val\), not classes"):
        prepare(root, tmp_path / "out")
    (root / "train" / "empty").mkdir()
    with pytest.raises(PrepareError, match="empty holds no image, but would be a class"):
        prepare(root / "train", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard_size": 0}, "shard_size is 0"),
        ({"max_side": 0}, "max_side is 0"),
        ({"limit": -1}, "limit is -1"),
        ({"workers": -1}, "workers is -1"),
        ({"split": "../x"}, "the split '../x' becomes part of file names"),
    ],
)
def test_options_without_meaning(
    imagefolder: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(PrepareError, match=message):
        prepare(imagefolder, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
