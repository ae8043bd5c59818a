"""The two colours of a code and the shape of its modules; a Style that scanners cannot read is refused.

Every Style has enough contrast, so qr/render.py and the posters do not check it again.
"""

from __future__ import annotations

import re

import msgspec

from qr.symbols.errors import PoorContrast

PLAIN_LEVEL = "M"
BRANDED_LEVEL = "Q"  # colours and round ends cost contrast, a logo hides modules
HEX_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
# ISO/IEC 15415 grades symbol contrast B from 55 % difference in reflectance, C from 40 %. A scanner with red
# light sees only the red part, and meets codes in worse light than a phone does: C must do there.
CONTRAST_MIN = 0.55
RED_CONTRAST_MIN = 0.40
LUMINANCE_WEIGHTS = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, linear light


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """Colours as `#rrggbb`; `rounded` draws runs of modules as bars with round ends.

    Raises PoorContrast.
    """

    dark: str = "#000000"
    light: str = "#ffffff"
    rounded: bool = False

    @property
    def level(self) -> str:
        """The default error correction level of a code in this style."""
        return PLAIN_LEVEL if self == PLAIN else BRANDED_LEVEL

    def __post_init__(self) -> None:
        contrast = luminance(self.light) - luminance(self.dark)
        red_contrast = _linear(self.light)[0] - _linear(self.dark)[0]
        if contrast < CONTRAST_MIN or red_contrast < RED_CONTRAST_MIN:
            raise PoorContrast(
                f"{self.dark} on {self.light} differ by {contrast:.0%} in reflected light and {red_contrast:.0%} "
                f"under a red scanner; at least {CONTRAST_MIN:.0%} and {RED_CONTRAST_MIN:.0%} are needed, "
                "the modules being the darker"
            )


def rgb(colour: str) -> bytes:
    """Red, green and blue of `#rrggbb`, a byte each."""
    if not HEX_COLOUR.match(colour):
        raise PoorContrast(f"{colour!r} is not a colour written #rrggbb")
    return bytes.fromhex(colour[1:])


def luminance(colour: str) -> float:
    """The share of light a colour reflects, from 0 to 1."""
    return sum(weight * part for weight, part in zip(LUMINANCE_WEIGHTS, _linear(colour), strict=True))


def _linear(colour: str) -> tuple[float, ...]:
    """Reflected light from 0 to 1 for each primary (the sRGB transfer curve, IEC 61966-2-1)."""
    parts = (value / 255 for value in rgb(colour))
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


PLAIN = Style()
