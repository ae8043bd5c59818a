"""A walk over every screen that can be reached, in every language, with the worst values a shop may have.

Whatever is typed: no exception, every reply fits the handset, every stored session is small, and two keys lead out.
"""

from collections import deque
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from tests.ussd.trade import CASHIER, CHAIN, MERCHANT, TWINS
from tests.ussd.world import NOW, SHOPPER, World
from ussd import (
    CashierLine,
    Currency,
    CurrencyRoom,
    DemandOutcome,
    MerchantView,
    OwnCounter,
    OwnRequest,
    PaidShop,
    PaymentLine,
    PaymentOutcome,
    RefundOutcome,
    Reply,
    RequestLine,
    Session,
    ShopLimits,
    SignUpDfsp,
    SignUpField,
    SignUpForm,
    SignUpStatus,
    Step,
    Taking,
    encode_session,
    step,
)
from ussd.fit import LEAST_CAP, Cap, fits, is_gsm7
from ussd.screens import SCREENS
from ussd.session import SESSION_BYTES_MAX, ScreenName, Seen
from ussd.shopping import RequestState
from ussd.texts import CATALOGUES, LANGUAGES
from ussd.trade import ActOutcome, RequestStanding

pytestmark = pytest.mark.anyio

BLANK = Step("africastalking", "s" * 100, SHOPPER, "*999999*999999*999999#", "reply", "", "63902")
STRANGER = "+254711000112"
NUMBER = "7" * 32
CHOICE = "8" * 32
AMOUNT = "9,999,999,999,999.99"
OPTIONS = sorted({digit for screen in SCREENS.values() for digit in screen.options})
BIRTH = "31121990"
INPUTS = (
    *OPTIONS,
    "0",
    "00",
    "98",
    "99",
    "",
    "x",
    "7" * 20,
    "😀" * 20,
    "€" * 160,
    NUMBER,
    CHOICE,
    AMOUNT,
    BIRTH,
    "1*1",
    "0711000111",
    "Joy",
)

NAMED = {
    group: [key.removeprefix(f"{group}.") for key in CATALOGUES["en"].texts if key.startswith(f"{group}.")]
    for group in ("request", "not_asked", "not_refunded")
}
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


LONGEST = ("rw", "my")  # of each alphabet the language that takes most room
OPEN = ("waiting", "not_paid")
STATES: tuple[RequestState, ...] = tuple(one for group in get_args(RequestState) for one in get_args(group))


def worst_request(name: str, state: RequestState, number: int = 1) -> OwnRequest:
    return OwnRequest(
        f"{number:036}", "c" * 36, NUMBER, name, 10**15 - 1, "KES", 2, state, NOW, 9, 10**15 - 1, from_shop=number == 2
    )


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
    shop = MerchantView("c" * 36, NUMBER, name, "KES", 2, True, 10**15 - 1, "W" * 30)
    several = replace(shop, number=CHOICE, currencies=("KES", "USD", "EUR", "TZS"))
    world.shops = {NUMBER: shop, CHOICE: several}
    world.recent = [worst_request(name, one, number) for number, one in enumerate((state, "late", "paid", "said_no"))]
    world.paid = [worst_request(name, "said_no", 9)]
    world.known_shops = [PaidShop(NUMBER, name)] * 9
    world.outcome = PaymentOutcome("sent", reference="R" * 60)
    make_trade_worst(world, name)
    return world


def make_trade_worst(world: World, name: str) -> None:
    """And everything of a shop's own people."""
    most = 10**15 - 1
    currencies = tuple(Currency(code, 2, most) for code in ("KES", "USD", "UGX", "TZS", "RWF", "ZAR"))

    def counter(number: int, shop: str = "s" * 36) -> OwnCounter:
        return OwnCounter(f"{number:036}", NUMBER, name, shop, name, currencies)

    world.counters = {
        MERCHANT: [counter(1)],
        CHAIN: [counter(n) for n in range(3)],
        TWINS: [counter(1), replace(counter(2, "t" * 36), currencies=currencies[:1])],
        CASHIER: [replace(counter(1), rights="cashier")],
    }
    world.received = [
        PaymentLine(most, "KES", 2, "*********999", NOW + timedelta(hours=n), f"{n:036}", most) for n in range(5)
    ]
    world.asked = [
        RequestLine(
            f"{n:036}", most, "KES", 2, "*********999", NOW, standing, "", standing in OPEN, standing == "waiting"
        )
        for n, standing in enumerate(get_args(RequestStanding))
    ]
    world.takings = [Taking(one.code, 2, 999_999, most) for one in currencies]
    world.limits = ShopLimits(
        "L" * 60, tuple(CurrencyRoom(one.code, 2, most, most, most) for one in currencies), name, "L" * 60
    )
    world.people = [CashierLine(f"{n:036}", name, "*********999", name) for n in range(5)]
    world.demand_outcome = DemandOutcome("sent", "*********999")
    world.may_refund = True


