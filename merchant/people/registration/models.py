"""Tables of self-registration: the codes that prove an address, and who says that a merchant is theirs.

codes.py and claims.py write these rows; these only hold.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from merchant.core import columns

# As vault.seal is told.
CLAIMANT_NAME = "merchant_claim-name:{id}"
CLAIMANT_ADDRESS = "merchant_claim-address:{id}"
CLAIM_REASON = "merchant_claim-reason:{id}"


class OneTimeCode(SQLModel, table=True):
    """The newest code that went to an address: digests only, one row an address and purpose.

    `wrong_count` outlives a newer code, so that whoever guesses gains nothing by having another one sent.
    """

    __tablename__ = "one_time_code"
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)  # keyed, of the purpose and the address
    code_digest: bytes | None = columns.sealed()  # none once it was used
    sent_at: datetime = columns.instant()
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)
    recent_sent_at: list[datetime] = Field(default_factory=columns.factory(list), sa_type=ARRAY(columns.INSTANT))
    wrong_count: int = 0
    locked_until: datetime | None = columns.instant(nullable=True)


class MerchantClaim(SQLModel, table=True):
    """Somebody who proved an address and says that a merchant is theirs to manage; the DFSP's staff decide."""

    __tablename__ = "merchant_claim"
    __table_args__ = (
        Index("merchant_claim_open", "claimant_digest", unique=True, postgresql_where=sql("state::text = 'open'")),
        Index("merchant_claim_of_merchant", "merchant_id", "id"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID = Field(foreign_key="merchant.id")
    state: str = "open"
    claimant_digest: bytes = columns.sealed(nullable=False)
    name_sealed: bytes = columns.sealed(nullable=False)
    address_sealed: bytes = columns.sealed(nullable=False)
    created_at: datetime = columns.instant()
    decided_at: datetime | None = columns.instant(nullable=True)
    decided_by: UUID | None = None
    reason_sealed: bytes | None = columns.sealed()
