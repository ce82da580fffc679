"""The shard as a file: read by other programs, described by docs/shard-format.md, damaged in every way."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corpus
from fastload import _native
from fastload.errors import ShardError, ShardVersionError
from fastload.indexing import index as make_index
from huffman_twin import decode_coefficients, read_ac, read_codes, symbol, value
from jpeg_cases import encode
from jpeg_surgery import Marker, split
from sources import write_folder, write_tar

NAMES = ["4:4:4_101x97", "4:2:0_211x199", "gray_131x67", "exif_orientation_6", "rgb_adobe", "multiscan_4:4:4"]


@pytest.fixture(scope="module")
def jpegs() -> dict[str, bytes]:
    return {name: corpus.good_cases()[name] for name in NAMES}


def write(path: Path, jpegs: dict[str, bytes], *, verbatim: bool) -> Path:
    writer = _native.ShardWriter(str(path))
    for label, (name, jpeg) in enumerate(jpegs.items()):
        writer.add(f"class_{label}/{name}", label * 100, _native.prepare_jpeg(jpeg, verbatim=verbatim))
    writer.close()
    return path


@pytest.fixture
def shard_file(tmp_path: Path, jpegs: dict[str, bytes]) -> Path:
    return write(tmp_path / "train-000000.tar", jpegs, verbatim=False)


@pytest.fixture
def verbatim_file(tmp_path: Path, jpegs: dict[str, bytes]) -> Path:
    return write(tmp_path / "train-000000.tar", jpegs, verbatim=True)


def test_records_tell_what_was_written(shard_file: Path, jpegs: dict[str, bytes]) -> None:
    shard = _native.Shard(str(shard_file))
    assert len(shard) == len(jpegs)
    for number, (name, jpeg) in enumerate(jpegs.items()):
        record = shard.record(number)
        with Image.open(io.BytesIO(jpeg)) as image:
            assert (record.width, record.height) == image.size
            assert record.components == len(image.getbands())
        assert record.key == f"class_{number}/{name}"
        assert record.label == number * 100
        assert record.orientation == (6 if name == "exif_orientation_6" else 1)
        stored = shard_file.read_bytes()[record.jpeg_offset :][: record.jpeg_length]
        assert stored == shard.jpeg(number)
        assert stored[:2] == b"\xff\xd8"
        assert stored[-2:] == b"\xff\xd9"
    with pytest.raises(IndexError, match="6"):
        shard.record(6)


def test_orientation_survives_for_other_readers(shard_file: Path) -> None:
    image = Image.open(io.BytesIO(_native.Shard(str(shard_file)).jpeg(3)))
    assert image.getexif()[0x0112] == 6


def test_tar_lists_and_extracts_it(shard_file: Path, tmp_path: Path, jpegs: dict[str, bytes]) -> None:
    listing = subprocess.run(["tar", "tf", shard_file], check=True, capture_output=True, text=True)
    assert listing.stderr == ""
    expected = [f"class_{k}/{name}.{kind}" for k, name in enumerate(jpegs) for kind in ("jpg", "cls")]
    assert listing.stdout.split() == [*expected, ".fastload_index"]
    subprocess.run(["tar", "xf", shard_file, "-C", tmp_path], check=True)
    for number, (name, jpeg) in enumerate(jpegs.items()):
        with Image.open(tmp_path / f"class_{number}" / f"{name}.jpg") as stored:
            assert np.array_equal(np.asarray(stored), np.asarray(Image.open(io.BytesIO(jpeg))))
        assert (tmp_path / f"class_{number}" / f"{name}.cls").read_text() == str(number * 100)


def test_webdataset_reads_it(shard_file: Path, jpegs: dict[str, bytes]) -> None:
    webdataset = pytest.importorskip("webdataset", reason="needs the webdataset package")
    dataset = webdataset.WebDataset(str(shard_file), shardshuffle=False).decode("rgb8").to_tuple("jpg", "cls")
    samples = list(dataset)
    assert [label for _, label in samples] == [k * 100 for k in range(len(jpegs))]
    for (image, _), jpeg in zip(samples, jpegs.values(), strict=True):
        assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")))


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, from its definition."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


RECORD = [
    ("jpeg_offset", "<u8"),
    ("jpeg_bytes", "<u4"),
    ("jpeg_crc", "<u4"),
    ("label", "<i4"),
    ("width", "<u2"),
    ("height", "<u2"),
    ("key_offset", "<u4"),
    ("key_bytes", "<u2"),
    ("restart_interval", "<u2"),
    ("row_first", "<u4"),
    ("row_count", "<u4"),
    ("entry_first", "<u4"),
    ("entry_count", "<u4"),
    ("components", "u1"),
    ("sampling", "u1", 3),
    ("orientation", "u1"),
    ("flags", "u1"),
    ("entry_interval", "<u2"),
    ("reserved", "u1", 4),
    ("crc", "<u4"),
]


def read_index(data: bytes, end: int) -> tuple[bytes, dict[int, bytes]]:
    """The index that ends at byte ``end``, and its sections by id."""
    trailer = data[end - 64 : end]
    assert trailer[:8] == b"FLDTAIL1"
    version, index_offset, index_bytes = struct.unpack_from("<I4xQQ", trailer, 8)
    assert version == 1
    assert struct.unpack_from("<I", trailer, 60)[0] == crc32c(trailer[:60])
    assert (index_bytes % 512, index_offset + index_bytes) == (0, end)
    index = data[index_offset:end]
    assert index[:8] == b"FLDINDX1"
    version, count, samples, size = struct.unpack_from("<IIQQ", index, 8)
    assert (version, size) == (1, index_bytes)
    blank = index[:60] + bytes(4) + index[64 : 64 + 32 * count]
    assert struct.unpack_from("<I", index, 60)[0] == crc32c(blank)
    sections = {}
    for k in range(count):
        name, _, offset, length, crc = struct.unpack_from("<IIQQI", index, 64 + 32 * k)
        sections[name] = index[offset : offset + length]
        assert crc32c(sections[name]) == crc
        assert offset % 64 == 0
    assert len(sections[1]) == 64 * samples
    return index, sections


def check_sample(sections: dict[int, bytes], number: int, stored: bytes) -> tuple[str, int]:
    """All that the index says of a JPEG; returns the key and the number of segments decoded alone."""
    record_type = np.dtype(RECORD)
    assert record_type.itemsize == 64
    record = np.frombuffer(sections[1], record_type)[number]
    key = sections[3][record["key_offset"] : record["key_offset"] + record["key_bytes"]]
    rows = np.frombuffer(sections[2], np.dtype([("end", "<u4"), ("crc", "<u4")]))
    rows = rows[record["row_first"] :][: record["row_count"]]
    points = np.frombuffer(sections[4], "<u8")[record["entry_first"] :][: record["entry_count"]]
    raw = sections[1][64 * number : 64 * number + 60]
    assert record["crc"] == crc32c(raw + rows.tobytes() + points.tobytes() + key)
    assert (record["jpeg_bytes"], record["jpeg_crc"]) == (len(stored), crc32c(stored))
    info = _native.jpeg_info(stored)
    sampling = [(s >> 4, s & 15) for s in record["sampling"][: record["components"]].tolist()]
    assert sampling == list(info.sampling)
    assert (record["width"], record["height"], record["orientation"]) == (
        info.width,
        info.height,
        info.orientation,
    )
    shared = 2 if record["entry_interval"] else 0
    begin = 0
    for end, crc in rows:
        assert crc == crc32c(stored[begin : end + (shared if begin else 0)])
        if begin > rows["end"][0] and not shared:  # a row is entered after a restart marker
            assert 0xD0 <= stored[begin - 1] <= 0xD7
        begin = int(end)
    if len(rows):
        assert stored[begin:] == b"\xff\xd9"
    checked = 0
    if shared:
        columns = -(-info.width // (8 * (max(h for h, _ in sampling) if len(sampling) == 3 else 1)))
        interval = int(record["entry_interval"])
        per_row = -(-columns // interval)
        assert len(points) == (len(rows) - 1) * per_row
        twin = decode_coefficients(stored)
        for row, part in [(0, 0), (1, 0), (1, per_row - 1), (len(rows) - 2, per_row // 2)]:
            piece = stored[rows["end"][row] : rows["end"][row + 1] + shared]
            first = part * interval
            blocks = decode_segment(
                stored, piece, int(points[row * per_row + part]), min(interval, columns - first)
            )
            expected = mcus(twin, row, range(first, min(first + interval, columns)))
            assert [block.tolist() for block in blocks] == [block.tolist() for block in expected]
            checked += 1
    return key.decode(), checked


def decode_segment(jpeg: bytes, piece: bytes, point: int, count: int) -> Iterator[np.ndarray]:
    """The blocks of ``count`` MCUs, from an entry point into the row whose bytes are ``piece``."""
    position = point & (1 << 28) - 1
    predictors = [(point >> 28 + 12 * c & 0xFFF ^ 0x800) - 0x800 for c in range(3)]
    data = piece[position // 8 :].replace(b"\xff\x00", b"\xff")
    bits = iter("".join(f"{byte:08b}" for byte in data)[position % 8 :])
    codes: dict[int, dict[str, int]] = {}
    segments = split(jpeg)
    for segment in segments:
        if segment.marker == Marker.DHT:
            codes |= dict(read_codes(segment.body))
    [scan] = [segment.body for segment in segments if segment.marker == Marker.SOS]
    sampling = _native.jpeg_info(jpeg).sampling if scan[0] == 3 else ((1, 1),)
    for _ in range(count):
        for c, (h, v) in enumerate(sampling):
            selector = scan[2 + 2 * c]
            for _ in range(h * v):
                block = np.zeros(64, np.int16)
                predictors[c] += value(bits, symbol(bits, codes[selector >> 4]))
                block[0] = predictors[c]
                read_ac(bits, codes[0x10 | selector & 15], block)
                yield block


def mcus(planes: list[np.ndarray], row: int, columns: range) -> Iterator[np.ndarray]:
    """The blocks of some MCUs of an MCU row, in the order of the scan."""
    h = [plane.shape[1] // min(p.shape[1] for p in planes) for plane in planes]
    v = [plane.shape[0] // min(p.shape[0] for p in planes) for plane in planes]
    for column in columns:
        for c, plane in enumerate(planes):
            for y in range(v[c]):
                for x in range(h[c]):
                    yield plane[row * v[c] + y, column * h[c] + x]


@pytest.mark.parametrize("verbatim", [False, True], ids=["restart", "verbatim"])
def test_a_reader_written_from_the_document_finds_everything(
    tmp_path: Path, jpegs: dict[str, bytes], verbatim: bool
) -> None:
    """docs/shard-format.md, word by word, in Python."""
    assert crc32c(b"123456789") == 0xE3069283  # the check value of RFC 3720
    data = write(tmp_path / "s.tar", jpegs, verbatim=verbatim).read_bytes()
    index, sections = read_index(data, len(data) - 1024)
    assert struct.unpack_from("<I4xQ", index, 32) == (0, 0)
    segments = 0
    for number, (name, jpeg) in enumerate(jpegs.items()):
        offset, length = struct.unpack_from("<QI", sections[1], 64 * number)
        stored = data[offset : offset + length]
        assert (stored == jpeg) == verbatim
        key, checked = check_sample(sections, number, stored)
        assert key == f"class_{number}/{name}"
        segments += checked
    assert segments == (20 if verbatim else 0)  # of all but the one with several scans


def test_the_reader_finds_everything_in_other_peoples_files(tmp_path: Path, jpegs: dict[str, bytes]) -> None:
    tar = write_tar(tmp_path / "a.tar", [{"__key__": n, "jpg": j, "cls": 7} for n, j in jpegs.items()])
    folder = write_folder(tmp_path / "root", {f"class/{name}.jpg": jpeg for name, jpeg in jpegs.items()})
    make_index([tar, folder])
    for path, kind in ((tmp_path / "a.tar.fastload_index", 1), (folder / ".fastload_index", 2)):
        data = path.read_bytes()
        index, sections = read_index(data, len(data))
        assert len(index) == len(data)
        assert struct.unpack_from("<I4xQ", index, 32) == (kind, tar.stat().st_size if kind == 1 else 0)
        assert sections.get(5) == (b"class\n" if kind == 2 else None)
        assert json.loads(sections[6])["options"]["keep_truncated"] is False
        for number in range(len(jpegs)):
            offset, length, _, label = struct.unpack_from("<QIIi", sections[1], 64 * number)
            at, size = struct.unpack_from("<IH", sections[1], 64 * number + 24)
            key = sections[3][at : at + size].decode()
            file, expected = (tar, 7) if kind == 1 else (folder / key, 0)
            assert label == expected
            stored = file.read_bytes()[offset : offset + length]
            assert stored == jpegs[key if kind == 1 else Path(key).stem]
            assert check_sample(sections, number, stored)[0] == key


def index_parts(data: bytes) -> list[range]:
    """What the index's checksums cover: header and section table, sections, trailer. Between lies padding."""
    index = struct.unpack_from("<Q", data, len(data) - 1024 - 64 + 16)[0]
    parts = [range(index, index + 64 + 4 * 32), range(len(data) - 1088, len(data) - 1024)]
    for k in range(4):
        offset, length = struct.unpack_from("<QQ", data, index + 64 + 32 * k + 8)
        parts.append(range(index + offset, index + offset + length))
    return parts