def place(session: Session) -> Session:
    """The session without the history of its inputs, and without what was typed at leisure or chosen from a list."""
    answers = session.answers
    if trade := answers.trade:
        free = {"amount_minor": 1, "note": "Joy", "chosen_id": "r", "chosen": "r", "counter_id": "c", "counter": "c"}
        kept = {field: same for field, same in free.items() if getattr(trade, field)}
        answers = replace(answers, trade=replace(trade, **kept))
    chosen = {"amount_minor": 1, "request_id": "r", "asked_about": "paid", "form": SignUpForm()}
    answers = replace(answers, **{field: same for field, same in chosen.items() if getattr(answers, field)})
    if shop := answers.shop:
        answers = replace(answers, shop=replace(shop, currency="KES"))
    if session.screen in ("home", "language"):  # what was left by 00 is offered again in the next language alone
        session = replace(session, aside=None)
    blank = replace(session, reply=Reply("", False), step=0, seen=Seen(0, ""), pages=(), guesses=0, guesses_until=None)
    return replace(blank, answers=answers, misses=min(session.misses, 1))


class Walk:
    """Breadth first over every place a phone can bring its session to, begun in every language."""

    def __init__(
        self, world: World, msisdn: str, languages: tuple[str, ...] = LANGUAGES, cap: Cap | None = None
    ) -> None:
        self.world = world
        self.languages = languages
        self.cap = cap or Cap()
        self.blank = replace(BLANK, msisdn=msisdn, cap=cap)
        self.places: set[Session] = set()
        self.queue: deque[tuple[Session, str]] = deque()

    async def take(self, session: Session | None, text: str, earlier: Session | None = None) -> Session:
        after, reply = await step(session, replace(self.blank, text=text), self.world, NOW, earlier)
        assert after is not None
        assert reply.text.strip()
        assert reply.end == after.ended
        if CATALOGUES[after.language].alphabet == "gsm7" and after.screen != "language":
            assert is_gsm7(reply.text)
        assert fits(reply.text, self.cap), (len(reply.text), reply.text)
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


async def reached_by(
    world: World, msisdn: str, languages: tuple[str, ...] = LANGUAGES, cap: Cap | None = None
) -> set[tuple[str, str]]:
    """The screens that a walk comes to, in their languages."""
    walk = Walk(world, msisdn, languages, cap)
    await walk.everywhere()
    return {(session.screen, session.language) for session in walk.places}


async def test_every_screen_is_reached_and_fits() -> None:
    """Each by a phone that meets it: a shopper's in all languages, a shop's in the longest one of each alphabet."""
    whose = {SHOPPER: LANGUAGES, MERCHANT: LONGEST, CHAIN: LONGEST[:1], TWINS: LONGEST[:1], CASHIER: LONGEST[:1]}
    screens: set[str] = set()
    for msisdn, languages in whose.items():
        reached = await reached_by(worst_world(NAMES["wide"]), msisdn, languages)
        met = {screen for screen, _ in reached}
        assert reached == {(screen, language) for screen in met for language in languages}
        screens |= met
    assert screens == SCREENS.keys() - {one for one in SCREENS if one.startswith("sign_up")} | {"sign_up_status"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "wide"])
async def test_every_screen_of_a_payment_fits_whatever_a_shop_is_called(name: str) -> None:
    # A name that reads from the right, and one of more units than letters, in the other alphabet besides.
    languages = (LANGUAGES[0], LANGUAGES[-1]) if name in ("Arabic", "family") else LANGUAGES[:1]
    reached = await reached_by(worst_world(NAMES[name]), SHOPPER, languages)
    assert len({screen for screen, _ in reached}) > 15
    reached = await reached_by(worst_world(NAMES[name]), MERCHANT, LANGUAGES[:1])
    assert len({screen for screen, _ in reached}) > 25


