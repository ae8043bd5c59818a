"""The design of posters and stickers: what is on them and where, with any accent, from either side, in any size."""

from __future__ import annotations

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr.posters import Accepted, BadDesign, Design, Poster, grouped, poster_pdf
from qr.posters.palette import CONTRAST_MIN, INK, contrast, palette_of
from qr.posters.poster import PAGES, shipped_instructions
from qr.symbols.errors import BadLogo
from qr.symbols.logo import MIDDLE_PATTERN, make_with_logo
from tests.qr.posters.samples import SCRIPTS, design, mark, payload, poster
from tests.qr.symbols.pictures import mistreated, of_pdf, spot, texts

CODE = payload("52318764")
EN = shipped_instructions()["en"]


def page_of(pdf: bytes) -> pypdfium2.PdfPage:
    return pypdfium2.PdfDocument(pdf)[0]


def words_of(pdf: bytes) -> str:
    return str(page_of(pdf).get_textpage().get_text_range()).replace("\r\n", " ")


def left_of(pdf: bytes, words: str) -> float:
    """Where words begin, in points from the left edge."""
    text = page_of(pdf).get_textpage()
    found = text.search(words).get_next()
    assert found, words
    return float(text.get_charbox(found[0])[0])


@given(st.integers(0, 0xFFFFFF))
def test_words_can_be_read_on_any_accent_and_on_its_tint(colour: int) -> None:
    palette = palette_of(f"#{colour:06x}")
    assert contrast(palette.on_accent, palette.accent) >= CONTRAST_MIN
    assert contrast(INK, palette.tint) >= CONTRAST_MIN


@pytest.mark.parametrize("page", [page for page in PAGES if page != "sheet"])
def test_three_steps_are_told_in_each_language(page: str) -> None:
    words = words_of(poster_pdf([poster()], design(page=page)))
    for instruction in (EN, shipped_instructions()["sw"]):
        assert all(step in words for step in instruction.steps)


@pytest.mark.parametrize("language", shipped_instructions())
def test_every_language_has_words_for_the_steps_and_for_who_may_pay(language: str) -> None:
    instruction = shipped_instructions()[language]
    assert all((*instruction.steps, instruction.accepted))


def test_those_accepted_are_named_or_shown_by_their_marks() -> None:
    accepted = (Accepted(name="M-Pesa"), Accepted(name="Airtel", mark=mark("#b3261e")))
    pdf = poster_pdf([poster()], design(accepted=accepted))
    words = words_of(pdf)
    assert EN.accepted in words
    assert "M-Pesa" in words
    assert "Airtel" not in words
    colours = page_of(pdf).render(scale=1).to_pil().convert("RGB").getcolors(1 << 20)
    assert (179, 38, 30) in {colour for _, colour in colours}


def test_nobody_accepted_leaves_no_row() -> None:
    assert EN.accepted not in words_of(poster_pdf([poster()], design()))


def test_more_than_a_row_of_accepted_is_refused() -> None:
    with pytest.raises(BadDesign, match="at most 8"):
        Design(accepted=(Accepted(name="Wallet"),) * 9)


@pytest.mark.parametrize("page", PAGES)
def test_date_and_version_are_printed(page: str) -> None:
    look = design(page=page, date="2026-11-30", columns=2, rows=2)
    assert "v3 · 2026-11-30" in words_of(poster_pdf([poster(version=3)], look))


