"""QR symbols by the rules of EMVCo MPM 4.12: byte mode only, ECI 26 when the text is not ASCII.

Sits between a payload (qr.encode) and a picture of it (qr.render, qr.posters). The symbols are those segno makes,
module by module, at well over ten times its speed: `codewords` turns text into data and error correction,
`template` knows where they go, `penalty` chooses the mask with whole-symbol integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

QUIET_ZONE_MODULES = 4  # light modules on every side (ISO/IEC 18004:2015 5.3.8)
MODULE_MM_MIN = 0.5  # printed smaller, a cheap phone misses it at arm's length
MODULE_MM_MAX = 10.0  # makes a poster of 65 cm
LEVELS = ("L", "M", "Q", "H")  # error correction, about 7, 15, 25 and 30 % (ISO/IEC 18004:2015 7.5.1)


def make(payload: str, level: str = "M") -> segno.QRCode:
    """The smallest symbol that holds a payload at an error correction level, with the best of the eight masks.

    Raises ValueError for an unknown level, an empty payload, text that is not valid Unicode, and
    segno.DataOverflowError (a ValueError) for text no version 40 symbol can hold.
    Source: ISO/IEC 18004:2015 7.4 to 7.10; EMVCo MPM 4.12.
    """
    # segno alone takes longer to import than the whole of qr may, so it waits for the first symbol.
    from qr.symbols.engine import make_symbol

    check_request(payload, level)
    return make_symbol(payload, level)


def check_request(payload: str, level: str) -> None:
    """Raises ValueError for an unknown level or an empty payload."""
    if level not in LEVELS:
        raise ValueError(f"error correction level {level!r} is not one of {', '.join(LEVELS)}")
    if not payload:
        raise ValueError("an empty payload has no symbol")
