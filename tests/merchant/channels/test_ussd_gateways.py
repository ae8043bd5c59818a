"""The USSD door over every gateway's wire: a payment, its copies, its refusals, and what is no step at all."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from merchant.channels.ussd.door import MAX_BODY_BYTES, gateway_path
from tests.merchant.channels.conftest import PHONE, Lines, open_groceries
from tests.merchant.channels.test_ussd import broken
from tests.ussd.lines import HTTP, LINES, Press
from ussd import GATEWAYS, Answer, Call

pytestmark = pytest.mark.anyio
every_gateway = pytest.mark.parametrize("gateway", HTTP)


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


class Handset:
    """One call of one phone by a gateway."""

    def __init__(self, lines: Lines, gateway: str, session_id: str = "s1") -> None:
        self.lines = lines
        self.name = gateway
        self.line = LINES[gateway]
        self.path = gateway_path(lines.service, gateway)
        self.press = Press(PHONE, session_id, "", count=0)

    async def post(self, call: Call, path: str | None = None) -> httpx.Response:
        """A call as it comes over the network."""
        url = (path or self.path) + (call.path if call.path != "/" else "")
        url = f"{url}?{call.query}" if call.query else url
        headers = dict(call.headers)
        return await self.lines.client.request(call.method, url, content=call.body or None, headers=headers)

    async def again(self) -> tuple[str, bool]:
        """The last step once more: the screen, and whether it is the last."""
        return self.read(await self.post(self.line.step(self.press)))

    def read(self, response: httpx.Response) -> tuple[str, bool]:
        assert response.status_code == 200, response.text
        names = {"freeflow": "Freeflow"}
        sent = tuple((names.get(name, name), value) for name, value in response.headers.items())
        headers = tuple(one for one in sent if one[0] not in {"content-length", "x-request-id"})
        return self.line.read(Answer(200, headers, response.content))

    async def dial(self) -> tuple[str, bool]:
        self.press = replace(self.press, typed=(), count=1)
        return await self.again()

    async def type(self, *texts: str) -> tuple[str, bool]:
        for text in texts:
            self.press = replace(self.press, typed=(*self.press.typed, text), count=self.press.count + 1)
            shown = await self.again()
        return shown

    async def hang_up(self) -> httpx.Response:
        assert self.line.notice is not None
        return await self.post(self.line.notice(replace(self.press, count=self.press.count + 1)))


@every_gateway
async def test_a_shopper_pays_and_every_copy_of_the_last_step_says_the_same(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    assert (await phone.dial())[0].startswith("Shop payments\n1 Pay a shop")
    shown, end = await phone.type("1", lines.counter.alias, "25.50")
    assert shown.startswith("Pay 25.50 USD to Mama Njeri, Nairobi (")
    assert not end
    assert await lines.requests() == []
    shown, end = await phone.type("1")
    [request] = await lines.requests()
    assert shown.startswith("We asked your bank to pay 25.50 USD to Mama Njeri.")
    assert (end, request["amount_minor"], request["payer_masked"]) == (True, 2550, "2547*****001")
    assert set(await asyncio.gather(*(phone.again() for _ in range(10)))) == {(shown, True)}
    assert len(await lines.requests()) == 1


@every_gateway
async def test_the_confirming_step_ten_times_at_once_asks_once(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    await phone.type("1", lines.counter.alias, "25")
    phone.press = replace(phone.press, typed=(*phone.press.typed, "1"), count=phone.press.count + 1)
    shown = await asyncio.gather(*(phone.again() for _ in range(10)))
    assert len(set(shown)) == 1
    assert shown[0][0].startswith("We asked your bank")
    assert len(await lines.requests()) == len(await lines.jobs()) == 1


@every_gateway
async def test_a_refusal_is_a_screen_that_ends_and_no_error(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    await phone.type("1", lines.counter.alias, "25")
    await lines.change("UPDATE merchant SET state = 'suspended' WHERE id = $1", lines.merchant.id)
    assert await phone.type("1") == ("This shop cannot take payments now. You were not charged.", True)
    assert await lines.requests() == []


@every_gateway
async def test_a_fault_of_ours_is_a_screen_too_and_the_same_step_may_come_again(
    lines: Lines, database_url: str, gateway: str
) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    await phone.type("1", lines.counter.alias, "25")
    async with broken(database_url, "outbox"):
        assert await phone.type("1") == ("The service is busy. You were not charged. Please dial again later.", True)
    assert await lines.requests() == []
    assert (await phone.again())[0].startswith("We asked your bank")


@pytest.mark.parametrize("gateway", [name for name in HTTP if GATEWAYS[name].notices])
async def test_a_notice_closes_the_session_and_changes_nothing_else(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    await phone.type("1", lines.counter.alias, "25")
    for _ in range(2):
        assert (await phone.hang_up()).status_code == 200
    phone.press = replace(phone.press, count=phone.press.count + 1)
    assert await phone.type("1") == ("This session is closed. Please dial again.", True)
    assert await lines.requests() == []
    assert (await Handset(lines, gateway, "s2").dial())[0].startswith("Go on paying 25.00 USD to Mama Njeri?")


@pytest.mark.parametrize("gateway", [name for name in HTTP if GATEWAYS[name].notices])
async def test_a_notice_after_the_payment_takes_nothing_back(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    await phone.type("1", lines.counter.alias, "25", "1")
    assert (await phone.hang_up()).status_code == 200
    [request] = await lines.requests()
    assert request["state"] == "created"


@every_gateway
async def test_only_the_right_key_of_this_gateway_opens_its_door(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    call = phone.line.step(replace(phone.press, count=1))
    other = "nalo" if gateway != "nalo" else "plain"
    for path in (f"/ussd/{gateway}/{'0' * 40}", f"/ussd/{gateway}/{gateway_path(lines.service, other)[-40:]}"):
        response = await phone.post(call, path)
        assert (response.status_code, response.text) == (403, "This is not the key of this gateway.")
    assert await lines.rows("SELECT 1 FROM ussd_session") == []


@every_gateway
async def test_what_cannot_be_read_is_400_and_writes_nothing(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    call = phone.line.step(replace(phone.press, count=1))
    empty = replace(call, query="", body=b"")
    garbled = replace(call, query="x=%ff", body=b"\xff\xfe<{")
    no_phone = replace(call, query=call.query.replace("2547", "x"), body=call.body.replace(b"733000001", b"x"))
    for bad in (empty, garbled, no_phone):
        response = await phone.post(bad)
        assert response.status_code == 400
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert PHONE[1:] not in response.text
    assert await lines.rows("SELECT 1 FROM ussd_session") == []


@every_gateway
async def test_other_methods_than_the_gateways_own_are_405(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    call = phone.line.step(replace(phone.press, count=1))
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - GATEWAYS[gateway].methods:
        assert (await phone.post(replace(call, method=method))).status_code == 405
    assert await lines.rows("SELECT 1 FROM ussd_session") == []


@every_gateway
async def test_a_body_without_end_is_413(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    call = replace(phone.line.step(replace(phone.press, count=1)), body=b"x" * (MAX_BODY_BYTES + 1))
    assert (await phone.post(call)).status_code == 413


@pytest.mark.parametrize("gateway", [name for name in HTTP if not GATEWAYS[name].has_path])
async def test_there_is_nothing_below_the_address_of_a_gateway_without_paths(lines: Lines, gateway: str) -> None:
    phone = Handset(lines, gateway)
    call = phone.line.step(replace(phone.press, count=1))
    assert (await phone.post(call, f"{phone.path}/more")).status_code == 404


async def test_an_account_without_session_ids_is_known_by_the_phone_and_its_number_is_not_kept(lines: Lines) -> None:
    def nalo(typed: str, *, first: bool) -> Call:
        call = LINES["nalo"].step(Press(PHONE, "s1", "", () if first else (typed,)))
        return replace(call, body=call.body.replace(b', "SESSIONID": "s1"', b""))

    phone = Handset(lines, "nalo")
    assert b"SESSIONID" not in nalo("", first=True).body
    await phone.post(nalo("", first=True))
    shown, _ = phone.read(await phone.post(nalo("1", first=False)))
    assert shown.startswith("Enter the shop's number:")
    again, _ = phone.read(await phone.post(nalo("", first=True)))
    assert again.startswith("Shop payments")
    [row] = await lines.rows("SELECT * FROM ussd_session")
    assert PHONE[1:] not in repr(tuple(row))
    assert row["session_id"] == row["msisdn_digest"].hex()


async def test_infobip_hears_whether_a_session_goes_on_and_may_end_it_without_naming_a_phone(lines: Lines) -> None:
    phone = Handset(lines, "infobip")

    async def is_active() -> bool:
        response = await phone.post(Call("GET", f"/{phone.press.session_id}/status"))
        assert (response.status_code, response.json()["responseExitCode"]) == (200, 200)
        return bool(response.json()["sessionActive"])

    assert not await is_active()
    assert (await phone.hang_up()).status_code == 200  # of a session that never was
    assert await lines.rows("SELECT 1 FROM ussd_session") == []
    await phone.dial()
    assert await is_active()
    shown, _ = await phone.type("1")  # the question changed nothing
    assert shown.startswith("Enter the shop's number:")
    assert (await phone.hang_up()).json() == {"responseExitCode": 200, "responseMessage": ""}
    assert not await is_active()


async def test_a_call_that_airtel_breaks_carries_its_headers(lines: Lines) -> None:
    phone = Handset(lines, "flares")
    await phone.dial()
    response = await phone.post(phone.line.step(replace(phone.press, typed=("99",), count=2)))
    assert (response.text, response.headers["freeflow"], response.headers["charge"]) == ("Goodbye.", "FB", "N")


async def test_gateways_share_no_session(lines: Lines) -> None:
    first, second = Handset(lines, "hubtel"), Handset(lines, "opcode")
    await first.dial()
    await second.dial()
    assert (await first.type("1"))[0].startswith("Enter the shop's number:")
    assert (await second.type("9"))[0].startswith("Language")
