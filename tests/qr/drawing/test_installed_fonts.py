"""Fonts that the extra `fonts` installs: found where they are, named in a sentence where they are not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

from qr.drawing import fonts, text
from qr.posters import BadDesign, Design, MissingGlyph, Poster, poster, poster_pdf
from tests.qr.posters.samples import payload
from tests.qr.posters.test_layout import font_with

SHOP = Poster(payload=payload("52318764"), name="漢", number="52318764")


def _forget() -> None:
    for cached in (fonts.installed_font, text._font_for, text.shape, poster.shipped_instructions):
        cached.cache_clear()


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    missing = {family: ("no_such_package", file) for family, (_, file) in fonts.INSTALLED.items()}
    monkeypatch.setattr(fonts, "INSTALLED", missing)
    _forget()
    yield
    _forget()


@pytest.fixture
def installed(nothing_installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of fonts, of which one holds 漢."""
    (tmp_path / "fonts_of_tests").mkdir()
    (tmp_path / "fonts_of_tests" / "__init__.py").write_text("raise AssertionError('a font package is not run')")
    (tmp_path / "fonts_of_tests" / "Han.ttf").write_bytes(font_with("漢"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setitem(fonts.INSTALLED, "NotoSansSC", ("fonts_of_tests", "Han.ttf"))


@pytest.mark.usefixtures("nothing_installed")
def test_without_the_extra_a_han_name_is_refused_with_what_to_install() -> None:
    with pytest.raises(MissingGlyph, match=r"U\+6F22.*qr\[fonts\]"):
        poster_pdf([SHOP])


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("language", ["ka", "he", "zh", "ja", "ko"])
def test_without_the_extra_its_languages_are_refused_with_what_to_install(language: str) -> None:
    with pytest.raises(BadDesign, match=r"qr\[fonts\]"):
        Design(languages=(language,))
    assert language not in poster.shipped_instructions()


@pytest.mark.usefixtures("installed")
def test_with_the_extra_the_name_is_printed() -> None:
    pdf = poster_pdf([SHOP])
    assert "漢" in pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    assert b"NotoSansSC-Bold" in pdf


@pytest.mark.usefixtures("installed")
def test_its_fonts_are_known_by_name_to_a_run_that_goes_on() -> None:
    assert fonts.font_named("NotoSansSC-Bold") is fonts.installed_font("NotoSansSC", "Bold")


@pytest.mark.usefixtures("installed")
def test_a_character_that_no_font_holds_is_still_refused() -> None:
    with pytest.raises(MissingGlyph, match=r"U\+5B57"):
        poster_pdf([Poster(payload=SHOP.payload, name="漢字", number="1")])


@pytest.mark.parametrize(
    ("text_", "family"), [("日本食堂", "NotoSansSC"), ("さくら食堂", "NotoSansJP"), ("서울 漢江", "NotoSansKR")]
)
def test_han_characters_follow_the_letters_beside_them(text_: str, family: str) -> None:
    assert text._han_family(text_) == family
