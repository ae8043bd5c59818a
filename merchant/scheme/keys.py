"""The key table: JWS signing and verifying keys and ILP secrets, by FSP and purpose, with validity.

Private parts are sealed under MERCHANT_SECRET_KEY. Callers get PEM text or secrets and build key objects once
(merchant.hub); several valid keys of one FSP overlap so that a partner can rotate without a gap.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, ids
from merchant.core.db import Reads, Tx
from merchant.core.vault import Vault
from merchant.scheme.public_keys import RSA_BITS_MIN

JWS_SIGN, JWS_VERIFY, ILP = "jws_sign", "jws_verify", "ilp"


class SchemeKey(SQLModel, table=True):
    """One key of one FSP for one purpose."""

    __tablename__ = "scheme_key"
    id: UUID = columns.key()
    key_id: str
    dfsp_id: UUID | None = Field(default=None, foreign_key="dfsp.id")
    fsp_id: str = Field(index=True)
    purpose: str
    algorithm: str
    public_pem: str | None = None
    private_sealed: bytes | None = columns.sealed()
    valid_from: datetime = columns.instant()
    valid_until: datetime | None = columns.instant(nullable=True)


class KeyMaterial(msgspec.Struct, frozen=True):
    """A usable key: PEM text for JWS, the secret's text for ILP."""

    key_id: str
    algorithm: str
    text: str
    valid_from: datetime
    valid_until: datetime | None


_USABLE = """
SELECT id, key_id, algorithm, public_pem, private_sealed, valid_from, valid_until FROM scheme_key
WHERE (fsp_id = $1 OR ($4 AND lower(fsp_id) = lower($1))) AND purpose = $2
  AND (valid_until IS NULL OR valid_until > $3)
ORDER BY valid_from DESC, id DESC
"""


async def usable_keys(
    tx: Reads, vault: Vault, fsp_id: str, purpose: str, *, any_case: bool = False
) -> list[KeyMaterial]:
    """The FSP's keys for a purpose that have not run out, newest first; some may be valid from a later time only."""
    rows = await tx.fetch(_USABLE, fsp_id, purpose, clock.now(), any_case)
    return [
        KeyMaterial(
            row["key_id"],
            row["algorithm"],
            row["public_pem"]
            if row["private_sealed"] is None
            else vault.open(row["private_sealed"], f"key:{row['id']}").decode(),
            row["valid_from"],
            row["valid_until"],
        )
        for row in rows
    ]


# Whoever is served here signs with a key of ours, and its public half is all that a message of theirs needs.
_VERIFYING = f"""
SELECT key_id, algorithm, public_pem AS text, valid_from, valid_until FROM scheme_key
WHERE (valid_until IS NULL OR valid_until > $2)
  AND ((purpose = '{JWS_VERIFY}' AND (fsp_id = $1 OR ($3 AND lower(fsp_id) = lower($1))))
    OR (purpose = '{JWS_SIGN}' AND fsp_id = $1))
ORDER BY valid_from DESC, id DESC
"""  # noqa: S608 - constants


async def verifying_keys(tx: Reads, fsp_id: str, *, any_case: bool = False) -> list[KeyMaterial]:
    """Public keys that an FSP's signatures may be made with, ours included, that have not run out, newest first; some
    may be valid from a later time only.
    """
    rows = await tx.fetch(_VERIFYING, fsp_id, clock.now(), any_case)
    return [KeyMaterial(**row) for row in rows]


async def valid_keys(tx: Reads, vault: Vault, fsp_id: str, purpose: str) -> list[KeyMaterial]:
    """The FSP's keys for a purpose that are valid now, newest first."""
    now = clock.now()
    return [key for key in await usable_keys(tx, vault, fsp_id, purpose) if key.valid_from <= now]


async def add_private(
    tx: Tx, vault: Vault, dfsp_id: UUID, fsp_id: str, purpose: str, secret: str, *, valid_from: datetime | None = None
) -> SchemeKey:
    """Keep a private key (PEM) or an ILP secret of one of our DFSPs, to be used from now or from a later time on."""
    key = SchemeKey(
        key_id=ids.wire_id(),
        dfsp_id=dfsp_id,
        fsp_id=fsp_id,
        purpose=purpose,
        algorithm="HS256" if purpose == ILP else "RS256",
        public_pem=None if purpose == ILP else public_pem(secret),
        valid_from=valid_from or clock.now(),
    )
    key.private_sealed = vault.seal(secret.encode(), f"key:{key.id}")
    tx.session.add(key)
    await tx.flush()
    return key


async def add_public(
    tx: Tx,
    fsp_id: str,
    pem: str,
    *,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> SchemeKey:
    """Trust a partner's public key for the signatures of an FSP. Raises ValueError for what is no public key."""
    loaded = serialization.load_pem_public_key(pem.encode())
    algorithm = "RS256" if isinstance(loaded, rsa.RSAPublicKey) else "ES256"
    key = SchemeKey(
        key_id=ids.wire_id(),
        fsp_id=fsp_id,
        purpose=JWS_VERIFY,
        algorithm=algorithm,
        public_pem=pem,
        valid_from=valid_from or clock.now(),
        valid_until=valid_until,
    )
    tx.session.add(key)
    await tx.flush()
    return key


def new_private_pem() -> str:
    """A fresh RSA key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS_MIN)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(private_pem: str) -> str:
    """The public half of a private PEM."""
    private = serialization.load_pem_private_key(private_pem.encode(), password=None)
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(encoding, form).decode()
