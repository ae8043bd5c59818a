"""One after the other: locks by name that a transaction holds until it ends, across all processes.

For rules that a row lock cannot keep, such as "at most twenty": two transactions that count at the same moment would
each miss the other's row.
"""

from merchant.core.db import Tx

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


async def take_turn(tx: Tx, name: str) -> None:
    """Wait until no other transaction holds this name. What is read afterwards includes what the others wrote."""
    await tx.execute(_LOCK, name)
