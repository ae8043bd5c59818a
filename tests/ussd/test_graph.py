"""A walk over every screen that can be reached, in every language, with the worst values a shop may have.

Whatever is typed: no exception, every reply fits the handset, every stored session is small, and two keys lead out.
"""

from collections import deque
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from tests.ussd.world import CHAIN, MERCHANT, NOW, SHOPPER, World
from ussd import (
    LastRequest,
    MerchantView,
    OwnCounter,
    PaymentLine,
    PaymentOutcome,
    Reply,
    Session,
    SignUpDfsp,
    SignUpField,
    SignUpForm,
    SignUpStatus,
    Step,
    encode_session,
    step,
)
from ussd.backend import RequestState
from ussd.fit import Cap, fits, is_gsm7
from ussd.screens import SCREENS
from ussd.session import SESSION_BYTES_MAX, ScreenName, Seen
from ussd.texts import CATALOGUES, LANGUAGES

pytestmark = pytest.mark.anyio

BLANK = Step("africastalking", "s" * 100, SHOPPER, "*999999*999999*999999#", "reply", "", "63902")
STRANGER = "+254711000112"
NUMBER = "7" * 32
AMOUNT = "9,999,999,999,999.99"
OPTIONS = sorted({digit for screen in SCREENS.values() for digit in screen.options})
BIRTH = "31121990"
INPUTS = (*OPTIONS, "0", "00", "98", "99", "", "x", "7" * 20, "😀" * 20, "€" * 160, NUMBER, AMOUNT, BIRTH, "1*1")

REASONS = [key.removeprefix("refused.") for key in CATALOGUES["en"].texts if key.startswith("refused.")]

NAMES = {
    "wide": "W" * 60,
    "two septets each": "€[]{}~|^\\" * 8,
    "Ethiopic": "የእማማ አሚና የአትክልትና ፍራፍሬ መሸጫ ሱቅ ቁጥር አንድ",
    "Arabic": "متجر الأمانة للمواد الغذائية والخضروات الطازجة",
    "combining": "e\u0301\u0302\u0303" * 30,
    "family": "👨‍👩‍👧‍👦" * 10,
    "lines": "Mama\nAmina\r\n\tShop\x00\x1b",
    "nothing": "",
}


class OneAnswer(World):
    """Takes one answer to each question of a sign-up, so that the walk ends."""

    async def sign_up_faults(self, form: SignUpForm) -> dict[SignUpField, str]:
        given: dict[SignUpField, str] = {
            "name": form.name,
            "business": form.business,
            "town": form.town,
            "id": form.id_number,
        }
        return {field: "bad" for field, text in given.items() if text not in ("", NUMBER)}


def worst_world(name: str, state: RequestState = "waiting") -> World:
    """Everything as long as it may be."""
    world = OneAnswer()
    world.dfsps = [SignUpDfsp(f"{n:036}", "W" * 60) for n in range(9)]
    world.code = "sent"
    world.status = SignUpStatus("refused", "W" * 60, NUMBER, "W" * 300)
    shop = MerchantView("c" * 36, NUMBER, name, "KES", 2, True, 10**15 - 1)
    world.shops = {NUMBER: shop}
    world.counters = {
        MERCHANT: [OwnCounter("c" * 36, NUMBER, name)],
        CHAIN: [OwnCounter(f"{n:036}", NUMBER, name) for n in range(3)],
    }
    world.received = [PaymentLine(10**15 - 1, "KES", 2, "*********999", NOW + timedelta(hours=n)) for n in range(5)]
    world.waiting = LastRequest("c" * 36, name, 10**15 - 1, "KES", 2, state, "R" * 60)
    world.outcome = PaymentOutcome("sent", reference="R" * 60)
    return world


def place(session: Session) -> Session:
    """The session without the history of its inputs, and without what was typed of a sign-up."""
    if session.answers.form is not None:
        session = replace(session, answers=replace(session.answers, form=SignUpForm()))
    return replace(session, reply=Reply("", False), step=0, seen=Seen(0, ""))


