"""The pages of an application, one question each: what they ask, which sections they write, what of them is missing."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

import kyb
from kyb import fields as bounds
from merchant.core import texts
from merchant.core.texts import _
from merchant.people.registration.schemas import MyApplicationView
from merchant.portal.signup import choices
from merchant.portal.ui import when
from merchant.portal.ui.fields import Field, start_of
from merchant.portal.ui.screen import View

StepDone = Literal["done", "todo", "problem", "free"]  # free: may be left out


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONEY_ASKED_MAX = 3  # of more, a stall takes that of its country, and staff add what else it takes


class Step(Struct, frozen=True):
    """A page: its name in addresses, its question, what it is called in lists, and what it asks for."""

    name: str
    question: str
    label: str
    icon: str
    sections: tuple[str, ...]
    paths: tuple[str, ...]  # of the answers that belong to it, as their beginnings
    fields: Callable[[View, MyApplicationView], list[Field]]
    text: str = ""
    is_free: bool = False


def _first(application: MyApplicationView) -> kyb.Owner:
    return application.owners[0] if application.owners else kyb.Owner()


def _name(_view: View, _application: MyApplicationView) -> list[Field]:
    return [
        Field(
            "business.trading_name",
            _("Name of the shop or stall"),
            hint=_("As customers know it, such as on your sign."),
            required=True,
            most=bounds.MAX_TRADING_NAME_CHARS,
        )
    ]


def _trade(view: View, application: MyApplicationView) -> list[Field]:
    offered = choices.with_chosen(choices.TRADES, application.business.mcc)
    found = [Field("business.mcc", _("Choose what is closest"), "radios", required=True, choices=offered)]
    if 1 < len(view.scheme.currencies) <= _MONEY_ASKED_MAX:
        money = [(one, one) for one in view.scheme.currencies]
        found.append(Field("business.currencies", _("Money that you take"), "choices", choices=money))
    return found


def _kind(_view: View, application: MyApplicationView) -> list[Field]:
    return [
        Field(
            "business.kind",
            _("Choose one"),
            "radios",
            required=True,
            choices=choices.with_chosen(choices.KINDS, application.business.kind),
        ),
        Field(
            "business.legal_name",
            _("Registered name"),
            hint=_("Only if the business is registered."),
            most=bounds.MAX_LEGAL_NAME_CHARS,
        ),
        Field(
            "business.registration_number",
            _("Number of the registration or licence"),
            hint=_("It stands on the certificate."),
            most=64,
        ),
    ]


def _you(_view: View, _application: MyApplicationView) -> list[Field]:
    return [
        Field("owners[0].given_name", _("First name"), required=True, most=100, autocomplete="given-name"),
        Field("owners[0].family_name", _("Family name"), most=100, autocomplete="family-name"),
        Field("owners[0].birth_date", _("Date of birth"), "date", autocomplete="bday"),
        Field("owners[0].id_type", _("Your document"), "choice", required=True, choices=choices.DOCUMENTS),
        Field("owners[0].id_number", _("Number on it"), required=True, most=64),
        Field("contact.phone", _("Phone number"), "phone", required=True, most=32, autocomplete="tel"),
    ]


def _place(_view: View, application: MyApplicationView) -> list[Field]:
    return [
        Field("locations[0].city", _("Town or village"), required=True, most=bounds.MAX_CITY_CHARS),
        Field(
            "locations[0].name",
            _("Market, street or building"),
            hint=_("Such as “Central Market, row 3”."),
            most=bounds.MAX_NAME_CHARS,
        ),
        Field("locations[0].address_lines", _("How to find it"), "lines", _("In your own words."), most=300),
        Field("locations[0].latitude", "", "decimal"),
        Field("locations[0].longitude", "", "decimal"),
    ]


def _account(view: View, application: MyApplicationView) -> list[Field]:
    found = [
        Field(
            "settlement_account.account_id",
            _("Account or wallet number"),
            hint=_("At {name}. Leave it empty if you have none yet.", name=application.dfsp.name),
            most=bounds.MAX_IDENTIFIER_CHARS,
        ),
        Field("settlement_account.account_name", _("Name of the account"), most=bounds.MAX_LEGAL_NAME_CHARS),
    ]
    if len(view.scheme.currencies) > 1:
        money = [(one, one) for one in view.scheme.currencies]
        own = own_money(view)
        found.append(
            Field("settlement_account.currency", _("Currency"), "choice", required=True, choices=money, value=own)
        )
    return found


def own_money(view: View) -> str:
    """The money of the scheme's country, where the scheme has it; else the scheme's first."""
    from babel.numbers import get_territory_currencies  # 20 ms, which other pages never need

    in_use = get_territory_currencies(view.scheme.country)
    return next((one for one in in_use if one in view.scheme.currencies), view.scheme.currencies[0])


STEPS: Sequence[Step] = (
    Step(
        "name",
        _("What is your business called?"),
        _("Name"),
        "store",
        ("business",),
        ("business.trading_name", "business.ussd_name"),
        _name,
    ),
    Step(
        "trade",
        _("What do you sell?"),
        _("What you sell"),
        "receipt-text",
        ("business",),
        ("business.mcc", "business.currencies"),
        _trade,
    ),
    Step("kind", _("Whose business is it?"), _("Kind of business"), "building-2", ("business",), ("business",), _kind),
    Step(
        "you",
        _("Who are you?"),
        _("About you"),
        "user",
        ("owners", "contact"),
        ("owners", "contact", "ownership"),
        _you,
        _("Write your name as it stands on your document."),
    ),
    Step("place", _("Where do you sell?"), _("Place"), "map-pin", ("locations",), ("locations",), _place),
    Step(
        "account",
        _("Where shall your money go?"),
        _("Your account"),
        "wallet",
        ("settlement_account",),
        ("settlement_account",),
        _account,
        is_free=True,
    ),
)
BY_NAME = {one.name: one for one in STEPS}
PHOTOS = "photos"


def step_of(path: str) -> str:
    """The name of the page that asks for the answer at a path; photos for documents and everything else."""
    for one in STEPS:
        if any(path == begun or path.startswith((f"{begun}.", f"{begun}[")) for begun in one.paths):
            return one.name
    return PHOTOS


def defaults(view: View, application: MyApplicationView, changes: dict[str, Any]) -> dict[str, Any]:
    """The sections with what nobody needs to be asked: the scheme's country and money, and one counter."""
    if "business" in changes and not changes["business"].get("currencies"):
        changes["business"]["currencies"] = [own_money(view)]
    for place in changes.get("locations", []):
        place["kind"] = place.get("kind") or "physical"
        place["country"] = place.get("country") or view.scheme.country
        place["counters"] = place.get("counters") or [
            {"name": texts.translate(_("Counter"), view.spoken.language) + " 1"}
        ]
    account = changes.get("settlement_account")
    if account and account.get("account_id"):
        account["account_name"] = account.get("account_name") or owner_name(application)
        account["currency"] = account.get("currency") or own_money(view)
    return changes


