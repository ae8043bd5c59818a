"""What people exports to the programs."""

from merchant.compliance.cases.applicants import OWNER_TOPIC, MadeOwner
from merchant.core import background
from merchant.core.access import Permission as P
from merchant.core.slices import Pruned, transactional
from merchant.people import (
    account_routes,
    audit_check_routes,
    audit_checks,
    links,
    passkey_routes,
    passkeys,
    record_routes,
    routes,
    sessions,
    set_up_routes,
    sign_in,
    user_routes,
)
from merchant.people.registration import application_routes, claims, codes, notices
from merchant.people.registration import routes as registration_routes

ROUTES = [*account_routes.ROUTES, *passkey_routes.ROUTES, *routes.ROUTES, *user_routes.ROUTES, *record_routes.ROUTES]
ROUTES += [*set_up_routes.ROUTES, *audit_check_routes.ROUTES]
ROUTES += [*registration_routes.ROUTES, *application_routes.ROUTES]
JOBS = (
    transactional(links.RESET_TOPIC, bytes, links.send_reset),
    transactional(claims.CLAIM_TOPIC, bytes, claims.open_claim),
    transactional(OWNER_TOPIC, MadeOwner, notices.tell_owner),
    background.job_kind(audit_checks.KIND),
)
TIMERS = (background.timer(audit_checks.KIND),)
PRUNED = (
    Pruned("sessions", sessions.prune),
    Pruned("account links", links.prune),
    Pruned("failed sign-ins", sign_in.prune_failures),
    Pruned("known devices", sign_in.prune_devices),
    Pruned("passkey challenges", passkeys.prune_challenges),
    Pruned("one-time codes", codes.prune),
    Pruned("merchant claims", claims.prune),
)
PERMISSIONS = {
    P.DFSPS_READ: "Read the scheme's DFSPs.",
    P.DFSPS_WRITE: "Add and change DFSPs, disable them, and propose to enable them.",
    P.DFSPS_CONFIRM: "Confirm that a DFSP is enabled, which another person of the hub proposed.",
    P.USERS_WRITE: "Add people, change their roles, and let them in or shut them out.",
    P.OWN_PEOPLE_WRITE: "Add and change the cashiers of the own merchant.",
    P.API_KEYS_WRITE: "Issue and revoke API keys.",
    P.OWN_APPLICATION_WRITE: "Write one's own application, and ask for cases of one's own merchant.",
    P.AUDIT_READ: "Read the audit record and the security events, and have the record checked.",
}

__all__ = ["JOBS", "PERMISSIONS", "PRUNED", "ROUTES", "TIMERS"]