async def test_every_screen_fits_the_smallest_one_that_a_line_may_have() -> None:
    for msisdn, languages in ((SHOPPER, LONGEST), (MERCHANT, LONGEST[:1])):
        reached = await reached_by(worst_world(NAMES["wide"]), msisdn, languages, LEAST_CAP)
        assert len({screen for screen, _ in reached}) > 15


async def test_every_screen_of_a_sign_up_is_reached_and_fits() -> None:
    world = worst_world("W" * 60)
    world.status, world.recent = SignUpStatus("none"), []
    reached = await reached_by(world, STRANGER)
    assert {(screen, language) for screen in SCREENS if "sign_up" in screen for language in LANGUAGES} - reached == {
        ("sign_up_status", language) for language in LANGUAGES
    }
    assert len(SCREENS) == len(get_args(ScreenName))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("from_shop", [False, True])
@pytest.mark.parametrize("state", STATES)
async def test_every_state_of_a_request_fits(state: RequestState, from_shop: bool, language: str) -> None:
    world = worst_world("W" * 60)
    world.language = language
    world.recent = [replace(worst_request("W" * 60, state), from_shop=from_shop)]
    walk = Walk(world, SHOPPER)
    session = await walk.take(None, "")
    assert session.screen in ("waiting", "status", "paid", "ended")
    await walk.take(session, "7")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [*REASONS, "moon_phase"])
async def test_every_refusal_fits(reason: str, language: str) -> None:
    world = worst_world("W" * 60)
    world.recent = []
    world.language = language
    world.outcome = PaymentOutcome("refused", reason=reason)
    walk = Walk(world, SHOPPER)
    session = await walk.take(None, f"{NUMBER}*{AMOUNT}")
    assert session.screen == "confirm"
    assert (await walk.take(session, f"{NUMBER}*{AMOUNT}*1")).ended


async def told(world: World, *typed: str) -> Session:
    """The place to which these inputs lead a shop, every screen on the way fitting."""
    walk = Walk(world, MERCHANT)
    session = await walk.take(None, "")
    for count in range(1, len(typed) + 1):
        session = await walk.take(session, "*".join(typed[:count]))
    return session


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [*sorted({*NAMED["request"]} - {*get_args(RequestStanding)}), "moon_phase"])
async def test_every_end_of_a_shops_request_fits(reason: str, language: str) -> None:
    world = worst_world("W" * 60)
    world.recent, world.language = [], language
    world.asked = [replace(world.asked[2], reason=reason, may_ask_again=True)]
    assert (await told(world, "2", "2", "1")).screen == "request"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [*NAMED["not_asked"], "moon_phase"])
async def test_every_refusal_of_a_shops_demand_fits(reason: str, language: str) -> None:
    world = worst_world("W" * 60)
    world.recent, world.language = [], language
    world.demand_outcome = DemandOutcome("refused", reason=reason)
    assert (await told(world, "2", "1", "0711000111", "1", AMOUNT, "1", "1")).ended
    world.demand_outcome = DemandOutcome("refused", reason="limit", fits_minor=10**15 - 1)
    assert (await told(world, "2", "1", "0711000111", "1", AMOUNT, "1", "1")).screen == "ask_amount"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_outcome_of_an_act_of_a_shop_fits(language: str) -> None:
    world = worst_world("W" * 60)
    world.recent, world.language = [], language
    for world.act_outcome in get_args(ActOutcome):
        assert (await told(world, "2", "6", "2", "1", "0711000111", "W" * 20, "1")).ended
        assert (await told(world, "2", "6", "2", "2", "1", "1", "1")).ended
        assert (await told(world, "2", "6", "3", "1")).ended
    outcomes = [RefundOutcome("sent"), RefundOutcome("waits")]
    outcomes += [RefundOutcome("refused", one) for one in (*NAMED["not_refunded"], "moon_phase")]
    for world.refund_outcome in outcomes:
        assert (await told(world, "2", "6", "4", "1", "1", "1")).ended
    world.limits, world.asked = None, []
    assert (await told(world, "2", "6", "1")).screen == "limits"
    assert (await told(world, "2", "2")).screen == "requests"
