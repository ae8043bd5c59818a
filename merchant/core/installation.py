"""The one row about the installation itself: which programs may work with it, and whether it was restored.

After a restore from a backup the hub knows more than we do. Until the transfers that were open then have been asked for
again, no new payment is taken.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel

from merchant.core import columns


class Installation(SQLModel, table=True):
    """The row, of id 1, which the migrations write."""

    id: int = Field(default=1, primary_key=True)
    oldest_revision: str
    restored_at: datetime | None = columns.instant(nullable=True)
    reconciled_at: datetime | None = columns.instant(nullable=True)
    distributed_at: datetime | None = columns.instant(nullable=True)  # since when its tables lie on several machines
