"""Tables of imports: a background job for each file, and its rows in batches.

A batch holds its rows sealed until they are worked off, and then what became of each, written in the transaction that
did it: whatever is killed, no row is done twice, none is lost, and nothing of the file is kept longer than needed.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Uuid
from sqlmodel import Field, SQLModel

from merchant.core import columns
from merchant.core.background import BackgroundJob


def _import() -> Any:
    return Field(sa_type=Uuid, primary_key=True, sa_column_args=(ForeignKey("import_job.id", ondelete="CASCADE"),))


class ImportJob(BackgroundJob, table=True):
    """One file: who sent it, how it is to be taken, and how its rows fared. `done` and `total` count rows."""

    __tablename__ = "import_job"
    actor_kind: str
    actor_id: UUID
    issuer_id: UUID | None = None  # of an API key: the person who answers for it
    file_name: str
    file_sha256: str
    dry_run: bool
    submit: bool
    columns: list[str] = columns.texts()
    added: int = 0
    existing: int = 0
    failed: int = 0


class ImportBatch(SQLModel, table=True):
    """Some rows of a file; `rows_sealed` is None once they are worked off."""

    __tablename__ = "import_batch"
    import_id: UUID = _import()
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    dfsp_id: UUID = columns.dfsp()
    rows_sealed: bytes | None = columns.sealed()
    outcomes_sealed: bytes | None = columns.sealed()
