"""The screens of what a shop asked its customers: how each request stands, asking again, taking it back."""

from typing import Final

from msgspec.structs import replace

from ussd.menu import End, Move, Option, Screen, Stay, Turn, View
from ussd.screens.asking import refusal, sent_or_not
from ussd.screens.common import go
from ussd.screens.trading import LISTED_MAX, begin, item_at, money, tail, to, trade_of, when
from ussd.session import ScreenName
from ussd.texts import CATALOGUES, LANGUAGES, Line, say
from ussd.trade import RequestLine

AGAIN, TAKE_BACK = "1", "2"


async def show_requests(turn: Turn) -> View:
    """The shop's last requests, newest first, with how each stands."""
    requests = await _requests(turn)
    lines = (
        say(f"requests.{one.standing}", place=str(place), customer=tail(one.customer_masked), **_amount(one))
        for place, one in enumerate(requests, start=1)
    )
    return View(say("requests.list" if requests else "requests.none"), tuple(lines))


async def take_request(turn: Turn, text: str) -> Move:
    """Choose one by its place in the list."""
    chosen = item_at(text, await _requests(turn))
    if isinstance(chosen, Stay):
        return chosen
    return to("request", replace(trade_of(turn), chosen_id=chosen.request_id))


async def _requests(turn: Turn) -> list[RequestLine]:
    return await turn.backend.recent_requests(turn.step.msisdn, trade_of(turn).shop_id, LISTED_MAX)


async def _chosen(turn: Turn) -> RequestLine | None:
    chosen_id = trade_of(turn).chosen_id
    assert chosen_id is not None
    return await turn.backend.read_request(turn.step.msisdn, chosen_id)


async def show_request(turn: Turn) -> View:
    """How one request stands now, in a sentence."""
    request = await _chosen(turn)
    if request is None:
        return View(say("not_asked.not_yours"), hides=frozenset({AGAIN, TAKE_BACK}))
    hides = {AGAIN} if not request.may_ask_again else set[str]()
    hides |= {TAKE_BACK} if not request.may_take_back else set()
    return View(_told(request), hides=frozenset(hides))


def _told(request: RequestLine) -> Line:
    key = f"request.{request.standing}"
    if request.standing == "not_paid":
        key = f"request.{request.reason}"
        key = key if key in CATALOGUES[LANGUAGES[0]].texts else "request.other"
    return say(key, customer=tail(request.customer_masked), at=when(request.at), **_amount(request))


async def show_again(turn: Turn) -> View:
    """Ask before the customer is asked once more."""
    return await _before(turn, "requests.again")


async def show_take_back(turn: Turn) -> View:
    """Ask before a request is taken back."""
    return await _before(turn, "requests.take_back")


async def _before(turn: Turn, key: str) -> View:
    request = await _chosen(turn)
    if request is None:
        return View(say("not_asked.not_yours"))
    return View(say(key, customer=tail(request.customer_masked), **_amount(request)))


async def ask_again(turn: Turn, text: str) -> Move:
    """Put the same demand to the same customer again: an effect."""
    request = await _chosen(turn)
    if request is None:
        return End(refusal("not_yours"))
    outcome = await turn.backend.demand_again(turn.step.msisdn, request.request_id, turn.key)
    return End(sent_or_not(turn, outcome, _amount(request)))


async def take_back(turn: Turn, text: str) -> Move:
    """Take the request back: an effect."""
    request = await _chosen(turn)
    if request is None:
        return End(refusal("not_yours"))
    outcome = await turn.backend.take_back(turn.step.msisdn, request.request_id, turn.key)
    if outcome.state == "sent":
        return End(say("requests.taken_back", customer=tail(request.customer_masked), **_amount(request)))
    return End(refusal(outcome.reason))


def _amount(request: RequestLine) -> dict[str, str]:
    return money(request.amount_minor, request.exponent, request.currency)


SCREENS: Final[dict[ScreenName, Screen]] = {
    "requests": Screen(show_requests, typed=take_request),
    "request": Screen(
        show_request,
        options={
            AGAIN: Option("requests.ask_again", go("ask_again")),
            TAKE_BACK: Option("requests.cancel", go("take_back")),
            "3": Option("status.refresh", go("request")),
        },
        varies=True,
    ),
    "ask_again": Screen(
        show_again,
        options={"1": Option("ask.ask", ask_again), "2": Option("confirm.cancel", begin("shop"))},
        commits=True,
    ),
    "take_back": Screen(
        show_take_back,
        options={"1": Option("requests.cancel", take_back), "2": Option("requests.keep", begin("shop"))},
        commits=True,
    ),
}
