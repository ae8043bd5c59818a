"""Tables of people and machines: who signs in, how they prove it, and the keys of API clients.

users.py, links.py, totp.py and passkeys.py write what a person is; sign_in.py and sessions.py recognise a caller by it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from merchant.core import columns
from merchant.core.background import BackgroundJob

UNUSABLE_HASH = "!"  # of someone who was invited and has set no password yet
CODES_HASH = "*"  # of someone who registered themselves, and signs in by one-time codes
PHONE = "app_user:{id}"  # as vault.seal is told
_ZERO = {"server_default": "0"}  # rows that the release before writes


class AppUser(SQLModel, table=True):
    """A person who signs in: hub staff (no DFSP), DFSP staff, a merchant's people, or whoever registers themselves.

    Staff have an e-mail address; of the others some have a phone number in its place.
    """

    __tablename__ = "app_user"
    __table_args__ = (
        Index("app_user_phone", "phone_digest", unique=True, postgresql_where=text("phone_digest IS NOT NULL")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID | None = Field(default=None, foreign_key="dfsp.id", index=True)
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")
    counter_id: UUID | None = Field(default=None, foreign_key="counter.id")  # of a cashier who is bound to it
    email: str | None = Field(default=None, unique=True)
    name: str
    password_hash: str = UNUSABLE_HASH
    roles: list[str] = columns.texts()
    enabled: bool = True
    failed_sign_ins: int = 0  # of the release before; failures are counted in sign_in_failure
    locked_until: datetime | None = columns.instant(nullable=True)  # likewise
    created_at: datetime = columns.instant()
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    # A session, or a link, counts only while it carries its owner's present number: raising it ends them all at once.
    session_epoch: int = Field(default=0, sa_column_kwargs=_ZERO)
    link_epoch: int = Field(default=0, sa_column_kwargs=_ZERO)
    password_changed_at: datetime | None = columns.instant(nullable=True)
    totp_sealed: bytes | None = columns.sealed()
    totp_confirmed_at: datetime | None = columns.instant(nullable=True)
    totp_last_step: int | None = Field(default=None, sa_type=BigInteger)  # a code works once
    recovery_digests: list[bytes] = Field(
        default_factory=columns.factory(list), sa_type=ARRAY(LargeBinary), sa_column_kwargs={"server_default": "{}"}
    )
    # What one person wants and a second has not confirmed yet.
    proposed_roles: list[str] | None = Field(default=None, sa_type=ARRAY(Text), nullable=True)
    proposed_enabled: bool | None = None
    proposed_by: UUID | None = None
    phone_sealed: bytes | None = columns.sealed()
    phone_digest: bytes | None = columns.sealed()
    language: str | None = None  # in which they are told what happens; the operator's setting unless given


class UserSession(SQLModel, table=True):
    """A person who is signed in somewhere; the token names it."""

    __tablename__ = "user_session"
    id: UUID = columns.key()
    user_id: UUID = Field(foreign_key="app_user.id", index=True)
    epoch: int
    created_at: datetime = columns.instant()
    last_seen_at: datetime = columns.instant()
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)
    ended_at: datetime | None = columns.instant(nullable=True)
    source: bytes = columns.sealed(nullable=False)  # keyed digest of the client's address
    user_agent: str
    by_passkey: bool = Field(default=False, sa_column_kwargs=columns.added("false"))  # two factors in one


class AccountToken(SQLModel, table=True):
    """A link that lets someone set a password once: an invitation or a reset. Only its digest is kept."""

    __tablename__ = "account_token"
    digest: bytes = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="app_user.id", index=True)
    kind: str
    epoch: int
    created_at: datetime = columns.instant()
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)
    used_at: datetime | None = columns.instant(nullable=True)


class SignInFailure(SQLModel, table=True):
    """Failed tries for an address from one source, and of all unknown sources together; also for unknown addresses."""

    __tablename__ = "sign_in_failure"
    account: bytes = Field(primary_key=True)  # keyed digest of the address
    source: bytes = Field(primary_key=True)  # keyed digest of where it came from, or a word for all of them
    count: int
    last_at: datetime = Field(sa_type=columns.INSTANT, index=True)
    until: datetime | None = columns.instant(nullable=True)


class KnownDevice(SQLModel, table=True):
    """A device on which someone signed in before: strangers' failures do not hold it up."""

    __tablename__ = "known_device"
    __table_args__ = (Index("known_device_of", "user_id", "expires_at"),)
    digest: bytes = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="app_user.id")
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)


class Passkey(SQLModel, table=True):
    """A key pair of a person's device or security key: we hold the public half."""

    __tablename__ = "passkey"
    id: UUID = columns.key()
    user_id: UUID = Field(foreign_key="app_user.id", index=True)
    credential_id: bytes = Field(unique=True)  # the device's name for it
    public_key: bytes  # COSE_Key, RFC 9052
    sign_count: int = Field(sa_type=BigInteger)  # 32 bits without sign; 0 on devices that do not count
    name: str
    transports: list[str] = columns.texts()
    backed_up: bool
    created_at: datetime = columns.instant()
    last_used_at: datetime | None = columns.instant(nullable=True)


class PasskeyChallenge(SQLModel, table=True):
    """What a passkey is asked to sign, once. Only its digest is kept."""

    __tablename__ = "passkey_challenge"
    digest: bytes = Field(primary_key=True)
    user_id: UUID | None = Field(default=None, foreign_key="app_user.id", index=True)  # None: whoever signs in
    purpose: str
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)


class AuditCheck(BackgroundJob, table=True):
    """A check of the audit record: of all chains, or of one DFSP's. `done` counts entries.

    `found` holds what each chain that was gone through showed, `position` where the next slice goes on.
    """

    __tablename__ = "audit_check"
    # The hub's own checks belong to no DFSP.
    dfsp_id: UUID | None = Field(default=None, foreign_key="dfsp.id", index=True)  # type: ignore[assignment]
    chain: UUID | None = None  # of a check of one chain only
    found: list[dict[str, Any]] = columns.document(nullable=False)
    position: dict[str, Any] = columns.mapping()
    anchors: str = "none"  # held against them: "held", "faulty", or none there


class ApiKey(SQLModel, table=True):
    """A machine's key: only its digest is kept."""

    __tablename__ = "api_key"
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")
    counter_id: UUID | None = Field(default=None, foreign_key="counter.id")
    name: str
    digest: bytes = Field(unique=True)
    scopes: list[str] = columns.texts()
    created_at: datetime = columns.instant()
    expires_at: datetime | None = columns.instant(nullable=True)
    revoked_at: datetime | None = columns.instant(nullable=True)
    issued_by: UUID | None = None  # the person who answers for what the key writes (four eyes)
