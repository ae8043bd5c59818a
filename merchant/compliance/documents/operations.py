"""Add, withdraw, open and erase documents. What holds them, and whether it may take them, is the caller's to say.

A file is checked, sealed and stored before the transaction that makes its document, and noted as loose until then: what
is refused or breaks off half-way leaves nothing but a sealed file, which loose_files.py deletes.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.compliance.documents import models
from merchant.compliance.documents.checking import check_file
from merchant.compliance.documents.file_names import tidy_name
from merchant.compliance.documents.kinds import Checked
from merchant.compliance.documents.models import Document, LooseFile
from merchant.compliance.documents.problems import ErasedDocument, TooManyDocuments
from merchant.compliance.documents.queries import Holder, count_documents, same_document
from merchant.compliance.documents.sealed_file import SealedFile, open_file, seal_file
from merchant.compliance.documents.store import name_of, store_of
from merchant.core import audit, clock, errors, idempotency, ids
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.http.multipart import SentFile
from merchant.core.idempotency import Outcome
from merchant.core.service import Service
from merchant.core.texts import _

# A company of ten owners with five papers each, twice over.
MOST_DOCUMENTS = 100
# Of a picture that may say where it was taken.
_WITH_PLACE = "site_photo"
# Storing a file ends within two minutes, one way or the other.
LOOSE_FOR = timedelta(hours=1)


class NewFile(Struct, frozen=True):
    """A file as it was sent, and what it is to prove."""

    file: SentFile
    purpose: str
    path: str
    keep_place: bool = False

    def told(self) -> bytes:
        """The same for the same call, whatever its form's boundary."""
        digest = hashlib.sha256(self.file.data).hexdigest()
        return msgspec.json.encode([self.purpose, self.path, self.keep_place, self.file.name, digest])


class Desk(Struct, frozen=True):
    """Where a document is handed in.

    `check` says whether it may be, and changes nothing; `claim` says so once more under a lock, does what a new
    document does to its holder, and answers it. Both raise NotFound, WrongState, InvalidFields for a path.
    """

    check: Callable[[Tx], Awaitable[Holder]]
    claim: Callable[[Tx], Awaitable[Holder]]


async def add_document(
    service: Service,
    actor: Actor,
    desk: Desk,
    new: NewFile,
    once: tuple[str, str] | None,
    show: Callable[[Document], bytes],
) -> Outcome:
    """Check a file, store it and make its document; `show` is the answer, `once` an operation with its idempotency key.

    The same content for the same answer is the same document. Raises what the desk does, a RefusedFile, ScannerAway,
    StoreAway, TooManyDocuments, IdempotencyKeyReused, InvalidFields.
    """
    dfsp_id = actor.own_dfsp()
    if new.keep_place and new.purpose != _WITH_PLACE:
        raise errors.invalid_field("keep_place", "not_for_purpose", _("Only a site_photo says where it was taken."))
    async with service.db.tenant(dfsp_id) as tx:
        if once is not None:
            earlier = await idempotency.find_outcome(tx, service.vault, actor, *once, new.told())
            if earlier is not None:
                return earlier
        await _check_number(tx, await desk.check(tx))
    checked = await check_file(service, new.file.data, keep_place=new.keep_place)
    return await keep_document(service, actor, desk, new, checked, once, show)


async def keep_document(
    service: Service,
    actor: Actor,
    desk: Desk,
    new: NewFile,
    checked: Checked,
    once: tuple[str, str] | None,
    show: Callable[[Document], bytes],
) -> Outcome:
    """Store a file that was checked and make its document. Raises as add_document, but for what is wrong in a file."""
    dfsp_id, document_id = actor.own_dfsp(), ids.uuid7()
    sealed = await asyncio.to_thread(seal_file, checked.content, document_id)
    await _store(service, dfsp_id, sealed)

    async def make() -> tuple[int, bytes]:
        holder = await desk.claim(tx)
        digest = hashlib.sha256(checked.content).hexdigest()
        row = await same_document(tx, holder, new.purpose, new.path, digest)
        if row is None:
            await _check_number(tx, holder)
            row = _row(service, actor, holder, new, checked, document_id, sealed, digest)
            await _add_row(tx, actor, row)
        return 201, show(row)

    async with service.db.tenant(dfsp_id) as tx:
        if once is None:
            return Outcome(*await make())
        return await idempotency.run_once(tx, service.vault, actor, *once, new.told(), make)


