"""What is not an ordinary JPEG: other formats, CMYK, and images that are to be made smaller. Pillow decides.

Pixels are Pillow's ``convert("RGB")``, as torchvision's ImageFolder sees them: transparency is dropped,
16-bit gray is clipped, of an animation the first frame counts. They are stored as JPEG of quality 100 with
full chroma (4:4:4), which changes most values by no more than 1 or 2 of 255; shrunk images as quality 95.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from fastload._native import jpeg_info
from fastload.errors import JpegError

if TYPE_CHECKING:
    from PIL import Image

JPEG_START = b"\xff\xd8\xff"
_ORIENTATION = 0x0112  # EXIF 2.3, table 4


def reencode(data: bytes, max_side: int | None = None) -> tuple[bytes, str, str]:
    """Encode any image that Pillow reads as an ordinary JPEG; returns (jpeg, what was done, details).

    ``max_side`` shrinks an image whose longer side is more pixels, by Pillow's antialiased Lanczos filter,
    keeping its shape. The EXIF orientation is kept and not applied. Raises JpegError where Pillow cannot read
    the image.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return _encode(image, data, max_side)
    except Exception as error:  # Pillow's plugins raise whatever their parsers meet in bad bytes
        raise JpegError(f"Pillow cannot read it: {_one_line(error)}") from error


def _encode(image: Image.Image, data: bytes, max_side: int | None) -> tuple[bytes, str, str]:
    from PIL import Image

    kind, mode, size = image.format or "image", image.mode, image.size
    origin = kind.lower()
    if data.startswith(JPEG_START):
        info = jpeg_info(data)
        orientation = info.orientation
        if info.components == 4:
            origin = info.color_space  # Pillow calls both of them CMYK
    else:
        orientation = image.getexif().get(_ORIENTATION, 1)
    if not (kind in ("JPEG", "MPO") and mode == "L"):
        image = image.convert("RGB")
    shrink = max_side is not None and max(size) > max_side
    if shrink:
        assert max_side is not None
        width, height = (max(1, round(side * max_side / max(size))) for side in size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    quality = 95 if shrink else 100
    exif = Image.Exif()
    if orientation != 1:
        exif[_ORIENTATION] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=0, exif=exif)
    before, after = f"{kind} {mode} {size[0]}x{size[1]}", f"{image.mode} {image.width}x{image.height}"
    what = "shrunk" if shrink else f"{origin} re-encoded"
    return out.getvalue(), what, f"{before} -> {after}, quality {quality}, 4:4:4"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
