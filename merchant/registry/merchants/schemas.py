"""Shapes of the merchants' JSON API: what comes in, what goes out.

routes.py decodes and answers with them, and the OpenAPI document describes them.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Struct

import kyb
from merchant.core.access import Actor
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, ReasonText, pattern
from merchant.core.texts import _
from merchant.registry.merchants.models import Counter, Location, Merchant
from merchant.registry.merchants.states import MerchantState

# As kyb has it for names in an application: none that a spreadsheet takes for a formula, in its wide form either.
CounterNameText = Annotated[
    str,
    pattern(
        r"^\s*[^\s=+\-@\uff0b\uff0d\uff1d\uff20]",
        _("Must not be empty, or begin with =, +, - or @."),
        min_length=1,
        max_length=128,
    ),
]
AliasText = Annotated[
    str, pattern(rf"^{kyb.ALIAS_PATTERN}\Z", _("Must be 1 to 32 letters, digits, dots, dashes or underscores."))
]


class ReasonGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: ReasonText


class NewCounter(Struct, frozen=True, forbid_unknown_fields=True):
    """A counter to open."""

    location_id: UUID
    name: CounterNameText
    own_alias: AliasText | None = None


class CounterView(Struct, frozen=True):
    """A counter with its number; one that was closed keeps it for good."""

    id: UUID
    name: str
    alias: str
    location_id: UUID
    closed_at: Instant | None


class CounterChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A counter's new name, or the place of its merchant that it moves to."""

    name: CounterNameText | None = None
    location_id: UUID | None = None


class LocationView(Struct, frozen=True):
    """A location with its counters."""

    id: UUID
    name: str
    kind: str
    country: str
    city: str


class MerchantView(Struct, frozen=True):
    """A merchant as lists and details show it."""

    id: UUID
    state: MerchantState
    tier: str
    kind: str
    trading_name: str
    legal_name: str
    mcc: str
    currencies: list[str]
    country: str
    city: str
    application_id: UUID
    created_at: Instant
    locations: list[LocationView]
    counters: list[CounterView]
    risk: str | None  # null to the merchant's own people


def counter_view(row: Counter) -> CounterView:
    """A counter."""
    return CounterView(row.id, row.name, row.alias, row.location_id, web.at_or_none(row.closed_at))


def merchant_view(actor: Actor, row: Merchant, locations: list[Location], counters: list[Counter]) -> MerchantView:
    """A merchant with those of the given places that are its own, as the actor may see it."""
    return MerchantView(
        id=row.id,
        state=MerchantState(row.state),
        tier=row.tier,
        kind=row.kind,
        trading_name=row.trading_name,
        legal_name=row.legal_name,
        mcc=row.mcc,
        currencies=row.currencies,
        country=row.country,
        city=row.city,
        application_id=row.application_id,
        created_at=web.at(row.created_at),
        locations=[
            LocationView(place.id, place.name, place.kind, place.country, place.city)
            for place in locations
            if place.merchant_id == row.id
        ],
        counters=[counter_view(counter) for counter in counters if counter.merchant_id == row.id],
        risk=row.risk if actor.merchant_id is None else None,
    )
