"""What the registry exports to the programs."""

from uuid import UUID

from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.slices import Pruned, Timer, transactional
from merchant.registry.applications import apply, assess, expiry
from merchant.registry.applications.routes import ROUTES as APPLICATION_ROUTES
from merchant.registry.merchants.routes import ROUTES as MERCHANT_ROUTES
from merchant.registry.oracle.routes import oracle_door


class ScreenJob(Struct, frozen=True):
    """The payload of a screening job."""

    application_id: UUID


async def _screen(tx: Tx, service: Service, job: ScreenJob) -> None:
    await assess.screen_submitted(tx, service, job.application_id)


ROUTES = [*APPLICATION_ROUTES, *MERCHANT_ROUTES, oracle_door]
JOBS = (transactional(apply.SCREEN_TOPIC, ScreenJob, _screen),)
TIMERS = (Timer("applications.expire", expiry.expire_all_stale, every_s=expiry.EXPIRE_EVERY_S),)
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS = {
    P.APPLICATIONS_READ: "Read applications.",
    P.APPLICATIONS_WRITE: "Write and submit applications.",
    P.APPLICATIONS_DECIDE: "Decide on applications that others wrote.",
    P.PERSONAL_DATA_READ: "Open masked identity numbers and birth dates, one at a time.",
    P.MERCHANTS_READ: "Read merchants, their counters and codes.",
    P.MERCHANTS_WRITE: "Open counters and replace stickers.",
    P.MERCHANTS_SUSPEND: "Suspend, restrict, reinstate and close merchants.",
    P.ALIASES_WRITE: "Register merchant numbers of a registry of one's own.",
}
