"""Tables of the scheme: its one row, and the DFSPs that take part in it.

seed writes the scheme, people/operations.py adds DFSPs, enabling.py lets them take part, everyone reads them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from merchant.core import columns


class Scheme(SQLModel, table=True):
    """The one scheme this installation serves; a single row with id 1."""

    id: int = Field(default=1, primary_key=True)
    name: str
    qr_domain: str  # for example pay.example.org; codes carry it reversed, as their template's GUID
    alias_type: str = "ALIAS"
    alias_length: int = 8
    currencies: list[str] = columns.texts()
    country: str
    time_zone: str
    ussd_code: str = ""
    request_expiry_s: int = 300
    request_expiry_max_s: int = 604_800
    # Domains that codes carried before; what was printed with them stays good.
    qr_domains_accepted: list[str] = columns.texts(sa_column_kwargs=columns.added("'{}'"))
    # A change that one person of the hub proposed, and that a second has not confirmed yet.
    proposed: dict[str, Any] | None = columns.document()
    proposed_by: UUID | None = None
    proposed_at: datetime | None = columns.instant(nullable=True)


class Dfsp(SQLModel, table=True):
    """A participant of the hub: the tenant."""

    id: UUID = columns.key()
    fsp_id: str = Field(unique=True, max_length=32)
    name: str
    enabled: bool = True
    hub_mode: str = "simulator"  # read by nothing; goes in two releases (DECISIONS 26)
    hub_url: str = ""  # base URL of the hub; empty: MERCHANT_HUB_URL
    hub_urls: dict[str, str] = columns.mapping()  # base URLs of single resources, where a hub has several hosts
    transfer_mode: str = "RESERVED"
    version: int = Field(default=1, sa_column_kwargs=columns.added("1"))
    created_at: datetime = columns.instant()
    # Who proposed to enable it and when, until a second person confirms (enabling.py).
    proposed_by: UUID | None = None
    proposed_at: datetime | None = columns.instant(nullable=True)
