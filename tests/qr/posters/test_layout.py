"""Pages as pictures: every code reads, also after mistreatment, in the size that was promised."""

from __future__ import annotations

import struct

import pypdfium2
import pytest

from qr import symbols
from qr.drawing.fonts import shipped_font
from qr.drawing.text import shape
from qr.posters import BadDesign, Design, MissingGlyph, Sticker, TextTooLong, grouped, poster_pdf, sheet_pdf
from qr.posters.poster import Instruction, shipped_instructions
from qr.symbols.errors import BadLogo, CodeTooSmall, PoorContrast
from qr.symbols.style import Style
from tests.qr.posters.samples import SCRIPTS, design, mark, payload, poster
from tests.qr.symbols.pictures import mistreated, of_pdf, spot, texts

MODULES = len(symbols.make(payload("52318764")).matrix)
DPI = 150


def page_text(pdf: bytes) -> str:
    return str(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range())


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_poster_in_any_script_reads_after_mistreatment(script: str) -> None:
    (page,) = of_pdf(poster_pdf([poster(script)], design(script)), DPI)
    assert texts(page) == [payload("52318764")]
    for how, worse in mistreated(page, spot(page, MODULES)):
        assert texts(worse) == [payload("52318764")], how


@pytest.mark.parametrize("style", [Style(rounded=True), Style(dark="#0b3d2e", light="#fff8e7")], ids=["round", "green"])
def test_a_branded_poster_reads_after_mistreatment(style: Style) -> None:
    (page,) = of_pdf(poster_pdf([poster()], design(style=style)), DPI)
    for how, worse in mistreated(page, spot(page, len(symbols.make(payload("52318764"), "Q").matrix))):
        assert texts(worse) == [payload("52318764")], how


@pytest.mark.parametrize(("paper", "millimetres"), [("A4", (210, 297)), ("A5", (148, 210)), ("A6", (105, 148))])
def test_the_paper_is_iso_and_the_whole_page_reads(paper: str, millimetres: tuple[int, int]) -> None:
    pdf = poster_pdf([poster("Khmer")], design("Khmer", page=paper))
    width, height = pypdfium2.PdfDocument(pdf)[0].get_size()
    assert (width / 72 * 25.4, height / 72 * 25.4) == pytest.approx(millimetres, abs=0.01)
    assert texts(of_pdf(pdf, DPI)[0]) == [payload("52318764")]


def test_printed_modules_are_whole_printer_dots_of_at_least_half_a_millimetre() -> None:
    (page,) = of_pdf(poster_pdf([poster()], design(page="A6")), dpi=600)
    module_dots = spot(page, MODULES).module
    assert module_dots == pytest.approx(round(module_dots), abs=0.02)
    assert module_dots / 600 * 25.4 >= 0.5


def test_a_tent_shows_the_code_upright_and_upside_down() -> None:
    (page,) = of_pdf(poster_pdf([poster("Amharic")], design("Amharic", page="tent")), DPI)
    half = page.height // 2
    for part in (page.crop((0, half, page.width, page.height)), page.crop((0, 0, page.width, half)).rotate(180)):
        assert texts(part) == [payload("52318764")]
        assert spot(part, MODULES).left < part.width / 4


def test_a_sheet_holds_its_grid_of_different_codes_in_order() -> None:
    numbers = [str(50000000 + index) for index in range(12)]
    stickers = [Sticker(payload=payload(number), name="ហាង", number=number) for number in numbers]
    (page,) = of_pdf(sheet_pdf(stickers), DPI)
    cells = [
        page.crop(
            (
                round(x * page.width / 3),
                round(y * page.height / 4),
                round((x + 1) * page.width / 3),
                round((y + 1) * page.height / 4),
            )
        )
        for y in range(4)
        for x in range(3)
    ]
    assert [texts(cell) for cell in cells] == [[payload(number)] for number in numbers]


def test_stickers_of_several_counters_can_be_told_apart() -> None:
    words = page_text(sheet_pdf([poster(counter=f"Counter {index}") for index in range(3)]))
    assert all(f"Counter {index}" in words for index in range(3))


ADDRESS = "pay.example/q/52318764"


