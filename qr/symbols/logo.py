"""Symbols with a logo in the middle, of versions and levels that common readers take with it.

A logo of a fifth of the side lies on the middle alignment pattern of versions 7 to 13, and readers that look for that
pattern (ZBar) lose the symbol: such a payload gets the next version without one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qr.symbols import check_request
from qr.symbols.style import BRANDED_LEVEL

if TYPE_CHECKING:
    from segno import QRCode

BEST_LEVEL = "H"
SIDE_MAX = 0.20  # of the symbol's side
MIDDLE_PATTERN = range(7, 14)  # versions with an alignment pattern in the very middle that the logo would hide


class LogoSymbol(NamedTuple):
    """A symbol, and the side in modules of the plate in its middle that the logo stands on."""

    symbol: QRCode
    plate: int


def make_with_logo(payload: str) -> LogoSymbol:
    """The symbol of a payload for a logo. Raises as `symbols.make`."""
    from qr.symbols.engine import make_symbol, smallest_version

    check_request(payload, BRANDED_LEVEL)
    version = smallest_version(payload, BRANDED_LEVEL)
    if version in MIDDLE_PATTERN:
        version = MIDDLE_PATTERN.stop
    level = BEST_LEVEL if smallest_version(payload, BEST_LEVEL) <= version else BRANDED_LEVEL
    symbol = make_symbol(payload, level, version)
    plate = int(len(symbol.matrix) * SIDE_MAX)
    return LogoSymbol(symbol, plate - 1 + plate % 2)  # odd as the symbol is, so that it covers whole modules
