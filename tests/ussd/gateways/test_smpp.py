"""USSD over SMPP, unit by unit: what knows a session, what ends it, and what is no step at all.

smpplib reads what we write, and its alphabet (with `gsm0338`) is not ours.
"""

import struct
from typing import Any

import pytest
from gsm0338 import Codec
from hypothesis import given
from hypothesis import strategies as st
from smpplib import smpp as theirs

from tests.ussd.lines import GSM7, LINES, ROUTE, Press, read_smpp, smpp_unit
from ussd import GATEWAYS, BadStep, Call, Reply, Route, Step
from ussd.fit import GSM7 as SHOWN
from ussd.gateways.smpp.alphabet import decode_text, encode_text
from ussd.gateways.smpp.units import Address, Message, numbered, read_message, write_message, write_unit

GATEWAY = GATEWAYS["smpp"]
PRESS = Press("+254711000111", "s-1", "", ("1",), count=3)
OPENING = Press("+254711000111", "s-1", "")
REFERENCE = 0x2A5C
OURS = Address(0, 1, "384")
PHONE = Address(1, 1, "254711000111")


def delivered(
    text: str = "1", tlvs: dict[int, bytes] | None = None, *, service: str = "USSD", coding: int = 0, **given: Any
) -> Call:
    """A deliver_sm of a phone."""
    source, destination = given.get("source", PHONE), given.get("destination", OURS)
    octets = given.get("octets", text.encode("ascii"))
    return Call("SMPP", body=write_message(5, Message(service, source, destination, coding, octets, tlvs=tlvs or {})))


def decoded(call: Call, **fields: str) -> Step:
    return GATEWAY.decode(call, Route("*384*123#", "254", fields=fields, home_lengths=(9,)))


def refused(call: Call, **fields: str) -> str:
    with pytest.raises(BadStep) as problem:
        decoded(call, **fields)
    return str(problem.value)


def sent(step: Step, text: str, *, end: bool = False) -> Any:
    """Our answer as smpplib reads it."""
    body = GATEWAY.encode(step, Reply(text, end=end)).body
    return theirs.parse_pdu(body, need_sequence=False, allow_unknown_opt_params=True)


@pytest.mark.parametrize(("operation", "event"), [(0, "begin"), (1, "begin"), (18, "reply"), (19, "status")])
def test_the_operation_tells_what_the_unit_is(operation: int, event: str) -> None:
    assert decoded(smpp_unit(PRESS, operation, REFERENCE, "1")).event == event


@pytest.mark.parametrize("operation", [2, 3, 4, 15, 16, 17, 20, 31, 32, 127])
def test_operations_that_we_do_not_know_go_on(operation: int) -> None:
    step = decoded(smpp_unit(PRESS, operation, REFERENCE, "1"))
    assert (step.event, step.text) == ("reply", "1")


@pytest.mark.parametrize("operation", [128, 129, 255])
def test_operations_from_128_end_the_session(operation: int) -> None:
    assert decoded(smpp_unit(PRESS, operation, REFERENCE, "1")).event == "cancel"
    error = (0x0423, b"\3\0\x24")
    assert decoded(smpp_unit(PRESS, operation, REFERENCE, "1", error)).event == "timeout"


def test_the_end_bit_without_a_text_ends_the_session_and_with_one_the_text_is_an_answer() -> None:
    assert decoded(smpp_unit(PRESS, 18, REFERENCE | 1, "")).event == "cancel"
    said = decoded(smpp_unit(PRESS, 18, REFERENCE | 1, "1"))
    assert (said.event, said.text, said.session_id) == ("reply", "1", f"{REFERENCE >> 1:04x}")
    assert decoded(smpp_unit(PRESS, 1, REFERENCE | 1, "*384*123#")).event == "begin"


def test_a_session_is_known_by_fifteen_bits_with_its_phone() -> None:
    step = decoded(smpp_unit(PRESS, 18, REFERENCE, "1"))
    assert (step.session_id, step.of_phone) == (f"{REFERENCE >> 1:04x}", True)
    assert sent(step, "Next").its_session_info == REFERENCE
    assert sent(step, "Done", end=True).its_session_info == REFERENCE | 1


def test_a_route_may_say_that_all_sixteen_bits_are_the_reference() -> None:
    call = smpp_unit(PRESS, 18, REFERENCE | 1, "")
    step = decoded(call, session="opaque")
    assert (step.event, step.session_id) == ("reply", f"{REFERENCE | 1:04x}")
    even = decoded(smpp_unit(PRESS, 18, REFERENCE, "1"), session="opaque")
    assert sent(even, "Done", end=True).its_session_info == REFERENCE


