"""What the answers of a case are called on pages: `owners[0].id_number` is "Owner 1: identity number"."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

import kyb
from merchant.core import texts
from merchant.core.texts import _
from merchant.portal.ui.screen import View
from merchant.portal.ui.words import word

SECTIONS = {
    "business": _("Business"),
    "owners": _("Owner"),
    "contact": _("Contact"),
    "locations": _("Place"),
    "settlement_account": _("Account"),
    "documents": _("Documents"),
    "merchant": _("The whole application"),
    "external_ref": _("Your own reference"),
    "screening": _("Screening"),
    "risk": _("Risk"),
}
FIELDS = {
    "trading_name": _("Trading name"),
    "legal_name": _("Registered name"),
    "kind": _("Kind"),
    "mcc": _("Trade (MCC)"),
    "lei": _("LEI"),
    "registration_number": _("Registration number"),
    "tax_id": _("Tax number"),
    "currencies": _("Currencies"),
    "monthly_turnover_minor": _("Turnover a month, smallest units"),
    "employees_band": _("Employees"),
    "ussd_name": _("Name on telephones"),
    "given_name": _("Given name"),
    "family_name": _("Family name"),
    "birth_date": _("Date of birth"),
    "id_type": _("Kind of document"),
    "id_number": _("Identity number"),
    "nationality": _("Nationality"),
    "phone": _("Phone"),
    "email": _("E-mail"),
    "ownership_percent": _("Share in per cent"),
    "is_director": _("Director"),
    "country": _("Country"),
    "ref": _("Reference"),
    "owns": _("Owns a part of"),
    "name": _("Name"),
    "owner_index": _("The contact is owner number"),
    "subdivision": _("Region"),
    "city": _("City"),
    "address_lines": _("Address"),
    "postal_code": _("Postal code"),
    "latitude": _("Latitude"),
    "longitude": _("Longitude"),
    "website": _("Web site"),
    "own_alias": _("Number asked for"),
    "counters": _("Counter"),
    "account_id": _("Account number"),
    "account_name": _("Account holder"),
    "currency": _("Currency"),
}
ATTRIBUTES = {
    "identity": _("Identity"),
    "phone": _("Phone"),
    "address": _("Address"),
    "site": _("Visit of the place"),
    "licence": _("Licence"),
    "registration": _("Entry in the company register"),
    "tax": _("Tax number"),
    "lei": _("LEI"),
    "authority": _("Authority to sign"),
    "account": _("Account"),
    "community": _("Word of the community"),
    "questionnaire": _("Questionnaire"),
    "financials": _("Accounts of the business"),
    "enhanced": _("Closer look"),
}
YES = "yes"
_STEP = re.compile(r"([a-z_]+)(?:\[(\d+)\])?")
_HIDDEN = frozenset({"id"})  # of a place and counter that there is already


def label_of(view: View, path: str) -> str:
    """A path of the answers in words; the path itself where it names nothing of ours."""
    parts: list[str] = []
    for name, place in _STEP.findall(path):
        word = FIELDS.get(name) if parts else SECTIONS.get(name, FIELDS.get(name))
        if word is None:
            return path
        said = str(view.spoken.say(word))
        parts.append(f"{said} {int(place) + 1}" if place else said)
    return ": ".join(parts) or path


def attribute_of(view: View, attribute: str) -> str:
    """What can be verified, in words."""
    return str(view.spoken.say(ATTRIBUTES[attribute])) if attribute in ATTRIBUTES else attribute


class Answer(Struct, frozen=True):
    """One answer: its place, what it is called within its part, and its text."""

    path: str
    label: str
    value: str


class Part(Struct, frozen=True):
    """A section, an owner or a place with its answers."""

    path: str
    title: str
    answers: list[Answer]


def parts_of(view: View, case: Any) -> list[Part]:
    """Everything answered, part by part, in the order of the sections."""
    found = [_part(view, "business", case.business)]
    found += [_part(view, f"owners[{at}]", one) for at, one in enumerate(case.owners)]
    found.append(_part(view, "contact", case.contact))
    found += [_part(view, f"locations[{at}]", one) for at, one in enumerate(case.locations)]
    found.append(_part(view, "settlement_account", case.settlement_account))
    return [one for one in found if one.answers]


def _part(view: View, path: str, struct: Struct) -> Part:
    answers = [
        Answer(where, _short(view, where, path), told(view, where, value)) for where, value in leaves(path, struct)
    ]
    return Part(path, label_of(view, path), answers)


def told(view: View, where: str, value: str) -> str:
    """An answer as people say it: a country by its name, a code readable, a yes as a word."""
    name = where.rsplit(".", 1)[-1]
    if name in ("country", "nationality"):
        return texts.country_name(value, view.spoken.language)
    if name in ("kind", "id_type"):
        return str(view.spoken.say(word("kind", value).text))
    return str(view.spoken.say(_("Yes"))) if value == YES else value


def _short(view: View, where: str, within: str) -> str:
    """The label without the part that its heading says already."""
    return label_of(view, where).removeprefix(label_of(view, within) + ": ")


def leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """(path, text) of everything that is answered below a place."""
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            if name not in _HIDDEN:
                yield from leaves(f"{path}.{name}", getattr(value, name))
    elif isinstance(value, list | tuple) and any(isinstance(one, Struct) for one in value):
        for at, one in enumerate(value):
            yield from leaves(f"{path}[{at}]", one)
    elif isinstance(value, list | tuple):
        if value:
            yield path, ", ".join(str(one) for one in value)
    elif isinstance(value, bool):
        if value:
            yield path, YES
    elif value is not None:
        yield path, f"{value:g}" if isinstance(value, float) else str(value)


def places_to_return(view: View, case: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """Where something may be wrong: (heading, [(path, label)]) for each part, answered or not."""
    whole = [(path, label_of(view, path)) for path in ("merchant", "documents")]
    found = [(str(view.spoken.say(_("In general"))), whole)]
    for path, struct in _structs(case):
        names = [name for name in struct.__struct_fields__ if name not in _HIDDEN]
        fields = [(f"{path}.{name}", label_of(view, f"{path}.{name}")) for name in names if name != "counters"]
        found.append((label_of(view, path), [(path, label_of(view, path)), *fields]))
    return found


def _structs(case: Any) -> Iterator[tuple[str, Struct]]:
    yield "business", case.business
    yield from ((f"owners[{at}]", one) for at, one in enumerate(case.owners))
    yield "contact", case.contact
    yield from ((f"locations[{at}]", one) for at, one in enumerate(case.locations))
    yield "settlement_account", case.settlement_account


def masked_of(case: Any) -> list[str]:
    """Places whose values are masked, and can be opened."""
    owners = [
        f"owners[{at}].{name}"
        for at, one in enumerate(case.owners)
        for name in ("id_number", "birth_date")
        if getattr(one, name)
    ]
    return [*owners, *(["business.tax_id"] if case.business.tax_id else [])]


def owner_name(owner: kyb.Owner) -> str:
    """What an owner is called; a dash for nobody."""
    if owner.kind == "company":
        return owner.legal_name or "–"
    return " ".join(part for part in (owner.given_name, owner.family_name) if part) or "–"
