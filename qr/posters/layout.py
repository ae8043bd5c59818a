"""The layout of each kind of page. Millimetres, from the lower left; a poster is laid out once, for A5,
and scaled, since all A sizes have one shape."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from qr.drawing.canvas import Canvas
from qr.posters.palette import GREY
from qr.posters.parts import Box, Pen, issue_of
from qr.posters.poster import FOLDED, MILLIMETRES, Design, Poster, Sticker, grouped
from qr.posters.stickers import draw_sticker

SHEET_MARGIN_MM = 10.0
CROP_MARK_MM = 5.0
FOOT = 9.0  # height of the foot in units
EDGE_MM = 6.0  # what office printers leave white, and a little more; of A5


def draw_page(
    canvas: Canvas, codes: Sequence[Sticker], design: Design, shared: dict[Hashable, Canvas] | None = None
) -> None:
    """One page with its code or codes (up to `design.per_page`); `shared` keeps what pages of a design share.

    Raises CodeTooSmall, MissingGlyph, TextTooLong, BadLogo.
    """
    PAINTERS[design.page](Pen.of(canvas, design, {} if shared is None else shared), codes)


def _poster_page(pen: Pen, codes: Sequence[Sticker]) -> None:
    _poster(pen, as_poster(codes[0]), Box(0, 0, *pen.design.paper_mm))


def _tent_page(pen: Pen, codes: Sequence[Sticker]) -> None:
    """Folded along the middle it stands like a roof: the upper half is printed upside down."""
    width, height = pen.design.paper_mm
    panel = Box(0, 0, width, height / 2)
    _panel(pen, as_poster(codes[0]), panel)
    pen.canvas.upside_down(width, height)
    _panel(pen, as_poster(codes[0]), panel)
    pen.canvas.upright()
    pen.canvas.rule(0, height / 2, width, height / 2, GREY, dash="[2 2]")


def _sheet_page(pen: Pen, codes: Sequence[Sticker]) -> None:
    design = pen.design
    area = Box(0, 0, *design.paper_mm).inset(SHEET_MARGIN_MM)
    width, height = area.width / design.columns, area.height / design.rows
    for index, code in enumerate(codes):
        row, column = divmod(index, design.columns)
        top = area.y + area.height - row * height
        draw_sticker(pen, as_poster(code), Box(area.x + column * width, top - height, width, height))
    _crop_marks(pen, area)


PAINTERS: dict[str, Callable[[Pen, Sequence[Sticker]], None]] = {
    **dict.fromkeys(MILLIMETRES, _poster_page),
    **dict.fromkeys(FOLDED, _tent_page),
    "sheet": _sheet_page,
}


def as_poster(code: Sticker) -> Poster:
    """A sticker as a poster that lacks the details."""
    if isinstance(code, Poster):
        return code
    return Poster(
        payload=code.payload,
        name=code.name,
        number=code.number,
        counter=code.counter,
        address=code.address,
        version=code.version,
    )


def _poster(pen: Pen, poster: Poster, page: Box) -> None:
    """Portrait: whose scheme, what to do, whose shop, the code, what to dial, the steps, who may pay."""
    unit = page.width / MILLIMETRES["A5"][0]
    card = page.inset(EDGE_MM * unit)
    inner, top = card.inset(6 * unit, 0), card.y + card.height
    marks = 13 * unit if _has_marks(poster, pen.design) else 0.0
    header = marks + 22 * unit
    low = card.y + (FOOT + 2.5) * unit

    def ground(pen: Pen) -> None:
        pen.card(card, unit, header, FOOT * unit)
        if marks:
            box = Box(inner.x, top - marks, inner.width, marks - 3.5 * unit)
            scheme, _, dfsp = box.columns((1.0, 0.06, 1.0), pen.rtl)
            pen.mark(pen.design.scheme_mark, pen.design.scheme, scheme, "left")
            pen.mark(poster.dfsp_mark, poster.dfsp, dfsp, "right")
        _heading(pen, Box(inner.x, top - header + 2.5 * unit, inner.width, 17 * unit), unit)
        _steps(pen, Box(inner.x, low, inner.width, 0), unit)

    pen.once(("poster", page, poster.dfsp, poster.dfsp_mark), ground)
    _foot(pen, poster, Box(inner.x, card.y + unit, inner.width, (FOOT - 2) * unit), unit)
    fits_one_line = pen.width_em(poster.name) * 8 * unit < inner.width
    names = ((14.5 if fits_one_line else 20) + 6 * bool(poster.second_name) + 5 * bool(poster.counter)) * unit
    _names(pen, poster, Box(inner.x, top - header - names - 1.5 * unit, inner.width, names), unit)
    low += _steps_height(pen) * unit
    values = _values(pen, poster)
    pen.rows_of_values(values, Box(inner.x, low, inner.width, (4 + 11 * len(values)) * unit), unit)
    low += (6.5 + 11 * len(values)) * unit
    pen.code(poster.payload, Box(inner.x, low, inner.width, top - header - names - 3 * unit - low), 1.2 * unit)


def _panel(pen: Pen, poster: Poster, page: Box) -> None:
    """Landscape: marks and heading above, the code on one side, the words on the other, the steps below."""
    unit = page.height / MILLIMETRES["A5"][0]
    card = page.inset(EDGE_MM * unit)
    inner, top = card.inset(6 * unit, 0), card.y + card.height
    header = 24 * unit
    low = card.y + (FOOT + 2.5) * unit

    def ground(pen: Pen) -> None:
        pen.card(card, unit, header, FOOT * unit)
        band = Box(inner.x, top - header + 2.5 * unit, inner.width, header - 5 * unit)
        if _has_marks(poster, pen.design):
            scheme, middle, dfsp = band.columns((0.2, 0.6, 0.2), pen.rtl)
            mark = (scheme.height - 12 * unit) / 2
            pen.mark(pen.design.scheme_mark, pen.design.scheme, scheme.inset(0, mark), "left")
            pen.mark(poster.dfsp_mark, poster.dfsp, dfsp.inset(0, mark), "right")
            band = middle.inset(3 * unit, 0)
        _heading(pen, band, unit)
        _steps(pen, Box(inner.x, low, inner.width, 0), unit)

    pen.once(("panel", page, poster.dfsp, poster.dfsp_mark), ground)
    _foot(pen, poster, Box(inner.x, card.y + unit, inner.width, (FOOT - 2) * unit), unit)
    low += _steps_height(pen) * unit
    middle = Box(inner.x, low, inner.width, top - header - 2.5 * unit - low)
    code, _, words = middle.columns((middle.height, 5 * unit, middle.width - middle.height - 5 * unit), pen.rtl)
    pen.code(poster.payload, code, 1.2 * unit)
    values = _values(pen, poster)
    height = (4 + 19 * len(values)) * unit
    pen.stacked_values(values, Box(words.x, words.y, words.width, height), unit)
    _names(pen, poster, Box(words.x, words.y + height, words.width, words.height - height), unit)


def _steps_height(pen: Pen) -> float:
    """The height of the steps and, below them, of those accepted, with the gap above them; in units."""
    return 14.5 + (10 if pen.design.accepted else 0)


def _steps(pen: Pen, box: Box, unit: float) -> None:
    low = box.y
    if pen.design.accepted:
        pen.accepted(box._replace(height=7.5 * unit), unit)
        low += 10 * unit
    pen.steps(box._replace(y=low, height=12 * unit), unit)


def _has_marks(poster: Poster, design: Design) -> bool:
    return bool(design.scheme or design.scheme_mark or poster.dfsp or poster.dfsp_mark)


def _heading(pen: Pen, box: Box, unit: float) -> None:
    """What to do, in each language."""
    words = pen.design.words
    for spoken, weight, part in zip(words, ("Bold", "Regular"), box.rows((1.5, 1.0)[: len(words)]), strict=False):
        pen.words(spoken.scan, part, 9 * unit, pen.colours.on_accent, weight=weight, lines_max=2)


def _names(pen: Pen, poster: Poster, box: Box, unit: float) -> None:
    """The merchant's name, which the payer compares with what the wallet shows, and which of its counters this is."""
    shares = [2.6, *(1.0 for text in (poster.second_name, poster.counter) if text.strip())]
    name, *rest = box.rows(shares)
    pen.words(poster.name, name, 11 * unit, weight="Bold", lines_max=3)
    colours = iter(rest)
    if poster.second_name.strip():
        pen.words(poster.second_name, next(colours), 5.5 * unit)
    if poster.counter.strip():
        pen.words(poster.counter, next(colours), 4.2 * unit, GREY)


