"""The handset behind each gateway says what the gateway's documents say, as tests/ussd/lines.py has them."""

import pytest

from tests.cases import every_case
from tests.ussd.lines import CODE, HTTP, LINES, ROUTE
from tests.ussd.lines import Press as Documented
from ussd import GATEWAYS, Answer, Reply
from ussd.handset import BadAnswer, Press, read_screen, write_call

PHONE = "+254711000111"
every_gateway = pytest.mark.parametrize("gateway", HTTP)


@every_gateway
@every_case("dialled", ["", "7421*250"])
@every_case("typed", [(), ("1",), ("1", "a&b<c"), ("1", "00", "*1#2")])
def test_a_press_is_read_as_the_same_step_as_by_the_documents(
    gateway: str, dialled: str, typed: tuple[str, ...]
) -> None:
    decode = GATEWAYS[gateway].decode
    ours = decode(write_call(gateway, Press(PHONE, "s-1", CODE, dialled, typed)), ROUTE)
    theirs = decode(LINES[gateway].step(Documented(PHONE, "s-1", dialled, typed, len(typed) + 1)), ROUTE)
    fields = ("session_id", "msisdn", "service_code", "event", "text", "opens", "seq", "message_id")
    assert [getattr(ours, name) for name in fields] == [getattr(theirs, name) for name in fields]


@every_gateway
@pytest.mark.parametrize("end", [False, True])
def test_an_answer_shows_its_screen_and_whether_it_is_the_last(gateway: str, end: bool) -> None:
    step = GATEWAYS[gateway].decode(write_call(gateway, Press(PHONE, "s-1", CODE)), ROUTE)
    answer = GATEWAYS[gateway].encode(step, Reply("Shop <payments>\n1 Pay & go", end=end))
    assert read_screen(gateway, answer) == ("Shop <payments>\n1 Pay & go", end)


@every_gateway
@every_case("body", [b"", b"{}", b"<x/>", b"\xff", b"HTTP 502 Bad Gateway", b"<!DOCTYPE x><ussd/>"])
def test_an_answer_that_no_gateway_could_show_is_told(gateway: str, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_screen(gateway, Answer(200, (), body))
