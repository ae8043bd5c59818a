"""Stickers of the registry before this one, read and issued again.

mojaloop/merchant-registry-svc prints a random UUID where the scheme's name belongs, marks printed codes as used once,
writes the currency in letters and leaves out country and city. What it says is enough to write the code it meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from qr.codec import decode, encode
from qr.emv import MerchantCode
from qr.errors import DecodeError, Finding, QrError
from qr.mojaloop import mojaloop_code
from qr.network import networks
from qr.profile import find_profile

INCUMBENT = "mojaloop-incumbent"


class Reissued(msgspec.Struct, frozen=True):
    """One sticker: the payload it showed, and the new one or what stands in its way."""

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
    local_language: str | None = None,
) -> str:
    """A conforming static code for a sticker of the former registry.

    `country` and `city` serve where the sticker has none, `identifier` replaces its alias. Raises DecodeError when
    the payload is not one of its stickers, EncodeError when something is still missing.
    """
    code = decode(payload, mode="tolerant")
    alias = incumbent_alias(code)
    if alias is None:
        section = f"profile {INCUMBENT}"
        raise DecodeError((Finding("28", "not_incumbent", "not a code of the former registry", "fatal", section),))
    renewed = mojaloop_code(
        domain=domain,
        identifier=identifier or alias,
        name=code.name or "",
        city=code.city or city or "",
        country=code.country or country or "",
        currency=code.currency or "",
        mcc=code.mcc or "",
        local_language=local_language,
    )
    return encode(renewed, profile="mojaloop")


def reissue_all(
    payloads: Iterable[str],
    *,
    domain: str,
    country: str | None = None,
    city: str | None = None,
    identifiers: Mapping[str, str] | None = None,
) -> Iterator[Reissued]:
    """`reissue` for many, lazily and in order; a sticker that fails is reported and the rest go on.

    `identifiers` maps old aliases to new ones where they change.
    """
    for payload in payloads:
        try:
            alias = incumbent_alias(decode(payload, mode="tolerant")) or ""
            identifier = (identifiers or {}).get(alias)
            new = reissue(payload, domain=domain, country=country, city=city, identifier=identifier)
            yield Reissued(payload, new)
        except QrError as error:
            yield Reissued(payload, None, error.findings)
