"""JSON routes of policies. No tenant's role reads their table, so these open the system's transaction.

What a policy would change is told by merchant/compliance/shadow, which needs the cases.
"""

from uuid import UUID

import kyb
from merchant.compliance.policies import operations, queries, schemas
from merchant.compliance.policies.in_force import forget, read_policies, today
from merchant.compliance.policies.problems import DayPast, ProposerGone, TooManyProposals, UnsoundPolicy
from merchant.compliance.policies.states import LayerState
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.scheme.problems import NothingProposed

_OF_LAYER = Filter("layer", "Only layers of this kind.", choices=tuple(kyb.LAYERS))
_IN_STATE = Filter("state", "Only those in this state.", choices=tuple(LayerState))
_OF_DFSP = Filter("dfsp_id", "The policy of this DFSP; for hub staff, the scheme's without it.", kind="uuid")


@route(
    "GET",
    "/api/v1/policies",
    permission=P.POLICIES_READ,
    items=schemas.PolicyView,
    paged=True,
    sorts=BY_AGE,
    filters=(_OF_LAYER, _IN_STATE),
    transaction=False,
)
async def list_policies(call: Call[None]) -> Listed:
    """Layers of the policy, newest first: a DFSP's own, and of the others those that are published."""
    async with call.service.db.system_reads() as tx:
        rows = await queries.layers(tx, call.actor, call.page, **call.filters)
        known = await read_policies(tx)
    day = await today(call.service)
    return Listed([schemas.policy_view(row, known, day) for row in rows], [row.id for row in rows])


@route(
    "GET",
    "/api/v1/policies/in-force",
    permission=P.POLICIES_READ,
    answer=schemas.PoliciesInForce,
    filters=(_OF_DFSP,),
    transaction=False,
    raises=(errors.NotFound,),
)
async def read_policies_in_force(call: Call[None]) -> schemas.PoliciesInForce:
    """Tiers and limits that merchants are held to today, and those that are published for days to come."""
    dfsp_id = call.filter_id("dfsp_id") or call.actor.dfsp_id
    if call.actor.dfsp_id not in (None, dfsp_id):
        raise errors.NotFound
    async with call.service.db.system_reads() as tx:
        known = await read_policies(tx)
    currencies = (await call.service.scheme()).currencies
    return schemas.policies_in_force(known, dfsp_id, await today(call.service), currencies)


@route(
    "GET",
    "/api/v1/policies/{policy_id}",
    permission=P.POLICIES_READ,
    answer=schemas.PolicyTextView,
    transaction=False,
)
async def read_policy(call: Call[None], policy_id: UUID) -> schemas.PolicyTextView:
    """A layer with its text."""
    async with call.service.db.system_reads() as tx:
        row = await queries.layer(tx, call.actor, policy_id)
        known = await read_policies(tx)
    return schemas.policy_text_view(row, known, await today(call.service))


@route(
    "POST",
    "/api/v1/policies",
    permission=P.POLICIES_WRITE,
    body=schemas.NewPolicy,
    answer=schemas.PolicyTextView,
    status=201,
    transaction=False,
    raises=(UnsoundPolicy, NothingProposed, TooManyProposals, errors.NotFound),
)
async def propose_policy(call: Call[schemas.NewPolicy]) -> schemas.PolicyTextView:
    """Propose a layer. It may only tighten what is above it, and must leave every DFSP's layer and merchant a place."""
    async with call.service.db.system() as tx:
        row = await operations.propose_layer(tx, call.service, call.actor, call.body.to_layer())
        known = await read_policies(tx)
    return schemas.policy_text_view(row, known, await today(call.service))


@route(
    "POST",
    "/api/v1/policies/{policy_id}/publish",
    permission=P.POLICIES_WRITE,
    answer=schemas.PolicyTextView,
    transaction=False,
    raises=(errors.CheckerIsMaker, errors.WrongState, ProposerGone, UnsoundPolicy, NothingProposed),
)
async def publish_policy(call: Call[None], policy_id: UUID) -> schemas.PolicyTextView:
    """Publish a layer that another person proposed. It counts from its day on, in every process within seconds."""
    async with call.service.db.system() as tx:
        row = await operations.publish_layer(tx, call.service, call.actor, policy_id)
        known = await read_policies(tx)
    forget(call.service)
    return schemas.policy_text_view(row, known, await today(call.service))


@route(
    "POST",
    "/api/v1/policies/{policy_id}/withdraw",
    permission=P.POLICIES_WRITE,
    answer=schemas.PolicyTextView,
    transaction=False,
    raises=(errors.WrongState, DayPast, UnsoundPolicy),
)
async def withdraw_policy(call: Call[None], policy_id: UUID) -> schemas.PolicyTextView:
    """Take back a layer that is proposed, or published for a day to come."""
    async with call.service.db.system() as tx:
        row = await operations.withdraw_layer(tx, call.service, call.actor, policy_id)
        known = await read_policies(tx)
    forget(call.service)
    return schemas.policy_text_view(row, known, await today(call.service))


ROUTES = [
    list_policies,
    read_policies_in_force,
    read_policy,
    propose_policy,
    publish_policy,
    withdraw_policy,
]
