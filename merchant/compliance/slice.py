"""What compliance exports to the programs."""

from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import apply, assess, expiry, links, review
from merchant.compliance.cases.routes import ROUTES as CASE_ROUTES
from merchant.compliance.policies.routes import ROUTES as POLICY_ROUTES
from merchant.compliance.shadow.routes import ROUTES as SHADOW_ROUTES
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.slices import Pruned, Timer, transactional


class ScreenJob(Struct, frozen=True):
    """The payload of a screening job."""

    application_id: UUID


class ApprovedJob(Struct, frozen=True):
    """The payload of what follows an approval."""

    application_id: UUID


async def _link(tx: Tx, _service: Service, job: ApprovedJob) -> None:
    await links.link_merchants(tx, job.application_id)


async def _screen(tx: Tx, service: Service, job: ScreenJob) -> None:
    await assess.screen_submitted(tx, service, job.application_id)


ROUTES = [*CASE_ROUTES, *POLICY_ROUTES, *SHADOW_ROUTES]
JOBS = (
    transactional(apply.SCREEN_TOPIC, ScreenJob, _screen),
    transactional(review.APPROVED_TOPIC, ApprovedJob, _link),
)
TIMERS = (Timer("applications.expire", expiry.expire_all_stale, every_s=expiry.EXPIRE_EVERY_S),)
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS = {
    P.APPLICATIONS_READ: "Read applications.",
    P.APPLICATIONS_WRITE: "Write and submit applications.",
    P.APPLICATIONS_DECIDE: "Decide on applications that others wrote.",
    P.PERSONAL_DATA_READ: "Open masked identity numbers and birth dates, one at a time.",
    P.POLICIES_READ: "Read policies.",
    P.POLICIES_WRITE: "Propose, try out, publish and withdraw policies.",
}
