"""What compliance exports to the programs."""

from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import apply, assess, expiry, indexing
from merchant.compliance.cases.routes import ROUTES as CASE_ROUTES
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.slices import Pruned, Timer, transactional


class ScreenJob(Struct, frozen=True):
    """The payload of a screening job."""

    application_id: UUID


async def _screen(tx: Tx, service: Service, job: ScreenJob) -> None:
    await assess.screen_submitted(tx, service, job.application_id)


ROUTES = [*CASE_ROUTES]
JOBS = (transactional(apply.SCREEN_TOPIC, ScreenJob, _screen),)
TIMERS = (
    Timer("applications.expire", expiry.expire_all_stale, every_s=expiry.EXPIRE_EVERY_S),
    Timer("merchants.index", indexing.index_all_missing, every_s=indexing.INDEX_EVERY_S),
)
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS = {
    P.APPLICATIONS_READ: "Read applications.",
    P.APPLICATIONS_WRITE: "Write and submit applications.",
    P.APPLICATIONS_DECIDE: "Decide on applications that others wrote.",
    P.PERSONAL_DATA_READ: "Open masked identity numbers and birth dates, one at a time.",
}
