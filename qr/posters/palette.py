"""The colours of a page, made from one accent so that every word on it can be read."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from qr.symbols.style import luminance, rgb

BLACK = "#000000"  # or white always reaches the contrast below
INK, GREY, RULE, PAPER = "#111111", "#555555", "#bbbbbb", "#ffffff"
CONTRAST_MIN = 4.5  # of text on its ground (WCAG 2.2, 1.4.3)
TINT_SHARE = 0.08  # of the accent in the ground behind the number


class Palette(msgspec.Struct, frozen=True):
    """`on_accent` is for words on the accent colour, `tint` a ground for words in ink."""

    accent: str
    on_accent: str
    tint: str


@lru_cache(maxsize=64)
def palette_of(accent: str) -> Palette:
    """White on the accent where that can be read, else black."""
    return Palette(
        accent=accent,
        on_accent=PAPER if contrast(accent, PAPER) >= CONTRAST_MIN else BLACK,
        tint=_mixed(accent, PAPER, TINT_SHARE),
    )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _mixed(one: str, other: str, share: float) -> str:
    parts = (round(a * share + b * (1 - share)) for a, b in zip(rgb(one), rgb(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)
