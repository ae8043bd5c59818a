"""JSON routes of blocking merchants. No tenant's role reads the tables, so these open the system's transaction."""

from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant.compliance.cases.blocking import block, problems
from merchant.compliance.cases.blocking.models import MerchantBlock
from merchant.compliance.cases.blocking.schemas import BlockView, NewBlock, block_view
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE, page
from merchant.registry.merchants.schemas import ReasonGiven


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/block",
    permission=P.MERCHANTS_BLOCK,
    body=NewBlock,
    answer=BlockView,
    transaction=False,
    raises=(problems.CannotBeBlocked, problems.AlreadyBlocked, problems.OtherBlockReason),
)
async def block_merchant(call: Call[NewBlock], merchant_id: UUID) -> BlockView:
    """Propose to block a merchant, which suspends it at once; another person of the hub blocks it by the same call.

    A blocked merchant's numbers, keys and stickers are dead, and who owns it is refused at every DFSP for five years.
    """
    async with call.service.db.system() as tx:
        row = await block.block_merchant(tx, call.actor, merchant_id, call.body.reason_code, call.body.reason)
    return block_view(row)


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/unblock",
    permission=P.MERCHANTS_BLOCK,
    body=ReasonGiven,
    answer=BlockView,
    transaction=False,
    raises=(problems.NotBlocked, problems.BlockedByYou, problems.AnswersErased),
)
async def unblock_merchant(call: Call[ReasonGiven], merchant_id: UUID) -> BlockView:
    """Withdraw a proposal to block; or let a blocked merchant go, by two people of the hub who did not block it.

    It is suspended then, and its DFSP may reinstate it.
    """
    async with call.service.db.system() as tx:
        row = await block.unblock_merchant(tx, call.actor, merchant_id, call.body.reason)
    return block_view(row)


@route(
    "GET",
    "/api/v1/merchant-blocks",
    permission=P.MERCHANTS_BLOCK,
    items=BlockView,
    paged=True,
    sorts=BY_AGE,
    filters=(
        Filter("merchant_id", "Only those of one merchant.", "uuid"),
        Filter("standing", "Only those that stand, or only those that ended.", choices=("true", "false")),
    ),
    transaction=False,
    tag="merchants",
)
async def list_merchant_blocks(call: Call[None]) -> Listed:
    """List the blocks of merchants, newest first, proposals and ended ones among them."""
    table: Any = MerchantBlock
    statement = select(table)
    if (merchant_id := call.filter_id("merchant_id")) is not None:
        statement = statement.where(table.merchant_id == merchant_id)
    if (standing := call.filters["standing"]) is not None:
        statement = statement.where(table.ended_at.is_(None) if standing == "true" else table.ended_at.is_not(None))
    async with call.service.db.system_reads() as tx:
        rows = await page(tx, statement, table.id, call.page)
    return Listed([block_view(row) for row in rows], [row.id for row in rows])


ROUTES = [block_merchant, unblock_merchant, list_merchant_blocks]
