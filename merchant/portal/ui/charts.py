"""Charts as SVG that the server draws: bars, an area over time, a strip of hours, and places on a plain graticule.

Each has a sentence as title for those who do not see it; the page sets a table of the same figures beside it. Sizes are
units of the viewBox; the page's style sheet gives the colours, so that dark mode and print need nothing more.
"""

import math
from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

_WIDTH, _HEIGHT = 600, 160
_LEFT, _BOTTOM, _TOP = 4, 20, 8
_LABELS_MAX = 7  # more would run into each other on a telephone
_SIDE = 130  # the names beside a strip
_MAP_LOW, _MAP_HIGH, _MAP_EDGE = 200, 420, 34
_DOT_LEAST, _DOT_MOST = 5, 16
_NAMED_MOST = 6
_GRATICULE_DEGREES = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30)
_LINES_MOST = 6
_CELL = Markup('<rect class="bar" x="{:.1f}" y="{}" width="{:.1f}" height="20" fill-opacity="{}"/>')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2">{}</rect>')
_LYING = Markup('<div class="lying" role="img" aria-label="{}">{}</div>')
_LYING_ROW = Markup(
    '<div><span class="name"><bdi>{}</bdi></span><svg viewBox="0 0 100 10" preserveAspectRatio="none">'
    '<rect class="rail" width="100" height="10"/><rect class="bar" width="{:.1f}" height="10"/></svg>'
    '<span class="num">{}</span></div>'
)
_LINE = Markup('<line class="line" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
_DOT = Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>')
_CHART = Markup('<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}"><title>{}</title>{}</svg>')


class Bar(Struct, frozen=True):
    """One bar: what it is called, how much, and how much of that failed or was usual."""

    label: str
    value: float
    other: float = 0


class Point(Struct, frozen=True):
    """A place on the map, and how much there is."""

    label: str
    latitude: float
    longitude: float
    value: float


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


def lying(series: Sequence[Bar], title: str, notes: Sequence[object] = ()) -> Markup:
    """Bars that lie, each behind its name and before its figure, or before its note where notes are given."""
    most = max([one.value for one in series] + [1])
    shown = notes or [f"{one.value:g}" for one in series]
    rows = [
        _LYING_ROW.format(one.label, 100 * max(one.value, 0) / most, note)
        for one, note in zip(series, shown, strict=True)
    ]
    return _LYING.format(title, Markup("").join(rows))


def heat(rows: Sequence[Row], title: str, labels: Sequence[str] = ()) -> Markup:
    """A strip a row, darker where there is more; `labels` stand below its cells."""
    most = max([value for row in rows for value in row.values if value is not None] + [1])
    parts = []
    for at, row in enumerate(rows):
        y = at * 26
        parts.append(Markup('<text class="side" x="0" y="{}">{}</text>').format(y + 17, row.label[:18]))
        step = (_WIDTH - _SIDE) / max(len(row.values), 1)
        for place, value in enumerate(row.values):
            if value is None:
                continue
            strength = round(0.12 + 0.88 * value / most, 2) if value else 0.05
            parts.append(_CELL.format(_SIDE + place * step, y + 2, max(step - 1.5, 1), strength))
    height, step = max(len(rows) * 26, 26), (_WIDTH - _SIDE) / max(len(labels), 1)
    parts += [
        _text(_SIDE + (at + 0.5) * step, label, height + 16)
        for at, label in enumerate(labels)
        if _is_labelled(at, len(labels))
    ]
    return _svg(title, Markup("").join(parts), height + (22 if labels else 0))


def dots(points: Sequence[Point], title: str) -> Markup:
    """Places as dots on lines of latitude and longitude: bigger where there is more, the biggest by name.

    Degrees of longitude are as wide as they are in the middle of the places. No coast and no border is drawn: whose
    they are is not for us to say.
    """
    if not points:
        return _svg(title, Markup(""))
    frame = _Frame(points)
    parts = [Markup("")]
    for degree in frame.lines(frame.west, frame.east):
        x, _ = frame.at(frame.south, degree)
        parts.append(_LINE.format(x, 0, x, frame.height - _BOTTOM))
        parts.append(_text(x, _degrees(degree, "E", "W"), frame.height - 5))
    for degree in frame.lines(frame.south, frame.north):
        _, y = frame.at(degree, frame.west)
        parts.append(_LINE.format(0, y, _WIDTH, y))
        parts.append(Markup('<text x="4" y="{:.1f}">{}</text>').format(y - 4, _degrees(degree, "N", "S")))
    biggest = sorted(points, key=lambda one: -one.value)
    most = max(biggest[0].value, 1)
    for at, one in enumerate(biggest):
        x, y = frame.at(one.latitude, one.longitude)
        radius = _DOT_LEAST + (_DOT_MOST - _DOT_LEAST) * math.sqrt(max(one.value, 0) / most)
        parts.append(_DOT.format(x, y, radius, _say(one.label, "", one.value)))
        if at < _NAMED_MOST:
            parts.append(_text(x, one.label, y - radius - 4))
    return _svg(title, Markup("").join(parts), frame.height)


class _Frame:
    """The part of the world that a map shows."""

    def __init__(self, points: Sequence[Point]) -> None:
        latitudes, longitudes = [one.latitude for one in points], [one.longitude for one in points]
        middle = (max(latitudes) + min(latitudes)) / 2
        self._narrow = max(math.cos(math.radians(middle)), 0.1)
        high = max(max(latitudes) - min(latitudes), 0.2)
        wide = max((max(longitudes) - min(longitudes)) * self._narrow, 0.2)
        inner = _WIDTH - 2 * _MAP_EDGE
        tall = min(max(inner * high / wide, _MAP_LOW), _MAP_HIGH)
        self._scale = min(inner / wide, tall / high)
        self.height = round(tall + 2 * _MAP_EDGE + _BOTTOM)
        self.north = middle + (tall / 2 + _MAP_EDGE) / self._scale
        self.south = middle - (tall / 2 + _MAP_EDGE) / self._scale
        half = _WIDTH / 2 / self._scale / self._narrow
        centre = (max(longitudes) + min(longitudes)) / 2
        self.west, self.east = centre - half, centre + half

    def at(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Where a place is drawn."""
        return (longitude - self.west) * self._scale * self._narrow, (self.north - latitude) * self._scale

    @staticmethod
    def lines(low: float, high: float) -> list[float]:
        """The degrees between two at which a line is drawn."""
        step = next((one for one in _GRATICULE_DEGREES if (high - low) / one <= _LINES_MOST), _GRATICULE_DEGREES[-1])
        first = math.ceil(low / step)
        return [round(at * step, 2) for at in range(first, math.floor(high / step) + 1)]


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):g}° {positive if value >= 0 else negative}" if value else "0°"


def _say(label: str, told: str, value: float) -> str:
    return f"{label}: {value:g} {told}".strip()


def _is_labelled(at: int, count: int) -> bool:
    if count <= _LABELS_MAX:
        return True
    return at % -(-count // (_LABELS_MAX - 1)) == 0


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


def _text(x: float, label: str, y: float = _HEIGHT - 5) -> Markup:
    anchor = "start" if x < 20 else "end" if x > _WIDTH - 20 else "middle"
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, label)


def _svg(title: str, inner: Markup, height: int = _HEIGHT) -> Markup:
    return _CHART.format(_WIDTH, height, title, title, inner)
