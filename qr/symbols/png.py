"""A symbol as a PNG without an image library: plain in two colours, or with round ends in sixteen shades.

Lines of pixels that are alike say "as above" after the first, which keeps compression nearly free.
Format: PNG third edition (W3C), sections 5, 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from qr.symbols.outlines import ROUND_END, Matrix, split_finders

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3  # colour type
FILTER_NONE, FILTER_UP = b"\x00", b"\x02"
COMPRESSION_LEVEL = 6
ROUNDED_COMPRESSION_LEVEL = 5  # half the time of 6 for a tenth more bytes
SHADES = 16  # from light to dark, one hexadecimal digit a pixel
DARK, AFTER_DARK, BEFORE_DARK, SQUARE = 1, 2, 4, 8  # bits of what a module is drawn as; none is light


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
    return _file(side, 1, light + dark, lines, COMPRESSION_LEVEL)


def rounded_png(matrix: Matrix, module_px: int, border: int, light: bytes, dark: bytes) -> bytes:
    """The picture with every run of dark modules as a bar with round ends, the finder patterns square.

    `border` in modules, colours as three bytes of red, green and blue. The shapes are those of
    `outlines.svg_round_path`, their edges smoothed.
    """
    side = (len(matrix) + 2 * border) * module_px
    line_bytes = (side + 1) // 2
    spare_digit = "0" * (side % 2)
    edge = "0" * border * module_px
    light_lines = (FILTER_NONE + bytes(line_bytes)) * border * module_px
    tiles = _upper_tiles(module_px)

    lines = [light_lines]
    for row in _shapes(matrix):
        upper = [
            FILTER_NONE + bytes.fromhex(f"{edge}{''.join(map(tile.__getitem__, row))}{edge}{spare_digit}")
            for tile in tiles
        ]
        lines += upper
        lines += reversed(upper[: module_px // 2])  # the lower half mirrors the upper one
    lines.append(light_lines)
    return _file(side, 4, _mixed(light, dark), lines, ROUNDED_COMPRESSION_LEVEL)


def _shapes(matrix: Matrix) -> Iterator[bytes]:
    """What each module is drawn as, row by row: a byte a module, a row an integer meanwhile."""
    finders, rest = split_finders(matrix)
    for square, dark in zip(map(int.from_bytes, finders), map(int.from_bytes, rest), strict=True):
        joined = dark | (dark & dark >> 8) * AFTER_DARK | (dark & dark << 8) * BEFORE_DARK
        yield (joined | square * SQUARE).to_bytes(len(matrix))


@lru_cache(maxsize=8)
def _upper_tiles(module_px: int) -> tuple[dict[int, str], ...]:
    """The lines of pixels of a module's upper half, from the top: their digits by what the module is drawn as."""
    tiles = []
    half = module_px // 2
    for y in range(module_px - half):
        left = "".join(_shade(x, y, module_px) for x in range(module_px))
        tiles.append(
            {
                0: "0" * module_px,
                DARK: left[: module_px - half] + left[:half][::-1],
                DARK | BEFORE_DARK: left,
                DARK | BEFORE_DARK | AFTER_DARK: left[-1] * module_px,
                DARK | AFTER_DARK: left[::-1],
                SQUARE: "f" * module_px,
            }
        )
    return tuple(tiles)


def _shade(x: int, y: int, module_px: int) -> str:
    """The digit of a pixel of a bar's left end, the darker the more of it lies within the bar."""
    across, down = (x + 0.5) / module_px - ROUND_END, (y + 0.5) / module_px - 0.5
    distance = (min(across, 0) ** 2 + down**2) ** 0.5
    share = (ROUND_END - distance) * module_px + 0.5
    return f"{round((SHADES - 1) * min(max(share, 0), 1)):x}"


def _mixed(light: bytes, dark: bytes) -> bytes:
    """The palette from light to dark."""
    last = SHADES - 1
    return bytes(
        round(start + (end - start) * step / last)
        for step in range(SHADES)
        for start, end in zip(light, dark, strict=True)
    )


def _file(side: int, bit_depth: int, palette: bytes, lines: Sequence[bytes], compression_level: int) -> bytes:
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bit_depth, PALETTE, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), compression_level)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
