"""A tar archive as an index of its members, so that they can be read from where they lie, in any order."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from fastload.errors import PrepareError


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive: its name, and where its bytes lie in the archive's file."""

    name: str
    offset: int
    size: int


class TarIndex:
    """Reads members of one tar file, and of tars inside it, without extracting anything.

    ``members`` belongs to one thread; ``read`` may be called by any number of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Give the file back. Nothing may be reading."""
        self._file.close()

    def members(self, inside: Member | None = None) -> list[Member]:
        """The files of the archive, or of the archive that is its member ``inside``, in name order. Hidden
        ones are left out.

        Raises PrepareError where the archive is damaged or ends early.
        """
        visible = (m for m in self.walk(inside) if not m.name.rpartition("/")[2].startswith("."))
        return sorted(visible, key=lambda member: member.name)

    def walk(self, inside: Member | None = None) -> Iterator[Member]:
        """Every regular file, in the order in which they lie. Reads headers and hops over contents.

        Raises PrepareError where the archive is damaged or ends early.
        """
        name = f"{self.path}: {inside.name}" if inside else str(self.path)
        start, size = (inside.offset, inside.size) if inside else (0, self.size)
        if inside:
            # The headers lie all over the archive and its files are wanted next: have the kernel stream it.
            os.posix_fadvise(self._file.fileno(), start, size, os.POSIX_FADV_WILLNEED)
        window = _Window(self._file.fileno(), start, size)
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", window), mode="r:") as archive:
                for entry in archive:
                    if entry.isfile():
                        yield Member(entry.name, start + entry.offset_data, entry.size)
                    archive.members.clear()  # type: ignore[attr-defined]  # else it keeps every header
                # tarfile takes a damaged header, or none, for the end. The true end is a block of zeros.
                window.seek(archive.offset)
                if window.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                    raise tarfile.ReadError(f"no valid header and no end at byte {archive.offset} of {size}")
        except tarfile.TarError as error:
            raise PrepareError(f"{name} is not a whole tar archive: {error}. Download it again") from error

    def read(self, member: Member) -> bytes:
        """The bytes of a member. Raises OSError."""
        data = os.pread(self._file.fileno(), member.size, member.offset)
        while len(data) < member.size:  # signals and network file systems give less than asked
            more = os.pread(self._file.fileno(), member.size - len(data), member.offset + len(data))
            if not more:
                raise OSError(f"{self.path} became shorter while it was read")
            data += more
        return data


class _Window:
    """A part of a file as a file, as far as tarfile asks: an archive inside an archive."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor, self._start, self._size, self._position = descriptor, start, size, 0

    def seek(self, position: int) -> int:
        self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def read(self, count: int) -> bytes:
        count = max(0, min(count, self._size - self._position))
        data = os.pread(self._descriptor, count, self._start + self._position)
        self._position += len(data)
        return data
