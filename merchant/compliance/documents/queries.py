"""Reads of documents. Each takes the actor and shows no more than its DFSP; what it may not see is not found."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import or_
from sqlmodel import select

from merchant.compliance.documents.models import Document
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page, page


class Holder(Struct, frozen=True):
    """Whose documents: an application's, or a merchant's."""

    dfsp_id: UUID
    application_id: UUID | None = None
    merchant_id: UUID | None = None


async def document(tx: Reads, actor: Actor, document_id: UUID) -> Document:
    """One document. Raises NotFound."""
    found: Document = await tx.one(_by_id(actor, document_id))
    return found


async def lock_document(tx: Tx, actor: Actor, document_id: UUID) -> Document:
    """The document, locked until the transaction ends; after what holds it. Raises NotFound."""
    found: Document = await tx.one(_by_id(actor, document_id).with_for_update())
    return found


async def documents(
    tx: Reads,
    actor: Actor,
    wanted: Page,
    *,
    application_ids: list[UUID],
    merchant_id: UUID | None = None,
    purpose: str | None = None,
) -> list[Document]:
    """Documents of some applications, and of a merchant, newest first; those that were withdrawn among them."""
    table: Any = Document
    held = table.application_id.in_(application_ids)
    if merchant_id is not None:  # compared with none it would be true of every application's
        held = or_(held, table.merchant_id == merchant_id)
    statement = scope_to(actor, select(table).where(held), table)
    statement = statement.where(table.purpose == purpose) if purpose else statement
    return await page(tx, statement, table.id, wanted)


async def same_document(tx: Reads, holder: Holder, purpose: str, path: str, sha256: str) -> Document | None:
    """The document of this content that already proves this answer."""
    table: Any = Document
    statement = _standing(holder).where(table.purpose == purpose, table.path == path, table.sha256 == sha256)
    found: Document | None = (await tx.session.exec(statement.order_by(table.id).limit(1))).one_or_none()
    return found


async def count_documents(tx: Reads, holder: Holder, most: int) -> int:
    """How many documents stand, counted up to `most`."""
    return len((await tx.session.exec(_standing(holder).with_only_columns(_ID).limit(most))).all())


_ID: Any = Document.id


def _standing(holder: Holder) -> Any:
    table: Any = Document
    statement = select(table).where(table.withdrawn_at.is_(None), table.erased_at.is_(None))
    if holder.application_id is not None:
        return statement.where(table.application_id == holder.application_id)
    return statement.where(table.merchant_id == holder.merchant_id)


def _by_id(actor: Actor, document_id: UUID) -> Any:
    return scope_to(actor, select(Document).where(Document.id == document_id), Document)
