"""The table of price keys."""

from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from merchant.core import columns


class PriceKey(SQLModel, table=True):
    """One thing that a merchant sells, and its price; of one counter, or of all of them."""

    __tablename__ = "price_key"
    __table_args__ = (Index("price_key_of_merchant", "merchant_id", "position"),)
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID = Field(foreign_key="merchant.id")
    counter_id: UUID | None = Field(default=None, foreign_key="counter.id")
    label: str
    amount_minor: int = columns.minor_units()
    currency: str
    position: int
