"""A receipt as PDF: one page of A6 in the scripts that our fonts have, drawn as posters are (qr/drawing)."""

import io
import unicodedata

from merchant.payments.receipts import Receipt
from qr.drawing.canvas import Canvas
from qr.drawing.fonts import FAMILIES, embed, shipped_font
from qr.drawing.pdf import PdfFile
from qr.drawing.text import JOINERS, Line, MissingGlyph, TextTooLong, fit, shape

_WIDTH_MM, _HEIGHT_MM = 105.0, 148.0  # ISO 216
_MARGIN_MM = 9.0
_INNER_MM = _WIDTH_MM - 2 * _MARGIN_MM
_POINTS_PER_MM = 72 / 25.4
_INK, _QUIET, _LINE = "#14213d", "#5a6275", "#c8ccd6"
_LABEL_MM, _TEXT_MM, _SMALLEST_MM = 2.7, 3.4, 1.6
_REGULAR, _BOLD = "Regular", "Bold"
_UNKNOWN = "?"  # for a character that no font of ours has


def draw_receipt(receipt: Receipt) -> bytes:
    """The receipt as a PDF file. The same receipt gives the same bytes."""
    canvas = Canvas()
    top = _HEIGHT_MM - _MARGIN_MM
    top = _block(canvas, receipt.scheme, _BOLD, top, (3.4, 1), _QUIET)
    top = _block(canvas, receipt.merchant_name, _BOLD, top - 3, (6.4, 2), _INK)
    top = _block(canvas, receipt.town, _REGULAR, top - 1, (3.6, 1), _QUIET)
    top = _block(canvas, receipt.amount_text.replace("\N{NO-BREAK SPACE}", " "), _BOLD, top - 5, (10.0, 1), _INK)
    top = _block(canvas, receipt.paid, _BOLD, top - 1, (4.6, 1), _INK)
    top -= 4
    canvas.rule(_MARGIN_MM, top, _WIDTH_MM - _MARGIN_MM, top, _LINE)
    lines = receipt.lines()
    step = min(12.0, (top - _MARGIN_MM) / max(1, len(lines)))
    for label, text in lines:
        _row(canvas, label, text, top, step)
        top -= step
    return _file(canvas, f"{receipt.scheme} {receipt.number}")


def _block(canvas: Canvas, text: str, weight: str, top: float, most: tuple[float, int], colour: str) -> float:
    """Centred lines below a height, of a largest size and number; where they end."""
    size_max, lines_max = most
    if not (shown := _drawable(text)):
        return top
    lines, size = _fitted(shown, weight, size_max * 1.5 * lines_max, size_max, lines_max)
    height = sum(line.ascent + line.descent for line in lines) * size / 1000
    canvas.lines(lines, _WIDTH_MM / 2, top - height / 2, size, colour)
    return top - height


def _row(canvas: Canvas, label: str, text: str, top: float, step: float) -> None:
    """A label and its text below it."""
    named = shape(_drawable(label), _REGULAR)
    canvas.text(named, _MARGIN_MM, top - 3.4, _LABEL_MM, _QUIET, "left")
    if not (shown := _drawable(text)):
        return
    lines, size = _fitted(shown, _REGULAR, step - 5.0, _TEXT_MM, 2)
    baseline = top - 4.2
    for line in lines:
        baseline -= line.ascent * size / 1000
        canvas.text(line, _MARGIN_MM, baseline, size, _INK, "left")
        baseline -= line.descent * size / 1000


def _fitted(text: str, weight: str, height: float, size_max: float, lines_max: int) -> tuple[list[Line], float]:
    """The text within the page's width; one that is too long is cut, since a receipt must come whatever it says."""
    while True:
        try:
            return fit(text, weight, _INNER_MM, height, size_max, _SMALLEST_MM, lines_max)
        except TextTooLong:
            text = text[: len(text) * 3 // 4].rstrip(" …") + "…"
        except MissingGlyph:
            text = "".join(character if character.isascii() else _UNKNOWN for character in text)


def _drawable(text: str) -> str:
    """The text on one line, with a mark for each character that no font of ours has."""
    shown = []
    for character in " ".join(unicodedata.normalize("NFC", text).split()):
        if character in JOINERS or any(ord(character) in shipped_font(one, _REGULAR).characters for one in FAMILIES):
            shown.append(character)
        elif unicodedata.category(character)[0] not in ("C", "M"):
            shown.append(_UNKNOWN)
    return "".join(shown)


def _file(canvas: Canvas, title: str) -> bytes:
    out = io.BytesIO()
    pdf = PdfFile(out)
    pdf.add_page(_WIDTH_MM * _POINTS_PER_MM, _HEIGHT_MM * _POINTS_PER_MM, canvas.content())
    fonts = "".join(f"/{font.name} {embed(pdf, font, glyphs)} 0 R" for font, glyphs in canvas.glyphs.items())
    pdf.finish(f"/Font<<{fonts}>>", title)
    return out.getvalue()