@pytest.mark.parametrize("paper", ["A4", "A5", "A6", "tent"])
def test_the_address_of_the_page_stands_below_the_code_which_still_reads(paper: str) -> None:
    pdf = poster_pdf([poster("Khmer", address=ADDRESS)], design("Khmer", page=paper))
    assert ADDRESS in page_text(pdf)
    (page,) = of_pdf(pdf, DPI)
    assert set(texts(page)) == {payload("52318764")}


def test_stickers_bear_the_address_too() -> None:
    pdf = sheet_pdf([poster(address=ADDRESS) for _ in range(12)])
    assert page_text(pdf).count(ADDRESS) == 12
    assert texts(of_pdf(pdf, DPI)[0]) == [payload("52318764")] * 12


def test_an_address_too_long_to_read_is_left_out_and_the_poster_still_comes() -> None:
    address = f"{'merchants.' * 20}example/q/52318764"
    pdf = sheet_pdf([poster(address=address)])
    assert address not in page_text(pdf)
    assert texts(of_pdf(pdf, DPI)[0]) == [payload("52318764")]


def test_a_sheet_too_full_goes_on_to_the_next_page() -> None:
    sheet = Design(page="sheet", columns=2, rows=2)
    pages = of_pdf(sheet_pdf([poster(number=str(50000000 + index)) for index in range(5)], sheet), 100)
    assert [len(texts(page)) for page in pages] == [4, 1]


def test_crop_marks_stand_in_the_margin_on_every_cut() -> None:
    (page,) = of_pdf(sheet_pdf([poster()]), dpi=254)
    top_margin = page.crop((0, 0, page.width, 95)).point(lambda grey: 255 if grey < 200 else 0)
    columns = {round(x / 10) for x in range(page.width) if top_margin.crop((x, 0, x + 1, 95)).getbbox()}
    assert len(columns) == 4
    assert min(columns) == 10
    assert max(columns) == 200


def test_what_stands_on_a_poster_can_be_copied_and_searched() -> None:
    words = page_text(poster_pdf([poster("Khmer")], design("Khmer")))
    for expected in (
        "ហាងកាហ្វេ",
        "Sokha Coffee",
        "5231 8764",
        "*384*123*52318764#",
        "PayAll",
        "Umoja Bank",
        "Counter 1",
    ):
        assert expected in words
    for instruction in (shipped_instructions()["km"], shipped_instructions()["en"]):
        assert instruction.scan in words.replace("\r\n", " ")


def test_a_poster_without_ussd_does_not_speak_of_dialling() -> None:
    assert shipped_instructions()["en"].dial not in page_text(poster_pdf([poster(ussd="")], design()))


def test_marks_are_drawn_instead_of_names() -> None:
    pdf = poster_pdf([poster(dfsp_mark=mark("#b3261e", "JPEG"))], design(scheme_mark=mark()))
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil().convert("RGB")
    found = {colour for _, colour in page.getcolors(1 << 20)}
    assert any(red > 150 and green < 60 for red, green, _ in found)
    assert (10, 125, 79) in found
    assert "PayAll" not in page_text(pdf)


def test_a_mark_used_by_many_posters_is_stored_once() -> None:
    one, many = (len(poster_pdf([poster(dfsp_mark=mark())] * count, design())) for count in (1, 5))
    assert poster_pdf([poster(dfsp_mark=mark())] * 5, design()).count(b"/Subtype/Image") == 2  # colours and mask
    assert many < 5 * one


def test_a_script_of_an_added_font_is_printed() -> None:
    look = design(fonts=(font_with("漢"),))
    assert "漢 Shop" in page_text(poster_pdf([poster(name="漢 Shop")], look))
    with pytest.raises(MissingGlyph, match=r"U\+5B57"):
        poster_pdf([poster(name="漢字")], look)


