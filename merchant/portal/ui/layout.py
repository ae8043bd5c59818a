"""Who sees which pages: kinds of people, and the ways through the portal that each of them has.

A way is shown to those who may go it: the permission stands here once more only to leave out dead ends; the screen
itself asks for it.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from merchant.core.access import HUB_ROLES, Actor, Permission, Role
from merchant.core.service import SchemeFacts
from merchant.core.texts import _


class Kind(StrEnum):
    """A kind of person, by whose pages they see."""

    HUB = "hub"
    DFSP = "dfsp"
    SHOP = "shop"  # a merchant's owner or cashier
    APPLICANT = "applicant"  # who registers a business


class Way(Struct, frozen=True):
    """A way through the portal, for some kinds of people who hold one of some permissions."""

    path: str
    label: str
    icon: str
    kinds: frozenset[Kind]
    permissions: frozenset[Permission] = frozenset()  # any of them; none: everyone
    others: tuple[str, ...] = ()  # further paths that are reached by it

    def holds(self, path: str) -> int:
        """How much of a path is this way's: the length of what agrees, 0 where none does."""
        agreeing = [one for one in (self.path, *self.others) if path == one or path.startswith(one + "/")]
        return max(map(len, agreeing), default=0)


class Layout(Struct, frozen=True):
    """The frame of a page: whose it is, and where they can go; `at` is the way they are on."""

    kind: Kind
    ways: Sequence[Way]
    at: str
    home: str


_P = Permission
_HUB, _DFSP, _SHOP = frozenset({Kind.HUB}), frozenset({Kind.DFSP}), frozenset({Kind.SHOP})
_STAFF = _HUB | _DFSP


def _any(*permissions: Permission) -> frozenset[Permission]:
    return frozenset(permissions)


_OF_SHOP = tuple(
    f"/shop/{one}"
    for one in ("bank", "cases", "change", "counters", "limit", "messages", "move", "notifications", "people", "prices")
)
_OF_PAYMENTS = ("/shop/day", "/shop/refunds", "/shop/statement")
WAYS = (
    Way("/hub", _("Today"), "activity", _HUB, _any(_P.OPERATIONS_READ)),
    Way("/work", _("My work"), "inbox", _DFSP, _any(_P.APPLICATIONS_READ)),
    Way("/applications/queue", _("To decide"), "gavel", _DFSP, _any(_P.APPLICATIONS_DECIDE)),
    Way("/applications", _("Applications"), "file-text", _STAFF, _any(_P.APPLICATIONS_READ)),
    Way("/claims", _("Claims"), "hand-coins", _DFSP, _any(_P.APPLICATIONS_READ)),
    Way("/merchants", _("Merchants"), "store", _STAFF, _any(_P.MERCHANTS_READ)),
    Way("/payments", _("Payments"), "banknote", _STAFF, _any(_P.PAYMENTS_READ)),
    Way("/reports", _("Reports"), "chart-column", _STAFF, _any(_P.PAYMENTS_READ, _P.APPLICATIONS_READ)),
    Way("/queues", _("Needs a human"), "circle-alert", _HUB, _any(_P.OPERATIONS_READ)),
    Way("/dfsps", _("DFSPs"), "landmark", _HUB, _any(_P.DFSPS_READ)),
    Way("/scheme", _("Scheme"), "network", _HUB, _any(_P.DFSPS_READ)),
    Way("/policies", _("Policies"), "scale", _STAFF, _any(_P.POLICIES_READ)),
    Way("/lists", _("Screening lists"), "list-checks", _STAFF, _any(_P.LISTS_READ)),
    Way("/users", _("People"), "users", _STAFF, _any(_P.USERS_WRITE)),
    Way(
        "/keys",
        _("Keys and webhooks"),
        "key-round",
        _STAFF,
        _any(_P.API_KEYS_WRITE, _P.WEBHOOKS_WRITE),
        ("/webhooks",),
    ),
    Way("/messages", _("Messages"), "send", _STAFF, _any(_P.NOTIFICATIONS_READ)),
    Way("/audit", _("Audit record"), "history", _STAFF, _any(_P.AUDIT_READ)),
    Way("/shop", _("Home"), "house", _SHOP),
    Way("/shop/ask", _("Ask for payment"), "hand-coins", _SHOP, _any(_P.PAYMENTS_REQUEST)),
    Way("/shop/payments", _("Payments"), "banknote", _SHOP, _any(_P.PAYMENTS_READ), _OF_PAYMENTS),
    Way("/shop/code", _("My QR code"), "qr-code", _SHOP, others=("/shop/posters",)),
    Way("/shop/more", _("My shop"), "store", _SHOP, others=(*_OF_SHOP, "/webhooks")),
)
# Where those start who may not see the home of their kind: a checker of the hub confirms DFSPs.
_SECOND_HOMES = {Kind.HUB: "/dfsps"}
HOMES = {Kind.HUB: "/hub", Kind.DFSP: "/work", Kind.SHOP: "/shop", Kind.APPLICANT: "/my-application"}


def kind_of(actor: Actor) -> Kind:
    """Which kind of person someone is."""
    roles = {Role(role) for role in actor.roles}
    if actor.merchant_id is not None:
        return Kind.SHOP
    if Role.MERCHANT_APPLICANT in roles:
        return Kind.APPLICANT
    if roles & HUB_ROLES or actor.dfsp_id is None:
        return Kind.HUB
    return Kind.DFSP


def layout_of(actor: Actor, path: str) -> Layout:
    """The frame of a page at a path."""
    kind = kind_of(actor)
    ways = [way for way in WAYS if kind in way.kinds and (not way.permissions or way.permissions & actor.permissions)]
    nearest = max(ways, key=lambda way: way.holds(path), default=None)
    at = nearest.path if nearest is not None and nearest.holds(path) else ""
    home, open_to = HOMES[kind], [way.path for way in ways]
    if ways and home not in open_to and kind != Kind.APPLICANT:
        second = _SECOND_HOMES.get(kind, "")
        home = second if second in open_to else open_to[0]
    return Layout(kind, ways, at, home)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone_of(scheme: SchemeFacts) -> ZoneInfo:
    """The time zone in which pages tell times."""
    return _zone(scheme.time_zone)
