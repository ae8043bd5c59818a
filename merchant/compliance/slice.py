"""What compliance exports to the programs."""

from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import (
    apply,
    assess,
    clockwork,
    expiry,
    indexing,
    lei,
    lei_again,
    links,
    moves,
    rescreen,
    review,
    risk_nightly,
)
from merchant.compliance.cases.blocking import block, others
from merchant.compliance.cases.blocking.routes import ROUTES as BLOCKING_ROUTES
from merchant.compliance.cases.case_routes import ROUTES as MERCHANT_CASE_ROUTES
from merchant.compliance.cases.desk.routes import ROUTES as DESK_ROUTES
from merchant.compliance.cases.document_routes import ROUTES as DOCUMENT_ROUTES
from merchant.compliance.cases.rights import forget
from merchant.compliance.cases.rights.routes import ROUTES as RIGHTS_ROUTES
from merchant.compliance.cases.routes import ROUTES as APPLICATION_ROUTES
from merchant.compliance.cases.twins import CASE_ROUTES
from merchant.compliance.documents import loose_files
from merchant.compliance.lists import current
from merchant.compliance.lists.routes import ROUTES as LIST_ROUTES
from merchant.compliance.policies.routes import ROUTES as POLICY_ROUTES
from merchant.compliance.providers import inbox, look_up, phone_codes
from merchant.compliance.providers.routes import ROUTES as PROVIDER_ROUTES
from merchant.compliance.registers.gleif_api import RegisterUnavailable
from merchant.compliance.shadow.routes import ROUTES as SHADOW_ROUTES
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.slices import Pruned, Timer, network, transactional


class ScreenJob(Struct, frozen=True):
    """The payload of a screening job."""

    application_id: UUID


class ApprovedJob(Struct, frozen=True):
    """The payload of what follows an approval."""

    application_id: UUID


async def _follow(tx: Tx, service: Service, job: ApprovedJob) -> None:
    await moves.follow_approval(tx, service, job.application_id)
    await links.link_merchants(tx, job.application_id)
    await others.look_at_approved(tx, service, job.application_id)


async def _screen(tx: Tx, service: Service, job: ScreenJob) -> None:
    await assess.screen_submitted(tx, service, job.application_id)
    await look_up.queue_look_ups(tx, service, job.application_id)


ROUTES = [*APPLICATION_ROUTES, *MERCHANT_CASE_ROUTES, *CASE_ROUTES, *DOCUMENT_ROUTES, *LIST_ROUTES]
ROUTES += [*DESK_ROUTES, *POLICY_ROUTES, *SHADOW_ROUTES, *RIGHTS_ROUTES, *PROVIDER_ROUTES, *BLOCKING_ROUTES]
JOBS = (
    transactional(apply.SCREEN_TOPIC, ScreenJob, _screen),
    transactional(review.APPROVED_TOPIC, ApprovedJob, _follow),
    transactional(rescreen.RESCREEN_TOPIC, rescreen.Rescreen, rescreen.rescreen_batch),
    network(lei.LEI_TOPIC, lei.LeiJob, lei_again.ask_again, expected=(RegisterUnavailable,)),
    network(look_up.TOPIC, look_up.LookUp, look_up.look_up, (look_up.NotAnswered,)),
    transactional(block.BLOCKED_TOPIC, others.LookAtOthers, others.look_at_others),
)
TIMERS = (
    Timer("applications.expire", expiry.expire_all_stale, every_s=expiry.EXPIRE_EVERY_S),
    Timer("documents.delete_loose", loose_files.run_loose_files, every_s=loose_files.EVERY_S),
    Timer("merchants.index", indexing.index_all_missing, every_s=indexing.INDEX_EVERY_S),
    Timer("people.forget", forget.forget_all_due, every_s=forget.FORGET_EVERY_S),
    Timer("lists.refresh", current.refresh, every_s=current.KEPT_S),
    Timer("merchants.check", clockwork.check_all, every_s=clockwork.CHECK_EVERY_S),
    Timer("evidence.take", inbox.run_inbox, every_s=inbox.TAKE_EVERY_S),
    Timer("merchants.risk", risk_nightly.judge_all, every_s=risk_nightly.JUDGE_EVERY_S),
)
PRUNED = (Pruned("codes for phones", phone_codes.prune), Pruned("blocked identifiers", block.prune))
PERMISSIONS = {
    P.APPLICATIONS_READ: "Read applications.",
    P.APPLICATIONS_WRITE: "Write and submit applications.",
    P.APPLICATIONS_DECIDE: "Decide on applications that others wrote.",
    P.PERSONAL_DATA_READ: "Open masked identity numbers, birth dates and documents, one at a time; export a person's.",
    P.PERSONAL_DATA_ERASE: "Propose to erase a person's data, and confirm it.",
    P.LISTS_READ: "See which lists names are screened against.",
    P.POLICIES_READ: "Read policies.",
    P.POLICIES_WRITE: "Propose, try out, publish and withdraw policies.",
    P.LISTS_WRITE: "Put lists to screen against, and confirm another person's.",
}
