"""The shop itself: what it is, what it may take, what it lacks, and its counters."""

from typing import Any

import kyb
from merchant.channels import qr as qr_api
from merchant.compliance.cases import case_routes
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.money import display, parse_shown
from merchant.core.texts import _
from merchant.payments import limit_routes
from merchant.payments.limit_routes import MerchantLimits, TierLimit
from merchant.portal.merchant.shop import SHOP, is_owner, open_counters, shop_of, why_stopped
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.registry.merchants import routes as api
from merchant.registry.merchants.schemas import MerchantView

_MORE, _COUNTERS = (f"{__package__}/{name}.html" for name in ("more", "counters"))


@screen("GET", "/shop/more", permission=P.MERCHANTS_READ, kinds=SHOP)
async def more(view: View) -> Page:
    """My shop."""
    shop = await shop_of(view)
    needs = await _requirements(view, shop)
    told = await view.ask(limit_routes.read_merchant_limits, path={"merchant_id": shop.id})
    limits: MerchantLimits = told.view
    return view.page(
        _MORE,
        shop=shop,
        why=why_stopped(shop),
        needs=needs,
        limit=limits.limit and _in_words(view, limits.limit),
        rooms=[_shown(view, one.fits_now, one.currency) for one in limits.currencies if one.fits_now is not None],
        missing=_first_of_each(needs),
        raises=await _above(view, shop),
        owns=is_owner(view),
        counters=open_counters(shop),
    )


def _in_words(view: View, limit: TierLimit) -> dict[str, str | int | None]:
    """The limit and what is taken of it, in the page's language."""
    amounts = ("per_payment", "per_day", "per_month", "taken_today", "taken_this_month")
    counts = {"payments_per_day": limit.payments_per_day, "payments_today": limit.payments_today}
    return counts | {name: _shown(view, getattr(limit, name), limit.currency) for name in amounts}


def _shown(view: View, amount: str | None, currency: str) -> str | None:
    return None if amount is None else display(parse_shown(amount, currency), view.spoken.language)


async def _requirements(view: View, shop: MerchantView, tier: str | None = None) -> kyb.Requirements:
    query = {"tier": tier} if tier else {}
    found: kyb.Requirements = (
        await view.ask(case_routes.read_merchant_requirements, path={"merchant_id": shop.id}, query=query)
    ).view
    return found


async def _above(view: View, shop: MerchantView) -> kyb.Requirements | None:
    """What the next tier needs; None where the policy has none that this business could reach."""
    above = _tier_above(shop.tier)
    try:
        return await _requirements(view, shop, above) if above else None
    except errors.InvalidFields:
        return None


def _tier_above(tier: str) -> str | None:
    """The next tier, where there is one; none above a tier that the list lacks."""
    at = api.TIERS.index(tier) + 1 if tier in api.TIERS else len(api.TIERS)
    return api.TIERS[at] if at < len(api.TIERS) else None


def _first_of_each(needs: kyb.Requirements) -> list[kyb.Requirement]:
    """What is overdue or due, each sentence once."""
    found = {one.message: one for one in (*needs.past_due, *needs.errors, *needs.currently_due)}
    return list(found.values())


@screen("GET", "/shop/counters", permission=P.MERCHANTS_READ, kinds=SHOP)
async def counters(view: View) -> Page:
    """The counters, and what can be done with each."""
    shop = await shop_of(view)
    return view.page(_COUNTERS, shop=shop, keeps=view.may(P.OWN_COUNTERS_WRITE))


def _counter(shop: MerchantView, given: dict[str, Any]) -> str:
    return next((one.name for one in shop.counters if one.id == given["counter_id"]), "")


async def _place(view: View, _given: dict[str, Any]) -> Subject:
    shop = await shop_of(view)
    places = [(str(one.id), f"{one.name}, {one.city}" if one.name else one.city) for one in shop.locations]
    name = Field("name", _("Name of the counter"), hint=_("Such as “Till 2” or “Terrace”."), required=True, most=128)
    where = Field("location_id", _("Place"), "choice", required=True, choices=places, value=places[0][0])
    only = Field("location_id", "", "hidden", value=places[0][0])
    return Subject(shop.trading_name, fields=(name, where if len(places) > 1 else only))


async def _named(view: View, given: dict[str, Any]) -> Subject:
    name = _counter(await shop_of(view), given)
    return Subject(name, start={"name": name})


async def _own_merchant(view: View, _given: dict[str, Any]) -> dict[str, Any]:
    return {"merchant_id": (await shop_of(view)).id}


_REASON = Field("reason", _("Reason"), hint=_("Kept in the record of the shop."), required=True, most=500)
_OLD = [("replaced", _("It is worn out")), ("revoked", _("It was lost, stolen or tampered with"))]
_ACTS = (
    Act(
        path="/shop/counters/add",
        handler=api.add_counter,
        names=_own_merchant,
        title=_("Add a counter"),
        effect=_("It has its own number and QR code at once."),
        button=_("Add the counter"),
        to="/shop/counters",
        done=_("The counter is open."),
        subject=_place,
        kinds=SHOP,
    ),
    Act(
        path="/shop/counters/{counter_id}/rename",
        handler=api.change_counter,
        title=_("Rename {name}"),
        effect=_("Its number and its code stay as they are."),
        button=_("Rename"),
        to="/shop/counters",
        done=_("{name} has a new name."),
        fields=(Field("name", _("Name of the counter"), required=True, most=128),),
        subject=_named,
        kinds=SHOP,
    ),
    Act(
        path="/shop/counters/{counter_id}/close",
        handler=api.close_counter,
        title=_("Close {name}"),
        effect=_("It takes no payments any more, and its number goes to nobody else. This cannot be undone."),
        button=_("Close for good"),
        to="/shop/counters",
        done=_("{name} is closed."),
        tone="bad",
        fields=(_REASON,),
        subject=_named,
        kinds=SHOP,
    ),
    Act(
        path="/shop/counters/{counter_id}/sticker",
        handler=qr_api.replace_sticker,
        title=_("New sticker for {name}"),
        effect=_("The number stays. Whoever scans the old sticker is told that there is a newer one, or not to pay."),
        button=_("Replace the sticker"),
        to="/shop/code",
        done=_("{name} has a new sticker: print it, and take the old one down."),
        tone="bad",
        fields=(
            Field("old_sticker", _("What about the old one?"), "choice", required=True, choices=_OLD, value="replaced"),
            _REASON,
        ),
        subject=_named,
        kinds=SHOP,
    ),
)

ROUTES = [more, counters, *(one for act in _ACTS for one in act_screens(act))]
