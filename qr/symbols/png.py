"""A symbol as a PNG of two colours, one bit a pixel, without an image library.

The rows of pixels within one row of modules are alike: the first is written, the others say "as above", which
keeps compression nearly free. Format: PNG third edition (W3C), sections 5, 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3  # colour type
FILTER_NONE, FILTER_UP = b"\x00", b"\x02"
COMPRESSION_LEVEL = 6


def png(matrix: Sequence[bytearray], module_px: int, border: int, light: bytes, dark: bytes) -> bytes:
    """The picture; `border` in modules, colours as three bytes of red, green and blue."""
    side = (len(matrix) + 2 * border) * module_px
    line_bytes = (side + 7) // 8
    spare_bits = 8 * line_bytes - side
    widened = (b"0" * module_px, b"1" * module_px)
    edge = b"0" * border * module_px
    as_above = (FILTER_UP + bytes(line_bytes)) * (module_px - 1)
    light_lines = (FILTER_NONE + bytes(line_bytes) + as_above) * border

    lines = [light_lines]
    for row in matrix:
        pixels = edge + b"".join([widened[module] for module in row]) + edge
        lines += (FILTER_NONE, (int(pixels, 2) << spare_bits).to_bytes(line_bytes), as_above)
    lines.append(light_lines)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, PALETTE, 0, 0, 0)),
            _chunk(b"PLTE", light + dark),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), COMPRESSION_LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
