"""The scheme's facts, which a second person of the hub must confirm before a change of them counts.

The first proposes, another one who sends the same values applies them. Every process knows of it some seconds later
(merchant/core/service.py).
"""

import re
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict
from sqlmodel import select

from merchant.core import audit, clock, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.texts import _
from merchant.scheme.models import Scheme
from merchant.scheme.problems import NothingProposed

PROPOSAL_LASTS: Final = timedelta(days=7)
DOMAINS_ACCEPTED_MAX: Final = 8  # each is looked for in every scanned code
# The GUID of a code is the domain reversed: at most 32 characters (EMV MPM, table 4.3).
DOMAIN_CHARS_MAX: Final = 32
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\Z")
# `*384*123#`; also `#150#` and `*#150#`, and a code on its own of up to seven digits.
_USSD_CODE = re.compile(r"(?:\*#?|#)[0-9]{1,7}(?:\*[0-9]{1,8}){0,4}#\Z")


def is_domain(text: str) -> bool:
    """Whether codes can carry an internet domain: in small letters, of at most DOMAIN_CHARS_MAX characters."""
    return len(text) <= DOMAIN_CHARS_MAX and _DOMAIN.match(text) is not None


def is_ussd_code(text: str) -> bool:
    """Whether a text is a USSD code such as *384*123#."""
    return _USSD_CODE.match(text) is not None


class SchemeChange(Struct, frozen=True, omit_defaults=True):
    """What shall change; the rest stays."""

    name: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    ussd_code: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


def check_change(change: SchemeChange) -> SchemeChange:
    """The change in one spelling. Raises InvalidFields."""
    domain, code = change.domain, change.ussd_code
    if domain is not UNSET:
        domain = domain.strip().rstrip(".").lower()
        if not is_domain(domain):
            text = _("Give a domain such as pay.example.org, of at most {most} characters.", most=DOMAIN_CHARS_MAX)
            raise errors.invalid_field("domain", "invalid", text)
    if code is not UNSET and code and not is_ussd_code(code):
        raise errors.invalid_field("ussd_code", "invalid", _("Give a USSD code such as *384*123#, or nothing."))
    if change.time_zone is not UNSET and change.time_zone not in available_timezones():
        text = _("Give a time zone of the IANA database, such as Africa/Nairobi.")
        raise errors.invalid_field("time_zone", "invalid", text)
    name = change.name if change.name is UNSET else change.name.strip()
    return SchemeChange(name, domain, code, change.time_zone)


async def read_scheme(tx: Tx) -> Scheme:
    """The scheme's row with what is proposed. Raises NotFound before it is set up."""
    found: Scheme = await tx.one(select(Scheme))
    return found


def proposal_of(scheme: Scheme) -> dict[str, Any] | None:
    """What is proposed and may still be confirmed."""
    if scheme.proposed is None or scheme.proposed_at is None or scheme.proposed_at + PROPOSAL_LASTS <= clock.now():
        return None
    return scheme.proposed


async def change_scheme(tx: Tx, actor: Actor, wanted: SchemeChange) -> Scheme:
    """Propose a change, or put one in force that another person proposed by asking for the same.

    A new proposal takes the place of the one before. Raises InvalidFields, NothingProposed.
    """
    change = check_change(wanted)
    scheme: Scheme = await tx.one(select(Scheme).with_for_update())
    asked: dict[str, Any] = {name: value for name, value in asdict(change).items() if value is not UNSET}
    if not asked or asked.items() <= _facts(scheme).items():
        raise NothingProposed
    if proposal_of(scheme) == asked and scheme.proposed_by != actor.id and await _still_acts(tx, scheme.proposed_by):
        before = {name: _facts(scheme)[name] for name in asked}
        await _apply(tx, scheme, asked)
        first = str(scheme.proposed_by)
        scheme.proposed = scheme.proposed_by = scheme.proposed_at = None
        detail: dict[str, Any] = {"to": asked, "from": before, "proposed_by": first}
        await audit.record(tx, actor, "scheme.changed", "scheme", scheme.id, dfsp_id=None, **detail)
        return scheme
    scheme.proposed, scheme.proposed_by, scheme.proposed_at = asked, actor.id, clock.now()
    await audit.record(tx, actor, "scheme.change_proposed", "scheme", scheme.id, dfsp_id=None, to=asked)
    return scheme


def _facts(scheme: Scheme) -> dict[str, str]:
    return {
        "name": scheme.name,
        "domain": scheme.qr_domain,
        "ussd_code": scheme.ussd_code,
        "time_zone": scheme.time_zone,
    }


async def _still_acts(tx: Tx, person_id: UUID | None) -> bool:
    """Whether the first of the two is still a person of the hub who may sign in."""
    found = "SELECT 1 FROM app_user WHERE id = $1 AND enabled AND dfsp_id IS NULL"
    return bool(await tx.fetchval(found, person_id))


async def _apply(tx: Tx, scheme: Scheme, asked: dict[str, Any]) -> None:
    """Put the values in force. Codes of the domain before stay good once a merchant may have printed one."""
    domain = asked.get("domain", scheme.qr_domain)
    if domain != scheme.qr_domain:
        kept = [one for one in scheme.qr_domains_accepted if one != domain]
        if await tx.fetchval("SELECT 1 FROM merchant LIMIT 1"):
            kept.append(scheme.qr_domain)
        if len(kept) > DOMAINS_ACCEPTED_MAX:
            text = _("Codes of at most {most} former domains can stay good.", most=DOMAINS_ACCEPTED_MAX)
            raise errors.invalid_field("domain", "too_many", text)
        scheme.qr_domains_accepted, scheme.qr_domain = kept, domain
    scheme.name = asked.get("name", scheme.name)
    scheme.ussd_code = asked.get("ussd_code", scheme.ussd_code)
    scheme.time_zone = asked.get("time_zone", scheme.time_zone)
