"""What the registry exports to the programs."""

from merchant.core.access import Permission as P
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.registry.codes import reports
from merchant.registry.codes.report_routes import ROUTES as REPORT_ROUTES
from merchant.registry.merchants.routes import ROUTES as MERCHANT_ROUTES
from merchant.registry.oracle.routes import oracle_door

ROUTES = [*MERCHANT_ROUTES, *REPORT_ROUTES, oracle_door]
JOBS: tuple[JobKind, ...] = ()
TIMERS: tuple[Timer, ...] = ()
PRUNED: tuple[Pruned, ...] = (Pruned("reports of codes", reports.prune),)
PERMISSIONS = {
    P.MERCHANTS_READ: "Read merchants, their counters and codes.",
    P.MERCHANTS_WRITE: "Open counters and replace stickers.",
    P.OWN_COUNTERS_WRITE: "Open, rename and close counters of the own merchant, and replace their stickers.",
    P.MERCHANTS_SUSPEND: "Suspend, restrict, reinstate and close merchants.",
    P.MERCHANTS_BLOCK: "As the hub, block merchants and let them go again.",
    P.ALIASES_WRITE: "Register merchant numbers of a registry of one's own.",
}
