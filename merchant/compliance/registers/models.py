"""Tables of copies of public registers. No tenant's tables: only the service itself reads and writes them."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from merchant.core import columns


class LeiRecord(SQLModel, table=True):
    """One entity as GLEIF publishes it; the fields of kyb.LeiRecord."""

    __tablename__ = "lei_record"
    lei: str = Field(primary_key=True)
    legal_name: str
    country: str
    entity_status: str
    registration_status: str
    next_renewal_on: date | None = None
    other_names: list[str] = columns.texts(nullable=False)


class LeiLoad(SQLModel, table=True):
    """A golden copy that was loaded; the newest is the one whose records are there."""

    __tablename__ = "lei_load"
    id: UUID = columns.key()
    sha256: str  # hex, of the file as it was given
    countries: list[str] = columns.texts(nullable=False)  # whose records were kept; none are named: all
    file_count: int  # records in the file
    record_count: int  # of these, kept
    loaded_at: datetime = columns.instant()
    checked_at: datetime = columns.instant()  # when the same file was last given
