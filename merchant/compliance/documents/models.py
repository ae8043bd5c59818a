"""Tables of documents: what was sent and for what, under which key its file is sealed, and files without a document.

The files themselves are in a store (store.py). operations.py writes these rows; these only hold.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from merchant.core import columns

# As vault.seal is told.
KEY = "document-key:{id}"
FILE_NAME = "document-name:{id}"
PLACE = "document-place:{id}"


class Document(SQLModel, table=True):
    """A document of an application or a merchant."""

    __table_args__ = (
        CheckConstraint("num_nonnulls(application_id, merchant_id) = 1", name="document_of_one"),
        Index("document_of_application", "application_id", "id", postgresql_where=text("application_id IS NOT NULL")),
        Index("document_of_merchant", "merchant_id", "id", postgresql_where=text("merchant_id IS NOT NULL")),
        Index("document_by_file", "stored_sha256", unique=True),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID | None = columns.ref("application.id", nullable=True, index=False)
    merchant_id: UUID | None = columns.ref("merchant.id", nullable=True, index=False)
    purpose: str
    path: str  # of the answer that it proves
    media_type: str
    size_bytes: int = Field(sa_type=BigInteger)  # of the file as it is shown, and so is its digest
    sha256: str
    pages: int | None = None
    stored_sha256: str  # of the file as it is stored, sealed: its name in the store
    key_sealed: bytes | None = columns.sealed()  # of this file alone; without it nobody reads the file any more
    file_name_sealed: bytes | None = columns.sealed()
    place_sealed: bytes | None = columns.sealed()
    added_by: UUID
    added_at: datetime = columns.instant()
    withdrawn_at: datetime | None = columns.instant(nullable=True)
    erased_at: datetime | None = columns.instant(nullable=True)


class LooseFile(SQLModel, table=True):
    """A file that no document may hold: noted before it is stored, until its document is there, and at an erasure."""

    __tablename__ = "loose_file"
    __table_args__ = (Index("loose_file_due", "due_at"),)
    stored_sha256: str = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    due_at: datetime = columns.instant()
