"""Shapes of the JSON API of the scheme, its participants' connections and the keys on the hub."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, convert, field

from merchant.core import clock, errors
from merchant.core.http import json as web
from merchant.core.http.fields import FspIdText, Instant, NameText
from merchant.core.texts import _
from merchant.scheme.enabling import waits_since
from merchant.scheme.hub_keys import HubKey
from merchant.scheme.keys import JWS_SIGN
from merchant.scheme.models import Dfsp, Scheme
from merchant.scheme.participants import URL_CHARS_MAX
from merchant.scheme.public_keys import PEM_CHARS_MAX, PublicKey, fingerprint, read_jwk, read_pem, to_jwk
from merchant.scheme.scheme_change import SchemeChange, proposal_of

UrlText = Annotated[str, Meta(max_length=URL_CHARS_MAX)]
Pem = Annotated[str, Meta(max_length=PEM_CHARS_MAX)]
_JwkText = Annotated[str, Meta(max_length=PEM_CHARS_MAX)]
# RFC 7517, section 4: texts, and lists of texts (key_ops, x5c).
Jwk = Annotated[
    dict[Annotated[str, Meta(max_length=16)], _JwkText | Annotated[list[_JwkText], Meta(max_length=16)]],
    Meta(max_length=16),
]
GivenInstant = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]


class HubUrls(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base URLs of single resources, where the hub serves them from hosts of their own."""

    parties: UrlText | None = None
    participants: UrlText | None = None
    quotes: UrlText | None = None
    transfers: UrlText | None = None
    transaction_requests: UrlText | None = field(default=None, name="transactionRequests")

    def by_resource(self) -> dict[str, str]:
        """The URLs that are given."""
        given = {
            "parties": self.parties,
            "participants": self.participants,
            "quotes": self.quotes,
            "transfers": self.transfers,
            "transactionRequests": self.transaction_requests,
        }
        return {resource: url for resource, url in given.items() if url}


class DfspChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What shall change of a participant; the rest stays. `hub_urls` replaces what was there."""

    name: NameText | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    hub_url: UrlText | UnsetType | None = UNSET
    hub_urls: HubUrls | UnsetType = UNSET
    transfer_mode: Literal["RESERVED", "COMMITTED"] | UnsetType = UNSET


class DfspView(Struct, frozen=True):
    """A participant; `hub_url` is empty where the hub's common address serves.

    `proposed_enabled`: one person of the hub proposed to enable it, and a second has not confirmed yet.
    """

    id: UUID
    fsp_id: str
    name: str
    enabled: bool
    transfer_mode: Literal["RESERVED", "COMMITTED"]
    hub_url: str
    hub_urls: HubUrls
    version: int
    proposed_enabled: bool = False
    proposed_by: UUID | None = None
    proposed_by_name: str | None = None
    proposed_at: Instant | None = None
    notice: str | None = None


class NewHubKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A participant's public key, as PEM or as JWK."""

    fsp_id: FspIdText
    public_pem: Pem | None = None
    jwk: Jwk | None = None
    valid_from: GivenInstant | None = None
    valid_until: GivenInstant | None = None


class Retirement(Struct, frozen=True, forbid_unknown_fields=True):
    """When a key ends; now without a time."""

    at: GivenInstant | None = None


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    """From when on the new key signs; now without a time."""

    valid_from: GivenInstant | None = None


class HubKeyView(Struct, frozen=True):
    """A public key: ours signs, a partner's verifies. `fingerprint` is SHA-256 of its DER, to be compared."""

    id: UUID
    key_id: str
    fsp_id: str
    dfsp_id: UUID | None
    purpose: Literal["sign", "verify"]
    algorithm: Literal["RS256", "ES256"]
    fingerprint: str
    is_valid: bool
    valid_from: Instant
    valid_until: Instant | None
    public_pem: str
    jwk: dict[str, str]


class Jwks(Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517) of the keys that our DFSPs sign with."""

    keys: list[dict[str, str]]


class SchemeChangeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What shall change of the scheme; the rest stays."""

    name: NameText | UnsetType = UNSET
    domain: Annotated[str, Meta(min_length=3, max_length=64)] | UnsetType = UNSET
    ussd_code: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET

    def to_change(self) -> SchemeChange:
        """As the operation takes it."""
        return SchemeChange(self.name, self.domain, self.ussd_code, self.time_zone)


class ProposedView(Struct, frozen=True):
    """A change that waits for a second person."""

    values: dict[str, str]
    proposed_by: UUID
    proposed_at: Instant


class SchemeView(Struct, frozen=True):
    """The scheme as it is, and what is proposed."""

    name: str
    domain: str
    domains_accepted: list[str]
    country: str
    currencies: list[str]
    time_zone: str
    ussd_code: str
    proposed: ProposedView | None


def dfsp_view(row: Dfsp, names: Mapping[UUID, str] = {}, notice: str | None = None) -> DfspView:
    """A participant; `names` are those of who proposed to enable one."""
    since = waits_since(row)
    proposed = {
        "proposed_enabled": since is not None,
        "proposed_by": row.proposed_by if since else None,
        "proposed_by_name": names.get(row.proposed_by) if since and row.proposed_by else None,
        "proposed_at": web.at_or_none(since),
        "notice": notice,
    }
    kept = {name: getattr(row, name) for name in DfspView.__struct_fields__ if name not in proposed}
    return convert(kept | proposed, DfspView)


def key_view(key: HubKey) -> HubKeyView:
    """A key in both notations."""
    now = clock.now()
    return convert(
        {
            "id": key.id,
            "key_id": key.key_id,
            "fsp_id": key.fsp_id,
            "dfsp_id": key.dfsp_id,
            "purpose": "sign" if key.purpose == JWS_SIGN else "verify",
            "algorithm": key.algorithm,
            "fingerprint": fingerprint(key.public_pem),
            "is_valid": key.valid_from <= now and (key.valid_until is None or key.valid_until > now),
            "valid_from": web.at(key.valid_from),
            "valid_until": web.at_or_none(key.valid_until),
            "public_pem": key.public_pem,
            "jwk": to_jwk(key.public_pem, key.key_id, key.algorithm),
        },
        HubKeyView,
    )


def jwks(found: list[HubKey]) -> Jwks:
    """Our keys as a set."""
    return Jwks([to_jwk(key.public_pem, key.key_id, key.algorithm) for key in found])


def scheme_view(row: Scheme) -> SchemeView:
    """The scheme's facts."""
    proposed = proposal_of(row)
    waiting = None
    if proposed is not None and row.proposed_by is not None and row.proposed_at is not None:
        waiting = ProposedView(proposed, row.proposed_by, web.at(row.proposed_at))
    return SchemeView(
        name=row.name,
        domain=row.qr_domain,
        domains_accepted=row.qr_domains_accepted,
        country=row.country,
        currencies=row.currencies,
        time_zone=row.time_zone,
        ussd_code=row.ussd_code,
        proposed=waiting,
    )


def given_key(new: NewHubKey) -> PublicKey:
    """The key of a body. Raises InvalidFields unless there is exactly one."""
    if (new.public_pem is None) == (new.jwk is None):
        raise errors.invalid_field("public_pem", "one_of", _("Send the key once: as public_pem, or as jwk."))
    return read_pem(new.public_pem) if new.public_pem is not None else read_jwk(new.jwk or {})


def instant(name: str, text: str | None) -> datetime | None:
    """A time of a body. Raises InvalidFields for what is no time with its offset."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise errors.invalid_field(name, "invalid", _("Give a time such as 2027-01-31T12:00:00Z."))
    return found.astimezone(clock.now().tzinfo)
