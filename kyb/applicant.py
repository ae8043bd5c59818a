"""The answers of one application, section by section.

First in the flow: the caller reads its stored sections as `Sections`, which everything else in kyb judges.
The structs mirror the sections of the application API field by field. Every field is optional, since a
draft is saved long before it is complete: kyb.fields judges the form of what is present,
kyb.requirements what is still missing.
"""

from typing import Annotated

from msgspec import Meta, Struct

# Bounds of what is read at all, so that nobody's body keeps others waiting. They are wider than the rules of
# fields.py, which name the wrong answer and what is allowed.
AnyText = Annotated[str, Meta(max_length=300)]


class Business(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The business itself; monthly_turnover_minor is in minor units of the first of its currencies."""

    trading_name: AnyText | None = None
    legal_name: AnyText | None = None
    kind: AnyText | None = None
    mcc: AnyText | None = None
    lei: AnyText | None = None
    registration_number: AnyText | None = None
    tax_id: AnyText | None = None
    currencies: Annotated[tuple[AnyText, ...], Meta(max_length=20)] = ()
    monthly_turnover_minor: int | None = None
    employees_band: AnyText | None = None
    ussd_name: AnyText | None = None


class Owner(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One owner or director; birth_date is ISO 8601 text so that a wrong one is a field problem.

    kind is person (also when absent), company or unknown. A company is named by legal_name. ref names an owner within
    the application, and owns is the ref of the company that this one owns; absent, it owns the business itself.
    """

    given_name: AnyText | None = None
    family_name: AnyText | None = None
    birth_date: AnyText | None = None
    id_type: AnyText | None = None
    id_number: AnyText | None = None
    nationality: AnyText | None = None
    phone: AnyText | None = None
    email: AnyText | None = None
    ownership_percent: float | None = None
    is_director: bool | None = None
    kind: AnyText | None = None
    legal_name: AnyText | None = None
    registration_number: AnyText | None = None
    country: AnyText | None = None
    ref: AnyText | None = None
    owns: AnyText | None = None


class Contact(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom to reach: name, phone and email, or the index of an owner."""

    name: AnyText | None = None
    phone: AnyText | None = None
    email: AnyText | None = None
    owner_index: int | None = None


class Counter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place where money is taken; own_alias is the identifier the merchant asks for, id that of one there is."""

    name: AnyText | None = None
    own_alias: AnyText | None = None
    id: AnyText | None = None


class Location(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A shop, or a web site when kind is virtual; id is that of one the merchant has already."""

    name: AnyText | None = None
    kind: AnyText | None = None
    country: AnyText | None = None
    subdivision: AnyText | None = None
    city: AnyText | None = None
    address_lines: Annotated[tuple[AnyText, ...], Meta(max_length=20)] = ()
    postal_code: AnyText | None = None
    latitude: float | None = None
    longitude: float | None = None
    website: AnyText | None = None
    id: AnyText | None = None
    counters: Annotated[tuple[Counter, ...], Meta(max_length=1_500)] = ()


class SettlementAccount(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The account at the DFSP where the merchant's money arrives."""

    account_id: AnyText | None = None
    account_name: AnyText | None = None
    currency: AnyText | None = None


Owners = Annotated[tuple[Owner, ...], Meta(max_length=200)]
Locations = Annotated[tuple[Location, ...], Meta(max_length=500)]


class Sections(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All sections of an application; msgspec.convert(sections, Sections) refuses unknown keys."""

    business: Business = Business()
    owners: Owners = ()
    contact: Contact = Contact()
    locations: Locations = ()
    settlement_account: SettlementAccount = SettlementAccount()
    external_ref: AnyText | None = None


def owner_name(owner: Owner) -> str | None:
    """A company's registered name, or a person's given and family name as one text: many people have only one."""
    if owner.kind == "company":
        return owner.legal_name
    return " ".join(part for part in (owner.given_name, owner.family_name) if part) or None
