"""What pages call the merchants, counters and DFSPs of payments and reports."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from merchant.core.access import Permission as P
from merchant.people import routes as people_api
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.markup import fill
from merchant.portal.ui.screen import View
from merchant.scheme import routes as scheme_api
from merchant.scheme.schemas import DfspView


def merchant_cell(view: View, row: Any) -> Markup:
    """A row's merchant and counter by their names; nothing of a merchant that went to another DFSP."""
    if not row.merchant_name:
        return Markup("–")
    shown = fill("<bdi>{}</bdi>", row.merchant_name)
    if view.may(P.MERCHANTS_READ):
        shown = fill('<a href="/merchants/{}">{}</a>', row.merchant_id, shown)
    return shown + fill(' <span class="quiet"><bdi>{}</bdi></span>', row.counter_name)


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
