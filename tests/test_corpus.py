"""The corpus is what it says: every other test leans on it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image, UnidentifiedImageError

import corpus
from jpeg_surgery import Marker, split


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("name", corpus.good_cases())
def test_good_cases_are_jpegs_that_pillow_reads(name: str) -> None:
    with Image.open(io.BytesIO(corpus.good_cases()[name])) as image:
        image.load()
        assert image.format == "JPEG"
        assert image.mode in ("RGB", "L")


@pytest.mark.parametrize("name", sorted(set(corpus.odd_cases()) - {"no_eoi"}))
def test_odd_cases_are_read_by_pillow(name: str) -> None:
    assert pixels(corpus.odd_cases()[name]).shape == (200, 150, 3)


@pytest.mark.parametrize("name", corpus.bad_cases())
def test_bad_cases_are_refused_by_pillow(name: str) -> None:
    with pytest.raises((OSError, UnidentifiedImageError)):
        pixels(corpus.bad_cases()[name])


def test_cases_are_told_apart_by_name_and_content(jpeg_cases: dict[str, bytes]) -> None:
    kinds = [corpus.good_cases(), corpus.odd_cases(), corpus.bad_cases()]
    assert len(jpeg_cases) == sum(map(len, kinds))
    assert len(set(jpeg_cases.values())) == len(jpeg_cases)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("optimised", "restart_row"),
        ("optimised", "restart_1_mcu"),
        ("optimised", "progressive"),
        ("optimised", "progressive_restart"),
        ("optimised", "extended_sequential"),
        ("optimised", "no_huffman_tables"),
        ("optimised", "fill_bytes"),
        ("optimised", "after_eoi"),
        ("progressive_4:4:4", "restart_7_mcus_4:4:4"),
        ("rgb_adobe", "rgb_by_component_ids"),
        ("ycbcr_adobe", "ycbcr_no_jfif"),
        ("arithmetic", "arithmetic_progressive"),
    ],
)
def test_other_codings_hold_the_same_pixels(name: str, same: str) -> None:
    cases = corpus.good_cases()
    np.testing.assert_array_equal(pixels(cases[name]), pixels(cases[same]))


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("4:4:4_64x48", [0x11, 0x11, 0x11]),
        ("4:2:2_131x67", [0x21, 0x11, 0x11]),
        ("4:2:0_64x48", [0x22, 0x11, 0x11]),
        ("4:4:0", [0x12, 0x11, 0x11]),
        ("4:1:1", [0x41, 0x11, 0x11]),
        ("multiscan_4:2:0", [0x22, 0x11, 0x11]),
        ("multiscan_chroma_finer", [0x11, 0x22, 0x22]),
        ("gray_131x67", [0x11]),
        ("gray_sampling_2x2", [0x22]),
    ],
)
def test_sampling_is_what_the_name_says(name: str, factors: list[int]) -> None:
    segments = split(corpus.good_cases()[name])
    (frame,) = [segment.body for segment in segments if segment.marker == Marker.SOF0]
    assert list(frame[7::3]) == factors
    scans = sum(segment.marker == Marker.SOS for segment in segments)
    assert scans == (3 if name.startswith("multiscan") else 1)


@pytest.mark.parametrize(
    "name", ["4:4:0", "4:1:1", "multiscan_4:4:4", "multiscan_4:2:0", "multiscan_chroma_finer"]
)
def test_rare_samplings_still_show_the_photograph(name: str) -> None:
    photo = corpus.photograph("astronaut")[176:333, 160:349].astype(float)
    difference = np.abs(pixels(corpus.good_cases()[name]) - photo).mean()
    assert difference < 12


def test_orientation_and_profile_are_there() -> None:
    with Image.open(io.BytesIO(corpus.good_cases()["exif_orientation_6"])) as image:
        assert image.getexif()[0x0112] == 6
    with Image.open(io.BytesIO(corpus.good_cases()["icc_three_segments"])) as image:
        assert len(image.info["icc_profile"]) > 2 * 65_519  # more than two segments hold


def test_ycck_differs_from_cmyk_in_coding_only() -> None:
    cases = corpus.odd_cases()
    assert np.abs(pixels(cases["ycck"]).astype(int) - pixels(cases["cmyk"])).mean() < 6


def test_imagefolder_is_the_same_every_time(tmp_path: Path, imagefolder: Path) -> None:
    again = corpus.make_imagefolder(tmp_path / "again")
    files = sorted(path.relative_to(again) for path in again.rglob("*.jpg"))
    assert len(files) == 24
    assert all((again / file).read_bytes() == (imagefolder / file).read_bytes() for file in files)


def test_ilsvrc_is_the_same_every_time(tmp_path: Path, ilsvrc_dir: Path) -> None:
    for path in corpus.make_ilsvrc(tmp_path).iterdir():
        assert path.read_bytes() == (ilsvrc_dir / path.name).read_bytes()


def test_ilsvrc_has_the_official_layout(ilsvrc_dir: Path) -> None:
    with tarfile.open(ilsvrc_dir / "ILSVRC2012_img_train.tar") as train:
        assert train.getnames() == sorted(f"{leaf.wnid}.tar" for leaf in corpus.LEAVES)
        for name in train.getnames():
            with tarfile.open(fileobj=train.extractfile(name)) as images:
                assert all(
                    image.startswith(f"{name[:-4]}_") and image.endswith(".JPEG")
                    for image in images.getnames()
                )
    with tarfile.open(ilsvrc_dir / "ILSVRC2012_img_val.tar") as val:
        names = val.getnames()
    assert sorted(names) == [f"ILSVRC2012_val_{i:08}.JPEG" for i in range(1, 13)]
    assert names != sorted(names)


def read_meta(directory: Path) -> np.ndarray:
    with tarfile.open(directory / "ILSVRC2012_devkit_t12.tar.gz") as devkit:
        file = devkit.extractfile("ILSVRC2012_devkit_t12/data/meta.mat")
        assert file is not None
        return scipy.io.loadmat(io.BytesIO(file.read()))["synsets"]


def test_meta_mat_is_built_like_the_real_one(ilsvrc_dir: Path, imagenet_sample: Path) -> None:
    ours, real = read_meta(ilsvrc_dir), read_meta(imagenet_sample)
    assert ours.dtype == real.dtype
    assert ours.ndim == real.ndim == 2
    for field in real.dtype.names:
        for row in (0, -1):  # a leaf and an ancestor
            a, b = ours[row, 0][field], real[row, 0][field]
            assert (a.dtype.kind, a.ndim) == (b.dtype.kind, b.ndim), field


def test_meta_mat_mixes_up_ids_and_wnids(ilsvrc_dir: Path) -> None:
    rows = read_meta(ilsvrc_dir)[:, 0]
    wnids = [str(row["WNID"][0]) for row in rows]
    leaves = [wnid for wnid, row in zip(wnids, rows, strict=True) if row["num_children"].item() == 0]
    assert [int(row["ILSVRC2012_ID"].item()) for row in rows] == list(range(1, 14))
    assert leaves != sorted(leaves)
    children = [int(child) for row in rows for child in row["children"].ravel()]
    assert children.count(13) == 2  # a synset of two parents: the hierarchy is no tree
