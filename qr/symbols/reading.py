"""Reads a drawn code back and measures how much damage it survives before it no longer reads.

Two readers that share no code must read it: zxing-cpp, which also measures the damage, and ZBar, where it is installed:
pyzbar with the system's libzbar. Works on Pillow pictures of exactly `module_px` pixels a module, so that damage is
counted in modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from qr.extras import needs
from qr.symbols.errors import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image
    from segno import QRCode

ZXING, ZBAR = "zxing-cpp", "ZBar"
ZBAR_MISSING = "ZBar is not here: it needs pyzbar (pip) and libzbar (on Debian: apt-get install libzbar0)"
COVER_PASS_PERCENT = 8
COVER_STEPS_PERCENT = range(2, 31, 2)  # level H itself gives up at 30 % (ISO/IEC 18004:2015 7.5.1)
BLUR_PASS_MODULES = 1 / 3
BLUR_STEPS_MODULES = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1.0)
# Where a patch is laid, as shares of the free way from the symbol's left and top edges: the middle, the middle of
# each side, and the one corner without a finder pattern.
PATCH_PLACES = ((0.5, 0.5), (0.5, 0.0), (0.0, 0.5), (1.0, 0.5), (0.5, 1.0), (1.0, 1.0))
INK, PAPER = b"\x00", b"\xff"
QUIET = PAPER * 3 * 4  # four modules (ISO/IEC 18004:2015 5.3.8) of three pixels
MODULE_TO_GREY = bytes.maketrans(b"\x00\x01", PAPER + INK)


class Margin(msgspec.Struct, frozen=True):
    """How much damage a code survives.

    `cover_percent` of the symbol's area hidden in one patch anywhere outside the finder patterns, a logo counted
    in; `blur_modules`, the deviation of a Gaussian blur; `half_size`, read from a picture scaled to half; `readers`,
    who read the picture unharmed.
    """

    cover_percent: int
    blur_modules: float
    half_size: bool
    readers: tuple[str, ...] = (ZXING,)

    @property
    def sufficient(self) -> bool:
        """Whether the code may be printed: 8 % covered, a third of a module of blur, half size."""
        return self.cover_percent >= COVER_PASS_PERCENT and self.blur_modules >= BLUR_PASS_MODULES and self.half_size


def read(picture: Image | memoryview) -> str | None:
    """The text of the only QR symbol in a picture, dark on light, or None."""
    with needs("proof", "reading a picture back"):
        import zxingcpp

    found = zxingcpp.read_barcodes(
        picture,
        formats=zxingcpp.barcode_formats_from_str("QRCode"),
        text_mode=zxingcpp.TextMode.Plain,
        try_invert=False,
    )
    return found[0].text if len(found) == 1 else None


def read_by_zbar(picture: Image) -> str | None:
    """The text of the only QR symbol in a picture as ZBar reads it, or None. Raises ImportError where it is missing."""
    found = _zbar()(picture)
    return found[0] if len(found) == 1 else None


def has_zbar() -> bool:
    """Whether ZBar is installed, with its system library."""
    try:
        _zbar()
    except ImportError:
        return False
    return True


@cache
def _zbar() -> Callable[[Image], list[str]]:
    try:
        from pyzbar.pyzbar import ZBarSymbol, decode
    except (ImportError, OSError) as error:  # the package, or the library that it loads
        raise ImportError(ZBAR_MISSING) from error
    return lambda picture: [one.data.decode(errors="replace") for one in decode(picture, symbols=[ZBarSymbol.QRCODE])]


def confirm(symbol: QRCode, payload: str, plate: int = 0) -> None:
    """Raises Unreadable unless a symbol, drawn at three pixels a module, reads as the payload.

    `plate` is the side in modules of what covers its middle, drawn light.
    """
    lines = [
        QUIET + row.translate(MODULE_TO_GREY).replace(INK, INK * 3).replace(PAPER, PAPER * 3) + QUIET
        for row in _without_middle(symbol, plate)
    ]
    width = len(lines[0])
    blank = PAPER * width * len(QUIET)
    pixels = blank + b"".join(line * 3 for line in lines) + blank
    if read(memoryview(pixels).cast("B", (len(pixels) // width, width))) != payload:
        raise Unreadable(f"the symbol of {payload!r} does not read back")


def _without_middle(symbol: QRCode, plate: int) -> Iterable[bytearray]:
    if not plate:
        return symbol.matrix
    rows = [*map(bytearray, symbol.matrix)]
    start = (len(rows) - plate) // 2
    for row in rows[start : start + plate]:
        row[start : start + plate] = bytes(plate)
    return rows


def check(picture: Image, payload: str, module_px: int, border: int, logo_modules: int = 0) -> Margin:
    """The damage margin of a picture that must show a payload.

    `border` is the quiet zone in modules, `logo_modules` the side of a logo's plate. Raises Unreadable when the
    picture reads as something else or nothing, not by each reader, or survives less than `Margin.sufficient` asks.
    """
    grey = picture.convert("L")
    text = read(grey)
    if text != payload:
        raise Unreadable("the finished picture does not read" if text is None else "it reads as another text")
    by_zbar = has_zbar()
    if by_zbar and read_by_zbar(grey) != payload:
        raise Unreadable(f"{ZXING} reads the finished picture, but {ZBAR} does not")
    margin = Margin(
        cover_percent=_cover_percent(grey, payload, module_px, border, logo_modules),
        blur_modules=_blur_modules(grey, payload, module_px),
        half_size=read(grey.reduce(2)) == payload,
        readers=(ZXING, ZBAR) if by_zbar else (ZXING,),
    )
    if not margin.sufficient:
        raise Unreadable(
            f"the code reads, but survives too little damage: {margin.cover_percent} % covered "
            f"(of {COVER_PASS_PERCENT}), blur of {margin.blur_modules:.2f} modules "
            f"(of {BLUR_PASS_MODULES:.2f}), half size {'read' if margin.half_size else 'not read'}"
        )
    return margin


def covered(picture: Image, share: float, module_px: int, border: int) -> Iterator[Image]:
    """A grey picture with a patch over a share of the symbol, at each place, once dark and once light."""
    symbol_px = picture.width - 2 * border * module_px
    side = round(symbol_px * share**0.5)
    for across, down in PATCH_PLACES:
        left, top = (border * module_px + round((symbol_px - side) * part) for part in (across, down))
        for shade in (INK[0], PAPER[0]):
            patched = picture.copy()
            patched.paste(shade, (left, top, left + side, top + side))
            yield patched


def _cover_percent(grey: Image, payload: str, module_px: int, border: int, logo_modules: int) -> int:
    symbol_modules = grey.width // module_px - 2 * border
    logo_share = (logo_modules / symbol_modules) ** 2
    borne = round(100 * logo_share)
    for percent in COVER_STEPS_PERCENT:
        share = percent / 100 - logo_share
        if share <= 0:
            continue
        if not all(_reads(patched, payload) for patched in covered(grey, share, module_px, border)):
            break
        borne = percent
    return borne


def _reads(picture: Image, payload: str) -> bool:
    """Whether a picture or its half reads: a phone takes many frames, and one alone fails by chance."""
    return read(picture) == payload or read(picture.reduce(2)) == payload


def _blur_modules(grey: Image, payload: str, module_px: int) -> float:
    from PIL import ImageFilter

    borne = 0.0
    for blur in BLUR_STEPS_MODULES:
        if read(grey.filter(ImageFilter.GaussianBlur(blur * module_px))) != payload:
            break
        borne = blur
    return borne
