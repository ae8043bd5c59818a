"""What the panels of the demo's wall show: the street seller's shop, a shopper's phone, the staff's queue, the hub.

Shop and staff see what the API shows to the stall's owner and to a checker; the phone is another party, asked over
HTTP; the hub's panel reads the news of the whole scheme, as the demo's other pages do.
"""

from typing import Any

from msgspec import Struct

from merchant.compliance.cases.states import ApplicationState
from merchant.core import money
from merchant.core.http.json import service_of
from merchant.demo.own_shops import SHOPS, STALL, Shop
from merchant.demo.pages import cast, phones, world
from merchant.demo.pages.phones import Message, NoAnswer
from merchant.demo.payments import HELD_PHONE
from merchant.payments.states import RequestCapability, RequestState, may
from merchant.portal.ui.pages import Req

SHOWN = 5
_ON_ONE_PAGE = "100"
_WAITING = (ApplicationState.SUBMITTED, ApplicationState.IN_REVIEW)
# "Paid", as a till would call it out in the shop's language.
_PAID = {"sw": "Umelipwa {amount}.", "fr": "Payé : {amount}.", "en": "Paid: {amount}."}
_COUNTED = """
SELECT (SELECT coalesce(sum(times), 0) FROM inbox) AS messages, (SELECT count(*) FROM payment) AS payments,
       (SELECT count(*) FROM payment_request WHERE state = $1) AS in_doubt
"""


class Asked(Struct, frozen=True):
    """One request of the stall, as its owner sees it."""

    id: str
    amount: Any
    state: str
    waits: bool
    paid: bool
    at: str
    payer: str
    reason: str
    code: str


class ShopPanel(Struct, frozen=True):
    """The stall: its newest request big, those before it small."""

    shop: Shop
    number: str
    asked: list[Asked]
    paid_text: str

    @property
    def latest(self) -> Asked | None:
        """The newest request."""
        return self.asked[0] if self.asked else None


class PhonePanel(Struct, frozen=True):
    """The shopper's phone: requests that wait for an answer, then what happened."""

    label: str
    waiting: list[Message]
    messages: list[Message]
    problem: str = ""


class StaffPanel(Struct, frozen=True):
    """The queue of the stall's DFSP."""

    waiting: int
    newest: list[Any]


class HubPanel(Struct, frozen=True):
    """The hub's last minutes."""

    requests: list[world.NewsItem]
    in_doubt: int
    payments: int
    per_payment: str


class Panels(Struct, frozen=True):
    """Everything on the wall that changes by itself."""

    shop: ShopPanel | None
    phone: PhonePanel
    staff: StaffPanel | None
    hub: HubPanel


async def look(request: Req) -> Panels:
    """All panels as they are now; shop and staff are None before the demo's people are there."""
    return Panels(await shop(request), await phone(request), await _staff(request), await _hub(request))


async def shop(request: Req) -> ShopPanel | None:
    """The stall's panel; None before the stall is a merchant."""
    known = cast.demo_of(request)
    counters = cast.counters_of(known, STALL)
    if known is None or not counters or known.person(cast.STALL_OWNER) is None:
        return None
    found = await cast.ask_as(request, cast.STALL_OWNER, "GET", "/api/v1/payment-requests", query={"limit": str(SHOWN)})
    asked, stall = [_asked(view) for view in found.view[:SHOWN]], SHOPS[0]
    said = ""
    if asked and asked[0].paid:
        amount = money.display(money.parse_shown(asked[0].amount.amount, asked[0].amount.currency))
        said = _PAID.get(stall.language, _PAID["en"]).format(amount=amount)
    return ShopPanel(stall, counters[0]["alias"], asked, said)


def _asked(view: Any) -> Asked:
    payer = view.payer.id if view.payer else ""
    reason = view.reason.message if view.reason else ""
    code = view.pay_url.rpartition("/")[2]
    return Asked(
        str(view.id),
        view.amount,
        str(view.state),
        may(view.state, RequestCapability.EXPIRE),
        view.paid_at is not None,
        view.created_at,
        payer or "",
        reason,
        code,
    )


async def phone(request: Req) -> PhonePanel:
    """The phone that the wall's visitor holds."""
    label = "+" + HELD_PHONE[:3] + " " + HELD_PHONE[3:6] + " " + HELD_PHONE[6:9] + " " + HELD_PHONE[9:]
    try:
        messages = await phones.read_inbox(service_of(request).settings.hub_url, HELD_PHONE)
    except NoAnswer as error:
        return PhonePanel(label, [], [], str(error))
    waiting = [one for one in messages if one.waits and one.transaction_request_id]
    return PhonePanel(label, waiting, [one for one in messages if not one.waits][:SHOWN])


async def _staff(request: Req) -> StaffPanel | None:
    known = cast.demo_of(request)
    if known is None or known.person(cast.CHECKER) is None:
        return None
    path, waiting = "/api/v1/applications", []
    for state in _WAITING:
        query = {"state": state.value, "limit": _ON_ONE_PAGE}
        waiting += (await cast.ask_as(request, cast.CHECKER, "GET", path, query=query)).view
    newest = (await cast.ask_as(request, cast.CHECKER, "GET", path, query={"limit": str(SHOWN)})).view
    known_ids = {one.id for one in waiting}
    first = waiting + [one for one in newest if one.id not in known_ids]
    return StaffPanel(len(waiting), first[:SHOWN])


async def _hub(request: Req) -> HubPanel:
    service = service_of(request)
    news = await world.news(service)
    async with service.db.system_reads() as tx:
        counted = await tx.fetchrow(_COUNTED, RequestState.IN_DOUBT)
    assert counted is not None
    payments = counted["payments"]
    per_payment = f"{counted['messages'] / payments:.1f}" if payments else "–"
    return HubPanel(news.requests[: SHOWN + 1], counted["in_doubt"], payments, per_payment)
