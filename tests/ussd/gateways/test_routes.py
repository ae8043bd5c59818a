"""What a route adds to every wire: its codes, and an end in words for messages of a kind that we do not know."""

import pytest
from msgspec.structs import replace

from tests.cases import every_case
from tests.ussd.gateways.test_hostile import fields_of, with_fields
from tests.ussd.lines import HTTP, LINES, Press
from ussd import GATEWAYS, Call, Route, misunderstood

PHONE = "+254711000111"
OPENING = Press(PHONE, "s-1", "")
ANSWERING = Press(PHONE, "s-1", "", ("1",), count=2)
# Where a message says of which kind it is, and a kind that no document names.
KINDS = {
    "africastalking": ("status", "Paused"),
    "hubtel": ("Type", "Hold"),
    "beem": ("command", "suspend"),
    "opcode": ("ussdServiceOp", "0"),
    "truroute": ("type", "7"),
    "hollatags": ("session_operation", "park"),
}
# Whole strings as dialled reach these; Africa's Talking and Safaricom send what stands behind the code.
DIALLERS = [name for name in HTTP if LINES[name].dials and not LINES[name].is_cumulative]


@pytest.mark.parametrize("gateway", KINDS)
def test_a_message_of_an_unknown_kind_is_no_step_and_its_answer_ends_the_call_in_words(gateway: str) -> None:
    name, value = KINDS[gateway]
    call = LINES[gateway].step(ANSWERING)
    step = GATEWAYS[gateway].decode(with_fields(call, {**fields_of(call), name: value}), Route("*384*123#", "254"))
    assert (step.event, step.text, step.is_notice) == ("unknown", "", False)
    answer = GATEWAYS[gateway].encode(step, misunderstood())
    assert answer.status == 200
    assert LINES[gateway].read(answer) == ("This session is closed. Please dial again.", True)


def opening(gateway: str, string: str) -> Call:
    """The first call, with this as what was dialled, and without a code of its own where it has one."""
    call = LINES[gateway].step(replace(OPENING, dialled="7421"))
    typed = string.strip("*#") if gateway == "flares" else string
    fields = fields_of(call)
    [name] = [
        name
        for name, value in fields.items()
        if "7421" in (value if isinstance(value, str) else getattr(value, "text", "") or "")
    ]
    codes = {"code", "ussdservicecode", "servicecode", "starcode", "shortcode", "ussdcode"}
    kept = {name: value for name, value in fields.items() if name.lower() not in codes}
    return with_fields(call, {**kept, name: typed})


@pytest.mark.parametrize("gateway", DIALLERS)
@every_case(
    ("string", "code", "behind"),
    [
        ("*384*123#", "*384*123#", ""),
        ("*384*123*7421*250#", "*384*123#", "7421*250"),
        ("*384*123*55#", "*384*123*55#", ""),
        ("*384*123*55*7421*250#", "*384*123*55#", "7421*250"),
        ("*384*123*556*250#", "*384*123#", "556*250"),
        ("#150#", "#150#", ""),
        ("#150*7421*250#", "#150#", "7421*250"),
        ("*1234567*7421#", "*1234567#", "7421"),
    ],
)
def test_what_was_dialled_is_split_by_the_longest_of_the_routes_codes(
    gateway: str, string: str, code: str, behind: str
) -> None:
    route = Route("*384*123#", "254", other_codes=("#150#", "*384*123*55#", "*1234567#"))
    step = GATEWAYS[gateway].decode(opening(gateway, string), route)
    dialled = step.text if step.event == "begin" else step.opens
    assert dialled == behind
    assert step.service_code == code
