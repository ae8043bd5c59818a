"""What an owner asks their bank for: a higher limit, other details, another account, another bank; and how it stands.

Each is a case that the bank's people complete and decide; until then nothing changes for the shop.
"""

from collections.abc import Callable, Sequence
from typing import Any

from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup
from msgspec import Struct

import kyb
from kyb import fields as bounds
from merchant.compliance.cases import case_routes
from merchant.compliance.cases.states import Capability, application_may
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.money import Money, display
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.people.registration import application_routes as api
from merchant.people.registration.schemas import MyMerchantView, WishView
from merchant.portal.signup import answers, register
from merchant.portal.signup.steps import own_money
from merchant.portal.ui.acts import ONCE, Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Button, Column, Empty, Listing, badge, instant, said, show_list
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.registry.merchants import routes as merchants

SHOP = frozenset({Kind.SHOP})
_MINE, _LIST = P.OWN_APPLICATION_WRITE, "/shop/cases"
_LIMIT, _CHANGE = f"{__package__}/limit.html", f"{__package__}/change.html"
_PLACES_MAX = 3  # whoever has more asks their bank
_MORE = ("/shop/more", _("My shop"))


# --- a higher limit --------------------------------------------------------------------------------------------------


@screen("GET", "/shop/limit", permission=_MINE, kinds=SHOP)
async def limit(view: View) -> Page:
    """What the next tier needs and gives, in words."""
    shop = (await view.ask(merchants.read_merchant, path={"merchant_id": view.actor.merchant_id})).view
    above = _above(shop.tier)
    needs: kyb.Requirements | None = None
    if above is not None:
        needs = await _needs(view, above)
    return view.page(
        _LIMIT,
        crumb=_MORE,
        above=above if needs is not None and needs.unlocks is not None else None,
        due=_sentences(needs),
        gives=[] if needs is None or needs.unlocks is None else _gives(view, needs.unlocks, shop.currencies),
    )


@screen("POST", "/shop/limit", permission=_MINE, kinds=SHOP)
async def ask_for_limit(view: View) -> Page:
    """Ask for the next tier."""
    body = {"kind": "upgrade", "target_tier": view.form.get("target_tier")}
    told = await view.attempt(api.ask_for_case, body=body, key=view.form.get(ONCE))
    if told is None:
        return await _again(limit, view)
    return view.go(_LIST, _("Your bank has it. Somebody there calls you about what is needed."))


async def _again(handler: HTTPRouteHandler, view: View) -> Page:
    page: Page = await handler.opt["show"](view)
    return page


def _above(tier: str) -> str | None:
    """The next tier, where there is one."""
    at = merchants.TIERS.index(tier) + 1 if tier in merchants.TIERS else len(merchants.TIERS)
    return merchants.TIERS[at] if at < len(merchants.TIERS) else None


async def _needs(view: View, tier: str) -> kyb.Requirements | None:
    """What a tier needs; None where this kind of business cannot have it."""
    path = {"merchant_id": view.actor.merchant_id}
    try:
        found: kyb.Requirements = (
            await view.ask(case_routes.read_merchant_requirements, path=path, query={"tier": tier})
        ).view
    except errors.InvalidFields:
        return None
    return found


def _sentences(needs: kyb.Requirements | None) -> list[str]:
    """What is needed, each sentence once."""
    if needs is None:
        return []
    return list(dict.fromkeys(one.message for one in (*needs.errors, *needs.past_due, *needs.currently_due)))


def _gives(view: View, unlocks: kyb.Unlocks, currencies: Sequence[str]) -> list[tuple[str, str]]:
    """The limits of one payment and of a day, in each of the shop's currencies."""
    language = view.spoken.language
    return [
        (
            display(Money(limits.per_payment_minor, currency), language),
            display(Money(limits.per_day_minor, currency), language),
        )
        for currency, limits in unlocks.limits.items()
        if currency in currencies
    ]


# --- other details ---------------------------------------------------------------------------------------------------


class Change(Struct, frozen=True):
    """A page of what an owner may have changed: its address, title, sections and fields."""

    path: str
    title: str
    text: str
    sections: tuple[str, ...]
    fields: Callable[[View, MyMerchantView], list[Field]]


def _details(_view: View, now: MyMerchantView) -> list[Field]:
    found = [
        Field(
            "business.trading_name", _("Name of the shop or stall"), required=True, most=bounds.MAX_TRADING_NAME_CHARS
        )
    ]
    if now.contact.owner_index is None:
        found.append(Field("contact.phone", _("Phone number"), "phone", most=32, autocomplete="tel"))
    many = len(now.locations) > 1
    for at, place in enumerate(now.locations[:_PLACES_MAX]):
        name = place.name or place.city or str(at + 1)
        city = _("Town or village: {place}", place=name) if many else _("Town or village")
        street = _("How to find it: {place}", place=name) if many else _("How to find it")
        found += [
            Field(f"locations[{at}].city", city, required=True, most=bounds.MAX_CITY_CHARS),
            Field(f"locations[{at}].address_lines", street, "lines", most=300),
        ]
    return found