def test_a_session_is_known_by_the_message_reference_where_there_is_no_other_or_the_route_says_so() -> None:
    tlvs = {0x0501: b"\x12", 0x0204: b"\1\7"}
    assert decoded(delivered(tlvs=tlvs)).session_id == "0107"
    both = delivered(tlvs={**tlvs, 0x1383: b"\x2a\x5c"})
    assert decoded(both).session_id == "152e"
    step = decoded(both, session="user_message_reference")
    assert step.session_id == "0107"
    answer = sent(step, "Done", end=True)
    assert (answer.user_message_reference, answer.its_session_info) == (0x0107, 0x2A5C)


def test_a_session_without_a_reference_is_known_by_its_phone() -> None:
    assert decoded(delivered(tlvs={0x0501: b"\x12"})).session_id == ""
    assert decoded(smpp_unit(PRESS, 18, REFERENCE, "1"), session="phone").session_id == ""


def test_the_answer_goes_to_the_phone_from_the_code_and_says_what_it_is() -> None:
    for operation, end, told in ((1, False, 2), (1, True, 17), (18, True, 17), (0, True, 16), (0, False, 2)):
        answer = sent(decoded(smpp_unit(PRESS, operation, REFERENCE, "1")), "Hello", end=end)
        assert answer.ussd_service_op == told
        assert (answer.command, answer.service_type) == ("submit_sm", b"USSD")
        assert (answer.source_addr, answer.destination_addr) == (b"384", b"254711000111")
        assert (answer.dest_addr_ton, answer.dest_addr_npi) == (1, 1)
        assert (answer.data_coding, answer.short_message) == (0, b"Hello")


def test_a_screen_of_another_alphabet_is_ucs2_and_a_long_text_is_a_payload() -> None:
    step = decoded(smpp_unit(PRESS, 18, REFERENCE, "1"))
    burmese = sent(step, "မြန်မာ\n1 €")
    assert (burmese.data_coding, burmese.short_message) == (8, "မြန်မာ\n1 €".encode("utf-16-be"))
    for size in (254, 255, 300):
        answer = GATEWAY.encode(step, Reply("x" * size, end=False))
        message = read_message(answer.body)
        assert (len(message.octets), 0x0424 in message.tlvs) == (size, size > 254)


def test_a_long_text_comes_as_a_payload_too() -> None:
    typed = "1" * 300
    assert decoded(smpp_unit(PRESS, 18, REFERENCE, typed)).text == typed
    tlvs = {0x0501: b"\x12", 0x0424: b"12"}
    assert decoded(delivered("", tlvs)).text == "12"
    assert decoded(delivered("1", tlvs)).text == "1"  # short_message wins where both are there


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"\x00Caf\x05\x1b\x65", "@Café€"),
        (0, b"\x40", "@"),  # as handsets' @ is sent by centres that take ASCII for the alphabet
        (1, b"25$", "25$"),
        (3, b"Caf\xe9", "Café"),
        (8, "٢٥٠".encode("utf-16-be"), "٢٥٠"),
        (0x48, "ခ".encode("utf-16-be"), "ခ"),
        (15, b"250", "250"),
        (0, b"\xff", "\ufffd"),
        (8, b"\x00", "\ufffd"),
        (1, b"\xff", "\ufffd"),
    ],
)
def test_what_is_typed_is_read_by_its_coding(coding: int, octets: bytes, text: str) -> None:
    assert decoded(delivered(tlvs={0x0501: b"\x12"}, coding=coding, octets=octets)).text == text


@given(st.text(alphabet=sorted(SHOWN - {"¡"}), max_size=160))
def test_the_alphabet_is_that_of_gsm0338(text: str) -> None:
    coding, octets = encode_text(text)
    assert (coding, octets) == (0, Codec().encode(text)[0])
    assert decode_text(coding, octets) == text


@given(st.binary(max_size=60), st.integers(0, 255))
def test_any_octets_are_read_as_something(octets: bytes, coding: int) -> None:
    assert len(decode_text(coding, octets)) <= len(octets)


@pytest.mark.parametrize(
    ("string", "code", "behind"),
    [
        ("*384*123#", "*384*123#", ""),
        ("*384*123*7421*250#", "*384*123#", "7421*250"),
        ("*384*123*55*7421#", "*384*123*55#", "7421"),
        ("#150*7421#", "#150#", "7421"),
        ("", "*384*123#", ""),
    ],
)
def test_what_was_dialled_is_split_by_the_longest_of_the_routes_codes(string: str, code: str, behind: str) -> None:
    route = Route("*384*123#", "254", other_codes=("#150#", "*384*123*55#"), home_lengths=(9,))
    step = GATEWAY.decode(delivered(string, {0x0501: b"\1"}), route)
    assert (step.event, step.text, step.service_code) == ("begin", behind, code)


def test_the_services_own_address_is_the_code_where_the_route_has_none() -> None:
    for digits, code in (("384", "*384#"), ("*384*123#", "*384*123#"), ("USSDGW", ""), ("", "")):
        call = delivered("", {0x0501: b"\1"}, destination=Address(0, 0, digits))
        assert GATEWAY.decode(call, Route("", "254", home_lengths=(9,))).service_code == code


