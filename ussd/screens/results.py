"""What became of a phone's payments: of the last minutes when it dials, and all of them in a list.

`decline` is the only handler with an effect.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ussd.amounts import format_amount
from ussd.menu import End, Go, Move, Option, Screen, Stay, Turn, View
from ussd.naming import named, short_name
from ussd.screens.common import ITEM_NAME_UNITS_MAX, chosen, go
from ussd.screens.shopper import find_shop
from ussd.session import Answers, ScreenName
from ussd.shopping import MerchantView, OwnRequest
from ussd.texts import Line, say

PAYMENTS_SHOWN: Final = 20  # about six pages
# The screen that has the choices of a state; `ended` has those of every other.
_SCREEN_OF: Final[dict[str, ScreenName]] = {"waiting": "waiting", "unknown": "status", "late": "status", "paid": "paid"}


def first_screen(requests: Sequence[OwnRequest]) -> Go:
    """Where a call begins that has payments to tell of: at the one there is, or at their list."""
    return to_request(requests[0], Answers()) if len(requests) == 1 else Go("recent")


def to_request(request: OwnRequest, answers: Answers) -> Go:
    """The screen of one payment."""
    return Go(_SCREEN_OF.get(request.state, "ended"), replace(answers, request_id=request.request_id))


# --- lists -----------------------------------------------------------------------------------------------------------


async def show_recent(turn: Turn) -> View:
    """The payments of the last minutes, where there are several."""
    requests = await turn.backend.own_recent(turn.step.msisdn)
    return _listed("recent.list" if requests else "status.none", requests)


async def take_recent(turn: Turn, text: str) -> Move:
    """Choose one of them by its place."""
    return _choose(turn, text, await turn.backend.own_recent(turn.step.msisdn))


async def show_mine(turn: Turn) -> View:
    """What this phone paid, and what it was asked for."""
    requests = await turn.backend.own_payments(turn.step.msisdn, PAYMENTS_SHOWN)
    return _listed("mine.list" if requests else "mine.none", requests)


async def take_mine(turn: Turn, text: str) -> Move:
    """Choose one of them by its place."""
    return _choose(turn, text, await turn.backend.own_payments(turn.step.msisdn, PAYMENTS_SHOWN))


def _listed(title: str, requests: Sequence[OwnRequest]) -> View:
    return View(say(title), tuple(_item(place, request) for place, request in enumerate(requests, start=1)))


def _item(place: int, request: OwnRequest) -> Line:
    # Written field by field: strftime costs as much as the rest of a page.
    day = f"{request.at.day:02}/{request.at.month:02}"
    state = say(f"state.{request.state if request.state in _SCREEN_OF else 'ended'}")
    name = named(short_name(request.shop, request.number), request.number, ITEM_NAME_UNITS_MAX)
    return say("mine.item", place=str(place), **_amount(request), shop=name, day=day, state=state)


def _choose(turn: Turn, text: str, requests: Sequence[OwnRequest]) -> Move:
    request = chosen(text, requests)
    return request if isinstance(request, Stay) else to_request(request, turn.answers)


# --- one payment -----------------------------------------------------------------------------------------------------


async def show_request(turn: Turn) -> View:
    """What became of one payment: a sentence for every reason."""
    request = await _chosen_request(turn)
    if request is None:
        return View(say("status.none"))
    at = request.at
    when = f"{at.day:02}/{at.month:02} {at.hour:02}:{at.minute:02}"
    key = "asked" if request.state == "waiting" and request.from_shop else request.state
    fits = format_amount(request.fits_minor, request.exponent)
    return View(say(f"status.{key}", **_amount(request), shop=_name_of(request), when=when, most=fits))


async def look_again(turn: Turn, text: str) -> Move:
    """The same payment anew, on the screen of what became of it meanwhile."""
    request = await _chosen_request(turn)
    return to_request(request, turn.answers) if request else Go("home", notice=say("status.none"))


async def pay_again(turn: Turn, text: str) -> Move:
    """The confirmation of the same payment, unless it came to something after all."""
    request = await _chosen_request(turn)
    if request is None:
        return Go("home", notice=say("status.none"))
    if request.state in _SCREEN_OF:
        return to_request(request, turn.answers)
    shop = await find_shop(turn, request.number, request.currency)
    if not (isinstance(shop, MerchantView) and shop.open):
        return End(say("refused.closed"))
    return Go("confirm", replace(turn.answers, shop=shop, amount_minor=request.amount_minor))


async def show_decline(turn: Turn) -> View:
    """Ask whether the shopper means not to pay what waits."""
    request = await _chosen_request(turn)
    if request is None:
        return View(say("status.none"))
    return View(say("decline.ask", **_amount(request), shop=_name_of(request)))


async def decline(turn: Turn, text: str) -> Move:
    """End what waits, as the shopper wishes; what has moved on meanwhile is shown instead."""
    assert turn.answers.request_id is not None
    outcome = await turn.backend.decline_request(turn.step.msisdn, turn.answers.request_id)
    if outcome == "declined":
        return End(say("decline.done"))
    moved = await look_again(turn, text)
    return replace(moved, notice=say("decline.too_late")) if isinstance(moved, Go) else moved


async def _chosen_request(turn: Turn) -> OwnRequest | None:
    assert turn.answers.request_id is not None
    return await turn.backend.own_request(turn.step.msisdn, turn.answers.request_id)


def _name_of(request: OwnRequest) -> str | Line:
    return named(short_name(request.shop, request.number), request.number)


def _amount(request: OwnRequest) -> dict[str, str]:
    return {"amount": format_amount(request.amount_minor, request.exponent), "currency": request.currency}


SCREENS: Final[dict[ScreenName, Screen]] = {
    "recent": Screen(show_recent, typed=take_recent),
    "mine": Screen(show_mine, typed=take_mine),
    "waiting": Screen(
        show_request,
        options={"1": Option("status.refresh", look_again), "2": Option("status.decline", go("decline"))},
    ),
    "status": Screen(show_request, options={"1": Option("status.refresh", look_again)}),
    "ended": Screen(show_request, options={"1": Option("status.again", pay_again)}),
    "paid": Screen(show_request),
    "decline": Screen(
        show_decline,
        options={"1": Option("decline.yes", decline), "2": Option("decline.no", look_again)},
        commits=True,
    ),
}
