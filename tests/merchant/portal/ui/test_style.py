"""The style sheet: readable in light and dark (WCAG 2.2 AA), nothing fetched from anywhere."""

import re
from pathlib import Path

import pytest

import merchant
from merchant.portal.ui import assets
from merchant.portal.ui.assets import PARTS, classes_of, style_sheet

CSS = style_sheet(["base.css", "public.css", "docs.css", "work.css", "shop.css", *PARTS])
TEXT_MIN, EDGE_MIN = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11


def palette(block: str) -> dict[str, str]:
    """The named colours of one :root block."""
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


BLOCKS = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
THEMES = {"light": palette(BLOCKS[0]), "dark": palette(BLOCKS[0]) | palette(BLOCKS[1])}


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["wash", "card"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "act", "good", "wait", "bad"])
def test_text_stands_out(theme: str, ground: str, ink: str) -> None:
    assert contrast(THEMES[theme][ink], THEMES[theme][ground]) >= TEXT_MIN


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_edges_and_focus_stand_out(theme: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours["on-act"], colours["act"]) >= TEXT_MIN
    for ground in ("wash", "card"):
        assert contrast(colours["edge"], colours[ground]) >= EDGE_MIN
        assert contrast(colours["focus"], colours[ground]) >= EDGE_MIN


def test_old_phones_get_a_plain_colour_before_each_named_one() -> None:
    for rule in re.findall(r"\{([^{}]*)\}", CSS):
        for name in re.findall(r"([a-z-]+): var\(", rule):
            before = rule.split(f"{name}: var(")[0]
            assert re.search(rf"(?<![a-z-])(?:{name}|{name.removesuffix('-color')})(?:-[a-z]+)?: [^;]*[;]", before), (
                rule
            )


def test_the_sheet_fetches_nothing() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert "@font-face" not in CSS


def test_every_block_is_closed() -> None:
    depth = 0
    for sign in re.findall(r"[{}]", CSS):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0


# --- the sheets of few pages ------------------------------------------------------------------------------------------


def selectors(name: str) -> list[str]:
    """Each selector of a sheet, without its block."""
    found = re.findall(r"([^{}]+)\{[^{}]*\}", re.sub(r"@media[^{]*\{", "", style_sheet([name])))
    return [one.strip() for group in found for one in group.split(",") if not re.match(r"\s*(from|to|\d+%)", one)]


@pytest.mark.parametrize("name", PARTS)
def test_each_rule_of_a_sheet_of_few_pages_is_about_a_class_of_its_own(name: str) -> None:
    for selector in selectors(name):
        if not selector.startswith("@keyframes"):
            assert set(re.findall(r"\.([a-z][a-z-]*)", selector)) & classes_of(name), selector


@pytest.mark.parametrize("name", PARTS)
def test_a_page_loads_a_sheet_when_it_uses_a_class_of_it(name: str) -> None:
    common = f'<link href="{assets.asset_path("work.css")}">'
    for one in classes_of(name):
        assert assets.asset_path(name) in assets.sheets_for(f'{common}<p class="card {one} x"></p>')
    assert assets.sheets_for(f'{common}<p class="card badge good"></p>') == []


def test_a_public_page_loads_no_sheet_of_those_who_signed_in() -> None:
    assert assets.sheets_for('<p class="steps chart"></p>') == []


def test_a_sheet_of_few_pages_is_written_after_the_common_one_and_is_whole() -> None:
    for name in PARTS:
        served = assets.served(assets.asset_path(name).removeprefix("/static/"))
        assert served is not None
        text = served.content.decode()
        assert ":root" not in text and text.count("{") == text.count("}") > 3


def test_what_scrolls_sideways_is_reached_by_the_keyboard_and_named() -> None:
    """Whether a wide table has a link in it depends on the day; axe finds it only on the days when it has none."""
    found = []
    for page in Path(merchant.__file__).parent.rglob("templates/*.html"):
        found += re.findall(r"<div class=\"scroll\"[^>]*(?:\{\{.*?\}\}[^>]*)?>", page.read_text("utf-8"))
    assert len(found) > 5
    assert [one for one in found if not re.search(r'tabindex="0" role="region" aria-label="[^"]', one)] == []
