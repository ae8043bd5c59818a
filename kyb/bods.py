"""Owners as statements of the Beneficial Ownership Data Standard, version 0.4, and statements read as owners.

After `ownership`. Registers, supervisors and other DFSPs exchange who owns what in this form. What identifies a person
beyond name, birth date and nationality is left out: numbers of documents, phones and e-mail addresses stay here.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import pycountry
from msgspec import Struct

from kyb.applicant import Business, Owner, Sections, owner_name
from kyb.holdings import BUSINESS, COMPANY, PERSON, UNKNOWN, Chart, draw_chart, kind_of, share_of
from kyb.ownership import BeneficialOwner, beneficial_owners

BODS_VERSION: Final = "0.4"
USUAL_THRESHOLD_PERCENT: Final = Decimal(25)
# Codes of BODS 0.4, codelist unspecifiedReason.
_NOT_IDENTIFIED = "subjectUnableToConfirmOrIdentifyBeneficialOwner"
_NOT_GIVEN = "informationUnknownToPublisher"
_DIRECTORS = frozenset({"boardMember", "boardChair", "seniorManagingOfficial"})


class BadBods(ValueError):
    """The statements are not of BODS 0.4, or hold no entity to begin with; the message says where."""


class _Writer(Struct, frozen=True):
    """What every statement of one export has in common."""

    subject_id: str
    date: str
    publisher: str | None

    def statement(self, record_id: str, record_type: str, details: dict[str, Any]) -> dict[str, Any]:
        """One statement; its id is the hash of what it says, so that the same statement has the same id."""
        said: dict[str, Any] = {
            "declarationSubject": self.subject_id,
            "statementDate": self.date,
            "recordId": record_id,
            "recordStatus": "new",
            "recordType": record_type,
            "recordDetails": {"isComponent": False, **details},
            "source": {"type": ["selfDeclaration"]},
        }
        if self.publisher:
            said["publicationDetails"] = {
                "publicationDate": self.date,
                "bodsVersion": BODS_VERSION,
                "publisher": {"name": self.publisher},
            }
        digest = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
        return {"statementId": digest, **said}


def bods_statements(
    sections: Sections,
    now: datetime,
    *,
    subject_id: str = "business",
    publisher: str | None = None,
    threshold_percent: Decimal = USUAL_THRESHOLD_PERCENT,
) -> list[dict[str, Any]]:
    """The business, its owners and who holds what, as statements of BODS 0.4 dated now: JSON values, parties first.

    subject_id names the business in the caller's system, and all record ids begin with it. An owner who is not known
    is a reason in the relationship, never a made-up person. A beneficial owner through companies has an indirect
    relationship with the business besides. Raises ValueError for a threshold as beneficial_owners does.
    """
    writer = _Writer(subject_id, now.date().isoformat(), publisher)
    owners, business = sections.owners, sections.business
    chart = draw_chart(owners, business)
    people = {one.index: one for one in beneficial_owners(owners, threshold_percent, business).persons}
    return [
        writer.statement(subject_id, "entity", _business(business)),
        *_parties(writer, owners, chart),
        *_holdings(writer, owners, chart, people),
        *_indirect(writer, owners, chart, people),
    ]


def _parties(writer: _Writer, owners: tuple[Owner, ...], chart: Chart) -> Iterator[dict[str, Any]]:
    for row, party in enumerate(chart.party):
        if row == party and kind_of(owners[row]) == COMPANY:
            yield writer.statement(_party_id(writer, party), "entity", _company(owners[row]))
        elif row == party and kind_of(owners[row]) == PERSON:
            yield writer.statement(_party_id(writer, party), "person", _person(owners[row]))


def _holdings(
    writer: _Writer, owners: tuple[Owner, ...], chart: Chart, people: dict[int, BeneficialOwner]
) -> Iterator[dict[str, Any]]:
    """One relationship for each row, or one that says that nobody is named."""
    for row, owner in enumerate(owners):
        party = chart.party[row]
        holder: Any = _party_id(writer, party)
        if kind_of(owner) == UNKNOWN:
            holder = {"reason": _NOT_IDENTIFIED}
        details = {"subject": _held(writer, owners, chart, owner), "interestedParty": holder}
        person = people.get(party) if not owner.owns else None
        details["interests"] = list(
            _interests(owner, chart, party, is_beneficial=bool(person and person.is_beneficial))
        )
        yield writer.statement(f"{writer.subject_id}/holdings/{row}", "relationship", details)
    if not owners:
        nobody = {"subject": writer.subject_id, "interestedParty": {"reason": _NOT_IDENTIFIED}, "interests": []}
        yield writer.statement(f"{writer.subject_id}/holdings", "relationship", nobody)


def _held(writer: _Writer, owners: tuple[Owner, ...], chart: Chart, owner: Owner) -> Any:
    """The record of what a row holds: the business, another company, or a reason where its ref leads nowhere."""
    if not owner.owns:
        return writer.subject_id
    for row, other in enumerate(owners):
        if other.ref == owner.owns and kind_of(other) == COMPANY:
            return _party_id(writer, chart.party[row])
    return {"reason": _NOT_GIVEN}


def _interests(owner: Owner, chart: Chart, party: int, *, is_beneficial: bool) -> Iterator[dict[str, Any]]:
    share = share_of(owner)
    if share is None and not owner.owns and chart.shares[BUSINESS].get(party) == 1:
        share = chart.shares[BUSINESS][party]  # a sole owner, who need not say so
    if share is not None or not owner.is_director:
        interest: dict[str, Any] = {
            "type": "shareholding",
            "directOrIndirect": "direct",
            "beneficialOwnershipOrControl": is_beneficial,
        }
        yield interest | ({"share": {"exact": float(share * 100)}} if share is not None else {})
    if owner.is_director:
        yield {"type": "boardMember", "directOrIndirect": "direct", "beneficialOwnershipOrControl": False}


def _indirect(
    writer: _Writer, owners: tuple[Owner, ...], chart: Chart, people: dict[int, BeneficialOwner]
) -> Iterator[dict[str, Any]]:
    for person in people.values():
        if person.is_beneficial and any(owners[row].owns for row in person.rows):
            direct = Decimal(float(chart.shares[BUSINESS].get(person.index, 0) * 100))
            least, most = (max(Decimal(0), one - direct) for one in (person.effective_percent, person.most_percent))
            share = {"exact": float(least)} if least == most else {"minimum": float(least), "maximum": float(most)}
            interest = {"type": "shareholding", "directOrIndirect": "indirect", "beneficialOwnershipOrControl": True}
            details = {
                "subject": writer.subject_id,
                "interestedParty": _party_id(writer, person.index),
                "interests": [{**interest, "share": share}],
            }
            yield writer.statement(f"{writer.subject_id}/indirect/{person.index}", "relationship", details)


def _party_id(writer: _Writer, party: int) -> str:
    return writer.subject_id if party == BUSINESS else f"{writer.subject_id}/owners/{party}"


def _business(business: Business) -> dict[str, Any]:
    kind = "registeredEntity" if business.registration_number else "legalEntity"
    if business.kind == "public_body":
        kind = "stateBody"
    elif not business.registration_number and business.kind in ("individual", "sole_proprietor", "partnership"):
        kind = "arrangement"
    return _entity(kind, business.legal_name or business.trading_name, business.registration_number, business.lei, None)


def _company(owner: Owner) -> dict[str, Any]:
    kind = "registeredEntity" if owner.registration_number else "legalEntity"
    return _entity(kind, owner.legal_name, owner.registration_number, None, owner.country)


def _entity(kind: str, name: str | None, number: str | None, lei: str | None, country: str | None) -> dict[str, Any]:
    identifiers = []
    if number:
        identifiers.append({"schemeName": "Company register", "id": number})
    if lei:
        identifiers.append({"scheme": "XI-LEI", "schemeName": "Global Legal Entity Identifier Index", "id": lei})
    return {
        "entityType": {"type": kind},
        **({"name": name} if name else {}),
        **({"identifiers": identifiers} if identifiers else {}),
        **({"jurisdiction": _country(country)} if country else {}),
    }


def _person(owner: Owner) -> dict[str, Any]:
    name = owner_name(owner)
    if not name:
        return {"personType": "unknownPerson", "unspecifiedPersonDetails": {"reason": _NOT_GIVEN}}
    parts = {"givenName": owner.given_name, "familyName": owner.family_name}
    return {
        "personType": "knownPerson",
        "names": [{"type": "legal", "fullName": name, **{key: part for key, part in parts.items() if part}}],
        **({"nationalities": [_country(owner.nationality)]} if owner.nationality else {}),
        **({"birthDate": owner.birth_date} if owner.birth_date else {}),
    }


def _country(code: str) -> dict[str, str]:
    known = pycountry.countries.get(alpha_2=code)
    return {"name": known.name, "code": code} if known else {"name": code}


class _Name(Struct, rename="camel"):
    full_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class _Code(Struct):
    code: str | None = None


class _Identifier(Struct):
    id: str | None = None
    scheme: str | None = None


class _Share(Struct):
    exact: float | None = None


class _Interest(Struct, rename="camel"):
    type: str | None = None
    direct_or_indirect: str | None = None
    share: _Share | None = None


class _Reason(Struct):
    reason: str


class _Details(Struct, rename="camel"):
    name: str | None = None
    identifiers: tuple[_Identifier, ...] = ()
    jurisdiction: _Code | None = None
    person_type: str | None = None
    names: tuple[_Name, ...] = ()
    nationalities: tuple[_Code, ...] = ()
    birth_date: str | None = None
    subject: str | _Reason | None = None
    interested_party: str | _Reason | None = None
    interests: tuple[_Interest, ...] = ()


class _Statement(Struct, rename="camel"):
    declaration_subject: str
    record_id: str
    record_type: str
    record_details: _Details
    record_status: str = "new"


def sections_from_bods(statements: Iterable[Any], subject_id: str | None = None) -> Sections:
    """The business and its owners as sections of an application, from statements of BODS 0.4 as JSON values.

    subject_id is the record of the business; absent, that of the first statement's declaration. A later statement of a
    record stands for an earlier one, and closed ones are left out. Owners keep a ref of their own, so that circles stay
    circles. A stated indirect interest is used only where nothing says how it is held. Raises BadBods.
    """
    try:
        said = msgspec.convert(list(statements), list[_Statement])
    except (msgspec.ValidationError, TypeError) as error:
        raise BadBods(f"not statements of BODS {BODS_VERSION}: {error}") from error
    records = {one.record_id: one for one in said}
    records = {record_id: one for record_id, one in records.items() if one.record_status != "closed"}
    subject = subject_id or (said[0].declaration_subject if said else "")
    if subject not in records or records[subject].record_type != "entity":
        raise BadBods("no statement describes the business")
    details = records[subject].record_details
    number, lei = _numbers(details)
    links = [one for one in records.values() if one.record_type == "relationship"]
    direct = [one for one in links if not _is_indirect(one)]
    stated = {
        one.record_details.interested_party for one in direct if isinstance(one.record_details.interested_party, str)
    }
    rest = [one for one in links if _is_indirect(one) and one.record_details.interested_party not in stated]
    refs = {record_id: f"o{position}" for position, record_id in enumerate(records)}
    return Sections(
        business=Business(legal_name=details.name, registration_number=number, lei=lei),
        owners=tuple(_owner(one.record_details, records, refs, subject) for one in (*direct, *rest)),
    )


def _owner(link: _Details, records: dict[str, _Statement], refs: dict[str, str], subject: str) -> Owner:
    """One holding as a row; a holder who is not named, withheld or not described is an unknown one."""
    shares = [one.share.exact for one in link.interests if one.type == "shareholding" and one.share]
    target = link.subject if isinstance(link.subject, str) else "nowhere"
    holding: dict[str, Any] = {
        "ownership_percent": shares[0] if shares else None,
        "is_director": True if any(one.type in _DIRECTORS for one in link.interests) else None,
        "owns": None if target == subject else refs.get(target, target),
    }
    party = link.interested_party if isinstance(link.interested_party, str) else ""
    found = records.get(party)
    holding["ref"] = refs[party] if found else None
    if found and found.record_type == "entity":
        number, _ = _numbers(found.record_details)
        details = found.record_details
        country = details.jurisdiction.code if details.jurisdiction else None
        return Owner(kind=COMPANY, legal_name=details.name, registration_number=number, country=country, **holding)
    if not found or found.record_type != "person" or found.record_details.person_type != "knownPerson":
        return Owner(kind=UNKNOWN, **holding)
    details = found.record_details
    name = details.names[0] if details.names else _Name()
    birth_date = details.birth_date if len(details.birth_date or "") == len("YYYY-MM-DD") else None
    return Owner(
        kind=PERSON,
        given_name=name.given_name or (None if name.family_name else name.full_name),
        family_name=name.family_name,
        nationality=details.nationalities[0].code if details.nationalities else None,
        birth_date=birth_date,
        **holding,
    )


def _is_indirect(link: _Statement) -> bool:
    interests = link.record_details.interests
    return bool(interests) and all(one.direct_or_indirect == "indirect" for one in interests)


def _numbers(details: _Details) -> tuple[str | None, str | None]:
    """The first number in a register, and the LEI."""
    registered = [one.id for one in details.identifiers if one.id and one.scheme != "XI-LEI"]
    leis = [one.id for one in details.identifiers if one.id and one.scheme == "XI-LEI"]
    return (registered[0] if registered else None, leis[0] if leis else None)
