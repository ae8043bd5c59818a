"""What a checker should look at before deciding: the same person or firm elsewhere, names that mislead, odd numbers.

Duplicates are found across DFSPs by blind index; of another DFSP's merchant only that there is one is told. A policy
says whether each is a hint, asks for a reason, or ends the case.
"""

import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

import kyb
from merchant.compliance.cases.models import Application
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.core.texts import _

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
_SAME = """
SELECT mine.path, mine.kind, theirs.dfsp_id = $2 AS own FROM application_identifier mine
JOIN application_identifier theirs ON theirs.digest = mine.digest AND theirs.kind = mine.kind
JOIN application a ON a.id = theirs.application_id
WHERE mine.application_id = $1 AND theirs.application_id <> $1 AND mine.kind = ANY($4)
  AND a.state IN ('submitted', 'in_review', 'approved')
  AND ($3::uuid IS NULL OR a.merchant_id IS DISTINCT FROM $3)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_NEIGHBOURS = """
SELECT trading_name FROM merchant
WHERE dfsp_id = $1 AND lower(city) = lower($2) AND state <> 'closed' AND ($3::uuid IS NULL OR id <> $3) LIMIT 500
"""
_REGISTERED = frozenset({"company", "ngo", "public_body"})
_DFSPS_KEPT_S = 30.0


class Doubt(Struct, frozen=True):
    """One thing to look at: a code, the answer that it concerns, a sentence, and what the policy makes of it."""

    code: str
    path: str
    message: str
    strictness: str  # hint, review or refuse


async def find_doubts(
    service: Service, tx: Reads, application: Application, sections: kyb.Sections, policy: kyb.Policy
) -> list[Doubt]:
    """Everything about a case's answers that a checker should look at, in the order of the answers.

    Duplicates are read as the service, which sees all DFSPs.
    """
    merchant_id = application.merchant_id
    async with service.db.system_reads() as reads:
        same = await reads.fetch(_SAME, application.id, application.dfsp_id, merchant_id, list(_KINDS))
    found = []
    for row in same:
        name, message = _KINDS[row["kind"]]
        strict = getattr(policy.text.own_duplicates if row["own"] else policy.text.other_duplicates, name)
        if strict != "allow":
            code = f"same_{name}" if row["own"] else f"same_{name}_elsewhere"
            found.append(Doubt(code, row["path"], message, strict))
    shown, places = sections.business.trading_name, sections.locations
    if shown and places and places[0].city and policy.text.own_duplicates.name != "allow":
        rows = await tx.fetch(_NEIGHBOURS, application.dfsp_id, places[0].city, merchant_id)
        if any(kyb.alike(shown, row["trading_name"]) for row in rows):
            strict = policy.text.own_duplicates.name
            found.append(Doubt("like_neighbour", "business.trading_name", _LIKE_NEIGHBOUR, strict))
    found += protected_doubts(sections, await protected_names(service, policy))
    found += [Doubt(one.code, one.path, one.message, "hint") for one in kyb.number_doubts(sections)]
    return found


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
