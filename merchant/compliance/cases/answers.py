"""An application's answers: normalised, checked, hashed, encrypted at rest, indexed, read as kyb's applicant.

The whole of the answers is sealed, since owners' numbers, birth dates and phones stand among them; what lists need
(names, category) is copied into plain columns, and what must be found by equality into blind indexes.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases.kyb_sentences import marked
from merchant.compliance.cases.models import Application
from merchant.core import clock, errors
from merchant.core.db import Tx
from merchant.core.http.shape import MAX_FAULTS
from merchant.core.vault import Vault
from merchant.hub.reserved import RESERVED_WORDS

# Which answers get a blind index: (kind, path below an owner or the business).
_OWNER_IDENTIFIERS = ("id_number", "phone", "email")


def tidy(sections: kyb.Sections, drawn_digits: int | None = None) -> kyb.Sections:
    """Normalised sections; no alias may look like a number of `drawn_digits` digits.

    Raises InvalidFields naming every wrong answer, or the first MAX_FAULTS.
    """
    tidied = kyb.normalise(sections)
    problems = kyb.field_problems(tidied, clock.now(), RESERVED_WORDS, drawn_digits, most=MAX_FAULTS)
    if problems:
        raise errors.InvalidFields(errors=tuple(errors.FieldError(p.path, p.code, marked(p.message)) for p in problems))
    return tidied


def version_hash(vault: Vault, version: int, sections: kyb.Sections) -> str:
    """A keyed hash in hex of a version's number and answers; an approval binds to it.

    Keyed, so that nobody finds out a masked answer by trying all there are.
    """
    content = hashlib.sha256(msgspec.json.encode([version, sections], order="sorted")).hexdigest()
    return vault.digest("version", content).hex()


def seal(vault: Vault, application_id: UUID, sections: kyb.Sections) -> bytes:
    """The answers as the sealed column holds them."""
    return vault.seal(msgspec.json.encode(sections), f"application:{application_id}")


def unseal(vault: Vault, application_id: UUID, sealed: bytes) -> kyb.Sections:
    """The answers out of the sealed column."""
    return msgspec.json.decode(vault.open(sealed, f"application:{application_id}"), type=kyb.Sections)


def write(vault: Vault, application: Application, sections: kyb.Sections) -> None:
    """Put answers into a row: sealed, hashed, with the plain copies that lists show."""
    application.sections_sealed = seal(vault, application.id, sections)
    application.version_hash = version_hash(vault, application.version, sections)
    application.external_ref = sections.external_ref
    application.trading_name = sections.business.trading_name or ""
    application.legal_name = sections.business.legal_name or ""
    application.mcc = sections.business.mcc or ""
    application.updated_at = clock.now()


async def index_identifiers(tx: Tx, vault: Vault, application: Application, sections: kyb.Sections) -> None:
    """Rewrite the blind index of an application's identity numbers, phones and register numbers."""
    await tx.flush()
    await tx.execute("DELETE FROM application_identifier WHERE application_id = $1", application.id)
    await insert_identifiers(tx, identifier_rows(vault, application, sections))


class IdentifierRow(NamedTuple):
    """An answer in the blind index, its columns in order."""

    application_id: UUID
    path: str
    dfsp_id: UUID
    kind: str
    digest: bytes


_INSERT_IDENTIFIERS = """
INSERT INTO application_identifier (application_id, path, dfsp_id, kind, digest)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[])
"""


def identifier_rows(vault: Vault, application: Application, sections: kyb.Sections) -> list[IdentifierRow]:
    """The rows of the blind index for an application's answers."""
    return [
        IdentifierRow(application.id, path, application.dfsp_id, kind, vault.digest(kind, value))
        for path, kind, value in identifiers(sections)
    ]


async def insert_identifiers(tx: Tx, rows: Sequence[IdentifierRow]) -> None:
    """Write rows of the blind index, of one application or of many."""
    if rows:
        await tx.execute(_INSERT_IDENTIFIERS, *map(list, zip(*rows, strict=True)))


def identifiers(sections: kyb.Sections) -> list[tuple[str, str, str]]:
    """(path, kind, value) of every answer that has a blind index, the value in the one form in which it is compared."""
    found = [
        (f"owners[{index}].{name}", name, getattr(owner, name))
        for index, owner in enumerate(sections.owners)
        for name in _OWNER_IDENTIFIERS
    ]
    found += [
        ("contact.phone", "phone", sections.contact.phone),
        ("business.tax_id", "tax_id", sections.business.tax_id),
        ("business.registration_number", "registration_number", sections.business.registration_number),
        ("settlement_account.account_id", "account", sections.settlement_account.account_id),
    ]
    return [(path, kind, form) for path, kind, value in found if value and (form := compared(kind, value))]


def compared(kind: str, value: str) -> str:
    """A tidied answer as it is compared: blanks, signs, case, and digits of another script make no other number."""
    if kind == "phone":
        return value
    return value.casefold() if kind == "email" else kyb.number_form(value)
