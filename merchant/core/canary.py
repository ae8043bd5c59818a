"""The canary: one sealed row by which a program finds out at its start whether it holds the right secret key.

What is sealed is the secret of the blind indexes. It is random, made with the installation, and stays when keys are
rotated: so no index changes then, and nobody who is looked up meanwhile is missed.
"""

import secrets
from datetime import datetime

from sqlmodel import Field, SQLModel

from merchant.core import clock, columns
from merchant.core.db import Reads, Tx
from merchant.core.vault import BadSecretKey, Vault, WrongSecretKey

CONTEXT = "vault_canary"
_READ = "SELECT sealed FROM vault_canary WHERE id = 1"
_WRITE = "INSERT INTO vault_canary (id, sealed, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING"


class VaultCanary(SQLModel, table=True):
    """The one row, of id 1."""

    __tablename__ = "vault_canary"
    id: int = Field(default=1, primary_key=True)
    sealed: bytes = columns.sealed(nullable=False)
    created_at: datetime = columns.instant()


async def open_canary(tx: Reads, vault: Vault) -> bool:
    """Open the canary and find people by its secret; False when there is none yet. Raises BadSecretKey."""
    return open_sealed(await tx.fetchval(_READ), vault)


def open_sealed(sealed: bytes | None, vault: Vault) -> bool:
    """The same with what the row holds. Raises BadSecretKey."""
    if sealed is None:
        return False
    try:
        vault.use_index_secret(vault.open(sealed, CONTEXT))
    except WrongSecretKey:
        raise BadSecretKey(
            f"The secret key {vault.key_id_of(sealed)!r} of {vault.source} has the name of the key that this database"
            " was sealed under, but it is another one: use the key that this installation was set up with."
        ) from None
    return True


async def write_canary(tx: Tx, vault: Vault, index_secret: bytes | None = None) -> None:
    """Seal the canary; of several programs the first one's stays. `index_secret` is a fresh one unless given."""
    sealed = vault.seal(index_secret or secrets.token_bytes(32), CONTEXT)
    await tx.execute(_WRITE, sealed, clock.now())
