"""The pictograms of the three steps, as PDF operators on a square of 24 by 24 units, origin at the lower left."""

from __future__ import annotations

from qr.drawing.canvas import rounded
from qr.drawing.pdf import numbers

SIDE = 24.0
_PEN = "1 J 1 j 1.5 w "


def _line(*points: tuple[float, float]) -> str:
    first, *rest = points
    return f"{numbers(first)} m {' '.join(f'{numbers(point)} l' for point in rest)} S "


def _box(x: float, y: float, width: float, height: float, radius: float, paint: str = "S") -> str:
    return f"{rounded(x, y, width, height, radius)}{paint} "


def _telephone() -> str:
    """A telephone that holds a code between four corners."""
    corners = (
        _line((8.5, 13.5), (8.5, 15.5), (10.5, 15.5)),
        _line((13.5, 15.5), (15.5, 15.5), (15.5, 13.5)),
        _line((8.5, 10.5), (8.5, 8.5), (10.5, 8.5)),
        _line((13.5, 8.5), (15.5, 8.5), (15.5, 10.5)),
    )
    middle = _box(10.6, 10.6, 2.8, 2.8, 0.4, "f")
    return f"{_PEN}{_box(5, 1.5, 14, 21, 2.5)}{_line((10.5, 4.5), (13.5, 4.5))}{''.join(corners)}{middle}"


def _name() -> str:
    """A shop with an awning, and a tick: it is the right one."""
    awning = "3 15 m 5 20.5 l 17 20.5 l 19 15 l h S "
    shop = _line((4.5, 15), (4.5, 3), (10, 3)) + _line((17.5, 15), (17.5, 12.5)) + _line((8, 15), (8.8, 20.5))
    return "".join(
        (_PEN, awning, shop, _line((14, 15), (13.2, 20.5)), "2.2 w ", _line((11, 7), (14.5, 3.5), (21.5, 10.5)))
    )


def _money() -> str:
    """A banknote, a coin on it, another note behind."""
    coin = _box(7.75, 6.5, 6, 6, 3)
    behind = _line((5, 19), (22.5, 19), (22.5, 9.5))
    dots = _box(3.7, 8.7, 1.6, 1.6, 0.8, "f") + _box(16.2, 8.7, 1.6, 1.6, 0.8, "f")
    return f"{_PEN}{_box(1.5, 3.5, 18.5, 12, 1.8)}{behind}{coin}{dots}"


STEPS = (_telephone(), _name(), _money())
