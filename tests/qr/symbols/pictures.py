"""Draws what we made with other people's renderers, and treats it as the world treats a sticker."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

import pypdfium2
import resvg_py
import zxingcpp
from PIL import Image, ImageFilter

PLACES = ((0.5, 0.5), (0.5, 0.0), (0.0, 0.5), (1.0, 0.5), (0.5, 1.0), (1.0, 1.0))
COVER_SHARE = 0.08
QR = zxingcpp.barcode_formats_from_str("QRCode")


class Spot(NamedTuple):
    """Where a symbol stands in a picture, without its quiet zone, in pixels."""

    left: int
    top: int
    side: int
    module: float


def of_png(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def of_svg(document: str, dpi: float = 254) -> Image.Image:
    return of_png(bytes(resvg_py.svg_to_bytes(svg_string=document, dpi=dpi)))


def of_pdf(data: bytes, dpi: float = 200) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(data)
    return [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]


def of_text(text: str, *, inverted: bool = False) -> Image.Image:
    """The picture a terminal shows: half blocks, light on dark or inverted, at four pixels a module."""
    light = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), "\xa0": (0, 0)}
    pixels = [[light[block][half] ^ inverted for block in line] for line in text.splitlines() for half in (0, 1)]
    picture = Image.new("L", (len(pixels[0]), len(pixels)))
    picture.putdata([255 * pixel for line in pixels for pixel in line])
    return picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST)


def texts(picture: Image.Image) -> list[str]:
    """What zxing-cpp finds, each as often as it stands there."""
    return [found.text for found in zxingcpp.read_barcodes(picture, formats=QR)]


def spot(picture: Image.Image, modules: int) -> Spot:
    """The only symbol of a picture, upright."""
    (found,) = zxingcpp.read_barcodes(picture, formats=QR)
    corner, opposite = found.position.top_left, found.position.bottom_right
    side = opposite.x - corner.x
    return Spot(corner.x, corner.y, side, side / modules)


def mistreated(picture: Image.Image, at: Spot) -> Iterator[tuple[str, Image.Image]]:
    """Half size, turned, blurred by a third of a module, and 8 % covered in each place, dark and light."""
    edge = round(6 * at.module)
    code = picture.crop((at.left - edge, at.top - edge, at.left + at.side + edge, at.top + at.side + edge))
    yield "half size", code.resize((code.width // 2, code.height // 2), Image.Resampling.BOX)
    for angle in (15, 45):
        yield f"{angle}°", code.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    yield "blurred", code.filter(ImageFilter.GaussianBlur(at.module / 3))
    patch = round(at.side * COVER_SHARE**0.5)
    for across, down in PLACES:
        for shade in (0, 255):
            covered = code.copy()
            left, top = (edge + round((at.side - patch) * share) for share in (across, down))
            covered.paste(shade, (left, top, left + patch, top + patch))
            yield f"covered at {across}, {down} with {shade}", covered
