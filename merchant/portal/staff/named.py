"""Names for ids: what pages call the merchants, counters and DFSPs that reports and payments name by id only."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.people import routes as people_api
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.screen import View
from merchant.registry.merchants import routes as merchants_api
from merchant.registry.merchants.schemas import MerchantView
from merchant.scheme import routes as scheme_api
from merchant.scheme.schemas import DfspView


async def merchants_named(view: View, ids: Iterable[UUID]) -> dict[UUID, MerchantView]:
    """The merchants of some rows, each read once; one that is gone, or not the caller's, is left out."""
    found: dict[UUID, MerchantView] = {}
    if not view.may(P.MERCHANTS_READ):
        return found
    for merchant_id in dict.fromkeys(ids):
        try:
            found[merchant_id] = (await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})).view
        except errors.NotFound:
            continue
    return found


async def merchants_of(view: View, rows: Iterable[Any]) -> dict[UUID, MerchantView]:
    """The merchants of rows that have a `merchant_id`, as lists take them (Listing.names)."""
    return await merchants_named(view, [row.merchant_id for row in rows])


def merchant_cell(view: View, row: Any) -> Markup:
    """A row's merchant and counter by their names, for rows of a list with `names=merchants_of`."""
    merchant = view.names.get(row.merchant_id)
    if merchant is None:
        return Markup("–")
    shown = Markup('<a href="/merchants/{}"><bdi>{}</bdi></a>').format(merchant.id, merchant.trading_name)
    counter = counter_name(merchant, row.counter_id)
    return shown + Markup(' <span class="quiet"><bdi>{}</bdi></span>').format(counter) if counter else shown


def counter_name(merchant: MerchantView | None, counter_id: UUID) -> str | None:
    """What a counter of a merchant is called; None for one that is closed."""
    return next((one.name for one in merchant.counters if one.id == counter_id), None) if merchant else None


async def dfsps_named(view: View) -> Sequence[tuple[str, str]]:
    """The DFSPs to choose from, id and name: for the hub, which sees all; a DFSP has no choice."""
    if view.kind != Kind.HUB or not view.may(P.DFSPS_READ):
        return ()
    found: list[DfspView] = await view.all_of(people_api.list_dfsps)
    return sorted(((str(one.id), one.name) for one in found), key=lambda one: one[1].casefold())


async def own_dfsp_name(view: View) -> str:
    """What the DFSP of who looks is called; nothing for the hub."""
    if view.actor.dfsp_id is None:
        return ""
    found: DfspView = (await view.ask(scheme_api.read_dfsp, path={"dfsp_id": view.actor.dfsp_id})).view
    return found.name
