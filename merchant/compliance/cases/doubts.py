"""What a checker should look at before deciding: the same person or firm elsewhere, names that mislead, odd numbers.

Duplicates are found across DFSPs by blind index; of another DFSP's merchant only that there is one is told. A policy
says whether each is a hint, asks for a reason, or ends the case.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

import kyb
from merchant.compliance.cases.answers import IdentifierRow
from merchant.compliance.cases.blocking import lookups
from merchant.compliance.cases.blocking.lookups import BlockedAnswer
from merchant.compliance.cases.blocking.refusals import NOT_ACCEPTED
from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.registry.merchants.states import LIVE_STATES

# Kind in the blind index -> the policy's name for it, and what the checker is told.
_KINDS = {
    "id_number": ("identity", _("Another merchant has an owner with this identity number.")),
    "phone": ("phone", _("Another merchant has this phone number.")),
    "tax_id": ("registration", _("Another merchant has this tax number.")),
    "registration_number": ("registration", _("Another merchant has this registration number.")),
    "account": ("account", _("Another merchant has this account.")),
}
_LIKE_NEIGHBOUR = _("Shoppers may confuse this name with that of a merchant in the same town.")
_PROTECTED = _("Shoppers may take this name for somebody else's.")
# Of each of the digests, whether it stands with the same DFSP ($2), with another, or with both; those of the asking
# application and of its merchant do not count.
_SAME = """
SELECT DISTINCT theirs.kind, theirs.digest, theirs.dfsp_id = $2 AS own FROM application_identifier theirs
JOIN application a ON a.id = theirs.application_id
WHERE theirs.digest = ANY($1) AND theirs.kind = ANY($5) AND theirs.application_id <> ALL($3)
  AND a.state IN ('submitted', 'in_review', 'approved') AND ($4::uuid IS NULL OR a.merchant_id IS DISTINCT FROM $4)
"""
_NEIGHBOURS = f"""
SELECT c.town, m.trading_name FROM unnest($2::text[]) AS c(town), LATERAL (
  SELECT trading_name FROM merchant
  WHERE dfsp_id = $1 AND lower(city) = lower(c.town) AND state IN {LIVE_STATES} AND ($3::uuid IS NULL OR id <> $3)
  LIMIT 500) m
