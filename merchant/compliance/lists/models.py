"""Tables of the screening lists: a row for each version that was put, and its packed bytes in chunks.

No tenant's tables: lists are the hub's, and only the service itself reads and writes them.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from merchant.core import columns


class ListVersion(SQLModel, table=True):
    """One version of one list. Only state, confirmation and the day it was last seen current ever change."""

    __tablename__ = "list_version"
    __table_args__ = (
        # One version of a list counts at a time, whatever two processes do at once.
        Index("list_version_in_force", "source", unique=True, postgresql_where=text("state = 'in_force'")),
        Index("list_version_of_source", "source", "id"),
    )
    id: UUID = columns.key()
    source: str
    form: str
    state: str
    sha256: str  # hex, of the unpacked bytes
    published_on: date
    fetched_at: datetime = columns.instant()
    checked_at: datetime = columns.instant()  # when it was last seen to be the publisher's current one
    entry_count: int
    added_count: int
    removed_count: int
    changed_count: int
    problem: str | None = None  # why it was refused, a code of kyb.lists.change
    replaces: UUID | None = None  # the version that was in force when this one was put
    put_by: UUID
    confirmed_by: UUID | None = None
    confirmed_at: datetime | None = columns.instant(nullable=True)


class ListChunk(SQLModel, table=True):
    """A part of a version's bytes, packed by gzip; of a private list sealed, since it speaks of people."""

    __tablename__ = "list_chunk"
    __table_args__ = (CheckConstraint("num_nonnulls(packed, packed_sealed) = 1", name="list_chunk_one_form"),)
    version_id: UUID = Field(foreign_key="list_version.id", primary_key=True)
    position: int = Field(primary_key=True)
    packed: bytes | None = columns.sealed()
    packed_sealed: bytes | None = columns.sealed()
