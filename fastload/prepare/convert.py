"""One image's way from a source's bytes into what a shard stores. Runs on the worker threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fastload._native import JpegInfo, PreparedJpeg, jpeg_info, prepare_jpeg
from fastload.errors import JpegError, PrepareError
from fastload.prepare.odd import JPEG_START, reencode
from fastload.prepare.options import Options
from fastload.prepare.sources import Item

_END_OF_IMAGE = b"\xff\xd9"
_MOST_PIXELS = (
    178_956_970  # Pillow's limit, above which it takes a file for an attack; its coefficients need 1 GiB
)


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of an item: ``prepared`` with what was done to it, or None with the reason."""

    prepared: PreparedJpeg | None
    changes: tuple[tuple[str, str], ...] = ()  # (what, detail)
    reason: str = ""


def convert(item: Item, options: Options) -> Converted:
    """Read and prepare one image. A bad one is an answer, not an error.

    Raises PrepareError where the storage itself fails, which says nothing about the image.
    """
    return judged(item, partial(_convert, options=options))


def judged(item: Item, make: Callable[[bytes], Converted]) -> Converted:
    """What ``make`` makes of the item's bytes, or why it cannot. Raises PrepareError as ``convert`` does."""
    try:
        data = item.read()
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        return Converted(None, reason=f"cannot be read: {error.strerror}")
    except OSError as error:
        raise PrepareError(
            f"cannot read {item.name}: {error}. Run the same command again to go on"
        ) from error
    try:
        if not data:
            raise JpegError("the file is empty")
        return make(data)
    except JpegError as error:
        return Converted(None, reason=str(error))
    except MemoryError:
        return Converted(None, reason="does not fit into memory")


def header_of(data: bytes) -> JpegInfo:
    """What a JPEG says of itself. Raises JpegError, also for more pixels than any real image has."""
    info = jpeg_info(data)
    if info.width * info.height > _MOST_PIXELS:
        raise JpegError(
            f"its header promises {info.width} x {info.height} pixels, more than {_MOST_PIXELS:,}"
        )
    return info


def _convert(data: bytes, options: Options) -> Converted:
    if not data.startswith(JPEG_START):
        return _through_pillow(data, options)
    info = header_of(data)
    too_large = options.max_side is not None and max(info.width, info.height) > options.max_side
    if too_large or info.components == 4:
        return _through_pillow(data, options)
    prepared = prepare_jpeg(data, verbatim=options.verbatim, keep_truncated=options.keep_truncated)
    return Converted(prepared, changes_of(prepared))


def _through_pillow(data: bytes, options: Options) -> Converted:
    # Pillow accepts an early end by a switch for the whole process, or, as here, where an end marker follows
    # it.
    whole = data + _END_OF_IMAGE if options.keep_truncated and data.startswith(JPEG_START) else data
    jpeg, what, detail = reencode(whole, options.max_side)
    prepared = prepare_jpeg(jpeg)  # it has no bytes of its own to keep: never verbatim
    return Converted(prepared, ((what, detail), *changes_of(prepared)))


def changes_of(prepared: PreparedJpeg) -> tuple[tuple[str, str], ...]:
    """The decoder's notes on an image, as (what, detail)."""
    parts = (note.partition(": ") for note in prepared.notes)
    return tuple((what, detail) for what, _, detail in parts)
