"""JSON routes of price keys: call the operation, show the result."""

from uuid import UUID

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, Filter, route
from merchant.payments.price_keys import operations, schemas
from merchant.payments.price_keys.schemas import PriceKeyView


@route(
    "GET",
    "/api/v1/price-keys",
    permission=P.PAYMENTS_READ,
    items=PriceKeyView,
    filters=(
        Filter("merchant_id", "Those of this merchant; a merchant's own people and keys see theirs.", kind="uuid"),
    ),
)
async def list_price_keys(call: Call[None]) -> list[PriceKeyView]:
    """List what a merchant sells with its prices, in the merchant's order: sixty at most, on one page."""
    rows = await operations.price_keys(call.tx, call.actor, call.filter_id("merchant_id"))
    return [schemas.key_view(row) for row in rows]


@route(
    "POST",
    "/api/v1/price-keys",
    permission=P.PAYMENTS_REQUEST,
    body=schemas.NewPriceKey,
    answer=PriceKeyView,
    status=201,
    idempotency_key="optional",
    raises=(errors.WrongState,),
)
async def add_price_key(call: Call[schemas.NewPriceKey]) -> PriceKeyView:
    """Add a thing and its price; a merchant's owner does, or its own key."""
    new = call.body
    row = await operations.add_price_key(
        call.tx,
        call.actor,
        label=new.label,
        price=schemas.price_of(new.amount),
        counter_id=new.counter_id,
        position=new.position,
    )
    return schemas.key_view(row)


@route(
    "PATCH",
    "/api/v1/price-keys/{price_key_id}",
    permission=P.PAYMENTS_REQUEST,
    body=schemas.PriceKeyChange,
    answer=PriceKeyView,
)
async def change_price_key(call: Call[schemas.PriceKeyChange], price_key_id: UUID) -> PriceKeyView:
    """Change a price key; what was asked for before stays as it was."""
    new = call.body
    row = await operations.change_price_key(
        call.tx,
        call.actor,
        price_key_id,
        label=new.label,
        price=None if new.amount is None else schemas.price_of(new.amount),
        counter_id=new.counter_id,
        position=new.position,
    )
    return schemas.key_view(row)


@route("DELETE", "/api/v1/price-keys/{price_key_id}", permission=P.PAYMENTS_REQUEST, status=204)
async def remove_price_key(call: Call[None], price_key_id: UUID) -> None:
    """Take a price key away."""
    await operations.remove_price_key(call.tx, call.actor, price_key_id)


ROUTES = [list_price_keys, add_price_key, change_price_key, remove_price_key]
