"""Opening a shop from a telephone: a real application, made once, and its state told on every dial."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from merchant.core.phone import Msisdn
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.channels.conftest import OWNER, Lines, open_groceries

pytestmark = [pytest.mark.anyio, pytest.mark.database]
STRANGER = "+254700555001"
OTHER = "+254700555002"
ANSWERS = ("Njeri Wanjiku", "Mama Njeri Foods", "3", "Kisumu", "12345678", "31/12/1990")
BANK = "greenbankfsp"


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


class Stall:
    """Somebody without a shop, their telephone, and the staff of the DFSP that they choose."""

    def __init__(self, lines: Lines, client: httpx.AsyncClient, service: Service, world: World) -> None:
        self.lines, self.client, self.service, self.world = lines, client, service, world

    async def bank(self) -> str:
        """The place of the DFSP in the list."""
        rows = await self.lines.rows("SELECT id FROM dfsp WHERE enabled ORDER BY name, id")
        return str([row["id"] for row in rows].index(self.world.dfsp_ids[BANK]) + 1)

    async def type(self, *more: str, answers: tuple[str, ...] = ANSWERS, session: str = "s1", **who: str) -> str:
        """A sign-up up to the consent, and what is answered to it; the last screen."""
        phone = who.get("phone", STRANGER)
        return await self.lines.walk("2", "1", *answers, await self.bank(), *more, session=session, phone=phone)

    async def code(self, phone: str = STRANGER) -> str:
        """The newest code that the phone was sent."""
        await builders.work(self.service)
        kept = await self.client.get("/api/v1/outgoing-mail?limit=100", headers=self.world.operator.headers)
        newest = next(one["text"] for one in kept.json()["items"] if one["to"] == phone)
        [code] = re.findall(r"\b[0-9]{6}\b", newest)
        return str(code)

    async def hand_in(self, answers: tuple[str, ...] = ANSWERS, session: str = "s1", phone: str = STRANGER) -> str:
        """A whole sign-up; its last words."""
        asked = await self.type("1", answers=answers, session=session, phone=phone)
        assert asked.startswith("CON We sent a code"), asked
        return await self.lines.step(await self.inputs(answers, await self.code(phone)), session, phone)

    async def inputs(self, answers: tuple[str, ...], *more: str) -> str:
        """All that is typed up to the consent and behind it, as cumulative text."""
        return "*".join(("2", "1", *answers, await self.bank(), "1", *more))

    async def status(self, session: str = "later", phone: str = STRANGER) -> str:
        """What a new call tells of the application."""
        return (await self.lines.walk("2", session=session, phone=phone)).split("\n")[0]

    async def made(self) -> list[Any]:
        """The applications that people made themselves."""
        return await self.lines.rows("SELECT * FROM application WHERE applicant_id IS NOT NULL ORDER BY id")

    async def staff(self, title: str, path: str, body: Any = None, method: str = "POST") -> Any:
        """What staff of the DFSP do."""
        options = {} if body is None else {"json": body}
        headers = self.world[BANK][title].headers
        answered = await self.client.request(method, f"/api/v1/{path}", headers=headers, **options)
        assert answered.status_code == 200, answered.text
        return answered.json()


@pytest.fixture
def stall(lines: Lines, client: httpx.AsyncClient, service: Service, world: World) -> Stall:
    return Stall(lines, client, service, world)


async def test_a_phone_makes_an_application_that_its_dfsp_reads_as_any_other(stall: Stall) -> None:
    assert (await stall.lines.walk("2", phone=STRANGER, session="s0")).startswith(
        "CON This phone has no shop.\n1 Open a shop\n"
    )
    assert "may check and keep what you entered" in await stall.type(phone=OTHER)
    assert await stall.made() == []
    end = await stall.hand_in(session="s2")
    assert end.startswith("END ") and "has your application and checks it" in end and "*384*123#" in end
    [made] = await stall.made()
    assert made["handed_in_at"] is not None
    read = await stall.staff("maker", f"applications/{made['id']}", method="GET")
    assert (read["business"]["trading_name"], read["business"]["mcc"], read["business"]["kind"]) == (
        "Mama Njeri Foods",
        "5812",
        "individual",
    )
    assert read["owners"][0]["given_name"] == "Njeri Wanjiku"
    assert read["locations"][0]["city"] == "Kisumu"
    assert read["contact"]["phone"].endswith("001")
    assert (await stall.status()).startswith("CON ")
    assert "is checking your application" in await stall.status()


async def test_an_approved_one_becomes_a_shop_that_the_phone_is_told_of(stall: Stall) -> None:
    await stall.hand_in()
    [made] = await stall.made()
    await stall.staff("maker", f"applications/{made['id']}/submit")
    await builders.work(stall.service)
    read = await stall.staff("checker", f"applications/{made['id']}", method="GET")
    await stall.staff("checker", f"applications/{made['id']}/approve", {"version_hash": read["version_hash"]})
    await builders.work(stall.service)
    [counter] = await stall.lines.rows(
        "SELECT c.alias FROM counter c JOIN application a ON a.merchant_id = c.merchant_id WHERE a.id = $1", made["id"]
    )
    assert counter["alias"] in await stall.lines.walk("2", session="later", phone=STRANGER)


async def test_a_refused_one_is_told_with_its_reason_and_no_other_can_be_made(stall: Stall) -> None:
    await stall.hand_in()
    [made] = await stall.made()
    await stall.staff("maker", f"applications/{made['id']}/submit")
    await builders.work(stall.service)
    body = {"reason": "The card is of somebody else"}
    await stall.staff("checker", f"applications/{made['id']}/reject", body)
    assert (await stall.status()).endswith("refused your application: The card is of somebody else")


async def test_the_last_answer_delivered_twice_at_once_makes_one(stall: Stall) -> None:
    await stall.type("1")
    text = await stall.inputs(ANSWERS, await stall.code())
    first, second = await asyncio.gather(*(stall.lines.step(text, phone=STRANGER) for _ in range(2)))
    assert first == second and first.startswith("END ")
    assert len(await stall.made()) == 1


async def test_a_wrong_code_makes_nothing_and_can_be_typed_again(stall: Stall) -> None:
    await stall.type("1")
    code = await stall.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    screen = await stall.lines.step(await stall.inputs(ANSWERS, wrong), phone=STRANGER)
    assert screen.startswith("CON This is not the code.")
    assert await stall.made() == []
    assert (await stall.lines.step(await stall.inputs(ANSWERS, wrong, code), phone=STRANGER)).startswith("END ")
    assert len(await stall.made()) == 1


async def test_a_phone_is_sent_three_codes_and_no_more(stall: Stall) -> None:
    assert (await stall.type("1", "1", "1")).startswith("CON We sent a new code.")
    assert (await stall.lines.step(await stall.inputs(ANSWERS, "1", "1", "1"), phone=STRANGER)).startswith(
        "END Too many codes."
    )
    assert await stall.made() == []


async def test_a_second_phone_with_the_same_identity_is_told_to_ask(stall: Stall) -> None:
    await stall.hand_in()
    end = await stall.hand_in(session="s9", phone=OTHER)
    assert end.startswith("END An application with this identity number is open already.")
    assert len(await stall.made()) == 1
    assert await stall.lines.rows("SELECT 1 FROM app_user WHERE name = 'Njeri Wanjiku' OFFSET 1") == []


async def test_two_phones_with_one_identity_at_once_make_one(stall: Stall) -> None:
    texts = []
    for phone in (STRANGER, OTHER):
        await stall.type("1", session=phone, phone=phone)
        texts.append((phone, await stall.inputs(ANSWERS, await stall.code(phone))))
    ends = await asyncio.gather(*(stall.lines.step(text, phone, phone) for phone, text in texts))
    assert sorted("open already" in end for end in ends) == [False, True]
    assert len(await stall.made()) == 1


async def test_a_phone_that_began_on_the_pages_goes_on_with_the_same_draft(stall: Stall) -> None:
    sent = await stall.client.post("/api/v1/one-time-codes", json={"phone": STRANGER})
    assert sent.status_code == 202
    body = {"phone": STRANGER, "code": await stall.code(), "dfsp_id": str(stall.world.dfsp_ids[BANK]), "name": "Njeri"}
    assert (await stall.client.post("/api/v1/registrations", json=body)).status_code == 201
    [begun] = await stall.made()
    assert (await stall.status("s0")) == "CON This phone has no shop."
    assert (await stall.hand_in()).startswith("END ")
    [made] = await stall.made()
    assert made["id"] == begun["id"] and made["handed_in_at"] is not None


async def test_the_phone_of_a_shop_is_shown_it_and_offered_none(stall: Stall) -> None:
    assert "Open a shop" not in await stall.lines.walk("2", phone=OWNER)


async def test_the_phone_of_staff_opens_no_shop(stall: Stall) -> None:
    await stall.lines.change(
        "UPDATE app_user SET phone_digest = $1 WHERE id = (SELECT id FROM app_user WHERE merchant_id IS NULL LIMIT 1)",
        Msisdn.of(STRANGER).digest(stall.service.vault),
    )
    assert (await stall.status()) == "CON This phone has an account already. Please ask your bank."


@pytest.mark.parametrize(
    ("place", "answer", "told"),
    [
        (0, "x" * 61, "Write your name in letters"),
        (1, "\x00", "Write the name of the shop"),
        (3, "y" * 80, "Write the name of the town"),
        (4, "1", "Write the number on the card"),
        (5, "tomorrow", "Write day, month and year"),
        (5, "31/02/1990", "Write day, month and year"),
        (5, "01/01/2024", "You are too young"),
    ],
)
async def test_a_wrong_answer_is_asked_again(stall: Stall, place: int, answer: str, told: str) -> None:
    screen = await stall.lines.walk("2", "1", *ANSWERS[:place], answer, phone=STRANGER)
    assert told in screen
    assert await stall.made() == []


async def test_a_name_in_another_script_is_kept_as_it_was_typed(stall: Stall) -> None:
    await stall.hand_in(("አሚና", "የአሚና ሱቅ", "1", "ጎንደር", "٨٧٦٥٤٣٢١", "31121990"))
    [made] = await stall.made()
    assert made["trading_name"] == "የአሚና ሱቅ"


async def test_what_was_typed_stands_nowhere_in_clear(stall: Stall) -> None:
    with capture_logs() as logs:
        await stall.hand_in()
        await stall.type(session="open")
    rows = await stall.lines.rows("SELECT state FROM ussd_session")
    told = repr([bytes(row["state"]) for row in rows]) + repr(logs)
    for answer in ("Njeri", "12345678", "1990", "Kisumu", STRANGER[1:]):
        assert answer not in told
