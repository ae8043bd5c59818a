"""QR symbols by the rules of EMVCo MPM 4.12: byte mode only, ECI 26 when the text is not ASCII.

Sits between a payload (qr.encode) and a picture of it (qr.render, qr.posters).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno


def make(payload: str, level: str = "M") -> segno.QRCode:
    """The symbol for a payload at error correction level L, M, Q or H, with the best mask (ISO/IEC 18004 7.8.3)."""
    import segno

    return segno.make_qr(
        payload, error=level, mode="byte", encoding="utf-8", eci=not payload.isascii(), boost_error=False
    )
