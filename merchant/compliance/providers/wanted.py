"""What of a case registers are asked, as its policy wants it, and the id by which an answer finds its request again.

The id holds a keyed hash of the facts: an answer to facts that changed meanwhile finds nothing.
"""

import re
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import risk
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.verifications import case_of, facts_hash
from merchant.compliance.providers.port import REGISTRY, Request
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.core.vault import Vault

# The LEI has a register of its own, which is asked elsewhere.
LOOKED_UP = frozenset(kyb.ATTRIBUTES) - {"lei"}
_FACTS_BYTES = 16  # of 32: nobody finds another set of facts with the same half
_ID = re.compile(rf"([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})-([0-9a-f]{{{2 * _FACTS_BYTES}}})")


class Wanted(Struct, frozen=True):
    """One thing that a register may be asked about a case."""

    subject: str
    facts_key: bytes
    request: Request


class RequestId(Struct, frozen=True):
    """What the id of a request says: of which case, and a key of the facts."""

    application_id: UUID
    facts_key: bytes

    def __str__(self) -> str:
        """As it is written in files and sent to providers."""
        return f"{self.application_id}-{self.facts_key.hex()}"


def read_id(text: str) -> RequestId | None:
    """The id of a request as it was written; None for what is none."""
    found = _ID.fullmatch(text)
    return None if found is None else RequestId(UUID(found[1]), bytes.fromhex(found[2]))


def facts_key(vault: Vault, sections: kyb.Sections, attribute: str, subject: str) -> bytes | None:
    """What of a verification's facts stands in a request's id; None for a subject that the case does not have."""
    found = facts_hash(vault, sections, attribute, subject)
    return None if found is None else found[:_FACTS_BYTES]


def place_of(vault: Vault, sections: kyb.Sections, attribute: str, key: bytes) -> str | None:
    """The subject whose facts these are, wherever it stands by now; None where no such facts are left."""
    subjects = kyb.subjects(sections, attribute)
    return next((one for one in subjects if facts_key(vault, sections, attribute, one) == key), None)


async def wanted_of(tx: Reads, service: Service, application: Application, sections: kyb.Sections) -> list[Wanted]:
    """What the policy lets a register vouch for and nobody has verified, up to the tier that the case leads to."""
    merchant = await risk.merchant_of(tx, application)
    case = await case_of(tx, service, application, sections)
    target = application.target_tier or (merchant.tier if merchant is not None else None)
    policy, now = await policy_of_case(service, application), await local_now(service)
    found = []
    for attribute, subject in kyb.lookups(case, policy, target, now, REGISTRY):
        key = facts_key(service.vault, sections, attribute, subject)
        facts = kyb.facts_of(sections, attribute, subject)
        if attribute in LOOKED_UP and key is not None and facts:
            request = Request(str(RequestId(application.id, key)), attribute, facts)
            found.append(Wanted(subject, key, request))
    return found


async def application_of(tx: Reads, application_id: UUID) -> Application | None:
    """A case by its id, for the service, which names no tenant."""
    found: Application | None = (
        await tx.session.exec(select(Application).where(Application.id == application_id))
    ).one_or_none()
    return found