def _account(view: View, _now: MyMerchantView) -> list[Field]:
    own, money = own_money(view), [(one, one) for one in view.scheme.currencies]
    return [
        Field(
            "settlement_account.account_id",
            _("Account or wallet number"),
            hint=_("At your bank, in your name or that of the business."),
            required=True,
            most=bounds.MAX_IDENTIFIER_CHARS,
        ),
        Field("settlement_account.account_name", _("Name of the account"), most=bounds.MAX_LEGAL_NAME_CHARS),
        Field("settlement_account.currency", _("Currency"), "choice", required=True, choices=money, value=own),
    ]


_CHANGES = (
    Change(
        "/shop/change",
        _("Change my details"),
        _("Your bank checks what is new. Until then your shop stays as it is, and takes payments."),
        ("business", "contact", "locations"),
        _details,
    ),
    Change(
        "/shop/bank",
        _("My account for payouts"),
        _("Your bank checks the new account. Until then your money goes where it goes now."),
        ("settlement_account",),
        _account,
    ),
)


def _change_screens(change: Change) -> list[HTTPRouteHandler]:
    """The page and the form's handler of a change."""

    async def page(view: View, now: MyMerchantView) -> Page:
        return view.page(
            _CHANGE,
            change=change,
            crumb=_MORE,
            fields=_asked(change, view, now),
            start=answers.begun_with(now, change.sections),
        )

    async def show(view: View) -> Page:
        return await page(view, (await view.ask(api.read_my_merchant)).view)

    async def do(view: View) -> Page:
        now: MyMerchantView = (await view.ask(api.read_my_merchant)).view
        wanted = answers.changed(now, change.sections, view.form, _asked(change, view, now))
        told = await view.attempt(api.ask_for_case, body={"kind": "change", **wanted}, key=view.form.get(ONCE))
        if told is None:
            return await page(view, now)
        return view.go(_LIST, _("Your bank has it and checks it."))

    show.__doc__ = do.__doc__ = change.title
    show.__name__ = do.__name__ = change.path.strip("/").replace("/", "_")
    return [
        screen("GET", change.path, permission=_MINE, kinds=SHOP)(show),
        screen("POST", change.path, permission=_MINE, kinds=SHOP)(do),
    ]


def _asked(change: Change, view: View, now: MyMerchantView) -> list[Field]:
    hidden = answers.masked(now, change.sections)
    return answers.asking_again(change.fields(view, now), hidden, now.owners)


# --- another bank ----------------------------------------------------------------------------------------------------


async def _other_dfsps(view: View, _given: dict[str, Any]) -> Subject:
    choices = [(str(one.id), one.name) for one in await register.dfsps(view.request)]
    own = next((name for dfsp_id, name in choices if dfsp_id == str(view.actor.dfsp_id)), "–")
    others = [one for one in choices if one[0] != str(view.actor.dfsp_id)]
    field = Field("dfsp_id", _("Where do you want to go?"), "radios", required=True, choices=others)
    return Subject(own, fields=(field,))


_MOVE = Act(
    path="/shop/move",
    handler=api.ask_for_case,
    title=_("Change my bank"),
    effect=_(
        "Now it is {name}. The new bank must agree first; until then {name} serves you, and payments go on. Your number"
        " and your stickers stay."
    ),
    button=_("Ask to change"),
    to=_LIST,
    done=_("Your wish to leave {name} is handed in."),
    permission=_MINE,
    kinds=SHOP,
    body={"kind": "transfer"},
    subject=_other_dfsps,
)


# --- what was asked for ----------------------------------------------------------------------------------------------


def _state(view: View, row: WishView) -> Markup:
    """How it stands; what is still a draft is in the bank's hands, since it was handed in."""
    return badge(view, "wish", "handed_in" if application_may(row.state, Capability.SUBMIT) else row.state)


_CASES = Listing(
    title=_("What I asked for"),
    handler=api.list_my_cases,
    columns=(
        Column(_("What"), said("wish_kind", "kind"), main=True),
        Column(_("How it stands"), _state),
        Column(_("Asked on"), instant("created_at"), sorts=BY_AGE),
        Column(_("Answer"), lambda _view, row: Markup("<q>{}</q>").format(row.reason) if row.reason else "–"),
    ),
    empty=Empty(
        _("You have asked for nothing yet"),
        _("Your bank raises your limit, and changes what it knows of your shop."),
        Button("/shop/limit", _("Raise my limit"), "arrow-right"),
    ),
    buttons=(
        Button("/shop/limit", _("Raise my limit"), "plus"),
        Button("/shop/change", _("Change my details"), "pencil", plain=True),
        Button("/shop/bank", _("My account for payouts"), "wallet", plain=True),
        Button("/shop/move", _("Change my bank"), "landmark", plain=True),
    ),
    exports=False,
    crumb=_MORE,
)


@screen("GET", _LIST, permission=_MINE, kinds=SHOP)
async def cases(view: View) -> Page:
    """What was asked for, and how it stands."""
    return await show_list(view, _CASES)


ROUTES = [
    limit,
    ask_for_limit,
    *(one for change in _CHANGES for one in _change_screens(change)),
    *act_screens(_MOVE),
    cases,
]
