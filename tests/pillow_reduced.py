"""The reference for decoding at 1/2, 1/4 and 1/8 of the size: libjpeg-turbo's scale_denom, through Pillow."""

from __future__ import annotations

import io

from PIL import Image


def reduced(jpeg: bytes, reduction: int) -> Image.Image:
    """The whole image as RGB, decoded to 1/reduction of its width and height, rounded up."""
    image = Image.open(io.BytesIO(jpeg))
    width, height = image.size
    # draft() reduces as far as the image stays at least this large; these quotients are exact.
    image.draft(None, (width / reduction, height / reduction))  # type: ignore[arg-type]
    assert image.size == (-(-width // reduction), -(-height // reduction))
    return image.convert("RGB")
