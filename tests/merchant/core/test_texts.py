"""Sentences in several languages: what a browser asks for, what values become, what no catalogue knows."""

import json
import subprocess
import sys
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core import texts
from merchant.core.money import Money
from merchant.core.texts import Text, _, _n, translate

NOT_FOUND = "Not found"


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-CI, fr;q=0.9, en;q=0.8", "fr"),
        ("de, sw;q=0.5", "sw"),
        ("en;q=0.3, fr;q=0.7", "fr"),
        ("SW-tz", "sw"),
        ("de", "en"),
        ("*", "en"),
        ("fr;q=0", "en"),
        ("fr;q=0, fr;q=1", "en"),
        ("fr;q=2", "en"),
        ("fr;q=one", "en"),
        ("french", "en"),
        (";;,,q=1", "en"),
        ("de," * 1_000 + "fr", "en"),
    ],
)
def test_the_language_is_the_one_offered_that_is_liked_best(asked: str | None, language: str) -> None:
    assert texts.language_of(asked) == language


@given(st.text(max_size=100))
def test_any_header_names_a_language_that_is_offered(header: str) -> None:
    assert texts.language_of(header) in texts.OFFERED


def test_a_sentence_is_said_in_every_language() -> None:
    assert translate(NOT_FOUND, "en") == NOT_FOUND
    assert translate(NOT_FOUND, "fr") == "Introuvable"
    assert translate(NOT_FOUND, "sw") == "Haikupatikana"


def test_values_are_said_as_each_language_writes_them() -> None:
    inner = _("{name} must be a UUID.", name="x")
    told = _(
        "{most} on {day}, {time}: {inner}", most=Money(123456, "KES"), day=date(2026, 3, 9), time=time(7), inner=inner
    )
    assert isinstance(told, Text)
    assert told == "1,234.56 KES on 9 March, 07:00: x must be a UUID."
    # No catalogue has this sentence, so it stays English; what is in it does not.
    assert translate(told, "fr") == ("1\u202f234,56\u00a0KES on 9 mars, 07:00: x doit être un UUID.")


def test_a_name_that_happens_to_be_a_sentence_is_not_translated() -> None:
    assert translate(_("{name} must be one of {choices}.", name="Sign in first", choices="x"), "sw").startswith(
        "Sign in first"
    )


@pytest.mark.parametrize(
    ("count", "language", "sentence"),
    [
        (0, "en", "UGX has 0 decimal digits; 1.5 is finer than that."),
        (1, "en", "UGX has 1 decimal digit; 1.5 is finer than that."),
        (0, "fr", "UGX a 0 décimale au plus\N{NO-BREAK SPACE}; 1.5 en a davantage."),
        (2, "fr", "UGX a 2 décimales au plus\N{NO-BREAK SPACE}; 1.5 en a davantage."),
        (2, "sw", "UGX ina desimali 2; 1.5 ina zaidi."),
    ],
)
def test_a_number_takes_the_form_that_the_language_gives_it(count: int, language: str, sentence: str) -> None:
    told = _n(
        "{currency} has {count} decimal digit; {amount} is finer than that.",
        "{currency} has {count} decimal digits; {amount} is finer than that.",
        count,
        currency="UGX",
        amount="1.5",
    )
    assert translate(told, language) == sentence


@pytest.mark.parametrize("name", ["Duka la Mama", "{0.__class__}", "100 %", "{", ""])
def test_what_no_catalogue_knows_stays_as_it_is(name: str) -> None:
    assert translate(name, "fr") == name
    assert (
        translate(_("{name} must be one of {choices}.", name=name, choices=name), "en")
        == f"{name} must be one of {name}."
    )


def test_what_is_said_is_a_plain_string_that_json_can_hold() -> None:
    told = _("{name} must be a UUID.", name="x")
    for language in texts.OFFERED:
        assert type(translate(told, language)) is str
        assert json.loads(json.dumps(translate(told, language)))


def test_a_service_that_speaks_english_never_reads_a_catalogue() -> None:
    script = (
        "import sys, merchant.programs.app\n"
        "from merchant.core.texts import _, translate\n"
        "translate(_('{a}', a=1), 'en')\n"
        "sys.exit('babel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
