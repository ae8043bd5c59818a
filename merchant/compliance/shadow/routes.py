"""JSON route of shadow runs. No tenant's role reads the table of policies, so it opens the system's transactions."""

from uuid import UUID

from merchant.compliance.policies import queries
from merchant.compliance.policies.problems import UnsoundPolicy
from merchant.compliance.policies.soundness import as_published
from merchant.compliance.shadow.run import ShadowReport, shadow_run
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, route


@route(
    "POST",
    "/api/v1/policies/{policy_id}/shadow",
    permission=P.POLICIES_WRITE,
    answer=ShadowReport,
    transaction=False,
    raises=(UnsoundPolicy,),
)
async def shadow_policy(call: Call[None], policy_id: UUID) -> ShadowReport:
    """What a layer would change for the merchants there are; a DFSP's people are told of their own. Changes nothing."""
    async with call.service.db.system_reads() as tx:
        layer = as_published(await queries.layer(tx, call.actor, policy_id))
    return await shadow_run(call.service, layer, call.actor.dfsp_id)


ROUTES = [shadow_policy]
