"""FSPIOP error codes and what a shopkeeper is told."""

import pytest

from merchant.hub.fspiop.error_codes import MEANINGS, FspiopError, base_code, meaning_of, reason_for


@pytest.mark.parametrize(
    ("code", "reason"),
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
def test_a_code_received_on_a_request_has_a_reason(code: str, reason: str) -> None:
    assert reason_for(code).code == reason


@pytest.mark.parametrize("code", MEANINGS)
def test_every_code_is_explained_in_a_sentence_without_jargon(code: str) -> None:
    message = reason_for(code).message
    assert message.endswith(".")
    assert not any(word in message for word in ("FSP", "DFSP", "error", "payer", "payee", "liquidity"))


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
