"""Shaping, choice of fonts, line breaks, and what cannot be written."""

from __future__ import annotations

import pytest
import uharfbuzz as hb
from hypothesis import given, settings
from hypothesis import strategies as st

from qr.drawing.fonts import FAMILIES, FONT_FOLDER, WEIGHTS, shipped_font
from qr.drawing.text import MissingGlyph, TextTooLong, fit, shape
from tests.qr.posters.samples import SCRIPTS


def glyph_sequence(text: str, family: str, direction: str) -> list[int]:
    """What HarfBuzz alone makes of a text in one font and direction."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = direction
    hb.shape(shipped_font(family, "Bold").shaper, buffer)
    return [info.codepoint for info in buffer.glyph_infos]


def drawn_glyphs(text: str) -> list[int]:
    operands = "".join(operand for run in shape(text, "Bold").runs for _, operand in run.pieces)
    return [int(part.partition(">")[0], 16) for part in operands.split("<")[1:]]


@pytest.mark.parametrize(
    ("text", "family", "direction"),
    [
        ("ဒေါ်အေးအေးနှင့်မိသားစု", "NotoSansMyanmar", "ltr"),
        ("ហាងកាហ្វេ", "NotoSansKhmer", "ltr"),
        ("ማማ ንጄሪ", "NotoSansEthiopic", "ltr"),
        ("متجر السعادة", "NotoNaskhArabic", "rtl"),
        ("স্বপ্ন জেনারেল", "NotoSansBengali", "ltr"),
        ("Mama Njeri", "NotoSans", "ltr"),
    ],
)
def test_a_script_is_shaped_in_its_font_and_direction(text: str, family: str, direction: str) -> None:
    line = shape(text, "Bold")
    assert [run.font.name for run in line.runs] == [f"{family}-Bold"]
    assert drawn_glyphs(text) == glyph_sequence(text, family, direction)


def test_burmese_vowels_stand_before_their_consonant() -> None:
    font = shipped_font("NotoSansMyanmar", "Bold").shaper
    assert drawn_glyphs("ကေ")[0] != font.get_nominal_glyph(ord("က"))


def test_arabic_letters_join() -> None:
    font = shipped_font("NotoNaskhArabic", "Bold").shaper
    assert font.get_nominal_glyph(ord("س")) not in drawn_glyphs("سسس")


def test_digits_within_arabic_run_left_to_right_and_words_right_to_left() -> None:
    font = shipped_font("NotoNaskhArabic", "Bold").shaper
    two, four = (font.get_nominal_glyph(ord(digit)) for digit in "24")
    first, last = glyph_sequence("متجر", "NotoNaskhArabic", "rtl"), glyph_sequence("العامة", "NotoNaskhArabic", "rtl")
    drawn = drawn_glyphs("متجر 24 العامة")
    assert drawn[: len(last)] == last
    assert drawn[-len(first) :] == first
    assert drawn.index(four) == drawn.index(two) + 1


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_measured_width_is_the_sum_of_its_words(script: str, weight: str) -> None:
    line = shape(SCRIPTS[script][0], weight)
    assert line.breaks[-1] == (len(line.text), line.width)
    assert line.width > 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Shop 漢", "U+6F22"),
        ("한글", "U+D55C"),
        ("Shop \U0001f600", "GRINNING FACE"),
        ("Tab\there", "U+0009"),
        ("two\nlines", "U+000A"),
        ("right\u202eleft", "RIGHT-TO-LEFT OVERRIDE"),
        ("\u2067isolate", "RIGHT-TO-LEFT ISOLATE"),
        ("nul\x00", "U+0000"),
        ("private \ue000", "U+E000"),
        ("\ufeffbom", "U+FEFF"),
        ("\ud800", "U+D800"),
    ],
)
def test_a_character_that_cannot_be_written_is_named(text: str, named: str) -> None:
    with pytest.raises(MissingGlyph, match=named.replace("+", r"\+")):
        shape(text, "Bold")


@pytest.mark.parametrize("text", ["្ក", "ាក", "ေ"])
def test_a_mark_without_a_letter_is_refused(text: str) -> None:
    with pytest.raises(MissingGlyph):
        shape(text, "Bold")


def test_joiners_that_spelling_needs_are_kept() -> None:
    assert shape("می\u200cخواهم", "Bold").runs


def test_text_is_composed_before_it_is_shaped() -> None:
    assert shape("Cafe\u0301", "Bold").runs == shape("Café", "Bold").runs


def test_punctuation_between_letters_stays_in_their_font() -> None:
    assert {run.font.name for run in shape("ማማ፣ ንጄሪ", "Bold").runs} == {"NotoSansEthiopic-Bold"}


def test_two_scripts_in_a_line_take_two_fonts() -> None:
    assert [run.font.name for run in shape("Cafe ហាង", "Bold").runs] == ["NotoSans-Bold", "NotoSansKhmer-Bold"]


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_shaped_or_refused(text: str) -> None:
    try:
        line = shape(text, "Regular")
    except MissingGlyph:
        return
    assert all(0 not in run.glyphs for run in line.runs)


def test_a_short_name_takes_one_line_at_the_largest_size() -> None:
    lines, size = fit("Shop", "Bold", width=100, height=30, size_max=12, size_min=2, lines_max=3)
    assert (len(lines), size) == (1, 12)


def test_a_long_name_is_broken_at_spaces_into_even_lines() -> None:
    name = "The Very Long Name of a Cooperative of Farmers"
    lines, size = fit(name, "Bold", width=80, height=40, size_max=12, size_min=2, lines_max=3)
    assert " ".join(line.text for line in lines) == name
    assert all(line.width * size / 1000 <= 80.001 for line in lines)
    assert sum(line.ascent + line.descent for line in lines) * size / 1000 <= 40.001


def test_idle_spaces_make_no_empty_line() -> None:
    lines, _ = fit("  Mama     Njeri  ", "Bold", width=20, height=40, size_max=12, size_min=2, lines_max=3)
    assert [line.text for line in lines] == ["Mama", "Njeri"]


def test_a_text_without_spaces_is_never_broken_within_a_letter() -> None:
    name = "ဒေါ်အေးအေးနှင့်မိသားစုကုန်စုံဆိုင်ကြီးတစ်ခု"
    lines, _ = fit(name, "Bold", width=60, height=60, size_max=12, size_min=2, lines_max=3)
    assert "".join(line.text for line in lines) == name
    assert len(lines) > 1


def test_a_text_too_long_for_its_place_is_refused() -> None:
    with pytest.raises(TextTooLong, match="shorten"):
        fit("word " * 100, "Bold", width=50, height=10, size_max=8, size_min=2, lines_max=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_weights_hold_the_same_characters(family: str) -> None:
    regular, bold = (shipped_font(family, weight) for weight in WEIGHTS)
    assert regular.characters == bold.characters


def test_every_shipped_font_is_listed_and_licensed() -> None:
    files = {path.stem for path in FONT_FOLDER.glob("*.ttf")}
    assert files == {f"{family}-{weight}" for family in FAMILIES for weight in WEIGHTS}
    assert "SIL OPEN FONT LICENSE" in (FONT_FOLDER / "OFL.txt").read_text()
    assert sum(path.stat().st_size for path in FONT_FOLDER.iterdir()) < 3_000_000