@pytest.mark.parametrize(
    ("ton", "digits"),
    [
        *((0, digits) for digits in ("254711000111", "+254711000111", "00254711000111", "0711000111", "711000111")),
        *((1, digits) for digits in ("254711000111", "+254711000111", "00254711000111", "0711000111")),
        *((2, digits) for digits in ("0711000111", "711000111")),
    ],
)
def test_every_form_of_a_number_is_one_phone(ton: int, digits: str) -> None:
    call = delivered(tlvs={0x0501: b"\x12"}, source=Address(ton, 1, digits))
    assert decoded(call).msisdn == "+254711000111"


@pytest.mark.parametrize(("ton", "msisdn"), [(1, "+6581234567"), (0, "+2346581234567"), (2, "+2346581234567")])
def test_a_number_that_is_said_to_be_international_is_not_completed(ton: int, msisdn: str) -> None:
    """A phone of Singapore roams in Nigeria, where numbers at home have ten digits as well."""
    call = delivered(tlvs={0x0501: b"\x12"}, source=Address(ton, 1, "6581234567"))
    assert GATEWAY.decode(call, Route("*384*123#", "234", trunk_prefix="0", home_lengths=(10,))).msisdn == msisdn


@pytest.mark.parametrize(
    ("digits", "told"), [("", "missing"), ("Bank", "not valid"), ("12345678901234567890", "not v")]
)
def test_a_phone_that_is_none_is_refused(digits: str, told: str) -> None:
    assert told in refused(delivered(tlvs={0x0501: b"\x12"}, source=Address(5, 0, digits)))


def test_a_unit_of_the_service_without_an_operation_begins_where_it_holds_the_code() -> None:
    step = decoded(delivered("*384*123*7421#", {}))
    assert (step.event, step.opens) == ("reply", "7421")
    assert decoded(delivered("1", {})).opens == ""


def test_text_messages_and_receipts_are_no_steps() -> None:
    assert refused(delivered("STOP", {}, service="")) == "ussd_service_op is missing"
    assert refused(delivered("id:1 stat:DELIVRD", {}, service="CMT")) == "ussd_service_op is missing"


WHOLE = delivered(tlvs={0x0501: b"\x12", 0x1383: b"\x2a\x5c"}).body


@pytest.mark.parametrize("kept", range(len(WHOLE)))
def test_a_unit_that_is_cut_off_is_refused(kept: int) -> None:
    refused(Call("SMPP", body=WHOLE[:kept]))
    body = WHOLE[16:kept]
    if kept > 16 and len(WHOLE) - kept not in (6, 11):  # the whole of a parameter is left out there
        refused(Call("SMPP", body=write_unit(5, 1, body)))


@pytest.mark.parametrize(
    ("tlvs", "told"),
    [
        ({0x0501: b""}, "ussd_service_op is not valid"),
        ({0x0501: b"\0\1"}, "ussd_service_op is not valid"),
        ({0x0501: b"\1", 0x1383: b"\1"}, "its_session_info is not valid"),
        ({0x0501: b"\1", 0x1383: b"\1\2\3"}, "its_session_info is not valid"),
        ({0x0501: b"\1", 0x0204: b""}, "user_message_reference is not valid"),
        (dict.fromkeys(range(0x1400, 0x1440), b"x"), "the unit has too many parameters"),
    ],
)
def test_a_parameter_of_another_size_is_named(tlvs: dict[int, bytes], told: str) -> None:
    assert refused(delivered(tlvs=tlvs)) == told


@given(st.binary(max_size=200))
def test_any_octets_are_a_step_or_refused(body: bytes) -> None:
    for call in (Call("SMPP", body=body), Call("SMPP", body=write_unit(5, 1, body))):
        try:
            GATEWAY.decode(call, ROUTE)
        except BadStep as problem:
            assert len(str(problem)) < 60


def test_a_length_that_no_unit_has_is_refused() -> None:
    for length in (0, 15, 65_537, 2**32 - 1):
        assert "impossible" in refused(Call("SMPP", body=struct.pack(">4I", length, 5, 0, 1)))


def test_the_connection_numbers_what_it_sends() -> None:
    answer = GATEWAY.encode(decoded(LINES["smpp"].step(PRESS)), Reply("Hello", end=False))
    assert (
        theirs.parse_pdu(numbered(answer.body, 77), need_sequence=False, allow_unknown_opt_params=True).sequence == 77
    )
    assert read_smpp(answer) == ("Hello", False)


def test_the_test_lines_alphabet_is_the_standards_too() -> None:
    for codes in (range(27), range(28, 128)):
        assert Codec().decode(bytes(codes))[0] == GSM7[codes.start : codes.stop]