def _values(pen: Pen, poster: Poster) -> list[tuple[list[str], str]]:
    """The number and, if there is one, the USSD string, with their labels."""
    values = [([words.number for words in pen.design.words], grouped(poster.number))]
    if poster.ussd:
        values.append(([words.dial for words in pen.design.words], poster.ussd))
    return values


def _foot(pen: Pen, poster: Poster, box: Box, unit: float) -> None:
    """The shop's address where reading begins; small at the other end the code's version and date."""
    address, issue = box.columns((0.72, 0.28), pen.rtl)
    pen.words_if_room(poster.address, address, 4.6 * unit, pen.colours.on_accent, weight="Bold", align="left")
    pen.words_if_room(issue_of(poster, pen.design), issue, 2.8 * unit, pen.colours.on_accent, align="right")


def _crop_marks(pen: Pen, area: Box) -> None:
    """Short lines in the margin where to cut."""
    design, canvas = pen.design, pen.canvas
    right, top = area.x + area.width, area.y + area.height
    gap = SHEET_MARGIN_MM - CROP_MARK_MM - 1
    for column in range(design.columns + 1):
        x = area.x + column * area.width / design.columns
        for edge, away in ((area.y, -1), (top, 1)):
            canvas.rule(x, edge + away * gap, x, edge + away * (gap + CROP_MARK_MM), GREY)
    for row in range(design.rows + 1):
        y = area.y + row * area.height / design.rows
        for edge, away in ((area.x, -1), (right, 1)):
            canvas.rule(edge + away * gap, y, edge + away * (gap + CROP_MARK_MM), y, GREY)
