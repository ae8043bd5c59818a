"""Each merchant of merchant-registry-svc as a row of an import, and a remark for everything that has no place here.

Nothing is guessed: a country or town that no list knows, a turnover in words, an alias that may not be chosen stay out,
and the remark says so. Remarks hold ids and reasons, and no one's data.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pycountry
from msgspec import Struct

import kyb
from merchant.exchange.incumbent.categories import mcc_of
from merchant.exchange.incumbent.tables import MERCHANTS, OWNERS_OF, Record, Tables
from merchant.hub.reserved import RESERVED_WORDS

_KINDS = {"Individual": "individual", "Small Shop": "sole_proprietor", "Chain Store": "company"}
_BANDS = {"1 - 5": "1-5", "6 - 10": "6-10", "11 - 50": "11-50", "51 - 100": "51-100", "100++": "100+"}
_ID_TYPES = {"Passport": "passport", "National ID": "national_id", "SSN": "other"}
# Refused there for good. Everything else is written anew, and checked by two people here.
_LEFT_OUT = frozenset({"Rejected"})
_STREET = ("department", "sub_department", "building_name", "floor_number", "room_number")
_LINE_CHARS = 70  # of an address, as kyb has it
Row = dict[str, str]


class Remark(Struct, frozen=True):
    """What of a merchant was left out or has to be looked at."""

    merchant_id: str
    field: str
    remark: str


class Mapped(Struct, frozen=True):
    """The rows by their columns, and the remarks."""

    rows: list[Row]
    remarks: list[Remark]

    def columns(self) -> list[str]:
        """Every column that a row has, those of the first rows first."""
        return list(dict.fromkeys(name for row in self.rows for name in row))


def map_merchants(tables: Tables, drawn_digits: int, fsp_id: str | None = None) -> Mapped:
    """The merchants, of one DFSP where the export says which; `drawn_digits` is the length of our numbers."""
    mapped = Mapped([], [])
    dfsps = {one["id"]: one.get("fspId", "") for one in tables["dfsps"]}
    of_merchant = {name: _by_merchant(tables[name]) for name in tables if name not in (MERCHANTS, "dfsps")}
    owners = _owners(tables)
    for merchant in tables[MERCHANTS]:
        own = dfsps.get(merchant.get("defaultDfspId", ""))
        if fsp_id is not None and own is not None and own != fsp_id:
            continue
        one = _OneMerchant(merchant, mapped.remarks, drawn_digits)
        if merchant.get("registration_status") in _LEFT_OUT:
            one.remark("registration_status", "rejected there: left out")
            continue
        identity = merchant["id"]
        one.business(of_merchant["business_licenses"][identity])
        one.owners(owners[identity])
        one.contact(of_merchant["contact_persons"][identity])
        one.places(of_merchant["merchant_locations"][identity], of_merchant["checkout_counters"][identity])
        mapped.rows.append(one.row)
    return mapped


def _by_merchant(records: list[Record]) -> Mapping[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for one in records:
        found[one.get("merchantId", "")].append(one)
    return found


def _owners(tables: Tables) -> Mapping[str, list[Record]]:
    """Owners by merchant: the workbook names the merchant in each, the database in a table between them."""
    found: dict[str, list[Record]] = defaultdict(list)
    by_id = {one["id"]: one for one in tables["business_owners"]}
    for pair in tables[OWNERS_OF]:
        if owner := by_id.get(pair.get("businessOwnersId", "")):
            found[pair.get("merchantsId", "")].append(owner)
    for one in tables["business_owners"]:
        if one.get("merchantId"):
            found[one["merchantId"]].append(one)
    return found


class _OneMerchant:
    """One row being filled."""

    def __init__(self, merchant: Record, remarks: list[Remark], drawn_digits: int) -> None:
        self._merchant = merchant
        self._remarks = remarks
        self._drawn_digits = drawn_digits
        self.row: Row = {"external_ref": f"MR-{merchant['id']}"}

    def remark(self, field: str, text: str) -> None:
        """Note something about a field of theirs."""
        self._remarks.append(Remark(self._merchant["id"], field, text))

    def _put(self, column: str, value: str | None) -> None:
        if value:
            self.row[column] = value

    def business(self, licences: list[Record]) -> None:
        """Names, kind, category, currency and register numbers."""
        given = self._merchant
        self._put("business.trading_name", given.get("dba_trading_name"))
        self._put("business.legal_name", given.get("registered_name"))
        self._put("business.kind", _KINDS.get(given.get("merchant_type", "")))
        self._put("business.employees_band", _BANDS.get(given.get("employees_num", "")))
        self._put("business.lei", given.get("lei"))
        self._put("business.currencies", given.get("currency_code"))
        if sic := given.get("category_code"):
            mcc = mcc_of(sic)
            self._put("business.mcc", mcc)
            self.remark("category_code", f"SIC {sic} taken for {mcc}: look" if mcc else f"SIC {sic} has no place")
        if given.get("monthly_turnover"):
            self.remark("monthly_turnover", "free text: give it as a number")
        numbers = [given.get("license_number", ""), *(one.get("license_number", "") for one in licences)]
        numbers = [number for number in numbers if number]
        if numbers:
            self._put("business.registration_number", numbers[0])
            self.remark("license_number", "taken for the registration number: look")
        if len(numbers) > 1:
            self.remark("license_number", f"{len(numbers) - 1} more left out")
        if any(one.get("license_document_link") for one in [given, *licences]):
            self.remark("license_document_link", "send the document anew: it stays in their storage")

    def owners(self, owners: list[Record]) -> None:
        """Names are not taken apart: which part is the family's, nobody can tell."""
        for place, owner in enumerate(owners):
            path = f"owners[{place}]"
            self._put(f"{path}.given_name", owner.get("name"))
            if number := owner.get("identification_number"):
                kind = owner.get("identificaton_type", "")  # as they spell it
                self._put(f"{path}.id_number", number)
                self._put(f"{path}.id_type", _ID_TYPES.get(kind, "other"))
                if kind == "SSN":
                    self.remark("identificaton_type", "SSN taken for `other`")
            self._put(f"{path}.phone", owner.get("phone_number"))
            self._put(f"{path}.email", owner.get("email"))
            if owner.get("businessPersonLocationId") or owner.get("checkoutLocationId"):
                self.remark("business_person_location", "an owner's address has no place here")

    def contact(self, people: list[Record]) -> None:
        """The first contact person."""
        if not people:
            return
        self._put("contact.name", people[0].get("name"))
        self._put("contact.phone", people[0].get("phone_number"))
        self._put("contact.email", people[0].get("email"))
        if len(people) > 1:
            self.remark("contact_persons", f"{len(people) - 1} more left out")

    def places(self, locations: list[Record], counters: list[Record]) -> None:
        """Locations with their counters; a counter of no location stands at the first."""
        known = [one["id"] for one in locations]
        for place, location in enumerate(locations):
            self._location(f"locations[{place}]", location)
        at: dict[int, int] = defaultdict(int)
        for counter in counters:
            wanted = counter.get("checkoutLocationId", "")
            place = known.index(wanted) if wanted in known else 0
            path = f"locations[{place}].counters[{at[place]}]"
            at[place] += 1
            self._put(f"{path}.name", counter.get("description") or f"Counter {at[place]}")
            self._alias(path, counter.get("alias_value", ""))

    def _alias(self, path: str, alias: str) -> None:
        if not alias or alias == self._merchant.get("lei"):
            return
        if kyb.may_be_chosen(alias, self._drawn_digits, RESERVED_WORDS):
            self._put(f"{path}.own_alias", alias)
        else:
            self.remark("alias_value", f"{alias} could be taken for a drawn number: a new one is drawn")

    def _location(self, path: str, given: Record) -> None:
        self._put(f"{path}.kind", given.get("location_type", "").lower())
        self._put(f"{path}.website", given.get("web_url"))
        self._put(f"{path}.city", given.get("town_name"))
        self._put(f"{path}.postal_code", given.get("postal_code"))
        self._put(f"{path}.address_lines", "|".join(_address(given)))
        country = _country(given.get("country", ""))
        self._put(f"{path}.country", country)
        if given.get("country") and country is None:
            self.remark("country", "no country of ISO 3166 has this name")
        if subdivision := given.get("country_subdivision"):
            code = _subdivision(country or "", subdivision)
            self._put(f"{path}.subdivision", code)
            if code is None:
                self.remark("country_subdivision", "no subdivision of ISO 3166-2 has this name")
        position = [given.get(name, "") for name in ("latitude", "longitude")]
        if all(map(_is_number, position)):
            self._put(f"{path}.latitude", position[0])
            self._put(f"{path}.longitude", position[1])
        elif any(position):
            self.remark("latitude", "not a position in degrees")


def _address(given: Record) -> Iterator[str]:
    """The lines of an address, from the small to the large, each as long as a line may be."""
    lines = [
        " ".join(given.get(name, "") for name in _STREET),
        f"{given.get('building_number', '')} {given.get('street_name', '')}",
        f"PO Box {given['post_box']}" if given.get("post_box") else "",
        given.get("address_line", ""),
        given.get("district_name", ""),
    ]
    for line in lines:
        if words := " ".join(line.replace("|", " ").split()):
            yield words[:_LINE_CHARS]


@cache
def _country(name: str) -> str | None:
    """The code of a country by any of its names."""
    try:
        found = pycountry.countries.lookup(name.strip()) if name.strip() else None
    except LookupError:
        return None
    return None if found is None else str(found.alpha_2)


@cache
def _subdivision(country: str, name: str) -> str | None:
    wanted = name.strip().casefold()
    known: Any = pycountry.subdivisions
    found = known.get(country_code=country) if country else None
    return next((str(one.code) for one in found or () if one.name.casefold() == wanted), None)


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) <= 180
    except ValueError:
        return False