def owner_name(application: MyApplicationView) -> str | None:
    """The name of the first owner."""
    owner = _first(application)
    return " ".join(part for part in (owner.given_name, owner.family_name) if part) or None


def started(step: Step, application: MyApplicationView) -> bool:
    """Whether anything was answered on a page."""
    business = application.business
    told: dict[str, Any] = {
        "name": business.trading_name,
        "trade": business.mcc,
        "kind": business.kind,
        "you": application.owners,
        "place": application.locations,
        "account": application.settlement_account.account_id,
    }
    return bool(told[step.name])


def shown_answers(view: View, step: Step, application: MyApplicationView) -> list[tuple[str, str]]:
    """A page's answers as the review tells them: labels and values."""
    said = {"business.mcc": choices.TRADES, "business.kind": choices.KINDS, "owners[0].id_type": choices.DOCUMENTS}
    found: dict[str, str] = {}
    for section in step.sections:
        found |= start_of(getattr(application, section), section)
    return [
        (step.label if one.kind == "radios" else one.label, _shown(view, one, found[one.name], said.get(one.name)))
        for one in step.fields(view, application)
        if one.label and found.get(one.name)
    ]


def _shown(view: View, field: Field, text: str, named: choices.Choices | None) -> str:
    if field.kind == "date" and _DAY.fullmatch(text):
        return when.tell_day(text, view.spoken.language)
    return text if named is None else choices.said(named, text)
