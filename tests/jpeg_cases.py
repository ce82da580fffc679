"""Named JPEG files of every kind that ImageNet-like data hold, made from photographs.

good: libjpeg decodes it without a warning to one or three components; what is prepared must have its pixels.
odd:  pixels can be had, but not from a sound JPEG of one or three components: CMYK, other formats, damage.
bad:  no complete image can be had from it.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from jpeg_surgery import Marker, Segment, drop, edit, join, multiscan, relabel_sampling, split
from photographs import photograph

DATA = Path(__file__).parent / "data"
SIZES = "1x1 1x17 2x3 3x2 4x37 5x1 7x7 8x8 9x16 15x17 16x16 17x31 23x64 33x31 64x48 101x97 127x113 131x67 "
SIZES += "211x199 500x375 599x487"


def encode(name: str, width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """The middle of the photograph `name`, saved by Pillow; options are those of its JPEG writer."""
    return encode_array(crop(name, width, height), mode, **options)


def encode_array(pixels: np.ndarray, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    image = image if image.mode == mode else image.convert(mode)
    image.save(out, **{"format": "JPEG", "quality": 90, **options})
    return out.getvalue()


def crop(name: str, width: int, height: int) -> np.ndarray:
    pixels = photograph(name)
    y, x = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    assert min(y, x) >= 0, f"{name} is smaller than {width}x{height}"
    return pixels[y : y + height, x : x + width]


def jpeg_cases() -> dict[str, bytes]:
    return good_cases() | odd_cases() | bad_cases()


@cache
def good_cases() -> dict[str, bytes]:
    cases = {}
    for size in SIZES.split():
        width, height = map(int, size.split("x"))
        for sampling in ("4:4:4", "4:2:0"):
            cases[f"{sampling}_{size}"] = encode("motorcycle_left", width, height, subsampling=sampling)
    for width, height in [(1, 1), (3, 8), (17, 31), (131, 67), (333, 250)]:
        cases[f"4:2:2_{width}x{height}"] = encode("coffee", width, height, subsampling="4:2:2")
        cases[f"gray_{width}x{height}"] = encode("camera", width, height, "L")
        cases[f"progressive_{width}x{height}"] = encode("china", width, height, progressive=True)
    for quality in (1, 30, 75, 100):
        cases[f"quality_{quality}"] = encode("chelsea", 190, 143, quality=quality)
    return cases | _samplings() | _codings() | _colours() | _segments()


def _samplings() -> dict[str, bytes]:
    photo = crop("astronaut", 192, 160)
    # Blocks are moved first, so that they fall into their places under the new factors.
    tall = photo.reshape(10, 2, 8, 24, 8, 3).transpose(0, 2, 3, 1, 4, 5).reshape(80, 384, 3)
    wide = photo.reshape(20, 8, 6, 2, 2, 8, 3).transpose(0, 3, 1, 2, 4, 5, 6).reshape(320, 96, 3)
    ycbcr = np.array(Image.fromarray(photo).convert("YCbCr"))
    planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(ycbcr, 2, 0)]
    half = [np.array(Image.fromarray(plane).resize((95, 79))) for plane in planes]
    y, cb, cr = (encode_array(p[:157, :189], "L") for p in planes)
    # A single component's factors mean nothing for its scan, and some cameras write 2x2.
    gray = encode("coins", 100, 75, "L")
    small_y, small_cb, small_cr = (encode_array(p, "L") for p in half)
    return {
        "4:4:0": relabel_sampling(encode_array(tall, subsampling="4:2:2"), 0x12, 189, 157),
        "4:1:1": relabel_sampling(encode_array(wide, subsampling="4:2:0"), 0x41, 189, 157),
        "multiscan_4:4:4": multiscan([y, cb, cr], [0x11, 0x11, 0x11], 189, 157),
        "multiscan_4:2:0": multiscan([y, small_cb, small_cr], [0x22, 0x11, 0x11], 189, 157),
        "multiscan_chroma_finer": multiscan([small_y, cb, cr], [0x11, 0x22, 0x22], 189, 157),
        "gray_sampling_2x2": edit(gray, Marker.SOF0, lambda frame: frame[:7] + b"\x22" + frame[8:]),
    }


def _codings() -> dict[str, bytes]:
    plain = encode("rocket", 250, 166)
    return {
        "optimised": encode("rocket", 250, 166, optimize=True),
        "restart_row": encode("rocket", 250, 166, restart_marker_rows=1),
        "restart_3_rows": encode("rocket", 250, 166, restart_marker_rows=3),
        "restart_1_mcu": encode("rocket", 250, 166, restart_marker_blocks=1),
        "restart_7_mcus_4:4:4": encode("rocket", 250, 166, subsampling="4:4:4", restart_marker_blocks=7),
        "progressive_restart": encode("rocket", 250, 166, progressive=True, restart_marker_rows=2),
        "progressive": encode("rocket", 250, 166, progressive=True),
        "progressive_gray": encode("rocket", 250, 166, "L", progressive=True),
        "progressive_4:4:4": encode("rocket", 250, 166, subsampling="4:4:4", progressive=True),
        "arithmetic": (DATA / "arithmetic.jpg").read_bytes(),
        "arithmetic_progressive": (DATA / "arithmetic-progressive.jpg").read_bytes(),
        "extended_sequential": edit(plain, Marker.SOF0, bytes, to=Marker.SOF1),
        "16_bit_quantisers": encode("rocket", 250, 166, qtables=[[16] + [300] * 63, [17] + [400] * 63]),
        "no_huffman_tables": drop(plain, Marker.DHT),
        "fill_bytes": join(split(plain)[:1]) + b"\xff\xff" + join(split(plain)[1:]),
        "after_eoi": plain + b"\0\xff\xd9 appended by a camera" * 40,
    }


def _colours() -> dict[str, bytes]:
    plain = encode("flower", 200, 150)
    rgb = encode("flower", 200, 150, keep_rgb=True)
    return {
        "rgb_adobe": rgb,
        "rgb_by_component_ids": drop(rgb, Marker.APP14),
        "ycbcr_no_jfif": drop(plain, Marker.APP0),
        "ycbcr_adobe": edit(plain, Marker.APP0, lambda _: b"Adobe\0\x64\0\0\0\0\x01", to=Marker.APP14),
    }


def _segments() -> dict[str, bytes]:
    turned = Image.Exif()
    turned[0x0112] = 6
    big = Image.Exif()
    big[0x010E] = "caption " * 7_000
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = encode("coffee", 320, 213)
    return {
        "exif_orientation_6": encode("coffee", 320, 213, exif=turned.tobytes()),
        "exif_big": encode("coffee", 320, 213, exif=big.tobytes()),
        "exif_corrupt": encode("coffee", 320, 213, exif=turned.tobytes()[:20]),
        "icc_three_segments": encode("coffee", 320, 213, icc_profile=profile + bytes(150_000)),
        "comments": edit(plain, Marker.APP0, lambda _: b"made by hand " * 100, to=Marker.COM),
    }


@cache
def odd_cases() -> dict[str, bytes]:
    photo = crop("astronaut", 150, 200)
    plain = encode_array(photo)
    restarts = encode_array(photo, restart_marker_rows=1)
    progressive = split(encode_array(photo, progressive=True))
    scans = [i for i, segment in enumerate(progressive) if segment.marker == Marker.SOS]
    # Adobe's files hold inverted inks, and Pillow inverts once more when it saves.
    inverse = np.array(Image.fromarray(255 - photo).convert("YCbCr"))
    ycck = np.dstack([255 - inverse, np.zeros(photo.shape[:2], np.uint8)])
    ycck_file = io.BytesIO()
    Image.frombytes("CMYK", (150, 200), ycck.tobytes()).save(ycck_file, "JPEG", quality=90)
    alpha = np.dstack([photo, photo[..., :1]])
    return {
        "cmyk": encode_array(photo, "CMYK"),
        "ycck": edit(ycck_file.getvalue(), Marker.APP14, lambda body: body[:-1] + b"\x02"),
        "png": encode_array(photo, format="PNG"),
        "png_alpha": encode_array(alpha, "RGBA", format="PNG"),
        "png_gray_16": encode_array(photo[..., 0].astype(np.uint16) * 257, "I;16", format="PNG"),
        "png_palette": encode_array(photo, "P", format="PNG"),
        "webp": encode_array(photo, format="WEBP"),
        "gif": encode_array(photo, "P", format="GIF"),
        "bmp": encode_array(photo, format="BMP"),
        "extraneous_before_eoi": plain[:-2] + bytes(range(1, 200)) * 7 + plain[-2:],
        "no_eoi": plain[:-2],
        "bytes_lost_in_the_middle": plain[:5_000] + plain[5_300:],
        "restart_marker_lost": restarts.replace(b"\xff\xd3", b"", 1),
        # libjpeg smooths across the blocks of a file whose last refinement scans are missing, each version in
        # its own way: no baseline file has the same pixels.
        "progressive_incomplete": join([*progressive[: scans[4]], Segment(Marker.EOI)]),
    }


@cache
def bad_cases() -> dict[str, bytes]:
    plain = encode("coffee", 300, 200)
    progressive = encode("coffee", 300, 200, progressive=True)
    return {
        "empty": b"",
        "garbage": np.random.default_rng(0).bytes(5_000),
        "text": b"<html>404 Not Found</html>",
        "only_soi": join([Segment(Marker.SOI)]),
        "no_frame": join([Segment(Marker.SOI), Segment(Marker.EOI)]),
        "truncated_header": plain[:200],
        "truncated_half": plain[: len(plain) // 2],
        "truncated_last_row": plain[:-60],
        "truncated_progressive": progressive[:1_000],
        "truncated_png": encode("coffee", 300, 200, format="PNG")[:9_000],
        "no_quantisers": drop(plain, Marker.DQT),
        "12_bit": edit(plain, Marker.SOF0, lambda frame: b"\x0c" + frame[1:]),
        "zero_height": edit(plain, Marker.SOF0, lambda frame: b"\x08\0\0" + frame[3:]),
        "lossless": edit(plain, Marker.SOF0, bytes, to=Marker.SOF3),
    }


def jpeg_bomb() -> bytes:
    """A file of a few kilobytes whose header promises 65,500 x 65,500 pixels; not in `jpeg_cases`."""
    return relabel_sampling(encode("coffee", 300, 200), 0x22, 65_500, 65_500)
