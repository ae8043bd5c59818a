"""The table of policy layers: texts that never change once they are proposed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from merchant.core import columns


class PolicyLayer(SQLModel, table=True):
    """One version of one layer: the regulator's, the scheme's, or of one DFSP (dfsp_id).

    The one in force is the published one with the newest effective_on that has come; of two for one day, the one that
    was published last. The database lets nobody change or delete what was proposed: only its state, its day and who
    published it.
    """

    __tablename__ = "policy_layer"
    __table_args__ = (Index("policy_layer_in_force", "layer", "dfsp_id", "effective_on"),)
    id: UUID = columns.key()
    layer: str
    dfsp_id: UUID | None = Field(default=None, foreign_key="dfsp.id", nullable=True, index=True)
    name: str
    version: str
    text: str = columns.text()
    sha256: str
    state: str = "proposed"
    effective_on: date
    note: str = ""
    proposed_by: UUID
    published_by: UUID | None = None
    created_at: datetime = columns.instant()
    published_at: datetime | None = columns.instant(nullable=True)
