"""Shapes of the price keys' JSON API."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from merchant.core import errors, money
from merchant.core.http.fields import pattern
from merchant.core.money import Money
from merchant.core.texts import _
from merchant.payments.price_keys.models import PriceKey
from merchant.payments.schemas import Amount, amount_view

LabelText = Annotated[
    str,
    pattern(
        r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*\Z",
        _("Must not be empty, and must not hold control characters or line breaks."),
        min_length=1,
        max_length=40,
    ),
]
PositionNumber = Annotated[int, Meta(ge=1, le=999)]


class NewPriceKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A thing to sell and its price; at every counter unless one is named."""

    label: LabelText
    amount: Amount
    counter_id: UUID | None = None
    position: PositionNumber | None = None


class PriceKeyChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a price key; what is left out stays. A counter of null means every counter."""

    label: LabelText | None = None
    amount: Amount | None = None
    counter_id: UUID | UnsetType | None = UNSET
    position: PositionNumber | None = None


class PriceKeyView(Struct, frozen=True):
    """A price key; keys are shown by their position."""

    id: UUID
    merchant_id: UUID
    counter_id: UUID | None
    label: str
    amount: Amount
    position: int


def price_of(amount: Amount) -> Money:
    """The price that a body names. Raises InvalidFields."""
    try:
        return money.parse_decimal(amount.amount, amount.currency)
    except money.AmountProblem as error:
        path = "amount.amount" if money.is_currency(amount.currency) else "amount.currency"
        raise errors.invalid_field(path, f"invalid_{path.rpartition('.')[2]}", error.sentence) from None


def key_view(row: PriceKey) -> PriceKeyView:
    """A price key."""
    return PriceKeyView(
        id=row.id,
        merchant_id=row.merchant_id,
        counter_id=row.counter_id,
        label=row.label,
        amount=amount_view(row.amount_minor, row.currency),
        position=row.position,
    )
