"""Sizes in both alphabets, cuts that leave characters whole, pages that leave nothing out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd.fit import (
    GSM7_BASIC,
    GSM7_EXTENDED,
    Cap,
    clip,
    fits,
    graphemes,
    is_gsm7,
    legible,
    measure,
    paginate,
    septets,
    stretch,
    ucs2_units,
)

FAMILY = "👨‍👩‍👧‍👦"
FLAGS = "🇰🇪🇹🇿"


def test_the_alphabet_has_the_characters_of_the_standard() -> None:
    # 128 places, of which LF, CR and ESC are no characters of a text; ten more by ESC, of which FF is none.
    assert len(GSM7_BASIC) == 128 - 3
    assert len(GSM7_EXTENDED) == 10 - 1
    assert not GSM7_BASIC & GSM7_EXTENDED


@pytest.mark.parametrize("text", ["é", "Ç", "ñ", "@", "£", "Ω", "\n", "€", "^{}\\[~]|", ""])
def test_what_the_seven_bit_alphabet_has(text: str) -> None:
    assert is_gsm7(text)


@pytest.mark.parametrize("text", ["ç", "ê", "â", "’", "…", "–", "\u00a0", "₦", "`", "\t", "\r", "😀", "አ"])
def test_what_it_lacks_turns_the_screen_into_ucs2(text: str) -> None:
    assert not is_gsm7(text)
    assert measure("Pay " + text, Cap())[1] == 70


@pytest.mark.parametrize(("text", "cost"), [("", 0), ("abc", 3), ("€", 2), ("[x]", 5), ("a\nb", 3)])
def test_the_extension_table_costs_two_septets(text: str, cost: int) -> None:
    assert septets(text) == cost


@pytest.mark.parametrize(("text", "cost"), [("አ", 1), ("😀", 2), ("e\u0301", 2), (FAMILY, 11)])
def test_characters_beyond_the_first_plane_cost_two_units(text: str, cost: int) -> None:
    assert ucs2_units(text) == cost == len(text.encode("utf-16-le")) // 2


def test_a_screen_fits_to_the_last_septet_and_no_further() -> None:
    assert fits("a" * 160, Cap())
    assert not fits("a" * 161, Cap())
    assert not fits("a" * 159 + "€", Cap())
    assert fits("አ" * 70, Cap())
    assert not fits("አ" * 71, Cap())
    assert fits("a" * 182, Cap(182, 80))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Mama Amina", "Mama Amina"),
        ("  Mama\n\tAmina\x00 ", "Mama Amina"),
        ("Café Crème", "Café Crème"),
        ("Café", "Café"),
        ("Forêt Garçon", "Foret Garcon"),
        ("Mama’s – “Shop”…", 'Mama\'s - "Shop"...'),
        ("`", ""),
        ("Duka 😀 la 👍🏽 Amina", "Duka la Amina"),
        (FAMILY, ""),
        ("\ud800", ""),
        ("", ""),
    ],
)
def test_a_value_is_spelled_in_seven_bits(value: str, shown: str) -> None:
    assert legible(value, "gsm7") == shown


def test_names_in_other_scripts_become_latin_letters() -> None:
    for name in ("የአሚና ሱቅ", "متجر الأمانة", "မြန်မာ", "Кафе Мир", "小店"):
        assert legible(name, "gsm7").strip()
        assert is_gsm7(legible(name, "gsm7"))


def test_a_language_in_ucs2_keeps_the_script_and_drops_only_controls() -> None:
    assert legible("የአሚና\x00 \n ሱቅ\ud800", "ucs2") == "የአሚና ሱቅ"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("abc", ["a", "b", "c"]),
        ("e\u0301a", ["e\u0301", "a"]),
        (FAMILY + "x", [FAMILY, "x"]),
        ("👍🏽!", ["👍🏽", "!"]),
        (FLAGS, ["🇰🇪", "🇹🇿"]),
        ("က္ကာ", ["က္ကာ"]),
        ("\u1112\u1161\u11ab", ["\u1112\u1161\u11ab"]),
        ("", []),
    ],
)
def test_what_a_reader_takes_for_one_character(text: str, parts: list[str]) -> None:
    assert list(graphemes(text)) == parts


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        ("Mama Amina", 10, "Mama Amina"),
        ("Mama Amina", 9, "Mama Am.."),
        ("Mama Amina", 7, "Mama.."),
        ("Mama Amina", 3, "M.."),
        ("Mama Amina", 2, ""),
        ("Mama Amina", -5, ""),
        ("€€€", 5, "€.."),
        ("", 0, ""),
    ],
)
def test_a_cut_says_that_it_is_one(text: str, room: int, kept: str) -> None:
    assert clip(text, room, septets) == kept


@given(st.text(max_size=40), st.integers(-3, 50), st.sampled_from([septets, ucs2_units]))
def test_a_cut_fits_and_ends_between_graphemes(text: str, room: int, size: type[septets]) -> None:  # type: ignore[valid-type]
    cut = clip(text, room, size)
    assert size(cut) <= max(room, 0)
    whole = list(graphemes(text))
    assert cut in {text, ""} or any(cut == "".join(whole[:n]).rstrip() + ".." for n in range(len(whole)))


@given(st.text(max_size=200), st.sampled_from(["gsm7", "ucs2"]))
def test_any_name_leaves_the_rest_of_the_screen_whole(name: str, alphabet: str) -> None:
    value = legible(name, alphabet)  # type: ignore[arg-type]
    label = "Pay" if alphabet == "gsm7" else "ይክፈሉ"
    screen = stretch(lambda shop: f"{label} 9,999,999.99 KES {shop}\n1 {label}\n2 No", value, Cap())
    assert fits(screen, Cap())
    assert screen.startswith(f"{label} 9,999,999.99 KES ")
    assert screen.endswith(f"\n1 {label}\n2 No")
    assert is_gsm7(screen) == (alphabet == "gsm7")


def test_a_name_is_given_all_the_room_there_is() -> None:
    screen = stretch(lambda shop: f"{shop}!", "W" * 500, Cap())
    assert septets(screen) == 160


@given(st.lists(st.text("ab€", max_size=30), max_size=30), st.integers(3, 60))
def test_pages_leave_nothing_out_and_none_is_too_full(lines: list[str], room: int) -> None:
    pages = paginate(tuple(lines), room, septets)
    assert [line for page in pages for line in page] == [clip(line, room, septets) for line in lines]
    assert all(septets("\n".join(page)) <= room for page in pages)
    assert all(pages) or not lines
