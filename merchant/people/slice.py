"""What people exports to the programs."""

from merchant.core.access import Permission as P
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.people import record_routes, routes

ROUTES = [*routes.ROUTES, *record_routes.ROUTES]
JOBS: tuple[JobKind, ...] = ()
TIMERS: tuple[Timer, ...] = ()
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS = {
    P.DFSPS_READ: "Read the scheme's DFSPs.",
    P.DFSPS_WRITE: "Enable and disable DFSPs.",
    P.USERS_WRITE: "Add people, and let them in or shut them out.",
    P.API_KEYS_WRITE: "Issue and revoke API keys.",
    P.AUDIT_READ: "Read the audit record.",
}

__all__ = ["JOBS", "PERMISSIONS", "PRUNED", "ROUTES", "TIMERS"]
