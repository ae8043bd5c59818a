"""Ask whether answers are block-listed: by the private list in force, or since the hub blocked a merchant of theirs.

Both know keyed hashes only, made alike (lists/content.py), so an answer is hashed once and looked up in both. The list
is in memory; the table is asked once for any number of cases, as the service, which sees all DFSPs.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

import kyb
from kyb.lists.blocklist import Blocklist, hash_identifier
from merchant.compliance.lists.content import blocklist_digest
from merchant.compliance.lists.current import blocklist_in_force
from merchant.core import clock
from merchant.core.service import Service
from merchant.core.vault import Vault

NAME = "name"  # namesakes are many: a name alone is looked at by people, and refuses nothing
_OF_TAX_OFFICE = "tax_id"
_BLOCKED = """
SELECT DISTINCT b.kind, b.digest, b.reason_code
FROM blocked_identifier b JOIN unnest($1::text[], $2::bytea[]) AS asked (kind, digest) USING (kind, digest)
WHERE b.expires_at > $3
"""


class Identifier(NamedTuple):
    """An answer that may be block-listed, hashed."""

    path: str
    kind: str
    digest: bytes


class BlockedAnswer(Struct, frozen=True):
    """An answer that is block-listed; the codes of why are the hub's alone to read."""

    path: str
    kind: str
    reason_codes: tuple[str, ...]

    @property
    def refuses(self) -> bool:
        """Whether a case that holds it is refused."""
        return self.kind != NAME


def identifiers(vault: Vault, sections: kyb.Sections) -> list[Identifier]:
    """What of the answers is looked up, hashed; values too short to tell anybody by are left out."""
    digest = blocklist_digest(vault)
    return [
        Identifier(path, kind, hashed)
        for path, kind, value in _values(sections)
        if value and (hashed := hash_identifier(kind, value, digest)) is not None
    ]


def _values(sections: kyb.Sections) -> Iterable[tuple[str, str, str | None]]:
    business, contact = sections.business, sections.contact
    for index, owner in enumerate(sections.owners):
        at = f"owners[{index}]"
        yield f"{at}.id_number", "id_number", owner.id_number
        if owner.id_type == _OF_TAX_OFFICE:
            yield f"{at}.id_number", "tax_id", owner.id_number
        yield f"{at}.phone", "phone", owner.phone
        yield f"{at}.registration_number", "registration_number", owner.registration_number
        yield f"{at}.family_name", NAME, f"{owner.given_name or ''} {owner.family_name or ''}"
        yield f"{at}.legal_name", NAME, owner.legal_name
    yield "contact.phone", "phone", contact.phone
    yield "contact.name", NAME, contact.name
    yield "business.tax_id", "tax_id", business.tax_id
    yield "business.registration_number", "registration_number", business.registration_number
    for name in ("legal_name", "trading_name", "ussd_name"):
        yield f"business.{name}", NAME, getattr(business, name)
    yield "settlement_account.account_name", NAME, sections.settlement_account.account_name
    yield "settlement_account.account_id", "account", sections.settlement_account.account_id


async def find_blocked(service: Service, asked: Sequence[kyb.Sections]) -> list[tuple[BlockedAnswer, ...]]:
    """The answers of each of some cases that are block-listed now, in the order of the cases."""
    held = [identifiers(service.vault, sections) for sections in asked]
    wanted = sorted({(one.kind, one.digest) for each in held for one in each if one.kind != NAME})
    blocklist, now = await blocklist_in_force(service), clock.now()
    codes: dict[tuple[str, bytes], list[str]] = {}
    if wanted:
        kinds, digests = zip(*wanted, strict=True)
        async with service.db.system_reads() as tx:
            rows = await tx.fetch(_BLOCKED, kinds, digests, now)
        for row in rows:
            codes.setdefault((row["kind"], row["digest"]), []).append(row["reason_code"])
    return [tuple(listed_among(each, blocklist, now, codes)) for each in held]


def listed_among(
    held: Iterable[Identifier],
    blocklist: Blocklist | None,
    now: datetime,
    codes: dict[tuple[str, bytes], list[str]] | None = None,
) -> Iterable[BlockedAnswer]:
    """Those of the identifiers that a block list, or a table of codes by kind and hash, holds."""
    for one in held:
        found = list((codes or {}).get((one.kind, one.digest), ()))
        entry = blocklist.find_hashed(one.kind, one.digest, now.date()) if blocklist is not None else None
        found += [entry.reason] if entry is not None else []
        if found:
            yield BlockedAnswer(one.path, one.kind, tuple(sorted(found)))
