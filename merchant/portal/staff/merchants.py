"""Merchants: finding one, its page, and what staff do with it and its counters."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup

from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE, NAME
from merchant.core.texts import _
from merchant.portal.staff.merchant_tabs import merchant_tabs
from merchant.portal.ui.acts import Act, Subject, act_screens, subject_of
from merchant.portal.ui.fields import Field
from merchant.portal.ui.lists import Button, Column, Empty, Listing, instant, name_of, show_list, state, text
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page, grouped
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS
from merchant.registry.merchants import routes as api
from merchant.registry.merchants.schemas import MerchantView
from merchant.registry.merchants.states import MerchantState

_MERCHANT_PAGE = f"{__package__}/merchant.html"
_STATES = [(state.value, WORDS["merchant"][state.value].text) for state in MerchantState]


def _numbers(_view: View, row: MerchantView) -> Markup:
    """The first numbers of a merchant, and how many there are besides."""
    first = Markup(", ").join(fill('<bdi class="nowrap">{}</bdi>', grouped(one.alias)) for one in row.counters[:2])
    return first + f" +{len(row.counters) - 2}" if len(row.counters) > 2 else first


_LIST = Listing(
    title=_("Merchants"),
    handler=api.list_merchants,
    href=lambda row: f"/merchants/{row.id}",
    columns=(
        Column(_("Name"), name_of("trading_name"), main=True, sorts=(NAME,)),
        Column(_("Number"), _numbers),
        Column(_("State"), state("merchant")),
        Column(_("Tier"), text("tier")),
        Column(_("Risk"), state("risk", "risk")),
        Column(_("City"), name_of("city")),
        Column(_("Since"), instant("created_at"), sorts=BY_AGE),
    ),
    filters=(
        Field("q", _("Name, number, phone, owner or city"), hint=_("Any words, in any order")),
        Field("state", _("State"), "choice", choices=_STATES),
        Field("tier", _("Tier"), "choice", choices=[(one, one) for one in api.TIERS]),
        Field("risk", _("Risk"), "choice", choices=[(one, WORDS["risk"][one].text) for one in api.RISKS]),
        Field("city", _("City")),
    ),
    ranked="q",
    buttons=(Button("/merchants/reports-of-codes", _("Reports of codes"), "flag", plain=True),),
    empty=Empty(
        _("No merchants yet"),
        _("A merchant is here once its application is approved."),
        Button("/applications/new", _("New application"), permission=P.APPLICATIONS_WRITE),
    ),
)


@screen("GET", "/merchants", permission=P.MERCHANTS_READ, kinds=STAFF)
async def merchants(view: View) -> Page:
    """Merchants, found by any words one knows of them."""
    return await show_list(view, _LIST)


@screen("GET", "/merchants/{merchant_id}", permission=P.MERCHANTS_READ, kinds=STAFF)
async def merchant(view: View, merchant_id: UUID) -> Page:
    """A merchant: what it is, its places and counters, and what can be done."""
    found = await view.ask(api.read_merchant, path={"merchant_id": merchant_id})
    tabs = merchant_tabs(view, merchant_id)
    return view.page(_MERCHANT_PAGE, merchant=found.view, deeds=_deeds(view, found.view), tabs=tabs)


def _deeds(view: View, merchant: MerchantView) -> Sequence[Button]:
    """What can be done with a merchant in its state."""
    here = f"/merchants/{merchant.id}"
    states = MerchantState
    suspends, writes = P.MERCHANTS_SUSPEND, P.MERCHANTS_WRITE
    case = Button(f"{here}/cases/new", _("Start a case"), "file-text", P.APPLICATIONS_WRITE, plain=True)
    able = {
        states.ACTIVE: [
            case,
            Button(f"{here}/counters/add", _("Add a counter"), "plus", writes, plain=True),
            Button(f"{here}/suspend", _("Suspend"), "pause", suspends, plain=True),
        ],
        states.RESTRICTED: [
            case,
            Button(f"{here}/suspend", _("Suspend"), "pause", suspends, plain=True),
        ],
        states.SUSPENDED: [case, Button(f"{here}/close", _("Close"), "x", suspends, plain=True)],
    }
    return [one for one in able.get(merchant.state, []) if one.permission is None or view.may(one.permission)]


_named = subject_of(api.read_merchant, lambda found: found.trading_name)


async def _places(view: View, given: dict[str, Any]) -> Subject:
    told = await view.ask(api.read_merchant, path={"merchant_id": given["merchant_id"]})
    found: MerchantView = told.view
    places = [(str(one.id), f"{one.name}, {one.city}") for one in found.locations]
    fields = (
        Field("location_id", _("Place"), "choice", required=True, choices=places, value=places[0][0] if places else ""),
        Field("name", _("Name of the counter"), hint=_("Such as “Till 2” or “Terrace”."), required=True, most=128),
    )
    return Subject(found.trading_name, told.revision, fields=fields)


_REASON = Field(
    "reason", _("Reason"), "area", _("Kept in the audit record; the merchant is told."), required=True, most=500
)
_ACTS = (
    Act(
        path="/merchants/{merchant_id}/suspend",
        handler=api.suspend_merchant,
        title=_("Suspend {name}"),
        effect=_("{name} takes no payments from this moment on; its codes say so. You can reinstate it later."),
        button=_("Suspend"),
        to="/merchants/{merchant_id}",
        done=_("{name} is suspended."),
        tone="bad",
        fields=(_REASON,),
        subject=_named,
        kinds=STAFF,
    ),
    Act(
        path="/merchants/{merchant_id}/close",
        handler=api.close_merchant,
        title=_("Close {name}"),
        effect=_("{name} is closed for good, and its numbers go to nobody else. This cannot be undone."),
        button=_("Close for good"),
        to="/merchants/{merchant_id}",
        done=_("{name} is closed."),
        tone="bad",
        fields=(_REASON,),
        subject=_named,
        kinds=STAFF,
    ),
    Act(
        path="/merchants/{merchant_id}/counters/add",
        handler=api.add_counter,
        title=_("Add a counter to {name}"),
        effect=_("The counter has its own number and QR code at once."),
        button=_("Add the counter"),
        to="/merchants/{merchant_id}",
        done=_("The counter is open."),
        subject=_places,
        kinds=STAFF,
    ),
)

ROUTES = [merchants, merchant, *(one for act in _ACTS for one in act_screens(act))]
