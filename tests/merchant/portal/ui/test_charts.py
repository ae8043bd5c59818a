"""Charts that the server draws: each says what it shows, stays in its frame, and takes names as text."""

import re

import pytest

from merchant.portal.ui.charts import Bar, Point, Row, area, bars, dots, heat, lying

EVIL = "<script>alert(1)</script>"
LAKE = [
    Point("Nairobi", -1.29, 36.82, 120),
    Point("Kisumu", -0.1, 34.75, 40),
    Point("Mombasa", -4.04, 39.66, 60),
]


def numbers(drawn: str, name: str) -> list[float]:
    """The values of an attribute."""
    return [float(found) for found in re.findall(rf'\b{name}="(-?[0-9.]+)"', drawn)]


def test_no_chart_takes_a_name_as_markup() -> None:
    drawings = (
        bars([Bar(EVIL, 1)], EVIL),
        area([Bar(EVIL, 1)], EVIL),
        heat([Row(EVIL, [1])], EVIL, [EVIL]),
        lying([Bar(EVIL, 1)], EVIL, [EVIL]),
        dots([Point(EVIL, 1, 1, 1)], EVIL),
    )
    assert all("<script" not in one for one in drawings)


def test_every_chart_says_what_it_shows() -> None:
    drawings = (bars([], "Of it"), area([], "Of it"), heat([], "Of it"), lying([], "Of it"), dots([], "Of it"))
    assert all('role="img"' in one and 'aria-label="Of it"' in one for one in drawings)


def test_bars_that_lie_are_parts_of_the_longest_and_carry_their_figures() -> None:
    drawn = lying([Bar("A", 50), Bar("B", 200), Bar("C", 0)], "Of it")
    assert re.findall(r'class="bar" width="([0-9.]+)"', drawn) == ["25.0", "100.0", "0.0"]
    assert re.findall(r'class="num">([^<]+)<', drawn) == ["50", "200", "0"]
    assert re.findall(r'class="num">([^<]+)<', lying([Bar("A", 1)], "Of it", ["1 of 2"])) == ["1 of 2"]


def test_few_labels_are_all_written_and_of_many_some() -> None:
    assert bars([Bar(f"d{at}", 1) for at in range(7)], "Of it").count("<text") == 7
    for count in (8, 24, 30, 60, 92, 96):
        assert bars([Bar(f"d{at}", 1) for at in range(count)], "Of it").count("<text") <= 7


def test_places_are_drawn_where_they_are() -> None:
    drawn = dots(LAKE, "Of it")
    height = float(re.findall(r'viewBox="0 0 600 (\d+)"', drawn)[0])
    at = {
        name: (float(x), float(y))
        for x, y, name in re.findall(r'<circle class="dot" cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+"><title>(\w+)', drawn)
    }
    assert at["Kisumu"][0] < at["Nairobi"][0] < at["Mombasa"][0]  # from west to east
    assert at["Kisumu"][1] < at["Nairobi"][1] < at["Mombasa"][1]  # from north to south
    assert all(0 < x < 600 and 0 < y < height for x, y in at.values())
    assert "36° E" in drawn
    assert "2° S" in drawn
    sizes = numbers(drawn, "r")
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    "points",
    [
        [Point("One", 0, 0, 1)],
        [Point("North", 89.9, 0, 1), Point("South", -89.9, 0, 1)],
        [Point("West", 0, -179.9, 1), Point("East", 0, 179.9, 0)],
        [Point("Same", 5, 5, 3)] * 2,
    ],
)
def test_no_places_leave_the_frame(points: list[Point]) -> None:
    drawn = dots(points, "Of it")
    height = float(re.findall(r'viewBox="0 0 600 (\d+)"', drawn)[0])
    assert all(0 <= x <= 600 for x in numbers(drawn, "cx"))
    assert all(0 <= y <= height for y in numbers(drawn, "cy"))
    assert drawn.count("<line") <= 20


def test_hours_without_a_value_stay_empty() -> None:
    drawn = heat([Row("Monday", [None, 0, 4, None])], "Of it", ["0", "1", "2", "3"])
    assert drawn.count("<rect") == 2
    assert drawn.count("<text") == 5
