"""What the scheme exports to the programs."""

from merchant.core.access import Permission as P
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.scheme.routes import ROUTES

JOBS: tuple[JobKind, ...] = ()
TIMERS: tuple[Timer, ...] = ()
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS = {
    P.HUB_KEYS_READ: "Read the public keys on the hub.",
    P.HUB_KEYS_WRITE: "Import, rotate and retire keys on the hub.",
    P.SCHEME_WRITE: "Propose a change of the scheme, and confirm another person's.",
}

__all__ = ["JOBS", "PERMISSIONS", "PRUNED", "ROUTES", "TIMERS"]