@pytest.mark.parametrize("date", ["30.11.2026", "2026-13-01", "20261130", "2026-W48-1", "today"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    with pytest.raises(BadDesign, match="YYYY-MM-DD"):
        Design(date=date)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_mirrored_for_a_language_written_from_the_right(page: str) -> None:
    left, right = (
        poster_pdf([poster("Arabic")], Design(languages=(language,), scheme="PayAll", page=page))  # type: ignore[arg-type]
        for language in ("en", "ar")
    )
    assert left_of(left, "PayAll") < left_of(left, "Bank")
    assert left_of(right, "Bank") < left_of(right, "PayAll")


def test_the_code_of_a_wide_sticker_stands_where_reading_begins() -> None:
    look = {"page": "sheet", "columns": 2, "rows": 5}
    at = []
    for language in ("en", "ar"):
        (page,) = of_pdf(poster_pdf([poster()], Design(languages=(language,), **look)), 150)  # type: ignore[arg-type]
        at.append(spot(page.crop((0, 0, page.width // 2, page.height // 5)), len(CODE)).left)
    assert at[0] < at[1]


@pytest.mark.parametrize("page", ["A5", "tent", "sheet"])
def test_a_long_name_of_a_provider_is_made_small_and_then_cut(page: str) -> None:
    name = "Ushirika wa Akiba na Mikopo wa Wafanyakazi wa Serikali ya Mkoa wa Kilimanjaro"
    pdf = poster_pdf([poster(dfsp=name * 3)], design(page=page))
    assert "Ushirika wa Akiba" in words_of(pdf)
    assert "…" in words_of(pdf)
    assert set(texts(of_pdf(pdf, 150)[0])) == {CODE}


def test_an_iban_is_written_in_fours() -> None:
    assert grouped("TN5910006035183598478831") == "TN59 1000 6035 1835 9847 8831"
    assert "TN59 1000" in words_of(poster_pdf([poster(number="TN5910006035183598478831")], design()))


@pytest.mark.parametrize("page", PAGES)
def test_a_code_with_a_logo_reads_on_every_page(page: str) -> None:
    look = design(page=page, logo=mark("#0a7d4f"), columns=2, rows=2)
    assert set(texts(of_pdf(poster_pdf([poster()], look), 150)[0])) == {CODE}


def test_a_poster_with_a_logo_reads_after_mistreatment() -> None:
    symbol, _ = make_with_logo(CODE)
    assert symbol.version not in MIDDLE_PATTERN
    (page,) = of_pdf(poster_pdf([poster()], design(logo=mark("#000000"))), 200)
    for how, worse in mistreated(page, spot(page, len(symbol.matrix))):
        assert texts(worse) == [CODE], how


def test_a_small_sticker_does_without_the_logo_rather_than_with_small_modules() -> None:
    small = {"page": "sheet", "columns": 4, "rows": 6}
    plain, with_logo = (poster_pdf([poster()], design(**small, logo=logo)) for logo in (b"", mark()))
    assert with_logo == plain


def test_an_invalid_logo_is_refused() -> None:
    with pytest.raises(BadLogo):
        poster_pdf([poster()], design(logo=b"<svg/>"))


def test_a_sticker_stands_alone() -> None:
    sticker = poster(address="pay.example/q/52318764")
    words = words_of(poster_pdf([sticker], design(page="sheet")))
    for expected in (
        "PayAll",
        "Umoja Bank",
        EN.scan,
        "Mama Njeri's Corner Shop",
        "5231 8764",
        "*384*123*52318764#",
        "pay.example/q/52318764",
        "Counter 1",
    ):
        assert expected in words


@pytest.mark.parametrize("script", SCRIPTS)
def test_stickers_of_twenty_four_to_a_sheet_read_and_keep_name_and_number(script: str) -> None:
    codes = [poster(script, str(50000000 + index)) for index in range(24)]
    pdf = poster_pdf(codes, design(script, page="sheet", columns=4, rows=6))
    assert sorted(texts(of_pdf(pdf, 200)[0])) == sorted(code.payload for code in codes)
    assert "5000 0023" in words_of(pdf)


def test_marks_of_several_providers_in_a_run_do_not_mix() -> None:
    codes = [poster(number=f"5000000{index}", dfsp=f"Bank {index % 3}") for index in range(6)]
    pages = pypdfium2.PdfDocument(poster_pdf(codes, design()))
    for index, page in enumerate(pages):
        words = page.get_textpage().get_text_range()
        assert [bank for bank in range(3) if f"Bank {bank}" in words] == [index % 3]


def test_a_poster_of_nothing_but_a_code_is_still_whole() -> None:
    bare = Poster(payload=CODE, name="Shop", number="1")
    for page in PAGES:
        pdf = poster_pdf([bare], Design(page=page))
        assert set(texts(of_pdf(pdf, 150)[0])) == {CODE}
        assert EN.dial not in words_of(pdf)
