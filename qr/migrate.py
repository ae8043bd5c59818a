"""Reads stickers of the former Mojaloop registry and reissues them.

mojaloop/merchant-registry-svc prints a random UUID where the scheme's name belongs, marks printed codes as used once,
writes the currency in letters and leaves out country and city. What it says is enough to write the code it meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from qr.catalogue import find_profile
from qr.codec import decode, encode
from qr.emv import MerchantCode
from qr.errors import DecodeError, Finding, QrError
from qr.mojaloop import mojaloop_code
from qr.network import networks
from qr.text import language_of

INCUMBENT = "mojaloop-incumbent"


class Reissued(msgspec.Struct, frozen=True):
    """One sticker: its old payload, and the new one or the findings that prevent it."""

    old: str
    new: str | None
    findings: tuple[Finding, ...] = ()


def incumbent_alias(code: MerchantCode) -> str | None:
    """The alias that a code of the former registry stands for, None when it is not one of its codes."""
    found = networks(code, (find_profile(INCUMBENT),))
    return found[0].values["identifier"] if found else None


def reissue(
    payload: str,
    *,
    domain: str,
    country: str | None = None,
    city: str | None = None,
    identifier: str | None = None,
    mcc: str | None = None,
    local_language: str | None = None,
) -> str:
    """A conforming static code for a sticker of the former registry.

    `country`, `city` and `mcc` serve where the sticker has none, `identifier` replaces its alias. A name in another
    script stays in template 64, in `local_language` or the one that its script and country tell. Raises DecodeError
    when the payload is not one of its stickers, EncodeError when something is still missing.
    """
    code = decode(payload, mode="tolerant")
    alias = incumbent_alias(code)
    if alias is None:
        section = f"profile {INCUMBENT}"
        raise DecodeError((Finding("28", "not_incumbent", "not a code of the former registry", "fatal", section),))
    name, place, land = code.name or "", code.city or city or "", code.country or country or ""
    renewed = mojaloop_code(
        domain=domain,
        identifier=identifier or alias,
        name=name,
        city=place,
        country=land,
        currency=code.currency or "",
        mcc=code.mcc or mcc or "",
        local_language=local_language or language_of(f"{name} {place}", land),
    )
    return encode(renewed, profile="mojaloop")


def reissue_all(
    payloads: Iterable[str],
    *,
    domain: str,
    country: str | None = None,
    city: str | None = None,
    identifiers: Mapping[str, str] | None = None,
    mcc: str | None = None,
    local_language: str | None = None,
) -> Iterator[Reissued]:
    """`reissue` for many, lazily and in order; a sticker that fails is reported and the rest go on.

    `identifiers` maps old aliases to new ones where they change; the rest as `reissue` takes it, the same for all.
    """
    shared = {"country": country, "city": city, "mcc": mcc, "local_language": local_language}
    for payload in payloads:
        try:
            alias = incumbent_alias(decode(payload, mode="tolerant")) or ""
            identifier = (identifiers or {}).get(alias)
            new = reissue(payload, domain=domain, identifier=identifier, **shared)
            yield Reissued(payload, new)
        except QrError as error:
            yield Reissued(payload, None, error.findings)