class Walk:
    """Breadth first over every place a phone can bring its session to, begun in every language."""

    def __init__(self, world: World, msisdn: str, languages: tuple[str, ...] = LANGUAGES) -> None:
        self.world = world
        self.languages = languages
        self.blank = replace(BLANK, msisdn=msisdn)
        self.places: set[Session] = set()
        self.queue: deque[tuple[Session, str]] = deque()

    async def take(self, session: Session | None, text: str, earlier: Session | None = None) -> Session:
        after, reply = await step(session, replace(self.blank, text=text), self.world, NOW, earlier)
        assert after is not None
        assert reply.text.strip()
        assert reply.end == after.ended
        if CATALOGUES[after.language].alphabet == "gsm7" and after.screen != "language":
            assert is_gsm7(reply.text)
        assert fits(reply.text, Cap()), (len(reply.text), reply.text)
        assert len(encode_session(after)) <= SESSION_BYTES_MAX
        if not after.ended and after.language in self.languages and place(after) not in self.places:
            self.places.add(place(after))
            self.queue.append((after, text))
        return after

    async def everywhere(self) -> None:
        for language in self.languages:
            self.world.language = language
            await self.take(None, "")
            for far in (NUMBER, f"{NUMBER}*{AMOUNT}"):
                await self.take(None, "", await self.take(None, far))
        while self.queue:
            session, text = self.queue.popleft()
            for typed in INPUTS:
                await self.take(session, f"{text}*{typed}")
            home = await self.take(session, f"{text}*00")
            assert (await self.take(home, f"{text}*00*99")).ended, "no way out"


async def reached_by(world: World, msisdn: str, languages: tuple[str, ...] = LANGUAGES) -> set[tuple[str, str]]:
    """The screens that a walk comes to, in their languages."""
    walk = Walk(world, msisdn, languages)
    await walk.everywhere()
    return {(session.screen, session.language) for session in walk.places}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_every_screen_is_reached_and_fits_whatever_a_shop_is_called(name: str) -> None:
    languages = LANGUAGES if name == NAMES["wide"] else (LANGUAGES[0], LANGUAGES[-1])  # of each alphabet one
    reached: set[tuple[str, str]] = set()
    for msisdn in (SHOPPER, MERCHANT, CHAIN):
        reached |= await reached_by(worst_world(name), msisdn, languages)
    signing_up = {screen for screen in SCREENS if screen.startswith("sign_up")} - {"sign_up_status"}
    assert reached == {(screen, language) for screen in SCREENS for language in languages if screen not in signing_up}


async def test_every_screen_of_a_sign_up_is_reached_and_fits() -> None:
    world = worst_world("W" * 60)
    world.status, world.waiting = SignUpStatus("none"), None
    reached = await reached_by(world, STRANGER)
    assert {(screen, language) for screen in SCREENS if "sign_up" in screen for language in LANGUAGES} - reached == {
        ("sign_up_status", language) for language in LANGUAGES
    }
    assert len(SCREENS) == len(get_args(ScreenName))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", get_args(RequestState))
async def test_every_state_of_a_request_fits(state: RequestState, language: str) -> None:
    world = worst_world("W" * 60)
    world.language = language
    walk = Walk(world, SHOPPER)
    session = await walk.take(None, "")
    world.waiting = worst_world("W" * 60, state).waiting
    session = await walk.take(session, "1")
    assert session.screen == "status"
    await walk.take(session, "1*7")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [*REASONS, "moon_phase"])
async def test_every_refusal_fits(reason: str, language: str) -> None:
    world = worst_world("W" * 60)
    world.waiting = None
    world.language = language
    world.outcome = PaymentOutcome("refused", reason=reason)
    walk = Walk(world, SHOPPER)
    session = await walk.take(None, f"{NUMBER}*{AMOUNT}")
    assert session.screen == "confirm"
    assert (await walk.take(session, f"{NUMBER}*{AMOUNT}*1")).ended