"""  # noqa: S608 - constants
BLOCK_LISTED, NAME_LISTED = "block_listed", "block_listed_name"
BLOCK_CODES = frozenset({BLOCK_LISTED, NAME_LISTED})
_NAME_LISTED = _("The scheme asks to look at this name; ask the hub.")
_REGISTERED = frozenset({"company", "ngo", "public_body"})
_DFSPS_KEPT_S = 30.0


class Doubt(Struct, frozen=True):
    """One thing to look at: a code, the answer that it concerns, a sentence, and what the policy makes of it."""

    code: str
    path: str
    message: str
    strictness: str  # hint, review or refuse


class Questioned(Struct, frozen=True):
    """A case whose answers are looked at."""

    application: Application
    sections: kyb.Sections
    identifiers: Sequence[IdentifierRow]


async def find_doubts(
    service: Service,
    asked: Sequence[Questioned],
    policy: kyb.Policy,
    blocked: Sequence[Sequence[BlockedAnswer]] | None = None,
) -> dict[UUID, list[Doubt]]:
    """Everything about the answers of one DFSP's cases that a checker should look at, by case.

    Several are cases of an import, which have no merchant yet and count as duplicates of each other. Duplicates are
    read as the service, which sees all DFSPs. `blocked` is what is block-listed of each, where it was asked already.
    """
    dfsp_id, merchant_id = asked[0].application.dfsp_id, asked[0].application.merchant_id
    towns = sorted({town for one in asked if (town := _town(one.sections))})
    digests = list({row.digest for one in asked for row in one.identifiers})
    ids = [one.application.id for one in asked]
    near: defaultdict[str, list[str]] = defaultdict(list)
    async with service.db.system_reads() as reads:
        rows = await reads.fetch(_SAME, digests, dfsp_id, ids, merchant_id, list(_KINDS))
        if policy.text.own_duplicates.name != "allow" and towns:
            for row in await reads.fetch(_NEIGHBOURS, dfsp_id, towns, merchant_id):
                near[row["town"]].append(row["trading_name"])
    same = {(row["kind"], row["digest"], row["own"]) for row in rows}
    held = Counter(key for one in asked for key in {(row.kind, row.digest) for row in one.identifiers})
    same |= {(kind, digest, True) for (kind, digest), times in held.items() if times > 1}
    protected = await protected_names(service, policy)
    if blocked is None:
        blocked = await lookups.find_blocked(service, [one.sections for one in asked])
    return {
        one.application.id: [
            *_duplicates(one.identifiers, same, policy),
            *_like_neighbours(one.sections, near, policy, among_many=len(asked) > 1),
            *protected_doubts(one.sections, protected),
            *(Doubt(found.code, found.path, found.message, "hint") for found in kyb.number_doubts(one.sections)),
            *blocked_doubts(listed),
        ]
        for one, listed in zip(asked, blocked, strict=True)
    }


def blocked_doubts(found: Sequence[BlockedAnswer]) -> list[Doubt]:
    """What is block-listed: refused whatever a policy says; of a name alone a person decides, and says why."""
    told = [
        Doubt(BLOCK_LISTED, one.path, NOT_ACCEPTED, "refuse")
        if one.refuses
        else Doubt(NAME_LISTED, one.path, _NAME_LISTED, "review")
        for one in found
    ]
    return list(dict.fromkeys(told))


def _duplicates(
    identifiers: Sequence[IdentifierRow], same: set[tuple[str, bytes, bool]], policy: kyb.Policy
) -> Iterator[Doubt]:
    for row in sorted(identifiers, key=lambda row: (row.path, row.kind)):
        for own in (False, True):
            if row.kind not in _KINDS or (row.kind, row.digest, own) not in same:
                continue
            name, message = _KINDS[row.kind]
            strict = getattr(policy.text.own_duplicates if own else policy.text.other_duplicates, name)
            if strict != "allow":
                yield Doubt(f"same_{name}" if own else f"same_{name}_elsewhere", row.path, message, strict)


def _town(sections: kyb.Sections) -> str:
    """The town of the first place, as merchants are found by it."""
    return sections.locations[0].city or "" if sections.locations else ""


def _like_neighbours(
    sections: kyb.Sections, near: Mapping[str, list[str]], policy: kyb.Policy, *, among_many: bool
) -> Iterator[Doubt]:
    shown = sections.business.trading_name or ""
    names = near.get(_town(sections), [])
    if among_many:  # a hundred rows of one town would each be held against all its names
        names = [name for name in names if name[:1].lower() == shown[:1].lower()]
    if shown and any(kyb.alike(shown, name) for name in names):
        yield Doubt("like_neighbour", "business.trading_name", _LIKE_NEIGHBOUR, policy.text.own_duplicates.name)


def protected_doubts(sections: kyb.Sections, protected: Mapping[str, tuple[str, ...]]) -> Iterator[Doubt]:
    """Names that a shop may not have. Registered bodies are asked: a bank is called a bank."""
    strict = "hint" if sections.business.kind in _REGISTERED else "refuse"
    for path, name in kyb.names_shown(sections):
        if kyb.is_protected(name, protected) is not None:
            yield Doubt("protected_name", path, _PROTECTED, strict)


async def protected_names(service: Service, policy: kyb.Policy) -> dict[str, tuple[str, ...]]:
    """Names by whom they belong to: those that come with kyb, the policy's, and the scheme's own DFSPs."""
    kept = service.shared(_Dfsps)
    return {**kyb.default_protected_names(), **policy.text.names.protected, "dfsps": await kept.names()}


class _Dfsps:
    """The names of the scheme's DFSPs, as they were half a minute ago at most."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._names: tuple[str, ...] = ()
        self._read_at_s = -_DFSPS_KEPT_S

    async def names(self) -> tuple[str, ...]:
        if time.monotonic() - self._read_at_s >= _DFSPS_KEPT_S:
            async with self._service.db.system_reads() as tx:
                rows = await tx.fetch("SELECT name FROM dfsp ORDER BY name")
            self._names, self._read_at_s = tuple(row["name"] for row in rows), time.monotonic()
        return self._names


def worst(doubts: list[dict[str, str]]) -> str:
    """The strictest of what the policy makes of a report's doubts."""
    found = {one["strictness"] for one in doubts}
    return next((one for one in ("refuse", "review", "hint") if one in found), "allow")
