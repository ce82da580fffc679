"""Tars of every make are listed as tarfile lists them; damaged ones are refused."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from fastload.errors import PrepareError
from fastload.prepare.tar import Member, TarIndex

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def walk(path: Path) -> list[Member]:
    index = TarIndex(path)
    try:
        return list(index.walk())
    finally:
        index.close()


def listed_by_tarfile(path: Path) -> list[Member]:
    with tarfile.open(path, "r:") as archive:
        return [Member(m.name, m.offset_data, m.size) for m in archive if m.isreg()]


def write(path: Path, format: int, names: list[str]) -> Path:
    with tarfile.open(path, "w", format=format, pax_headers={"comment": "of all members"}) as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 700 * number
            info.mtime = number if format == tarfile.USTAR_FORMAT else number + 0.5
            archive.addfile(info, io.BytesIO(bytes([number]) * info.size))
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"special{kind.decode()}")
            info.type, info.linkname = kind, names[0]
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("last"))
    return path


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())
def test_members_are_tarfiles(tmp_path: Path, format: int) -> None:
    names = ["a.jpg", "./b.jpg", "x" * 100, f"{'d' * 90}/{'e' * 90}.jpg", "\u732b.jpg", "broken\udcff.jpg"]
    if format != tarfile.USTAR_FORMAT:
        names += ["long/" * 60 + "name.jpg", "l" * 600]
    path = write(tmp_path / "a.tar", format, names)
    found = walk(path)
    assert [member.name for member in found] == [*names, "last"]
    assert found == listed_by_tarfile(path)
    data = path.read_bytes()
    for number, member in enumerate(found[:-1]):
        assert data[member.offset :][: member.size] == bytes([number]) * 700 * number


def test_sizes_beyond_8_gib(tmp_path: Path) -> None:
    size = (9 << 30) + 5
    for name, format in (("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        info = tarfile.TarInfo("big")
        info.size = size
        header = info.tobuf(format)
        path = tmp_path / name
        with path.open("wb") as file:
            file.write(header)
            file.truncate(len(header) + -(-size // 512) * 512 + 1024)
        assert walk(path) == listed_by_tarfile(path) == [Member("big", len(header), size)]


def test_gnu_tars_own_archives(tmp_path: Path) -> None:
    """Sparse files lie in pieces: they are passed over."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"a" * 3000)
    with (tmp_path / "in" / "hole.jpg").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 19)
        file.write(b"x")
    (tmp_path / "in" / "z.jpg").write_bytes(b"z" * 10)
    for format in ("gnu", "oldgnu", "pax", "posix", "ustar", "v7"):
        path = tmp_path / f"{format}.tar"
        sparse = ["--sparse"] if format not in ("ustar", "v7") else []
        names = ["in/a.jpg", "in/hole.jpg", "in/z.jpg", "in"]
        command = ["tar", f"--format={format}", *sparse, "-cf", path, *names]
        subprocess.run(command, cwd=tmp_path, check=True)
        kept = [m for m in listed_by_tarfile(path) if not (sparse and m.name == "in/hole.jpg")]
        assert [m for m in walk(path) if m.name[:3] == "in/"][: len(kept)] == kept, format
        names = [m.name for m in walk(path)]
        assert ("in/hole.jpg" in names) == (not sparse), format


def test_damage_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", tarfile.PAX_FORMAT, ["a.jpg", "b.jpg", "c.jpg"])
    whole = path.read_bytes()
    last = walk(path)[2].offset
    for data in (b"", whole[:300], whole[: last - 512], whole[: last + 100]):
        path.write_bytes(data)
        with pytest.raises(
            PrepareError, match=r"a\.tar is not a whole tar archive: no valid header and no end"
        ):
            walk(path)
    for place in range(last - 512, last):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(PrepareError, match=f"no end at byte {last - 512} of {len(whole)}"):
            walk(path)
