"""The people one plays on the demo's pages, and the API called as one of them.

They are in the application's state once `merchant demo` has made them up (demo.json); what a page then does for one of
them goes through the API's own routes, with that person's permissions and tenant.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.core import errors
from merchant.core.access import Role
from merchant.core.http import inside
from merchant.core.http.inside import Told
from merchant.core.http.json import service_of
from merchant.demo.own_shops import SHOPS
from merchant.demo.world import DFSPS, OPERATOR_EMAIL, DemoUser, DemoWorld
from merchant.people import sessions
from merchant.portal.ui.pages import Req
from merchant.programs.slices import ROUTES as SERVICE_ROUTES

# Whose queue and shop the wall shows: they work at the street seller's DFSP.
STAFF_DFSP = SHOPS[0].dfsp
MAKER, CHECKER, SECOND_CHECKER, ADMIN, AUDITOR = (
    f"{title}@{STAFF_DFSP}.example" for title in ("maker", "checker", "checker2", "admin", "auditor")
)
OPERATOR, HUB_CHECKER = OPERATOR_EMAIL, "checker@hub.example"
STALL_OWNER = SHOPS[0].owner[1]
_BY_EMAIL = "SELECT id FROM app_user WHERE email = $1"
_CAN = {
    Role.HUB_OPERATOR: "Enables DFSPs, watches health, finds any payment",
    Role.HUB_CHECKER: "Confirms what the operator proposes: policies, lists, the scheme",
    Role.DFSP_ADMIN: "Adds staff, keys and webhooks; suspends merchants",
    Role.DFSP_MAKER: "Writes applications and submits them",
    Role.DFSP_CHECKER: "Approves, returns or rejects; never their own work",
    Role.DFSP_AUDITOR: "Reads everything, the audit record too",
    Role.MERCHANT_OWNER: "Asks for money, sees what came in, prints the codes",
    Role.MERCHANT_CASHIER: "Asks for money at the counter",
}
_PAGES = frozenset(
    path
    for handler in SERVICE_ROUTES
    if isinstance(handler, HTTPRouteHandler) and "GET" in handler.http_methods
    for path in handler.paths
)
_CALLS = {
    (handler.opt["route"].method, handler.opt["route"].path): handler
    for handler in SERVICE_ROUTES
    if isinstance(handler, HTTPRouteHandler) and "route" in handler.opt
}


class Player(Struct, frozen=True):
    """One of the people one may play."""

    email: str
    name: str
    role: str
    place: str
    can: str


def demo_of(request: Req) -> DemoWorld | None:
    """Who is in the demo, as far as it is set up; None before."""
    known: DemoWorld | None = request.app.state.get("demo")
    return known


def players(known: DemoWorld | None) -> list[Player]:
    """Whom one may sign in as, in the order in which a payment scheme meets them."""
    if known is None:
        return []
    staff = (OPERATOR, HUB_CHECKER, MAKER, CHECKER, SECOND_CHECKER, ADMIN, AUDITOR)
    of_shops = [one[1] for shop in SHOPS for one in (shop.owner, shop.cashier) if one]
    found = (known.person(email) for email in (*staff, *of_shops))
    return [_player(user) for user in found if user is not None]


def _player(user: DemoUser) -> Player:
    role = Role(user.roles[0])
    title = role.value.partition("_")[2].capitalize()
    if user.dfsp is None:
        return Player(user.email, user.name or title, f"Hub {title.lower()}", "The hub", _CAN[role])
    return Player(user.email, user.name or title, title, user.merchant or DFSPS.get(user.dfsp, user.dfsp), _CAN[role])


def first_page(*paths: str) -> str:
    """The first of some pages that this service has; the last one where it has none of them."""
    return next((path for path in paths if path in _PAGES), paths[-1])


async def ask_as(request: Req, email: str, method: str, path: str, **what: Any) -> Told:
    """Call a route of the API as one of the demo's people. Raises what it refuses with, NotFound for strangers."""
    return await inside.ask(await _as_person(request, email), _CALLS[method, path], **what)


async def _as_person(request: Req, email: str) -> Req:
    """The request as if this person had sent it."""
    service = service_of(request)
    async with service.db.system_reads() as tx:
        user_id = await tx.fetchval(_BY_EMAIL, email)
    if user_id is None:
        raise errors.NotFound
    actor = await sessions.user_actor(service, user_id)
    scope = request.scope | {"state": {**request.scope["state"], "actor": actor}}
    return Request(scope)


def counters_of(known: DemoWorld | None, key: str) -> Sequence[dict[str, str]]:
    """The counters of one of the demo's shops; none before it is a merchant."""
    shop = known.shop(key) if known else None
    return shop["counters"] if shop else ()
