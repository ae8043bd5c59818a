"""Africa's Talking's forms: what is taken, what is refused, and what is never read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ussd.lines import post_form
from ussd import GATEWAYS, BadStep, Reply, Route, Step, misunderstood
from ussd.gateways.reading import TEXT_CHARS_MAX

GATEWAY = GATEWAYS["africastalking"]
FORM = {
    "sessionId": "ATUid_d8f70b1c",
    "serviceCode": "*384*123#",
    "phoneNumber": "+254711000111",
    "networkCode": "63902",
    "text": "",
}
ENDED = {
    "date": "2026-11-22 09:30:00",
    "sessionId": "ATUid_d8f70b1c",
    "serviceCode": "*384*123#",
    "networkCode": "63902",
    "phoneNumber": "+254711000111",
    "status": "Incomplete",
    "cost": "KES 0.50",
    "durationInMillis": "21000",
    "hopsCount": "3",
    "input": "1*7421*1234",
    "lastAppResponse": "CON Enter the amount",
    "errorMessage": "Request timed out",
}


def decode(form: dict[str, str], route: Route | None = None) -> Step:
    return GATEWAY.decode(post_form(form), route or Route())


def form(**fields: str) -> dict[str, str]:
    return {**FORM, **fields}


def test_the_first_request_begins() -> None:
    assert decode(FORM) == Step(
        gateway="africastalking",
        session_id="ATUid_d8f70b1c",
        msisdn="+254711000111",
        service_code="*384*123#",
        event="begin",
        text="",
        network="63902",
    )


def test_a_text_is_a_reply_and_kept_as_sent() -> None:
    step = decode(form(text=" 1*7421 *2 50"))
    assert (step.event, step.text) == ("reply", " 1*7421 *2 50")


@pytest.mark.parametrize("phone", ["+254711000111", " 254711000111", "254711000111", "00254711000111"])
def test_a_phone_is_one_identity_with_its_plus_sent_lost_or_left_out(phone: str) -> None:
    assert decode(form(phoneNumber=phone)).msisdn == "+254711000111"


@pytest.mark.parametrize("phone", ["0711000111", "711000111"])
def test_a_number_as_written_at_home_is_that_of_the_routes_country_and_of_nobody_without_one(phone: str) -> None:
    assert decode(form(phoneNumber=phone), Route(calling_code="254")).msisdn == "+254711000111"
    with pytest.raises(BadStep, match="phoneNumber is not valid"):
        decode(form(phoneNumber=phone))


KENYA = Route("*384*123#", "254", home_lengths=(9,))
NIGERIA = Route("*384*123#", "234", home_lengths=(10,))
IVORY_COAST = Route("*384*123#", "225", home_lengths=(10,), trunk_prefix="")  # its numbers begin with a 0 of their own
AMERICA = Route("*384*123#", "1", home_lengths=(10,), trunk_prefix="1")


@pytest.mark.parametrize(
    ("route", "whole", "written"),
    [
        (KENYA, "+254711000111", ["0711000111", "711000111", "254711000111", "00254711000111", " 254711000111"]),
        (KENYA, "+254711000111", ["2540711000111", "+2540711000111"]),
        (KENYA, "+250781000093", ["250781000093", "+250781000093", "00250781000093"]),
        (NIGERIA, "+2348012345678", ["8012345678", "08012345678", "2348012345678", "+2348012345678"]),
        (IVORY_COAST, "+2250701020304", ["0701020304", "2250701020304", "+2250701020304", "002250701020304"]),
        (AMERICA, "+12025550123", ["2025550123", "12025550123", "+12025550123"]),
    ],
)
def test_every_spelling_of_a_number_is_one_identity_by_the_routes_country(
    route: Route, whole: str, written: list[str]
) -> None:
    assert {decode(form(phoneNumber=one), route).msisdn for one in written} == {whole}


@pytest.mark.parametrize("phone", ["8012345678", "78100009", "+0711000111"])
def test_a_number_of_another_length_than_the_countrys_is_of_nobody(phone: str) -> None:
    with pytest.raises(BadStep, match="phoneNumber is not valid"):
        decode(form(phoneNumber=phone), KENYA)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("*384*123#", "*384*123#"),
        ("384*123", "*384*123#"),
        ("#150#", "#150#"),
        ("*#150#", "*#150#"),
        ("*1234567#", "*1234567#"),
        ("*384*123*7*7*7#", "*384*123*7*7*7#"),
    ],
)
def test_codes_of_every_form_are_kept_as_they_are_dialled(sent: str, code: str) -> None:
    assert decode(form(serviceCode=sent)).service_code == code


def test_what_a_gateway_with_the_shorter_code_sends_of_the_longer_one_is_no_input() -> None:
    route = Route("*384*123#", other_codes=("*384*123*5#",))
    for sent, text, found in (
        ("*384#", "123", ("*384*123#", "begin", "")),
        ("*384#", "123*7421*250", ("*384*123#", "reply", "7421*250")),
        ("*384#", "123*5*7421", ("*384*123*5#", "reply", "7421")),
        ("*384#", "1234*7421", ("*384#", "reply", "1234*7421")),
        ("*384*123#", "5*7421", ("*384*123#", "reply", "5*7421")),
        ("*999#", "123", ("*999#", "reply", "123")),
    ):
        step = decode(form(serviceCode=sent, text=text), route)
        assert (step.service_code, step.event, step.text) == found


def test_a_number_that_may_be_at_home_or_abroad_is_refused() -> None:
    for route in (Route(), Route(calling_code="234")):
        with pytest.raises(BadStep, match="phoneNumber is not valid"):
            decode(form(phoneNumber="8012345678"), route)
    assert decode(form(phoneNumber="+6581234567")).msisdn == "+6581234567"
    assert decode(form(phoneNumber="2207012345"), Route(calling_code="220")).msisdn == "+2207012345"


def test_an_at_sign_that_became_an_inverted_exclamation_mark_comes_back() -> None:
    assert decode(form(text="1*amina¡shop")).text == "1*amina@shop"


def test_the_network_may_be_left_out_and_other_fields_are_ignored() -> None:
    without = {name: value for name, value in FORM.items() if name != "networkCode"}
    assert decode({**without, "cost": "0"}).network == ""


def test_the_end_of_a_session_is_told_from_a_step_and_its_input_not_read() -> None:
    step = decode(ENDED)
    assert (step.event, step.text, step.msisdn) == ("ended", "", "+254711000111")
    assert "1234" not in repr(step)
    assert GATEWAY.encode(step, Reply("", end=True)).body == b""


def test_a_status_is_known_in_any_case_and_one_that_we_do_not_know_ends_with_words() -> None:
    assert decode({**ENDED, "status": "success"}).event == "ended"
    step = decode({**ENDED, "status": "Fine"})
    assert (step.event, step.text, step.is_notice) == ("unknown", "", False)
    assert GATEWAY.encode(step, misunderstood()).body.startswith(b"END ")
    assert decode(form(status="")).event == "begin"  # an empty field is one that is missing


@pytest.mark.parametrize("field", ["sessionId", "serviceCode", "phoneNumber", "text"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(BadStep, match=f"^{field} is missing$"):
        decode({name: value for name, value in FORM.items() if name != field})


@pytest.mark.parametrize("field", ["sessionId", "serviceCode", "phoneNumber"])
def test_an_end_without_its_session_is_refused(field: str) -> None:
    with pytest.raises(BadStep, match=field):
        decode({name: value for name, value in ENDED.items() if name != field})


@pytest.mark.parametrize("field", ["sessionId", "serviceCode", "phoneNumber"])
def test_an_empty_field_is_one_that_is_missing(field: str) -> None:
    with pytest.raises(BadStep, match=f"^{field} is missing$"):
        decode(form(**{field: ""}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sessionId", "a" * 101),
        ("sessionId", "a b"),
        ("sessionId", "a\nb"),
        ("sessionId", "a*b"),
        ("sessionId", "é"),
        ("phoneNumber", "+0711000111"),
        ("phoneNumber", "++254711000111"),
        ("phoneNumber", "+25471"),
        ("phoneNumber", "+2547110001112223"),
        ("phoneNumber", "+254711000111\n"),
        ("phoneNumber", "+٢٥٤٧١١٠٠٠١١١"),
        ("phoneNumber", "tel:+254711000111"),
        ("phoneNumber", "781000093"),
        ("serviceCode", "*384*#"),
        ("serviceCode", "*384*123*7*7*7*7#"),
        ("serviceCode", "*" + "1" * 13 + "#"),
        ("serviceCode", "##150#"),
        ("serviceCode", "*".join(["123456789012"] * 4)),
        ("serviceCode", "*384#\n1 Pay"),
        ("networkCode", "6" * 65),
        ("networkCode", "63\n902"),
    ],
)
def test_an_invalid_field_is_named_and_never_echoed(field: str, value: str) -> None:
    with pytest.raises(BadStep) as refused:
        decode(form(**{field: value}))
    assert str(refused.value) == f"{field} is not valid"


def test_a_text_may_be_long_but_not_endless() -> None:
    assert decode(form(text="1" * TEXT_CHARS_MAX)).text
    with pytest.raises(BadStep, match="text is too long"):
        decode(form(text="1" * (TEXT_CHARS_MAX + 1)))


@given(st.dictionaries(st.sampled_from([*ENDED, "text", "x"]), st.text(max_size=40)))
def test_any_form_is_a_step_or_refused(fields: dict[str, str]) -> None:
    for given_form in (fields, {**FORM, **fields}, {**ENDED, **fields}):
        try:
            step = decode(given_form)
        except BadStep:
            continue
        assert step.msisdn.startswith("+")
        assert step.msisdn[1:].isdecimal()


@given(st.from_regex(r"\A[A-Za-z0-9_.:-]{1,100}\Z"), st.from_regex(r"\A[1-9][0-9]{6,14}\Z"), st.text(max_size=500))
def test_every_form_of_the_documented_shape_is_taken(session_id: str, digits: str, text: str) -> None:
    step = decode(form(sessionId=session_id, phoneNumber=f"+{digits}", text=text))
    assert (step.session_id, step.msisdn) == (session_id, f"+{digits}")
    assert step.text == text.replace("¡", "@")


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (Reply("Enter\nthe number:", end=False), b"CON Enter\nthe number:"),
        (Reply("Réf K7Q2", end=True), "END Réf K7Q2".encode()),
        (Reply("", end=True), b"END "),
        (Reply("END CON Shop\nEND of the road", end=False), b"CON Shop\nEND of the road"),
        (Reply("Mama\r\n\x00Amina\x1b", end=False), b"CON Mama\nAmina"),
        (Reply("\ud83d half \uffff", end=False), b"CON  half "),
    ],
)
def test_a_reply_is_one_word_and_a_space_before_the_text(reply: Reply, body: bytes) -> None:
    answer = GATEWAY.encode(decode(FORM), reply)
    assert (answer.status, answer.headers) == (200, (("content-type", "text/plain; charset=utf-8"),))
    assert answer.body == body
