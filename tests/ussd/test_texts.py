"""The catalogues say the same in every language, in letters every handset has, and never ask for a PIN."""

import ast
from pathlib import Path
from string import Formatter

import msgspec
import pytest

import ussd
from ussd.fit import GSM7, Cap
from ussd.layout import lay_out
from ussd.menu import NAVIGATION, View
from ussd.screens import SCREENS
from ussd.texts import CATALOGUES, DEFAULT_LANGUAGE, KNOWN, LANGUAGES, Catalogue, catalogue, read_catalogue, say

ENGLISH = CATALOGUES[DEFAULT_LANGUAGE]
OF_A_SHOP = {"requests", "request", "not_asked", "people", "refunds", "not_refunded"}


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_keys_and_placeholders_of_english(language: str) -> None:
    texts = CATALOGUES[language].texts
    assert {key: placeholders(text) for key, text in texts.items()} == {
        key: placeholders(text) for key, text in ENGLISH.texts.items()
    }


@pytest.mark.parametrize("language", [one for one in LANGUAGES if CATALOGUES[one].alphabet == "gsm7"])
def test_a_seven_bit_language_uses_only_seven_bit_letters(language: str) -> None:
    for key, text in CATALOGUES[language].texts.items():
        if not key.startswith("language.") or key == "language.ask":  # others are called as they call themselves
            assert not set(text) - GSM7 - {"\n"}, f"{language} {key}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_tidy(language: str) -> None:
    for key, text in CATALOGUES[language].texts.items():
        assert text == text.strip() or key == "error.or", f"{language} {key}"
        assert "  " not in text, f"{language} {key}"
        assert placeholders(text).count("shop") <= 1, f"{language} {key}: only one value can be cut to fit"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_screen_that_reads_an_input_speaks_of_a_pin(language: str) -> None:
    asking = {"number", "amount", "own", "language", "home", "payments", "error", "notice", "sign_up", "kind"}
    for key, text in CATALOGUES[language].texts.items():
        if key.partition(".")[0] in asking:
            assert "PIN" not in text.upper().split()
    assert "PIN" in CATALOGUES[language]["confirm.ask"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_navigation_labels_name_the_keys_that_work(language: str) -> None:
    for key, label in NAVIGATION.items():
        assert CATALOGUES[language][label].startswith(f"{key} ")


def test_every_text_is_used_and_every_used_text_exists() -> None:
    folder = Path(ussd.__file__).parent
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in folder.rglob("*.py"))
    strings = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    groups = {"refused", "status", "language", "again", "limit", "state", "sms", *OF_A_SHOP}
    computed = {key for key in ENGLISH.texts if key.partition(".")[0] in groups or key.startswith("sign_up.bad_")}
    computed |= {f"sign_up.{state}" for state in ("checking", "returned", "approved", "refused", "taken")}
    assert set(ENGLISH.texts) - computed <= strings
    labels = {option.label for screen in SCREENS.values() for option in screen.options.values()}
    assert labels <= set(ENGLISH.texts)


def test_every_language_can_be_chosen_by_its_own_name() -> None:
    own = ["English", "Kiswahili", "Français", "Ikinyarwanda", "မြန်မာ", "العربية"]
    for words in CATALOGUES.values():
        spelled = ["Francais" if one == "Français" and words.alphabet == "gsm7" else one for one in own]
        assert [words[f"language.{language}"] for language in KNOWN] == spelled


@pytest.mark.parametrize("language", ["", "xx"])
def test_a_language_we_do_not_have_is_the_default(language: str) -> None:
    assert catalogue(language) is ENGLISH


def test_values_cannot_smuggle_in_placeholders_or_lines() -> None:
    assert ENGLISH.write(say("amount.unclear", example="{number}\n1 Pay")) == "Write the amount like {number} 1 Pay."
    assert ENGLISH.write(say("shop.unnamed", number="{number}\n1 Pay")) == "Shop {number} 1 Pay"


@pytest.mark.parametrize(
    "toml",
    [
        b"",
        b'alphabet = "latin1"\n[texts.a]\nb = "c"',
        b'alphabet = "gsm7"\n[texts.a]\nb = 1',
        b'alphabet = "gsm7"\nextra = 1\n[texts.a]\nb = "c"',
    ],
)
def test_an_invalid_catalogue_file_is_refused(toml: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_catalogue(toml)


BURMESE = Catalogue(
    "ucs2",
    {
        "list": "ငွေများ",
        "ask": "{shop} သို့ ပေးမလား",
        "nav.back": "0 နောက်",
        "nav.home": "00 ပင်မ",
        "nav.more": "98 ဆက်",
        "notice": "ပြန်ရွေးပါ",
        "error.range": "1 မှ {last}",
        "error.option": "{options}",
    },
)


def test_a_language_outside_the_seven_bits_is_held_to_seventy_units() -> None:
    page = lay_out(View(say("ask", shop="မမအမိနာ " * 20)), BURMESE, Cap(), keys=("0", "00"))
    assert len(page.text) <= 70
    assert page.text.endswith(".. သို့ ပေးမလား\n0 နောက် 00 ပင်မ")


def test_its_lists_run_over_more_pages_that_keep_their_items_under_a_notice() -> None:
    items = tuple(f"{n} ၂၅၀ KES ***{n:03}" for n in range(1, 12))
    view = View(say("list"), items)
    shown: list[str] = []
    number = 0
    while True:
        page = lay_out(view, BURMESE, Cap(), keys=("0", "00"), page=number)
        noticed = lay_out(view, BURMESE, Cap(), notice=say("notice"), keys=("0", "00"), page=number)
        assert len(page.text) <= 70
        assert len(noticed.text) <= 70
        assert (noticed.number, noticed.more) in ((page.number, page.more), (number - 1, True))
        shown += [line for line in page.text.splitlines() if line in items]
        if not page.more:
            break
        assert "98 ဆက်" in page.text
        number += 1
    assert shown == list(items)
    assert lay_out(view, BURMESE, Cap(), keys=("0", "00"), page=99) == page
