"""Kept messages as people see them, and the look-up that a person asks for."""

from merchant.hub.adapter import (
    answers_look_up,
    error_code_of,
    look_up,
    masked,
    party_told,
    shown_body,
    shown_headers,
    shown_path,
)
from merchant.hub.envelopes import PartyTold
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import PartiesPut, Party, PartyIdInfo, encode, encode_error


def test_a_path_shows_no_telephone_number() -> None:
    assert "711000001" not in shown_path("PUT", "/parties/MSISDN/254711000001/error")
    assert shown_path("PUT", "/parties/ALIAS/1001?x=1") == "/parties/ALIAS/1001"
    assert shown_path("PUT", "/parties/%zz") == "/parties/…"
    assert shown_path("PUT", "nonsense") == "/…"


def test_a_body_shows_no_names_and_no_numbers_of_people() -> None:
    body = encode(PartiesPut(Party(PartyIdInfo("MSISDN", "254711000001", fsp_id="payerfsp"), name="Asha Otieno")))
    shown = str(shown_body(body))
    assert "254711000001" not in shown
    assert "Asha" not in shown
    assert "payerfsp" in shown
    assert shown_body(b"not JSON") is shown_body(b"[1]") is shown_body(None) is None
    assert masked("call 254711000001") != "call 254711000001"


def test_headers_are_those_that_were_sent() -> None:
    assert shown_headers("a", None, "quotes", None) == {
        "fspiop-source": "a",
        "content-type": "application/vnd.interoperability.quotes+json;version=1.1",
    }
    assert shown_headers("a", "b", "quotes", "2.0")["fspiop-destination"] == "b"


def test_only_an_error_has_an_errors_code() -> None:
    error = encode_error(FspiopError("3208", "x"))
    assert error_code_of("/transfers/1/error", error) == "3208"
    assert error_code_of("/transfers/1/error", b"garbage") is None
    assert error_code_of("/transfers/1", error) is None


def test_a_look_up_by_hand_is_answered_by_its_path_alone() -> None:
    asked = look_up("MSISDN", "+254 711/1", "greenbankfsp")
    assert (asked.method, asked.path) == ("GET", "/parties/MSISDN/%2B254%20711%2F1")
    assert answers_look_up(asked, asked.path)
    assert answers_look_up(asked, f"{asked.path}/error")
    assert not answers_look_up(asked, "/parties/MSISDN/1")


def test_an_answer_tells_the_dfsp_or_the_error_and_never_the_name() -> None:
    found = encode(PartiesPut(Party(PartyIdInfo("MSISDN", "254711000001", fsp_id="payerfsp"), name="Asha Otieno")))
    assert party_told(found) == PartyTold(fsp_id="payerfsp")
    assert party_told(encode_error(FspiopError("3204", "x"))) == PartyTold(
        error="3204 (Party not found)", is_unknown=True
    )
    assert not party_told(encode_error(FspiopError("2001", "x"))).is_unknown
    assert party_told(b"{}").problem is not None
