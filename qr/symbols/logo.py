"""Symbols with a logo in the middle, of versions and levels that common readers take with it.

A logo of a fifth of the side lies on the middle alignment pattern of versions 7 to 13, and readers that look for that
pattern (ZBar) take part of some logos for it and lose the symbol: such a payload gets the next version without one
there. Versions 21 to 27 and from 35 on have one too, but in a grid that readers fit without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qr.symbols import check_request
from qr.symbols.errors import BadLogo
from qr.symbols.style import BRANDED_LEVEL

if TYPE_CHECKING:
    from segno import QRCode

BEST_LEVEL = "H"
LEVELS = (BRANDED_LEVEL, BEST_LEVEL)  # below them the modules a logo hides are not made good
SIDE_MAX = 0.20  # of the symbol's side; a third of it is more than level M survives
MIDDLE_PATTERN = range(7, 14)  # versions with one alignment pattern beside those of the edges, in the very middle


class LogoSymbol(NamedTuple):
    """A symbol, and the side in modules of the plate in its middle that the logo stands on."""

    symbol: QRCode
    plate: int


def make_with_logo(payload: str, level: str | None = None) -> LogoSymbol:
    """The symbol of a payload for a logo, at the best level that its version has room for unless one is given.

    Raises BadLogo for a level that does not bear a logo, and what `symbols.make` raises.
    """
    from qr.symbols.engine import fits, make_symbol, smallest_version

    if level is not None and level not in LEVELS:
        raise BadLogo(f"a code with a logo needs level {' or '.join(LEVELS)}, not {level}")
    check_request(payload, level or BRANDED_LEVEL)
    version = smallest_version(payload, level or BRANDED_LEVEL)
    if version in MIDDLE_PATTERN:
        version = MIDDLE_PATTERN.stop
    if level is None:
        level = BEST_LEVEL if fits(payload, BEST_LEVEL, version) else BRANDED_LEVEL
    symbol = make_symbol(payload, level, version)
    plate = int(len(symbol.matrix) * SIDE_MAX)
    return LogoSymbol(symbol, plate - 1 + plate % 2)  # odd as the symbol is, so that it covers whole modules
