"""A PostgreSQL of our own: one call starts it, and it stops when the last program using it is gone.

`start(data_dir)` is blocking and needs no event loop: call it before the program's loop runs.
Reading order: `binaries` finds the server's programs, `account` says which user may run them,
`cluster` makes the data folder, `launcher` starts or joins, `keeper` (a process of its own) stays
beside the server and stops it. With `MERCHANT_DATABASE_URL` set, none of this is used.
"""

from merchant.core.postgres import clients
from merchant.core.postgres.binaries import Binaries, NoPostgres, find_binaries
from merchant.core.postgres.cluster import StartFailed, is_made
from merchant.core.postgres.launcher import Running, start

__all__ = ["Binaries", "NoPostgres", "Running", "StartFailed", "clients", "find_binaries", "is_made", "start"]
