"""Charts as SVG that the server draws: bars, an area over time, and a strip of hours.

Each has a sentence as title for those who do not see it; the page sets a table of the same figures beside it. Sizes are
units of the viewBox; the page's style sheet gives the colours, so that dark mode and print need nothing more.
"""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

_WIDTH, _HEIGHT = 600, 160
_LEFT, _BOTTOM, _TOP = 4, 20, 8
_LABELS_MAX = 12
_EDGE = 12  # half a short label
_CELL = Markup('<rect class="bar" x="{:.1f}" y="{}" width="{:.1f}" height="20" fill-opacity="{}"/>')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2">{}</rect>')
_CHART = Markup('<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}"><title>{}</title>{}</svg>')


class Bar(Struct, frozen=True):
    """One bar: what it is called, how much, and how much of that failed or was usual."""

    label: str
    value: float
    other: float = 0


class Row(Struct, frozen=True):
    """One row of a heat strip; None is nothing to show."""

    label: str
    values: Sequence[float | None]


def bars(series: Sequence[Bar], title: str, told: str = "") -> Markup:
    """Upright bars, with a second, thinner one within each: what is usual, or what failed."""
    most = max([one.value for one in series] + [one.other for one in series] + [1])
    step = (_WIDTH - 2 * _LEFT) / max(len(series), 1)
    parts = [Markup("")]
    for at, one in enumerate(series):
        x, width = _LEFT + at * step, max(step * 0.72, 1)
        parts.append(_rect("bar", x + step * 0.14, width, one.value / most, _say(one.label, told, one.value)))
        if one.other:
            parts.append(_rect("other", x + step * 0.36, width * 0.4, one.other / most, ""))
        if _is_labelled(at, len(series)):
            parts.append(_text(x + step / 2, one.label))
    return _svg(title, Markup("").join(parts))


def area(series: Sequence[Bar], title: str) -> Markup:
    """An area over time, with the part that failed in contrast below it."""
    if not series:
        return _svg(title, Markup(""))
    most = max([one.value for one in series] + [1])
    step = (_WIDTH - 2 * _LEFT) / max(len(series) - 1, 1)
    points = [(_LEFT + at * step, one) for at, one in enumerate(series)]
    labels = [_text(x, one.label) for at, (x, one) in enumerate(points) if _is_labelled(at, len(points))]
    drawn = [
        _area("bar", [(x, one.value / most) for x, one in points]),
        _area("other", [(x, one.other / most) for x, one in points]),
    ]
    return _svg(title, Markup("").join([*drawn, *labels]))


def heat(rows: Sequence[Row], title: str) -> Markup:
    """A strip a row, darker where there is more."""
    most = max([value for row in rows for value in row.values if value is not None] + [1])
    parts = []
    for at, row in enumerate(rows):
        y = at * 26
        parts.append(Markup('<text class="side" x="0" y="{}">{}</text>').format(y + 17, row.label[:18]))
        step = (_WIDTH - 130) / max(len(row.values), 1)
        for place, value in enumerate(row.values):
            if value is None:
                continue
            strength = round(0.12 + 0.88 * value / most, 2) if value else 0.05
            parts.append(_CELL.format(130 + place * step, y + 2, max(step - 1.5, 1), strength))
    return _svg(title, Markup("").join(parts), max(len(rows) * 26, 26))


def _say(label: str, told: str, value: float) -> str:
    return f"{label}: {value:g} {told}".strip()


def _is_labelled(at: int, count: int) -> bool:
    return at % max(-(-count // _LABELS_MAX), 1) == 0


def _rect(kind: str, x: float, width: float, part: float, title: str) -> Markup:
    height = (_HEIGHT - _BOTTOM - _TOP) * min(max(part, 0), 1)
    y = _HEIGHT - _BOTTOM - height
    inner = Markup("<title>{}</title>").format(title) if title else Markup("")
    return _BAR.format(kind, x, y, width, height, inner)


def _area(kind: str, points: Sequence[tuple[float, float]]) -> Markup:
    ground, height = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    line = " ".join(f"L{x:.1f} {ground - height * part:.1f}" for x, part in points)
    path = f"M{points[0][0]:.1f} {ground} {line} L{points[-1][0]:.1f} {ground} Z"
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def _text(x: float, label: str) -> Markup:
    """A label below the drawing; the first and the last one keep within it."""
    anchor = "start" if x < _EDGE else "end" if x > _WIDTH - _EDGE else "middle"
    return Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(x, _HEIGHT - 5, anchor, label)


def _svg(title: str, inner: Markup, height: int = _HEIGHT) -> Markup:
    return _CHART.format(_WIDTH, height, title, title, inner)
