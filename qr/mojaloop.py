"""Codes of a Mojaloop scheme: from the parameters of `GET /parties/{Type}/{ID}/{SubId}` to a code, and back.

One account template carries it: 00 the scheme's domain reversed, 01 party id type, 02 party identifier, 03 sub-id,
04 the DFSP, 05 the version of the printed sticker; the last three are optional. Everything else is in EMVCo's own
objects. The tag is the scheme's choice among 26 to 51.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec import structs

from qr.amounts import align
from qr.catalogue import list_profiles
from qr.emv import DYNAMIC, SIGNATURE_FIELDS, STATIC, Account, Additional, Language, MerchantCode, Template
from qr.errors import EncodeError, Finding
from qr.iso import find_currency
from qr.latin import latin
from qr.profile import Profile, TemplateRule
from qr.text import fit

ACCOUNT_TAG = "26"
STICKER_VERSION = "05"  # within the account
NAME_CHARS_MAX, CITY_CHARS_MAX = 25, 15  # EMV MPM tables 3.3 and 3.8
_is_version = re.compile("[1-9][0-9]{0,3}").fullmatch
# FSPIOP PartyIdType, and the type the existing merchant registry registers under.
PARTY_ID_TYPES = frozenset(
    (
        "MSISDN",
        "EMAIL",
        "PERSONAL_ID",
        "BUSINESS",
        "DEVICE",
        "ACCOUNT_ID",
        "IBAN",
        "ALIAS",
        "MERCHANT_PAYINTOID",
    )
)


class Party(NamedTuple):
    """The parameters of an FSPIOP party look-up."""

    party_id_type: str
    identifier: str
    sub_id: str | None


def guid_from_domain(domain: str) -> str:
    """The reverse-domain GUID of a scheme: `pay.example.org` gives `org.example.pay`."""
    return ".".join(reversed(domain.strip(".").lower().split(".")))


def mojaloop_code(
    *,
    domain: str,
    identifier: str,
    name: str,
    city: str,
    country: str,
    currency: str,
    mcc: str,
    party_id_type: str = "ALIAS",
    sub_id: str | None = None,
    fsp_id: str | None = None,
    amount: str | None = None,
    dynamic: bool | None = None,
    postal_code: str | None = None,
    latin_name: str | None = None,
    latin_city: str | None = None,
    local_language: str | None = None,
    reference_label: str | None = None,
    terminal_label: str | None = None,
    store_label: str | None = None,
    bill_number: str | None = None,
    sticker_version: int | None = None,
    account_tag: str = ACCOUNT_TAG,
) -> MerchantCode:
    """A merchant's code in a Mojaloop scheme, ready for `encode(code, profile="mojaloop")`.

    `currency` is alphabetic or numeric, `amount` decimal text. The code is dynamic (used once) when it has an amount,
    unless `dynamic` says otherwise. `name` and `city` may be in any script: 59 and 60 get `latin_name` and
    `latin_city` or a transliteration, cut to fit, and with `local_language` (ISO 639-1) the original goes to the
    language template. A request's short reference goes to `reference_label`, the counter to `terminal_label`, and
    `sticker_version` counts a counter's printed codes. Raises EncodeError for a currency that ISO 4217 does not list.
    """
    known = find_currency(currency)
    if known is None:
        message = f"currency (53) must be one of ISO 4217, and it is {currency!r}"
        raise EncodeError((Finding("53", "bad_value", message, "error", "EMV MPM table 3.3"),))
    version = None if sticker_version is None else str(sticker_version)
    given = {"01": party_id_type, "02": identifier, "03": sub_id, "04": fsp_id, STICKER_VERSION: version}
    account = {"00": guid_from_domain(domain)} | {tag: value for tag, value in given.items() if value is not None}
    additional = Additional(
        bill_number=bill_number,
        store_label=store_label,
        reference_label=reference_label,
        terminal_label=terminal_label,
    )
    used_once = amount is not None if dynamic is None else dynamic
    return MerchantCode(
        point_of_initiation=DYNAMIC if used_once else STATIC,
        accounts=(Account(account_tag, account),),
        mcc=mcc,
        currency=known.numeric,
        amount=align(amount, known.numeric) if amount is not None else None,
        country=country,
        name=latin(latin_name or name, NAME_CHARS_MAX, country),
        city=latin(latin_city or city, CITY_CHARS_MAX, country),
        postal_code=postal_code,
        additional=additional if additional != Additional() else None,
        language=_local(name, city, local_language),
    )


def dynamic_code(
    code: MerchantCode,
    *,
    amount: str,
    reference_label: str | None = None,
    created_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> MerchantCode:
    """The code of one payment, made from a counter's static one of any scheme.

    Its short reference, if any, stands in 62-05 and as sub-id of the Mojaloop account, so that a look-up finds the
    request. It is no sticker, so it has no sticker's version, nor a signature (`sign_code`), which holds only for the
    code it was made for: sign the new one. The times are written where the scheme has a place for them, as KHQR, which
    demands both; both must know their time zone.
    """
    additional, accounts = code.additional, code.accounts
    if reference_label is not None:
        additional = structs.replace(additional or Additional(), reference_label=reference_label)
        accounts = tuple(
            _for_one_payment(account, reference_label) if _is_mojaloop(account) else account for account in accounts
        )
    unreserved = _unsigned(code.unreserved)
    if created_at is not None or expires_at is not None:
        unreserved = _timed(code, unreserved, {"created": created_at, "expires": expires_at})
    return structs.replace(
        code,
        point_of_initiation=DYNAMIC,
        amount=align(amount, code.currency),
        accounts=accounts,
        additional=additional,
        unreserved=unreserved,
    )


def _timed(
    code: MerchantCode, templates: tuple[Template, ...], times: dict[str, datetime | None]
) -> tuple[Template, ...]:
    """The templates with times in milliseconds where a scheme of the code's accounts has fields for them."""
    for rule in _timed_rules(code):
        fields = {
            rule.roles[role]: str(round(time.timestamp() * 1000))
            for role, time in times.items()
            if time is not None and role in rule.roles
        }
        tag = min(rule.ids)
        others = tuple(each for each in templates if each.tag != tag)
        templates = tuple(sorted((*others, Template(tag, fields)), key=lambda each: each.tag))
    return templates