def font_with(character: str) -> bytes:
    """A small font that draws a Lao letter for another character."""
    lao = shipped_font("NotoSansLao", "Bold")
    tables = {tag: lao.face.reference_table(tag).data for tag in lao.face.table_tags}
    glyph = lao.shaper.get_nominal_glyph(ord("ກ"))
    # One Unicode subtable of format 6: a range of one character.
    tables["cmap"] = struct.pack(">HHHHIHHHHHH", 0, 1, 3, 1, 12, 6, 12, 0, ord(character), 1, glyph)
    start = 12 + 16 * len(tables)
    directory, body = struct.pack(">IHHHH", 0x00010000, len(tables), 0, 0, 0), b""
    for tag, data in sorted(tables.items()):
        directory += struct.pack(">4sIII", tag.encode(), 0, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return directory + body


@pytest.mark.parametrize("data", [b"", b"not a font", b"OTTO" + bytes(100)])
def test_an_invalid_font_file_is_refused(data: bytes) -> None:
    with pytest.raises(BadDesign, match="TrueType"):
        Design(fonts=(data,))


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("52318764", "5231 8764"),
        ("123456789", "123 456 789"),
        ("1234567", "123 4567"),
        ("123456", "123 456"),
        ("1234", "1234"),
        ("12345", "12 345"),
        ("1234567890123", "123 456 789 0123"),
        ("1", "1"),
        ("SHOP-12.b", "SHOP-12.b"),
        ("٤٢٣١", "٤٢٣١"),
        ("", ""),
    ],
)
def test_numbers_are_grouped_for_reading_aloud(number: str, spoken: str) -> None:
    assert grouped(number) == spoken


@pytest.mark.parametrize("language", shipped_instructions())
def test_the_instructions_of_every_language_can_be_written(language: str) -> None:
    for words in (shipped_instructions()[language].scan, shipped_instructions()[language].dial):
        for weight in ("Regular", "Bold"):
            assert shape(words, weight).runs
    assert poster_pdf([poster()], Design(page="A6", languages=(language,)))


def test_an_operator_may_use_words_of_its_own() -> None:
    words = {"xh": Instruction(scan="Skena uhlawule", number="Inombolo", dial="Tsala")}
    assert "Skena uhlawule" in page_text(poster_pdf([poster()], Design(languages=("xh",), instructions=words)))


@pytest.mark.parametrize(
    "fields",
    [
        {"languages": ()},
        {"languages": ("en", "fr", "sw")},
        {"languages": ("xx",)},
        {"page": "A3"},
        {"page": "sheet", "columns": 0},
        {"page": "sheet", "rows": 11},
    ],
    ids=str,
)
def test_a_design_that_does_not_exist_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadDesign):
        Design(**fields)  # type: ignore[arg-type]


def test_an_invalid_accent_colour_is_refused() -> None:
    with pytest.raises(PoorContrast):
        Design(accent="red")


def test_a_code_that_would_be_printed_too_small_is_refused_with_its_size() -> None:
    full = poster(payload="0" * 400)
    with pytest.raises(CodeTooSmall, match=r"400 characters.*mm"):
        poster_pdf([full], Design(page="sheet", columns=5, rows=7))
    assert poster_pdf([full], Design(page="A6"))


@pytest.mark.parametrize("field", ["name", "second_name", "counter", "dfsp", "ussd", "number"])
def test_a_character_without_a_glyph_is_named_wherever_it_stands(field: str) -> None:
    with pytest.raises(MissingGlyph, match=r"U\+6F22"):
        poster_pdf([poster(**{field: "漢"})], design())


def test_a_name_too_long_for_its_place_is_refused() -> None:
    with pytest.raises(TextTooLong):
        poster_pdf([poster(name="Wholesale and Retail " * 40)], design(page="A6"))


def test_an_invalid_mark_is_refused() -> None:
    with pytest.raises(BadLogo):
        poster_pdf([poster(dfsp_mark=b"<svg/>")], design())


def test_hundred_characters_of_name_fit_a_poster() -> None:
    name = "Ushirika wa Wakulima na Wafanyabiashara wa Mkoa wa Kilimanjaro Kaskazini Tawi la Moshi Mjini Kati"
    assert poster_pdf([poster(name=name)], design(page="A6"))


def test_a_sticker_can_be_printed_as_a_poster() -> None:
    sticker = Sticker(payload=payload("52318764"), name="Shop", number="52318764")
    assert texts(of_pdf(poster_pdf([sticker], design()), 100)[0]) == [sticker.payload]
