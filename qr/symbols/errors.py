"""Why a code is not drawn: what came out could not be read, or not everywhere.

All are ValueErrors whose message can be shown to the person who asked for the picture.
"""

from __future__ import annotations


class PictureError(ValueError):
    """Base of the errors of drawing and printing."""


class PoorContrast(PictureError):
    """The two colours are too alike for a scanner, or not colours, or the wrong way round."""


class BadLogo(PictureError):
    """The logo is not a PNG or JPEG picture, or too large a one."""


class CodeTooSmall(PictureError):
    """A module would be smaller than a phone camera resolves, or of too few pixels for its shape."""


class Unreadable(PictureError):
    """The finished picture does not read back, or survives too little damage."""
