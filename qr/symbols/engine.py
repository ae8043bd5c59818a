"""Makes a symbol: places the codewords, tries each mask, and returns the best result as a segno.QRCode.

A symbol under work is one integer that holds it twice, by rows and by columns (see `template`), so that masking
and scoring are a few dozen operations on long integers instead of loops over modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qr.symbols.codewords import Text, bit_string
from qr.symbols.penalty import penalty
from qr.symbols.standard import QRCode, consts, encoder
from qr.symbols.template import MARGIN, Lattice, template_for

if TYPE_CHECKING:
    import segno

CHARACTERS_TO_MODULES = bytes.maketrans(b"01", b"\x00\x01")


def make_symbol(payload: str, level: str, least_version: int = 1) -> segno.QRCode:
    """The symbol of a payload; `level` is one of L, M, Q, H."""
    error = consts.ERROR_MAPPING[level]
    text = Text.of(payload)
    version = text.smallest_version(error, least_version)
    template = template_for(version, error)
    unmasked = template.place(bit_string(text, version, error))
    masked = [unmasked ^ mask for mask in template.masks]
    # The first of equal penalties wins, as in segno.
    best = min(range(len(masked)), key=lambda mask: penalty(masked[mask], template.lattice))
    rows = _rows(masked[best] | template.information[best], template.lattice)
    symbol: segno.QRCode = QRCode(encoder.Code(rows, version, error, best, (_ByteSegment(),)))
    return symbol


def smallest_version(payload: str, level: str) -> int:
    """The first version that holds a payload. Raises segno.DataOverflowError."""
    return Text.of(payload).smallest_version(consts.ERROR_MAPPING[level])


def fits(payload: str, level: str, version: int) -> bool:
    """Whether a version holds a payload at a level."""
    return Text.of(payload).fits(version, consts.ERROR_MAPPING[level])


class _ByteSegment:
    """What segno.QRCode asks of the only segment: its mode."""

    mode = consts.MODE_BYTE


def _rows(symbol: int, lattice: Lattice) -> tuple[bytearray, ...]:
    modules = f"{symbol >> lattice.half:0{lattice.half + len(MARGIN)}b}".encode().translate(CHARACTERS_TO_MODULES)
    starts = range(len(MARGIN), len(modules), lattice.stride)
    return tuple(bytearray(modules[start : start + lattice.size]) for start in starts)