def complaints(path: Path, stored: list[bytes]) -> list[ShardError]:
    """Errors of reading every sample, then of verifying everything. What reads without one reads right."""
    try:
        shard = _native.Shard(str(path))
    except ShardError as error:
        return [error]
    errors = []
    for number, jpeg in enumerate(stored):
        try:
            assert shard.jpeg(number) == jpeg
            shard.verify(number)
        except ShardError as error:
            errors.append(error)
    try:
        shard.verify_index()
    except ShardError as error:
        errors.append(error)
    return errors


def test_any_flipped_bit_is_found(shard_file: Path) -> None:
    good = shard_file.read_bytes()
    reference = _native.Shard(str(shard_file))
    stored = [reference.jpeg(k) for k in range(len(reference))]
    assert complaints(shard_file, stored) == []
    parts = index_parts(good)
    members = range(parts[0].start - 512)  # all before the index's tar header, which only `tar` reads
    rng = random.Random(3)
    places = [rng.choice(part) for part in [*parts[:5], members] for _ in range(60) if len(part)]
    places += [*parts[0][:64], *parts[1]]
    for place in places:
        damaged = bytearray(good)
        damaged[place] ^= 1 << rng.randrange(8)
        shard_file.write_bytes(damaged)
        errors = complaints(shard_file, stored)
        assert errors, f"a flipped bit of byte {place} was not found"
        assert all(str(shard_file) in str(error) for error in errors)


