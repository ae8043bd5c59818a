"""A sticker that stands alone: whose scheme, what to do, the code, whose shop, number, what to dial, where and when.

What a small sticker has no room for is left out, the least needed first, so that the code can be read.
"""

from __future__ import annotations

from qr.posters.palette import INK
from qr.posters.parts import Box, Pen, issue_of
from qr.posters.poster import Poster, grouped

GAP_MM = 1.5  # between the cut and the border
PORTRAIT_MM, LANDSCAPE_MM = (60.0, 66.0), (95.0, 52.0)  # the stickers that heights below are given for
LANDSCAPE_FROM = 1.3  # width to height; the words then stand beside the code
ROWS_MM = {"marks": 6.2, "scan": 4.0, "name": 5.8, "number": 6.2, "ussd": 4.2, "foot": 3.6}
HEAD, WORDS = ("marks", "scan"), ("name", "number", "ussd")
LEFT_OUT = ((), ("scan",), ("scan", "foot"), ("scan", "foot", "ussd"), ("scan", "foot", "ussd", "marks"))
BORDER_MM = 1.2


def draw_sticker(pen: Pen, poster: Poster, cell: Box) -> None:
    """One sticker in its cell. Raises CodeTooSmall, MissingGlyph, TextTooLong, BadLogo."""
    card = cell.inset(GAP_MM)
    beside = card.width > LANDSCAPE_FROM * card.height
    reference = LANDSCAPE_MM if beside else PORTRAIT_MM
    unit = min(card.width / reference[0], card.height / reference[1])
    for left_out in LEFT_OUT:
        rows = {name: height * unit for name, height in _rows(pen, poster).items() if name not in left_out}
        code = _code_box(card, rows, unit, beside, pen.rtl)
        if pen.code_fits(poster.payload, code):
            break
    head = sum(rows.get(name, 0.0) for name in HEAD) or BORDER_MM * unit
    foot = rows.get("foot", BORDER_MM * unit)

    def ground(pen: Pen) -> None:
        pen.card(card, 0.8 * unit, head, foot)
        _head(pen, poster, Box(card.x, card.y + card.height - head, card.width, head).inset(2.5 * unit, 0), rows)

    pen.once(("sticker", card, tuple(rows), poster.dfsp, poster.dfsp_mark), ground)
    pen.code(poster.payload, code)
    if "foot" in rows:
        _foot(pen, poster, Box(card.x, card.y, card.width, foot).inset(2.5 * unit, 0.4 * unit), foot)
    words = Box(card.x, card.y + foot, card.width, sum(rows.get(name, 0.0) for name in WORDS))
    if beside:
        left = code.width + 2 * unit
        words = Box(card.x + (0 if pen.rtl else left), card.y + foot, card.width - left, code.height)
    _words(pen, poster, words.inset(2.5 * unit, unit), rows)


def _rows(pen: Pen, poster: Poster) -> dict[str, float]:
    design = pen.design
    has = {
        "marks": bool(design.scheme or design.scheme_mark or poster.dfsp or poster.dfsp_mark),
        "ussd": bool(poster.ussd),
        "foot": bool(poster.address or poster.counter or issue_of(poster, design)),
    }
    return {name: height for name, height in ROWS_MM.items() if has.get(name, True)}


def _code_box(card: Box, rows: dict[str, float], unit: float, beside: bool, rtl: bool) -> Box:
    edges = sum(height for name, height in rows.items() if name not in WORDS or not beside)
    edges += BORDER_MM * unit * (("foot" not in rows) + (not any(name in rows for name in HEAD)))
    below = rows.get("foot", BORDER_MM * unit) + (0 if beside else sum(rows.get(name, 0.0) for name in WORDS))
    height = card.height - edges
    box = Box(card.x + unit, card.y + below, card.width - 2 * unit, height)
    if not beside:
        return box
    return box._replace(x=card.x + card.width - height - unit if rtl else box.x, width=height)


def _head(pen: Pen, poster: Poster, box: Box, rows: dict[str, float]) -> None:
    present = [name for name in HEAD if name in rows]
    for name, row in zip(present, box.rows([rows[name] for name in present]), strict=True):
        if name == "marks":
            scheme, _, dfsp = row.inset(0, row.height * 0.1).columns((1.0, 0.06, 1.0), pen.rtl)
            pen.mark(pen.design.scheme_mark, pen.design.scheme, scheme, "left")
            pen.mark(poster.dfsp_mark, poster.dfsp, dfsp, "right")
        else:
            told = pen.design.words[0].scan
            pen.words_if_room(told, row, row.height * 0.72, pen.colours.on_accent, weight="Bold")


def _words(pen: Pen, poster: Poster, box: Box, rows: dict[str, float]) -> None:
    present = [name for name in WORDS if name in rows]
    for name, row in zip(present, box.rows([rows[name] for name in present]), strict=True):
        if name == "name":
            pen.words(poster.name, row, row.height * 0.75, weight="Bold", lines_max=2)
        elif name == "number":
            pen.words(grouped(poster.number), row, row.height, weight="Bold", lines_max=2)
        else:
            pen.words(poster.ussd, row, row.height * 0.9, INK)


def _foot(pen: Pen, poster: Poster, box: Box, height: float) -> None:
    """The address where reading begins; the counter and the code's version and date at the other end."""
    counter, issued = poster.counter.strip(), issue_of(poster, pen.design)
    address, issue = box.columns((0.6, 0.4) if poster.address else (0.02, 0.98), pen.rtl)
    pen.words_if_room(poster.address, address, height * 0.62, pen.colours.on_accent, weight="Bold", align="left")
    for told in (" · ".join(filter(None, (counter, issued))), counter, issued):
        if pen.words_if_room(told, issue, height * 0.55, pen.colours.on_accent, align="right"):
            break
