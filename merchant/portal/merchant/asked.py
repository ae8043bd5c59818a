"""What the shop asked for, whatever became of it: newest first, and what was not paid asked again with one press."""

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.payments import routes as api
from merchant.payments.states import RequestState
from merchant.portal.merchant.shop import SHOP, open_counters, shop_of
from merchant.portal.merchant.waiting import can_ask_again
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link, screen
from merchant.portal.ui.words import WORDS

_PAGE = f"{__package__}/requests.html"
_HERE = "/shop/requests"
_STATES = [(one.value, WORDS["request"][one.value].text) for one in RequestState]
_LIMIT = "25"


@screen("GET", _HERE, permission=P.PAYMENTS_READ, kinds=SHOP)
async def requests(view: View) -> Page:
    """The requests of the shop, those of one state where one is chosen."""
    shop = await shop_of(view)
    state, cursor = view.query.get("state", ""), view.query.get("cursor")
    query = {"limit": _LIMIT} | ({"state": state} if state else {}) | ({"cursor": cursor} if cursor else {})
    rows, following, refused = [], None, ""
    try:
        told = await view.ask(api.list_payment_requests, query=query)
        rows, following = told.view, told.next_cursor
    except (errors.InvalidFilter, errors.InvalidPage) as error:
        refused = error.detail
    return view.page(
        _PAGE,
        status=422 if refused else 200,
        counters=open_counters(shop),
        states=_STATES,
        state=state,
        rows=rows,
        refused=refused,
        can_ask_again=can_ask_again,
        following=link(_HERE, state=state, cursor=following) if following else None,
        first=link(_HERE, state=state) if cursor else None,
    )


ROUTES = [requests]