async def _check_number(tx: Tx, holder: Holder) -> None:
    if await count_documents(tx, holder, MOST_DOCUMENTS) >= MOST_DOCUMENTS:
        raise TooManyDocuments


async def _store(service: Service, dfsp_id: UUID, sealed: SealedFile) -> None:
    async with service.db.tenant(dfsp_id) as tx:
        tx.session.add(LooseFile(stored_sha256=sealed.sha256, dfsp_id=dfsp_id, due_at=clock.now() + LOOSE_FOR))
    await store_of(service).put(name_of(dfsp_id, sealed.sha256), sealed.data)


def _row(
    service: Service,
    actor: Actor,
    holder: Holder,
    new: NewFile,
    checked: Checked,
    document_id: UUID,
    sealed: SealedFile,
    digest: str,
) -> Document:
    vault, place = service.vault, checked.place
    name = tidy_name(new.file.name, checked.media_type).encode()
    place_context = models.PLACE.format(id=document_id)
    return Document(
        id=document_id,
        dfsp_id=holder.dfsp_id,
        application_id=holder.application_id,
        merchant_id=holder.merchant_id,
        purpose=new.purpose,
        path=new.path,
        media_type=checked.media_type,
        size_bytes=len(checked.content),
        sha256=digest,
        pages=checked.pages,
        stored_sha256=sealed.sha256,
        key_sealed=vault.seal(sealed.key, models.KEY.format(id=document_id)),
        file_name_sealed=vault.seal(name, models.FILE_NAME.format(id=document_id)),
        place_sealed=None if place is None else vault.seal(msgspec.json.encode(place), place_context),
        added_by=actor.id,
    )


async def _add_row(tx: Tx, actor: Actor, row: Document) -> None:
    tx.session.add(row)
    await tx.flush()
    await tx.execute("DELETE FROM loose_file WHERE stored_sha256 = $1", row.stored_sha256)
    await audit.record(
        tx,
        actor,
        "document.added",
        "document",
        row.id,
        dfsp_id=row.dfsp_id,
        application_id=row.application_id,
        merchant_id=row.merchant_id,
        purpose=row.purpose,
        path=row.path,
        sha256=row.sha256,
    )


async def withdraw_document(tx: Tx, actor: Actor, row: Document) -> None:
    """Take back a locked document whose holder may still change; its file stays. Raises WrongState."""
    if row.withdrawn_at is not None or row.erased_at is not None:
        raise errors.WrongState(_("This document is withdrawn already."))
    row.withdrawn_at = clock.now()
    tx.session.add(row)
    await audit.record(tx, actor, "document.withdrawn", "document", row.id, dfsp_id=row.dfsp_id, path=row.path)


async def note_look(tx: Tx, actor: Actor, row: Document, why: str) -> None:
    """Record that someone opens a document. Raises ErasedDocument."""
    if row.key_sealed is None:
        raise ErasedDocument
    await audit.record(tx, actor, "personal_data.read", "document", row.id, dfsp_id=row.dfsp_id, path=row.path, why=why)


async def read_file(service: Service, row: Document) -> bytes:
    """A document's file in clear, with no transaction open. Raises ErasedDocument, DamagedDocument, StoreAway."""
    if row.key_sealed is None:
        raise ErasedDocument
    key = service.vault.open(row.key_sealed, models.KEY.format(id=row.id))
    stored = await store_of(service).get(name_of(row.dfsp_id, row.stored_sha256))
    return await asyncio.to_thread(open_file, stored, key, row.id)


async def destroy_document(tx: Tx, actor: Actor, row: Document) -> None:
    """Erase a locked document for good: its key, its name and place are forgotten here, its file within a minute.

    What it was for, its digest and who added it stay, so that the record of decisions still adds up.
    """
    if row.erased_at is not None:
        return
    row.key_sealed = row.file_name_sealed = row.place_sealed = None
    row.erased_at = clock.now()
    tx.session.add(row)
    tx.session.add(LooseFile(stored_sha256=row.stored_sha256, dfsp_id=row.dfsp_id, due_at=clock.now()))
    await audit.record(tx, actor, "document.erased", "document", row.id, dfsp_id=row.dfsp_id)