def _timed_rules(code: MerchantCode) -> Iterator[TemplateRule]:
    def mine(profile: Profile) -> bool:
        local = not profile.countries or code.country in profile.countries
        return local and any(rule.owns(account) for rule in profile.accounts for account in code.accounts)

    for profile in list_profiles():
        rules = [rule for rule in profile.unreserved if rule.roles.keys() & {"created", "expires"}]
        if rules and mine(profile):
            yield from rules


def _unsigned(templates: tuple[Template, ...]) -> tuple[Template, ...]:
    """The templates without a signature's two, which share a GUID."""
    halves = [each for each in templates if each.fields.keys() == SIGNATURE_FIELDS.get(each.tag)]
    if len(halves) != len(SIGNATURE_FIELDS) or len({(each.guid or "").lower() for each in halves}) > 1:
        return templates
    return tuple(each for each in templates if each not in halves)


def _for_one_payment(account: Account, reference_label: str) -> Account:
    fields = {tag: text for tag, text in account.fields.items() if tag != STICKER_VERSION}
    return structs.replace(account, fields=fields | {"03": reference_label})


def _local(name: str, city: str, language: str | None) -> Language | None:
    """The language template, when the name is not Latin and its language is known."""
    if language is None or (name.isascii() and city.isascii()):
        return None
    return Language(language=language, name=fit(name, NAME_CHARS_MAX), city=fit(city, CITY_CHARS_MAX))


def mojaloop_party(code: MerchantCode, domain: str | None = None) -> Party | None:
    """The party that a code identifies, None when no account is a Mojaloop one.

    With `domain` only that scheme's account counts; without it, any whose GUID is a domain name and whose 01 is a
    party id type.
    """
    fields = _mojaloop_fields(code, domain)
    return Party(fields["01"], fields["02"], fields.get("03")) if fields else None


def sticker_version(code: MerchantCode, domain: str | None = None) -> int | None:
    """The version of the printed sticker, None when the code holds none; `domain` as above."""
    text = (_mojaloop_fields(code, domain) or {}).get(STICKER_VERSION, "")
    return int(text) if _is_version(text) else None


def _mojaloop_fields(code: MerchantCode, domain: str | None) -> dict[str, str] | None:
    guid = guid_from_domain(domain) if domain is not None else None
    for account in code.accounts:
        if _is_mojaloop(account) and guid in (None, account.fields["00"].lower()):
            return account.fields
    return None


def _is_mojaloop(account: Account) -> bool:
    """Whether an account names a party: a domain for a GUID, a party id type, an identifier."""
    fields = account.fields
    return not account.text and "." in fields.get("00", "") and fields.get("01") in PARTY_ID_TYPES and "02" in fields
