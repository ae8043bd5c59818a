"""What people exports to the programs."""

from merchant.core.access import Permission as P
from merchant.core.slices import Pruned, Timer, transactional
from merchant.people import account_routes, links, record_routes, routes, sessions, sign_in, user_routes

ROUTES = [*account_routes.ROUTES, *routes.ROUTES, *user_routes.ROUTES, *record_routes.ROUTES]
JOBS = (transactional(links.RESET_TOPIC, bytes, links.send_reset),)
TIMERS: tuple[Timer, ...] = ()
PRUNED = (
    Pruned("sessions", sessions.prune),
    Pruned("account links", links.prune),
    Pruned("failed sign-ins", sign_in.prune_failures),
    Pruned("known devices", sign_in.prune_devices),
)
PERMISSIONS = {
    P.DFSPS_READ: "Read the scheme's DFSPs.",
    P.DFSPS_WRITE: "Enable and disable DFSPs.",
    P.USERS_WRITE: "Add people, change their roles, and let them in or shut them out.",
    P.OWN_PEOPLE_WRITE: "Add and change the cashiers of the own merchant.",
    P.API_KEYS_WRITE: "Issue and revoke API keys.",
    P.AUDIT_READ: "Read the audit record and the security events.",
}

__all__ = ["JOBS", "PERMISSIONS", "PRUNED", "ROUTES", "TIMERS"]
