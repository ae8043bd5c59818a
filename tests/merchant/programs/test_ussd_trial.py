"""A handset in the terminal: real HTTP through the door of a running service, by every gateway's wire."""

import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from merchant.channels.ussd.door import gateway_path, ussd_door
from merchant.channels.ussd.routes import BadRoute, NewRoute
from merchant.core.service import Service
from merchant.programs import runtime, ussd_trial
from merchant.programs.app import create_app, with_doors
from merchant.programs.ussd_trial import Handset, NoScreen, line_at, line_of, split_string
from tests import builders
from tests.builders import World
from tests.merchant.channels.conftest import CODE, PHONE, open_groceries
from tests.ussd.lines import HTTP

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


@pytest.fixture
async def base(service: Service, world: World) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    async with runtime.serving(with_doors(create_app(service, [ussd_door])), "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.parametrize("gateway", HTTP)
async def test_a_payment_is_dialled_by_every_gateways_own_address(
    service: Service, base: str, http: aiohttp.ClientSession, gateway: str
) -> None:
    _, counter = await builders.find_shop(service)
    phone = Handset(await line_of(service, base, gateway), PHONE, f"*384*123*{counter.alias}*25#")
    shown = await phone.show(http)
    if gateway == "beem":  # hands on nothing of what was dialled
        for answer in ("1", counter.alias, "25"):
            shown = await phone.type(http, answer)
    assert shown.text.startswith("Pay 25.00 USD to Mama Njeri, Nairobi (")
    assert (shown.used, shown.allowed, shown.encoding) == (len(shown.text), 160, "GSM-7")
    assert not shown.is_last
    shown = await phone.type(http, "2")
    assert shown.text.startswith("Shop payments\n")
    assert shown.after_s >= 0
    assert (await phone.type(http, "99")).is_last


async def test_a_route_is_tried_by_its_own_codes_though_it_takes_calls_from_elsewhere(
    service: Service, base: str, http: aiohttp.ClientSession
) -> None:
    new = NewRoute("hubtel", name="accra", service_codes=("#150#",), networks=("203.0.113.0/24",), septets=182)
    made = await ussd_trial.add(service, new)
    line = await line_of(service, base, "accra")
    assert (line.codes, line.cap.septets) == (("#150#", CODE), 182)
    shown = await Handset(line, PHONE, "#150#").show(http)
    assert (shown.allowed, shown.text[:13]) == (182, "Shop payments")
    with pytest.raises(NoScreen, match="403: This gateway does not call from here"):
        await Handset(line_at(base + made.path, ("#150#",)), PHONE, "#150#").show(http)
    told = await ussd_trial.listed(service)
    assert told == ["accra  hubtel  #150#  KE (the scheme's)  open  from 203.0.113.0/24  182 septets, - units"]


async def test_an_address_is_dialled_as_the_aggregator_was_told_it(
    service: Service, base: str, http: aiohttp.ClientSession
) -> None:
    line = line_at(base + gateway_path(service, "plain"), (CODE,))
    assert (await Handset(line, PHONE, CODE).show(http)).text.startswith("Shop payments")


async def test_what_cannot_be_dialled_is_told_in_a_sentence(service: Service, base: str) -> None:
    with pytest.raises(BadRoute, match="no route 'nobody'"):
        await line_of(service, base, "nobody")
    with pytest.raises(NoScreen, match="An address is like"):
        line_at("https://pay.example.org/", (CODE,))
    line = await line_of(service, base, "plain")
    with pytest.raises(NoScreen, match=r"begins \*999#. Dial \*384\*123#"):
        Handset(line, PHONE, "*999#")


async def test_a_service_that_is_not_there_is_told_in_a_sentence(http: aiohttp.ClientSession) -> None:
    phone = Handset(line_at("http://127.0.0.1:9/ussd/plain/x", (CODE,)), PHONE, CODE)
    with pytest.raises(NoScreen, match="Nobody answers at http:"):
        await phone.show(http)


@pytest.mark.parametrize(
    ("string", "code", "behind"),
    [
        ("*384*123#", "*384*123#", ""),
        ("*384*123*7421*250#", "*384*123#", "7421*250"),
        ("*384*123*5*7421#", "*384*123*5#", "7421"),
        ("#150*7421#", "#150#", "7421"),
        ("* 384 * 123 #", "*384*123#", ""),
    ],
)
def test_a_string_is_split_by_the_longest_code(string: str, code: str, behind: str) -> None:
    assert split_string(string, ("*384*123#", "*384*123*5#", "#150#")) == (code, behind)


@pytest.mark.parametrize("string", ["", "*384*12#", "*384*1234#", "*384*123", "384*123#", "#384*123#"])
def test_a_string_of_no_code_is_refused(string: str) -> None:
    with pytest.raises(NoScreen):
        split_string(string, ("*384*123#",))