def test_every_cut_is_refused(shard_file: Path) -> None:
    good = shard_file.read_bytes()
    rng = random.Random(4)
    for size in [0, 1, 511, 512, 1087, 1088, *(rng.randrange(len(good)) for _ in range(40)), len(good) - 1]:
        shard_file.write_bytes(good[:size])
        with pytest.raises(ShardError, match=r"train-000000\.tar"):
            _native.Shard(str(shard_file))


def test_another_version_is_refused_by_number(shard_file: Path) -> None:
    data = bytearray(shard_file.read_bytes())
    trailer = len(data) - 1024 - 64
    struct.pack_into("<I", data, trailer + 8, 9)
    struct.pack_into("<I", data, trailer + 60, crc32c(bytes(data[trailer : trailer + 60])))
    shard_file.write_bytes(data)
    with pytest.raises(ShardVersionError, match="version 9, this fastload reads version 1"):
        _native.Shard(str(shard_file))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        _native.Shard(str(tmp_path / "missing.tar"))
    plain = tmp_path / "plain.tar"
    with tarfile.open(plain, "w") as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"), io.BytesIO())
    with pytest.raises(ShardError, match="not a complete fastload shard"):
        _native.Shard(str(plain))


def test_a_damaged_row_table_cannot_lead_outside(shard_file: Path) -> None:
    """Tables with right checksums but wrong contents, as a faulty writer would make them."""
    good = shard_file.read_bytes()
    index_offset = struct.unpack_from("<Q", good, len(good) - 1024 - 64 + 16)[0]
    sections = {}
    for k in range(4):
        name, _, offset, length = struct.unpack_from("<IIQQ", good, index_offset + 64 + 32 * k)
        sections[name] = (index_offset + offset, length)
    records, (rows, rows_length) = sections[1][0], sections[2]
    count = struct.unpack_from("<I", good, records + 36)[0]
    for end in (0, 1, 2**31, 2**32 - 1):
        data = bytearray(good)
        struct.pack_into("<I", data, rows + 8 * 2, end)
        key = data[sections[3][0] :][: struct.unpack_from("<H", good, records + 28)[0]]
        crc = crc32c(bytes(data[records : records + 60]) + bytes(data[rows : rows + 8 * count]) + bytes(key))
        struct.pack_into("<I", data, records + 60, crc)
        shard_file.write_bytes(data)
        with pytest.raises(ShardError):
            _native.Shard(str(shard_file)).decode(0, (0, 0, 50, 50))
    assert rows_length >= 8 * count


def test_writer_refuses_what_readers_could_not_read(tmp_path: Path) -> None:
    writer = _native.ShardWriter(str(tmp_path / "s.tar"))
    prepared = _native.prepare_jpeg(encode("coffee", 30, 20))
    for key in ("", "a.b", "x" * 300):
        with pytest.raises(ValueError, match=r"key|name"):
            writer.add(key, 0, prepared)
    writer.add("fine", 0, prepared)
    writer.close()
    writer.close()  # once is enough, twice does no harm
    assert len(_native.Shard(str(tmp_path / "s.tar"))) == 1
    with pytest.raises(ValueError, match="closed"):
        writer.add("late", 0, prepared)


def test_an_empty_shard_is_a_shard(tmp_path: Path) -> None:
    _native.ShardWriter(str(tmp_path / "s.tar")).close()
    assert len(_native.Shard(str(tmp_path / "s.tar"))) == 0
