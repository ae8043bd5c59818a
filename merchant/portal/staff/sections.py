"""The sections of an application that are one form each: the business, whom to reach, the account."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import kyb
from kyb import codes, fields
from kyb.applicant import owner_name
from merchant.compliance.cases.schemas import ApplicationView
from merchant.core import money
from merchant.core.http.inside import Told
from merchant.core.texts import _
from merchant.portal.staff import choices
from merchant.portal.staff.writing import (
    Desk,
    Group,
    kept,
    masked_field,
    read_to_write,
    refused,
    save,
    saved,
    section_page,
    written,
)
from merchant.portal.ui.acts import number
from merchant.portal.ui.fields import Field, collect, start_of
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View

_TAX, _TURNOVER, _REF = "business.tax_id", "business.monthly_turnover_minor", "external_ref"
_OWNER, _SAME_NAME = "contact.owner_index", "same_name"


# --- the business ----------------------------------------------------------------------------------------------------


def _business_groups(view: View, case: ApplicationView) -> list[Group]:
    business = case.business
    offered = tuple(dict.fromkeys([*view.scheme.currencies, *business.currencies]))
    currency = business.currencies[0] if business.currencies else view.scheme.currencies[0]
    return [
        Group(
            "",
            [
                Field("business.trading_name", _("Name that shoppers know"), most=fields.MAX_TRADING_NAME_CHARS),
                Field(
                    "business.kind",
                    _("Kind of business"),
                    "choice",
                    choices=choices.named("business", codes.BUSINESS_KINDS),
                ),
                Field(
                    "business.mcc",
                    _("What it sells"),
                    hint=_("The category (MCC): type a word such as “grocery” and choose, or the four digits."),
                    suggests=choices.categories(),
                    most=4,
                ),
                Field(
                    "business.currencies", _("Currencies it takes"), "choices", choices=[(one, one) for one in offered]
                ),
            ],
        ),
        Group(
            _("In the registers"),
            [
                Field("business.legal_name", _("Registered name"), most=fields.MAX_LEGAL_NAME_CHARS),
                Field("business.registration_number", _("Number in the company register, or of the licence"), most=64),
                *masked_field(view, Field(_TAX, _("Tax number"), most=64), business.tax_id),
                Field("business.lei", _("LEI"), hint=_("20 letters and digits, where it has one."), most=20),
            ],
        ),
        Group(
            _("More about it"),
            [
                Field(_TURNOVER, _("Takings a month"), "money", currency=currency),
                Field(
                    "business.employees_band",
                    _("People who work there"),
                    "choice",
                    choices=[(one, one) for one in codes.EMPLOYEES_BANDS],
                ),
                Field(
                    "business.ussd_name",
                    _("Short name for simple phones"),
                    hint=_("Made from the name by itself where you leave it empty."),
                    most=40,
                ),
                Field(_REF, _("Your own reference"), most=64)
                if case.kind == "onboarding"
                else Field(_REF, "", "hidden"),
            ],
        ),
    ]


def _major(minor: int | None, currency: str) -> str:
    return "" if minor is None else money.format_decimal(money.Money(minor, currency))


def _minor(text: str, currency: str) -> Any:
    """The amount in minor units, or the text itself, about which the API then complains."""
    try:
        found = Decimal(text.replace(",", "").replace(" ", "")).scaleb(money.exponent(currency))
        return int(found) if found == found.to_integral_value() else text
    except (InvalidOperation, ValueError, OverflowError):
        return text


async def _business_page(view: View, desk: Desk, told: Told) -> Page:
    case: ApplicationView = told.view
    start = start_of(case.business, "business") | {_REF: case.external_ref or ""}
    start.pop(_TAX, None)
    currency = case.business.currencies[0] if case.business.currencies else view.scheme.currencies[0]
    start[_TURNOVER] = _major(case.business.monthly_turnover_minor, currency)
    groups = _business_groups(view, case)
    return await section_page(
        view, desk, "business", groups, start, told=told, category=choices.category_name(case.business.mcc)
    )


@written("GET", "/edit/business")
async def business(view: View, desk: Desk) -> Page:
    """What kind of business it is."""
    return await _business_page(view, desk, await read_to_write(view, desk))


@written("POST", "/edit/business")
async def save_business(view: View, desk: Desk) -> Page:
    """Save it."""
    told = await read_to_write(view, desk)
    case: ApplicationView = told.view
    shown = _fields_of(_business_groups(view, case))
    body = collect(view.form, shown)
    given: dict[str, Any] = body.get("business", {})
    currency = (given.get("currencies") or view.scheme.currencies)[0]
    if _TURNOVER.partition(".")[2] in given:
        given["monthly_turnover_minor"] = _minor(str(given["monthly_turnover_minor"]), currency)
    changes: dict[str, Any] = {"business": given}
    if case.kind == "onboarding" and view.form.get(_REF, "") != (case.external_ref or ""):
        changes[_REF] = view.form.get(_REF) or None
    keep = kept({_TAX: case.business.tax_id} if case.business.tax_id else {}, view.form)
    done = await save(view, desk, changes, keep, [one.name for one in shown])
    if done is None:
        return refused(view) or await _business_page(view, desk, await read_to_write(view, desk))
    return saved(view, done, desk, "business")


# --- whom to reach ---------------------------------------------------------------------------------------------------


def _contact_groups(case: ApplicationView) -> list[Group]:
    owners = [(str(at), owner_name(one) or "–") for at, one in enumerate(case.owners)]
    first = [
        Field(
            _OWNER,
            _("One of the owners"),
            "choice",
            hint=_("Then name, phone and e-mail address are that person's where you leave them empty."),
            choices=owners,
        )
    ]
    typed = [
        Field("contact.name", _("Name"), most=fields.MAX_PERSON_NAME_CHARS),
        Field("contact.phone", _("Phone number"), "phone", hint=_("With + and the country's code."), most=40),
        Field("contact.email", _("E-mail address"), "email", most=fields.MAX_EMAIL_CHARS),
    ]
    return [Group("", first if owners else []), Group(_("Or somebody else") if owners else "", typed)]


async def _contact_page(view: View, desk: Desk, told: Told) -> Page:
    start = start_of(told.view.contact, "contact")
    return await section_page(view, desk, "contact", _contact_groups(told.view), start, told=told)


@written("GET", "/edit/contact")
async def contact(view: View, desk: Desk) -> Page:
    """Whom to reach: one of the owners, or somebody else."""
    return await _contact_page(view, desk, await read_to_write(view, desk))


@written("POST", "/edit/contact")
async def save_contact(view: View, desk: Desk) -> Page:
    """Save it."""
    shown = _fields_of(_contact_groups((await read_to_write(view, desk)).view))
    given: dict[str, Any] = collect(view.form, shown).get("contact", {})
    if (owner := number(str(given.get("owner_index", "")))) is not None:
        given["owner_index"] = owner
    done = await save(view, desk, {"contact": given}, {}, [one.name for one in shown])
    if done is None:
        return refused(view) or await _contact_page(view, desk, await read_to_write(view, desk))
    return saved(view, done, desk, "contact")


# --- the account -----------------------------------------------------------------------------------------------------


def _account_groups(view: View, case: ApplicationView) -> list[Group]:
    account, name = case.settlement_account, _account_name(case)
    offered = dict.fromkeys([*case.business.currencies, *view.scheme.currencies, *filter(None, [account.currency])])
    found = [
        Field(
            "settlement_account.account_id",
            _("Account number"),
            hint=_("Where the money shall arrive, at your institution."),
            most=fields.MAX_IDENTIFIER_CHARS,
        ),
        Field("settlement_account.account_name", _("Name of the account"), most=fields.MAX_LEGAL_NAME_CHARS),
    ]
    if name and account.account_name != name:
        found.append(Field(_SAME_NAME, _("It is {name}", name=name), "check"))
    found.append(Field("settlement_account.currency", _("Currency"), "choice", choices=[(one, one) for one in offered]))
    return [Group("", found)]


def _account_name(case: ApplicationView) -> str:
    """The name that the account most likely has."""
    first = case.owners[0] if case.owners else kyb.Owner()
    return case.business.legal_name or owner_name(first) or case.business.trading_name or ""


async def _account_page(view: View, desk: Desk, told: Told) -> Page:
    start = start_of(told.view.settlement_account, "settlement_account")
    if not told.view.settlement_account.currency and told.view.business.currencies:
        start["settlement_account.currency"] = told.view.business.currencies[0]
    return await section_page(view, desk, "account", _account_groups(view, told.view), start, told=told)


@written("GET", "/edit/account")
async def account(view: View, desk: Desk) -> Page:
    """Where the money arrives."""
    return await _account_page(view, desk, await read_to_write(view, desk))


@written("POST", "/edit/account")
async def save_account(view: View, desk: Desk) -> Page:
    """Save it."""
    case: ApplicationView = (await read_to_write(view, desk)).view
    shown = _fields_of(_account_groups(view, case))
    given: dict[str, Any] = collect(view.form, shown).get("settlement_account", {})
    if view.form.get(_SAME_NAME) == "yes":
        given["account_name"] = _account_name(case)
    done = await save(view, desk, {"settlement_account": given}, {}, [one.name for one in shown])
    if done is None:
        return refused(view) or await _account_page(view, desk, await read_to_write(view, desk))
    return saved(view, done, desk, "account")


def _fields_of(groups: Sequence[Group]) -> list[Field]:
    return [one for group in groups for one in group.fields]


ROUTES = [*business, *save_business, *contact, *save_contact, *account, *save_account]
