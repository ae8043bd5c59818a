"""Names in Latin letters: what a payer compares with the sign above the door."""

import time
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qr
from qr.latin import latin, script_of
from qr.latin.words import words
from tests.cases import every_case

TABLE = tomllib.loads(Path(__file__).with_name("latin_names.toml").read_text(encoding="utf-8"))
WORDS = Path(qr.__file__).parent / "latin" / "words"
CHARS_MAX = 25


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for script, countries in TABLE.items():
        for country, names in countries.items():
            for name, form in names.items():
                yield script, country, name, form


ROWS = list(_rows())
SURE = [row[1:] for row in ROWS if not row[3].startswith("?")]
IN_DOUBT = [row[1:] for row in ROWS if row[3].startswith("?")]


def test_the_table_has_many_names_of_many_scripts():
    by_script = Counter(script for script, *_ in ROWS)
    assert sum(by_script.values()) >= 60
    assert len([script for script, count in by_script.items() if count >= 3]) >= 12


@every_case(("country", "name", "form"), SURE)
def test_a_name_is_spelt_as_its_shop_would(country, name, form):
    assert qr.latin_form(name, country) == qr.LatinForm(form, True)


@pytest.mark.parametrize(("country", "name", "form"), IN_DOUBT)
def test_what_the_script_leaves_in_doubt_is_said_and_not_hidden(country, name, form):
    found = qr.latin_form(name, country)
    assert not found.recognisable
    assert found.text
    assert form[1:] in ("", found.text)


def test_the_country_tells_the_language_of_a_script():
    assert qr.latin_form("Жана", "RU").text == "Zhana"
    assert qr.latin_form("Жана", "KG").text == "Jana"
    assert not qr.latin_form("大家", "HK").recognisable
    assert qr.latin_form("大家", "CN").recognisable


@pytest.mark.parametrize("word", ["زيد بلتون", "عمرو", "كنتاكي", "بلتك", "ورشتنا"])
def test_an_arabic_word_without_its_vowels_is_in_doubt_unless_known(word):
    assert not qr.latin_form(word, "EG").recognisable


def test_one_unknown_word_puts_the_whole_name_in_doubt():
    assert qr.latin_form("متجر", "EG").recognisable
    assert not qr.latin_form("متجر بلتك", "EG").recognisable


@pytest.mark.parametrize(
    ("marked", "form"), [("سَمَك", "Samak"), ("كِتَاب", "Kitab"), ("مُحَمَّد", "Mohammed"), ("بَتُّول", "Battul")]
)
def test_arabic_with_its_vowels_marked_is_sure(marked, form):
    assert qr.latin_form(marked, "EG") == qr.LatinForm(form, True)


def test_a_name_of_two_scripts_keeps_both():
    assert qr.latin_form("ABC ហាងកាហ្វេ 24", "KH").text == "ABC Hang Kafe 24"
    assert qr.latin_form("Shop 日本食堂 (東京)", "JP").text == "Shop Nihon Shokudo (Tokyo)"


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u0301", "်", "្", "ะ", "́а", "\u200dක", "ー", "っ", "ּ", "َ"])
def test_what_is_no_word_breaks_nothing(text):
    assert qr.latin_form(text, "MM").text.isascii()


def _letters() -> str:
    blocks = (0x0370, 0x0400, 0x0531, 0x0590, 0x0600, 0x0900, 0x0980, 0x0A00, 0x0B80, 0x0C00, 0x0D00, 0x0D80, 0x0E00,
              0x0E80, 0x1000, 0x10A0, 0x1200, 0x1780, 0x3040, 0x4E00, 0xAC00)  # fmt: skip
    return "".join(
        char for start in blocks for char in map(chr, range(start, start + 0x80)) if unicodedata.name(char, "")
    )


@given(
    st.one_of(st.text(max_size=40), st.text(_letters() + " -1a", max_size=40)), st.sampled_from(["MM", "JP", "HK", ""])
)
def test_any_name_becomes_printable_ascii_that_fits(text, country):
    cut = latin(text, CHARS_MAX, country)
    assert len(cut) <= CHARS_MAX
    assert cut.isascii()
    assert cut.isprintable()
    assert qr.latin_form(text, country).text.isascii()


@pytest.mark.parametrize("script", sorted({script_of(char) for char in _letters()} - {"", "LATIN"}))
def test_every_letter_of_a_script_is_read(script):
    """No letter of today's alphabets falls out of a name in silence: where a rule lacks one, the form is in doubt."""
    for char in _letters():
        if script_of(char) == script and unicodedata.category(char) == "Lo":
            found = qr.latin_form(char * 2, "")
            assert found.text or not found.recognisable, char


@pytest.mark.parametrize("file", sorted(WORDS.glob("*.toml")), ids=lambda file: file.stem)
def test_known_words_are_in_their_script_and_their_forms_in_ascii(file):
    for word, form in words(file.stem).items():
        assert word == unicodedata.normalize("NFC", word)
        assert not set(word) & set("\u200c\u200d "), word
        assert not word.isascii(), word
        assert form.isascii() and form.strip() == form and form, word


def test_a_name_is_spelt_in_little_time():
    names = [(name, country) for _, country, name, _ in ROWS]
    for name, country in names:
        qr.latin_form(name, country)
    began = time.process_time()
    for name, country in names:
        qr.latin_form(name, country)
    assert (time.process_time() - began) / len(names) < 0.001


def test_both_objects_of_a_code_hold_the_country_s_spelling():
    code = qr.mojaloop_code(
        domain="pay.example.org",
        identifier="52318764",
        name="ရွှေတောင်ကြီးဈေး",
        city="မန္တလေး",
        country="MM",
        currency="MMK",
        mcc="5411",
        local_language="my",
    )
    assert (code.name, code.city) == ("Shwe Taunggyi Zay", "Mandalay")
    assert code.language == qr.Language(language="my", name="ရွှေတောင်ကြီးဈေး", city="မန္တလေး")


def test_a_given_latin_name_is_taken_as_it_is():
    shop = {
        "domain": "a.example",
        "identifier": "5",
        "city": "Cairo",
        "country": "EG",
        "currency": "EGP",
        "mcc": "5411",
    }
    assert qr.mojaloop_code(name="متجر بلتك", latin_name="Beltek Store", **shop).name == "Beltek Store"
