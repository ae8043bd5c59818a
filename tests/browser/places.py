"""Every page there is, by who sees it; a test holds this against the screens that are declared."""

from collections.abc import Mapping

# Paths with {names} are filled with what the world of the tests has.
PUBLIC = (
    "/",
    "/sign-in",
    "/forgotten",
    "/q",
    "/q/{alias}",
    "/q/{alias}?amount=3.20",
    "/q/{alias}?amount=x",
    "/q/{alias}?sticker=9",
    "/q/{alias}/phone",
    "/q/{alias}/report",
    "/q/{code}",
    "/r/nothing",
    "/q/nothing",
    "/nothing",
    "/docs",
    "/docs/errors",
)
STAFF = (
    "/merchants",
    "/merchants?q=nobody",
    "/merchants/{merchant_id}",
    "/account",
    "/account/second-factor",
    "/account/password",
)
OF_ROLE: Mapping[str, tuple[str, ...]] = {
    "admin": ("/users", "/users/invite", "/keys", "/keys/issue", "/webhooks", "/webhooks/add", "/policies"),
    "checker": (
        "/merchants/{merchant_id}/suspend",
        "/merchants/reports-of-codes",
        "/policies",
        "/policies/propose",
        "/lists",
    ),
    "maker": ("/merchants/{merchant_id}/counters/add",),
    "auditor": ("/audit", "/audit/security"),
    "operator": (
        "/queues",
        "/queues/doubt",
        "/queues/jobs",
        "/queues/lanes",
        "/dfsps",
        "/dfsps/add",
        "/dfsps/{dfsp_id}",
        "/dfsps/{dfsp_id}/disable",
        "/hub-keys/import",
        "/scheme",
        "/scheme/change",
        "/lists/put",
        "/audit",
    ),
}
