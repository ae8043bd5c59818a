"""What a counter's or a request's QR code says, from what the registry knows now; nothing stored, so nothing stale.

Joins the qr library to the registry; drawing is channels/qr.py's. A request's code carries its short reference as
sub-id and label, so that any wallet's payment finds the request again.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from msgspec import Struct

import qr
from merchant.core.money import Money, format_decimal
from merchant.core.service import SchemeFacts
from merchant.registry.codes.stickers import FIRST


class CodeFacts(Struct, frozen=True):
    """What a code tells of a counter."""

    alias_type: str
    alias: str
    trading_name: str
    ussd_name: str
    city: str
    country: str
    mcc: str

    @classmethod
    def of(cls, row: Mapping[str, Any] | asyncpg.Record) -> "CodeFacts":
        """From a row that has these columns."""
        return cls(*(row[name] for name in cls.__struct_fields__))


class Scan(Struct, frozen=True):
    """A code of this scheme: `short_ref` on that of a request, `sticker` the version of a printed one."""

    alias_type: str
    alias: str
    short_ref: str | None
    sticker: int | None


def counter_payload(
    scheme: SchemeFacts, facts: CodeFacts, currency: str, sticker: int, amount: Money | None = None
) -> str:
    """The static EMVCo payload of a counter; `sticker` is its current version (stickers.current_versions).

    An `amount` that the payer typed stands in it beside the counter: no request of the shop's belongs to it.
    """
    decimal = format_decimal(amount) if amount else None
    return _payload(scheme, facts, currency, amount=decimal, sticker=sticker, dynamic=False)


def request_payload(scheme: SchemeFacts, facts: CodeFacts, amount: Money, short_ref: str) -> str:
    """The dynamic EMVCo payload of a payment request: amount and short reference."""
    return _payload(scheme, facts, amount.currency, amount=format_decimal(amount), short_ref=short_ref)


def pay_url(base_url: str, alias: str, short_ref: str | None = None) -> str:
    """The page a phone's camera opens: `/q/NUMBER`, or `/q/NUMBER.REFERENCE` for a request."""
    return f"{base_url}/q/{alias}" + (f".{short_ref}" if short_ref else "")


def short_address(base_url: str, alias: str) -> str:
    """The same as posters print it for people to type, `pay.example/q/40217756`: browsers put the rest before it."""
    return pay_url(base_url.partition("://")[2], alias)


def read_code(scheme: SchemeFacts, text: str) -> Scan | None:
    """What a scanned text names, if it is a code of this scheme."""
    try:
        code = qr.decode(qr.clean(text), mode="tolerant")
    except qr.DecodeError:
        return None
    domain = domain_of(scheme, code)
    party = qr.mojaloop_party(code, domain)
    if party is None:
        return None
    version = qr.sticker_version(code, domain) or FIRST
    return Scan(party.party_id_type, party.identifier, party.sub_id, version if party.sub_id is None else None)


def domain_of(scheme: SchemeFacts, code: qr.MerchantCode) -> str:
    """The domain of the scheme under which a code was made: the present one, or one it had before."""
    former = (one for one in scheme.qr_domains_accepted if qr.mojaloop_party(code, one) is not None)
    return scheme.qr_domain if qr.mojaloop_party(code, scheme.qr_domain) else next(former, scheme.qr_domain)


def dial_string(ussd_code: str, number: str, amount: Money | None = None) -> str | None:
    """What to dial to pay, `*384*123*40217756*250#`; None where a keypad cannot write the number.

    An amount with decimals is left out, and USSD asks for it: dialling programs drop the point of a tel: link as a
    visual separator (RFC 3966, section 5.1.1), and 2.50 would become 250.
    """
    if not (ussd_code.endswith("#") and number.isascii() and number.isdigit()):
        return None
    decimal = format_decimal(amount) if amount else "."
    return f"{ussd_code[:-1]}*{number}" + ("" if "." in decimal else f"*{decimal}") + "#"


def _payload(
    scheme: SchemeFacts,
    facts: CodeFacts,
    currency: str,
    *,
    amount: str | None = None,
    short_ref: str | None = None,
    sticker: int = FIRST,
    dynamic: bool | None = None,
) -> str:
    code = qr.mojaloop_code(
        domain=scheme.qr_domain,
        identifier=facts.alias,
        party_id_type=facts.alias_type,
        sub_id=short_ref,
        reference_label=short_ref,
        name=facts.trading_name,
        city=facts.city or facts.country,
        country=facts.country,
        currency=currency,
        mcc=facts.mcc,
        amount=amount,
        dynamic=dynamic,
        latin_name=_latin_name(facts),
        local_language=qr.language_of(facts.trading_name, facts.country),
        # Left out on the first, so that codes printed before anything was replaced stay as they are.
        sticker_version=sticker if sticker > FIRST else None,
    )
    return qr.encode(code, profile="mojaloop")


def _latin_name(facts: CodeFacts) -> str | None:
    """The shop's own name in Latin letters where its trading name cannot be spelt surely; None where qr may spell it.

    A payer compares it with the sign above the door, so that a guess is worse than the short name for telephones.
    """
    if qr.latin_form(facts.trading_name, facts.country).recognisable:
        return None
    return facts.ussd_name or None
