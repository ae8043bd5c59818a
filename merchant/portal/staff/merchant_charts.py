"""How merchants stand: the active ones by tier and by place, drawn for the hub and for a DFSP."""

from collections.abc import Sequence
from typing import Any

from merchant.exchange.reports import staff_routes as api
from merchant.exchange.reports.staff_schemas import MerchantsInPlace
from merchant.portal.ui.charts import Bar, Point
from merchant.portal.ui.figures import answered, files_of
from merchant.portal.ui.screen import View

_BARS_MOST = 12  # places; the table has them all


async def merchant_charts(view: View, **query: str) -> dict[str, Any]:
    """What the charts of merchants by tier and by place need; for the hub and for a DFSP."""
    places = await answered(view, api.list_merchants_by_place, query=query)
    tiers = await answered(view, api.list_merchants_by_tier, query=query)
    by_tier: dict[str, int] = {}
    for row in tiers.found or ():
        by_tier[row.tier] = by_tier.get(row.tier, 0) + row.count
    return {
        "tiers": tiers,
        "tier_bars": [Bar(tier, count) for tier, count in sorted(by_tier.items())],
        "tiers_files": files_of(api.list_merchants_by_tier, query, ["csv"]),
        "places": places,
        "points": _points(places.found or ()),
        "place_bars": [Bar(row.city, row.count) for row in (places.found or ())[:_BARS_MOST]],
        "places_files": files_of(api.list_merchants_by_place, query, ["csv"]),
    }


def _points(rows: Sequence[MerchantsInPlace]) -> list[Point]:
    return [
        Point(row.city, row.latitude, row.longitude, row.count)
        for row in rows
        if row.latitude is not None and row.longitude is not None
    ]
