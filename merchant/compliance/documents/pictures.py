"""Pictures without what they say beside the picture: JPEG, PNG and WebP rewritten part by part, pixels untouched.

Pure. Only what a decoder needs is kept, so EXIF, comments, thumbnails, further pictures and whatever follows the end
are gone. A picture that EXIF says is turned is turned for good, since nothing would say so any more.
"""

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, JpegImagePlugin

from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.kinds import Place

# Three times what a telephone's camera writes (12 million), and 120 MB when decoded.
MOST_PIXELS = 40_000_000
_ORIENTATION, _GPS = 0x0112, 0x8825
_UPRIGHT = 1

# JPEG, ITU-T T.81 table B.1.
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_TABLES_AND_FRAMES = frozenset(
    {0xDB, 0xC4, 0xCC, 0xDD, 0xDC, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)}
)
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # in a scan: neither a stuffed byte nor a restart
_ADOBE_BYTES = 12  # its version, flags and colour transform, without which colours are wrong

# PNG, W3C section 11: what is needed, and what says how its colours are meant.
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_PNG_KEPT = _PNG_NEEDED | {b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs"}
_CRITICAL = 0x20  # bit 5 of a chunk's first letter: unset where a decoder must understand it

# WebP, RFC 9649 section 2.7.
_WEBP_KEPT = frozenset({b"VP8X", b"ALPH", b"VP8 ", b"VP8L"})
_WEBP_MOVES, _WEBP_ALPHA = 0x02, 0x10


def clean(data: bytes, media_type: str) -> bytes:
    """The same picture, upright and without metadata. Raises Refused."""
    rewrite, decoder = _KINDS[media_type]
    cleaned = rewrite(data)
    _check_decodes(cleaned, decoder)
    if _orientation(data, decoder) == _UPRIGHT:
        return cleaned
    return rewrite(_turned(data, decoder))


def place_of(data: bytes, media_type: str) -> Place | None:
    """Where EXIF says that the picture was taken; None where it does not say, or not sensibly."""
    _rewrite, decoder = _KINDS[media_type]
    with suppress(Exception):  # EXIF is what any program wrote, and only asked for
        with Image.open(BytesIO(data), formats=[decoder]) as picture:
            told: Mapping[int, Any] = picture.getexif().get_ifd(_GPS)
        latitude, longitude = _degrees(told[2], told[1], "S"), _degrees(told[4], told[3], "W")
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return Place(round(latitude, 6), round(longitude, 6))
    return None


def _degrees(parts: Any, letter: str, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if letter.strip("\0 ").upper() == negative else value


def _check_decodes(data: bytes, decoder: str) -> None:
    """Decode the whole picture. Raises Refused when it is too large, or broken."""
    try:
        with Image.open(BytesIO(data), formats=[decoder]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise Refused(Fault.TOO_MANY_PIXELS, f"{picture.width} x {picture.height}")
            picture.load()
    except Image.DecompressionBombError:
        raise Refused(Fault.TOO_MANY_PIXELS) from None
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise Refused(Fault.BROKEN_FILE) from error


def _orientation(data: bytes, decoder: str) -> int:
    """How EXIF says that the picture is turned, 1 to 8; upright where it does not say."""
    with suppress(Exception), Image.open(BytesIO(data), formats=[decoder]) as picture:
        told = picture.getexif().get(_ORIENTATION, _UPRIGHT)
        return told if told in range(1, 9) else _UPRIGHT
    return _UPRIGHT


def _turned(data: bytes, decoder: str) -> bytes:
    """The picture turned as EXIF says, encoded with the tables that it came with."""
    out = BytesIO()
    with Image.open(BytesIO(data), formats=[decoder]) as picture:
        options: dict[str, Any] = {"quality": 95}
        if isinstance(picture, JpegImagePlugin.JpegImageFile):
            options = {"qtables": picture.quantization, "subsampling": JpegImagePlugin.get_sampling(picture)}
        upright = ImageOps.exif_transpose(picture)
        upright.info.clear()
        upright.save(out, decoder, **options)
    return out.getvalue()


def _clean_jpeg(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while True:
        marker, at = _jpeg_marker(data, at)
        if marker == _EOI:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        length = int.from_bytes(data[at : at + 2])
        segment = data[at : at + length]
        if length < 2 or len(segment) != length:
            raise Refused(Fault.BROKEN_FILE)
        at += length
        if marker == _SOS:
            found = _MARKER.search(data, at)
            if found is None:
                raise Refused(Fault.BROKEN_FILE)  # it breaks off
            segment += data[at : found.start()]
            at = found.start()
        elif (segment := _kept_segment(marker, segment)) == b"":
            continue
        kept += [bytes([0xFF, marker]), segment]


def _jpeg_marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at a place, and where what follows it begins. Raises Refused where there is none."""
    if data[at : at + 1] != b"\xff":
        raise Refused(Fault.BROKEN_FILE)
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data) or data[at] in (0x00, _SOI):
        raise Refused(Fault.BROKEN_FILE)
    return data[at], at + 1


def _kept_segment(marker: int, segment: bytes) -> bytes:
    """A segment, with its length, as it is kept; empty when it is not."""
    if marker in _TABLES_AND_FRAMES:
        return segment
    body = segment[2:]
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return b"\x00\x10" + body[:12] + b"\0\0"  # without its thumbnail
    if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= _ADOBE_BYTES:
        return struct.pack(">H", _ADOBE_BYTES + 2) + body[:_ADOBE_BYTES]
    return b""


def _clean_png(data: bytes) -> bytes:
    kept, at, first = [_PNG_SIGNATURE], len(_PNG_SIGNATURE), True
    while True:
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        whole = data[at : at + length + 12]
        if len(whole) != length + 12 or zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:]):
            raise Refused(Fault.BROKEN_FILE)
        if first != (name == b"IHDR") or (name not in _PNG_NEEDED and not name[0] & _CRITICAL):
            raise Refused(Fault.BROKEN_FILE)
        if name in _PNG_KEPT:
            kept.append(whole)
        if name == b"IEND":
            return b"".join(kept)
        at, first = at + length + 12, False


def _clean_webp(data: bytes) -> bytes:
    end = 8 + int.from_bytes(data[4:8], "little")
    if not 12 < end <= len(data):
        raise Refused(Fault.BROKEN_FILE)
    kept, at = [b"WEBP"], 12
    while at + 8 <= end:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if len(body) != length or at + 8 + length > end:
            raise Refused(Fault.BROKEN_FILE)
        if name in (b"ANIM", b"ANMF"):
            raise Refused(Fault.MOVING_PICTURE)
        if name == b"VP8X" and body:
            if body[0] & _WEBP_MOVES:
                raise Refused(Fault.MOVING_PICTURE)
            body = bytes([body[0] & _WEBP_ALPHA]) + body[1:]
        if name in _WEBP_KEPT:
            kept += [name, struct.pack("<I", length), body, b"\0" * (length % 2)]
        at += 8 + length + length % 2
    whole = b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


# How a kind of picture is rewritten, and what Pillow calls its decoder.
_KINDS: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "image/jpeg": (_clean_jpeg, "JPEG"),
    "image/png": (_clean_png, "PNG"),
    "image/webp": (_clean_webp, "WEBP"),
}
