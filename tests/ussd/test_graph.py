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
NUMBER = "7" * 32
AMOUNT = "9,999,999,999,999.99"
OPTIONS = sorted({digit for screen in SCREENS.values() for digit in screen.options})
INPUTS = (*OPTIONS, "0", "00", "98", "99", "", "x", "7" * 20, "😀" * 20, "€" * 160, NUMBER, AMOUNT, "1*1")

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


def worst_world(name: str, state: RequestState = "waiting") -> World:
    """Everything as long as it may be."""
    world = World()
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
    """The session without the history of its inputs."""
    return replace(session, reply=Reply("", False), step=0, seen=Seen(0, ""))


class Walk:
    """Breadth first over every place a phone can bring its session to, begun in every language."""

    def __init__(self, world: World, msisdn: str) -> None:
        self.world = world
        self.blank = replace(BLANK, msisdn=msisdn)
        self.places: set[Session] = set()
        self.queue: deque[tuple[Session, str]] = deque()

    async def take(self, session: Session | None, text: str, earlier: Session | None = None) -> Session:
        after, reply = await step(session, replace(self.blank, text=text), self.world, NOW, earlier)
        assert after is not None
        assert reply.text.strip()
        assert reply.end == after.ended
        assert is_gsm7(reply.text)
        assert fits(reply.text, Cap()), (len(reply.text), reply.text)
        assert len(encode_session(after)) <= SESSION_BYTES_MAX
        if not after.ended and place(after) not in self.places:
            self.places.add(place(after))
            self.queue.append((after, text))
        return after

    async def everywhere(self) -> None:
        for self.world.language in LANGUAGES:
            await self.take(None, "")
            for far in (NUMBER, f"{NUMBER}*{AMOUNT}"):
                await self.take(None, "", await self.take(None, far))
        while self.queue:
            session, text = self.queue.popleft()
            for typed in INPUTS:
                await self.take(session, f"{text}*{typed}")
            home = await self.take(session, f"{text}*00")
            assert (await self.take(home, f"{text}*00*99")).ended, "no way out"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_every_screen_is_reached_and_fits_whatever_a_shop_is_called(name: str) -> None:
    reached: set[tuple[str, str]] = set()
    for msisdn in (SHOPPER, MERCHANT, CHAIN):
        walk = Walk(worst_world(name), msisdn)
        await walk.everywhere()
        reached |= {(session.screen, session.language) for session in walk.places}
    assert len(SCREENS) == len(get_args(ScreenName))
    assert reached == {(screen, language) for screen in SCREENS for language in LANGUAGES}


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
