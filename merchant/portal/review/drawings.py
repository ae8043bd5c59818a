"""Drawings of the review, made by the server: the pieces of a risk, who owns the business, and where a place is.

Each has a sentence for those who do not see it, and the page sets the same facts as words beside it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from merchant.portal.review.labels import owner_name

_WIDTH, _ROW, _MIDDLE, _REACH = 360, 26, 150, 110
_STEP_RIGHT, _NODE = 22, 34
_MAP_WIDTH, _MAP_HEIGHT, _GRID = 360, 180, 30
_OWNERS_MAX, _DEPTH_MAX = 60, 8
_SVG = Markup('<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}"><title>{}</title>{}</svg>')
_TEXT = Markup('<text x="{:.1f}" y="{:.1f}"{}>{}</text>')
_LINE = Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"/>')
_SQUARE = Markup('<rect class="node" x="{:.1f}" y="{:.1f}" width="16" height="16" rx="3"/>')
_ROUND = Markup('<circle class="node" cx="{:.1f}" cy="{:.1f}" r="8"/>')
_END = Markup(' text-anchor="end"')


class Bar(Struct, frozen=True):
    """A bar to the right for what adds to a risk, to the left for what speaks for the merchant."""

    label: str
    points: int


class Node(Struct, frozen=True):
    """A person or a company, the share it holds of the one above, and who holds it."""

    name: str
    is_company: bool
    percent: float | None
    children: Sequence["Node"] = ()


def signed_bars(bars: Sequence[Bar], title: str) -> Markup:
    """The pieces of a score, each to its side of the line in the middle."""
    most = max([abs(one.points) for one in bars] + [1])
    parts = [_LINE.format(_MIDDLE, 0, _MIDDLE, len(bars) * _ROW, "axis")]
    for at, one in enumerate(bars):
        y, length = at * _ROW + 6, max(abs(one.points) / most * _REACH, 1)
        if one.points >= 0:
            parts.append(_BAR.format("plus", _MIDDLE, y, length, _ROW - 12))
            parts.append(_TEXT.format(_MIDDLE - 8, y + 11, _END, one.label[:20]))
            parts.append(_TEXT.format(_MIDDLE + length + 6, y + 11, "", f"+{one.points}"))
        else:
            parts.append(_BAR.format("minus", _MIDDLE - length, y, length, _ROW - 12))
            parts.append(_TEXT.format(_MIDDLE + 8, y + 11, "", one.label[:20]))
            parts.append(_TEXT.format(_MIDDLE - length - 6, y + 11, _END, f"{one.points}"))
    return _drawn(_WIDTH, max(len(bars) * _ROW, _ROW), title, parts)


def tree_of(business: str, owners: Sequence[Any]) -> Node:
    """The owners as they say whom they own; who leads nowhere or in a circle stands directly below the business."""
    refs = {one.ref: at for at, one in enumerate(owners) if one.ref and one.kind == "company"}
    above = {at: refs.get(one.owns) if one.owns else None for at, one in enumerate(owners)}
    held: dict[int | None, list[int]] = {}
    for at in range(min(len(owners), _OWNERS_MAX)):
        held.setdefault(None if _is_lost(at, above) else above[at], []).append(at)

    def node(at: int, depth: int) -> Node:
        owner = owners[at]
        inner = [node(one, depth + 1) for one in held.get(at, ())] if depth < _DEPTH_MAX else []
        return Node(owner_name(owner), owner.kind == "company", owner.ownership_percent, inner)

    return Node(business, True, None, [node(at, 1) for at in held.get(None, ())])


def _is_lost(at: int, above: dict[int, int | None]) -> bool:
    """Whether a chain of owners comes back to itself."""
    seen, here = {at}, above[at]
    while here is not None:
        if here in seen:
            return True
        seen.add(here)
        here = above[here]
    return False


def ownership(root: Node, title: str) -> Markup:
    """A tree that grows downwards, one line for each, so that a narrow window shows it whole."""
    parts: list[Markup] = []
    rows = list(_rows(root, 0, None))
    place = {id(node): at for at, (node, _depth, _above) in enumerate(rows)}
    for at, (node, depth, above) in enumerate(rows):
        x, y = depth * _STEP_RIGHT + 12, at * _NODE + 17
        if above is not None:
            top, left = place[id(above)] * _NODE + 17 + 9, (depth - 1) * _STEP_RIGHT + 12
            parts.append(_LINE.format(left, top, left, y, "axis"))
            parts.append(_LINE.format(left, y, x - 8, y, "axis"))
        parts.append(_SQUARE.format(x - 8, y - 8) if node.is_company else _ROUND.format(x, y))
        room = int((_WIDTH - x - 70) / 7.4)
        parts.append(_TEXT.format(x + 14, y + 4, "", _cut(node.name, room)))
        if above is not None:
            share = "?" if node.percent is None else f"{node.percent:g} %"
            parts.append(_TEXT.format(_WIDTH, y + 4, _END, share))
    return _drawn(_WIDTH, len(rows) * _NODE, title, parts)


def _rows(node: Node, depth: int, above: Node | None) -> Iterator[tuple[Node, int, Node | None]]:
    yield node, depth, above
    for one in node.children:
        yield from _rows(one, depth + 1, node)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def graticule(latitude: float, longitude: float, title: str) -> Markup:
    """The world as lines of 30 degrees, with the equator and the point: no map, and nothing fetched from elsewhere."""
    parts = [
        Markup('<rect class="sea" x="0" y="0" width="{}" height="{}"/>').format(_MAP_WIDTH, _MAP_HEIGHT),
        *(_LINE.format(x, 0, x, _MAP_HEIGHT, "axis") for x in range(_GRID, _MAP_WIDTH, _GRID)),
        *(_LINE.format(0, y, _MAP_WIDTH, y, "axis") for y in range(_GRID, _MAP_HEIGHT, _GRID)),
        _LINE.format(0, _MAP_HEIGHT / 2, _MAP_WIDTH, _MAP_HEIGHT / 2, "equator"),
    ]
    x, y = longitude + 180, 90 - latitude
    parts.append(_LINE.format(x, 0, x, _MAP_HEIGHT, "cross"))
    parts.append(_LINE.format(0, y, _MAP_WIDTH, y, "cross"))
    parts.append(Markup('<circle class="point" cx="{:.1f}" cy="{:.1f}" r="5"/>').format(x, y))
    return _drawn(_MAP_WIDTH, _MAP_HEIGHT, title, parts)


def _drawn(width: int, height: int, title: str, parts: Sequence[Markup]) -> Markup:
    return _SVG.format(width, height, title, title, Markup("").join(parts))
