import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr.text import CONTROLS, fit, graphemes, language_of


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("abc", ["a", "b", "c"]),
        ("e\u0301a", ["e\u0301", "a"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("ម្តាយ", ["ម្តា", "យ"]),
        ("क्षि", ["क्षि"]),
        ("กำ", ["กำ"]),
        ("👩\u200d🍳x", ["👩\u200d🍳", "x"]),
        ("🇰🇪🇹🇿", ["🇰🇪", "🇹🇿"]),
        ("각", ["각"]),
        ("", []),
    ],
)
def test_letters_stay_whole(text, clusters):
    assert list(graphemes(text)) == clusters


@given(st.text(max_size=60), st.integers(1, 30))
def test_a_cut_text_fits_and_begins_the_original(text, chars_max):
    cut = fit(text, chars_max)
    assert len(cut) <= chars_max
    assert unicodedata.normalize("NFC", " ".join(CONTROLS.sub("", " ".join(text.split())).split())).startswith(cut)


@pytest.mark.parametrize(
    ("text", "chars_max", "cut"),
    [
        ("Mama Njeri Shop", 25, "Mama Njeri Shop"),
        ("Mama Njeri General Merchants", 25, "Mama Njeri General"),
        ("Supercalifragilistic Store", 12, "Supercalifra"),
        ("  two   spaces ", 25, "two spaces"),
        ("ရွှေမြန်မာစားသောက်ဆိုင်", 5, "ရွှေ"),
        ("exactly at a word end", 12, "exactly at a"),
        ("\u200fدكان\u202e\x1b", 25, "دكان"),
        ("a\u200f b \u200f c", 25, "a b c"),
    ],
)
def test_a_cut_falls_between_words_or_at_least_between_letters(text, chars_max, cut):
    assert fit(text, chars_max) == cut


@pytest.mark.parametrize(
    ("name", "country", "language"),
    [
        ("Mama Njeri", "KE", None),
        ("Café Élan №5", "FR", None),
        ("", "KE", None),
        ("7 · 24", "KE", None),
        ("ᏣᎳᎩ", "US", None),
        ("မြို့မဈေး", "MM", "my"),
        ("ABC ហាងកាហ្វេ", "KH", "km"),
        ("ሰላም ሱቅ", "ET", "am"),
        ("ሰላም ሱቅ", "ER", "ti"),
        ("دكان", "EG", "ar"),
        ("دکان", "PK", "ur"),
        ("पसल", "NP", "ne"),
        ("दुकान", "IN", "hi"),
        ("最佳运输", "CN", "zh"),
    ],
)
def test_the_script_of_a_name_tells_its_language(name, country, language):
    assert language_of(name, country) == language
