"""The facts of one application: what the applicant answered and what the caller has verified.

First in the flow: the caller turns its stored sections into an Applicant, which everything else in kyb reads.
The structs mirror the sections of the application API field by field. Every field is optional, since a
draft is saved long before it is complete: kyb.fields judges the form of what is present,
kyb.tiers what is still missing.
"""

from msgspec import Struct


class Business(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The business itself; monthly_turnover_minor is in minor units of the first of its currencies."""

    trading_name: str | None = None
    legal_name: str | None = None
    kind: str | None = None
    mcc: str | None = None
    lei: str | None = None
    registration_number: str | None = None
    tax_id: str | None = None
    currencies: tuple[str, ...] = ()
    monthly_turnover_minor: int | None = None
    employees_band: str | None = None
    ussd_name: str | None = None


class Owner(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One owner or director; birth_date is ISO 8601 text so that a wrong one is a field problem."""

    given_name: str | None = None
    family_name: str | None = None
    birth_date: str | None = None
    id_type: str | None = None
    id_number: str | None = None
    nationality: str | None = None
    phone: str | None = None
    email: str | None = None
    ownership_percent: float | None = None
    is_director: bool | None = None


class Contact(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom to reach: name, phone and email, or the index of an owner."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    owner_index: int | None = None


class Counter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place where money is taken; own_alias is the identifier the merchant asks for."""

    name: str | None = None
    own_alias: str | None = None


class Location(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A shop, or a web site when kind is virtual."""

    name: str | None = None
    kind: str | None = None
    country: str | None = None
    subdivision: str | None = None
    city: str | None = None
    address_lines: tuple[str, ...] = ()
    postal_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    website: str | None = None
    counters: tuple[Counter, ...] = ()


class SettlementAccount(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The account at the DFSP where the merchant's money arrives."""

    account_id: str | None = None
    account_name: str | None = None
    currency: str | None = None


class Sections(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All sections of an application; msgspec.convert(sections, Sections) refuses unknown keys."""

    business: Business = Business()
    owners: tuple[Owner, ...] = ()
    contact: Contact = Contact()
    locations: tuple[Location, ...] = ()
    settlement_account: SettlementAccount = SettlementAccount()
    external_ref: str | None = None


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """What the caller has verified itself; an answer alone never sets one of these."""

    phone_verified: bool = False  # the contact holds the phone: one-time code, or an account at the DFSP
    identity_verified: bool = False  # every owner's identity document or register entry was seen
    licence_verified: bool = False  # a trade licence, permit or association letter was seen


class Applicant(Struct, frozen=True, forbid_unknown_fields=True):
    """What kyb.assess and kyb.requirements judge."""

    sections: Sections
    evidence: Evidence = Evidence()


def owner_name(owner: Owner) -> str | None:
    """Given and family name as one text, or None: many people have only one of the two."""
    return " ".join(part for part in (owner.given_name, owner.family_name) if part) or None
