"""FSPIOP error codes: what they mean to us, and what we say by them."""

import pytest

from merchant.hub.fspiop.error_codes import (
    MEANINGS,
    FspiopError,
    bad_news_of,
    base_code,
    code_of,
    error_of,
    meaning_of,
    no_money_moves,
)
from merchant.hub.port import BadNews, MessageRefused, Refusal


@pytest.mark.parametrize(
    ("code", "news"),
    [
        ("3204", "payer_not_found"),
        ("4101", "payer_rejected"),
        ("4100", "payer_rejected"),
        ("4200", "payer_limit"),
        ("4400", "payer_blocked"),
        ("1001", "payer_dfsp_unreachable"),
        ("2003", "hub_busy"),
        ("3100", "request_refused"),
        ("3301", "request_expired"),
        ("4245", "payer_limit"),
        ("9999", "request_refused"),
        ("", "request_refused"),
    ],
)
def test_a_code_received_on_a_request_has_a_meaning(code: str, news: str) -> None:
    assert bad_news_of(code) == news


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_of_ours_has_a_code_of_the_specification(refusal: Refusal) -> None:
    assert code_of(refusal) in MEANINGS
    error = error_of(MessageRefused(refusal, "why"))
    status = 503 if refusal is Refusal.BUSY else 400
    assert (error.code, error.description, error.http_status) == (code_of(refusal), "why", status)


def test_what_the_wire_finds_wrong_is_a_refusal_with_its_own_code() -> None:
    error = FspiopError("3102", "Missing mandatory header date")
    assert isinstance(error, MessageRefused)
    assert error_of(error) is error
    assert str(error) == "3102 Missing mandatory header date"


@pytest.mark.parametrize("news", BadNews)
def test_some_code_brings_every_kind_of_bad_news(news: BadNews) -> None:
    assert news in {bad_news_of(code) for code in MEANINGS}


@pytest.mark.parametrize(
    ("code", "certain"),
    [
        ("3208", True),
        ("3303", True),
        ("3100", True),
        ("3101", True),
        ("3145", True),
        ("3104", False),
        ("3105", False),
        ("3106", False),
        ("3243", False),
        ("3201", False),
        ("3300", False),
        ("1000", False),
        ("2001", False),
        ("2004", False),
        ("5000", False),
        ("9999", False),
    ],
)
def test_only_some_answers_of_a_hub_say_for_certain_that_no_money_moves(code: str, certain: bool) -> None:
    assert no_money_moves(code) is certain


@pytest.mark.parametrize(("code", "base"), [("3239", "3239"), ("3240", "3200"), ("3299", "3200"), ("3204", "3204")])
def test_codes_from_40_on_belong_to_the_scheme_and_read_as_generic(code: str, base: str) -> None:
    assert base_code(code) == base


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("3105", "Invalid signature"),
        ("3145", "Generic validation error"),
        ("3139", "Generic validation error"),
        ("9100", "Unknown error"),
    ],
)
def test_an_unknown_code_takes_its_family_s_name(code: str, meaning: str) -> None:
    assert meaning_of(code) == meaning


def test_a_description_is_cut_to_what_the_wire_allows() -> None:
    assert len(FspiopError("3100", "x" * 500).description) == 128
