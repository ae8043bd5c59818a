"""Colours that a scanner, also one with red light, can tell apart."""

from __future__ import annotations

import pytest

from qr.symbols.errors import PoorContrast
from qr.symbols.style import PLAIN, Style, luminance


def test_black_on_white_is_plain() -> None:
    assert (PLAIN.dark, PLAIN.light, PLAIN.rounded) == ("#000000", "#ffffff", False)


@pytest.mark.parametrize(("dark", "light"), [("#0b3d2e", "#fff8e7"), ("#14213d", "#ffffff"), ("#000000", "#ffd60a")])
def test_dark_colours_on_light_ones_are_taken(dark: str, light: str) -> None:
    assert Style(dark=dark, light=light).dark == dark


@pytest.mark.parametrize(
    ("dark", "light"),
    [
        ("#ff0000", "#ffffff"),  # a red scanner sees nothing
        ("#e63946", "#ffffff"),
        ("#ffffff", "#000000"),  # light on dark
        ("#999999", "#cccccc"),
        ("#ffff00", "#ffffff"),
        ("#000000", "#0000ff"),
    ],
)
def test_colours_a_scanner_confuses_are_refused(dark: str, light: str) -> None:
    with pytest.raises(PoorContrast):
        Style(dark=dark, light=light)


@pytest.mark.parametrize(
    "colour", ["black", "#000", "#12345g", "000000", "#0000000", '#000"/><script>', "", "#00000\n"]
)
def test_what_is_not_a_colour_is_refused(colour: str) -> None:
    with pytest.raises(PoorContrast, match="not a colour"):
        Style(dark=colour)


def test_luminance_runs_from_black_to_white() -> None:
    assert luminance("#000000") == 0
    assert luminance("#ffffff") == pytest.approx(1)
    assert luminance("#00ff00") > luminance("#ff0000") > luminance("#0000ff")
