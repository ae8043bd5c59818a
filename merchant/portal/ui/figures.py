"""Reports on pages: what one answers, or why it does not just now; how long something took, in words; its file.

A page of several reports stands although one of them fails: what the failed one would say, its own place says.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.core import clock, errors, money
from merchant.core.access import Permission
from merchant.core.http import json as web
from merchant.core.http.exports import FORMAT, FORMATS
from merchant.core.texts import _
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.screen import View, link


class Answered(Struct, frozen=True):
    """What a report answered; else the sentence that is told in its place."""

    found: Any = None
    problem: str = ""


async def answered(view: View, handler: HTTPRouteHandler, **what: Any) -> Answered:
    """Ask for a report. One that takes too long, is too big or cannot be read now does not take the page with it."""
    try:
        return Answered((await view.ask(handler, **what)).view)
    except errors.MerchantError as refused:
        if refused.status in (401, 403, 404):
            raise
        return Answered(problem=refused.detail)
    except Exception as error:
        passing = web.passing_problem(view.service, error)
        if passing is None:
            raise
        return Answered(problem=passing.title)


def files_of(handler: HTTPRouteHandler, query: Mapping[str, Any], formats: Sequence[str] = FORMATS) -> list[Any]:
    """The same rows as files: names and addresses."""
    path = handler.opt["route"].path
    return [(one.upper(), link(path, **{**query, FORMAT: one})) for one in formats]


def took(seconds: float | None) -> str:
    """How long something took, in words."""
    if seconds is None:
        return "–"
    if seconds < 10:
        tenths = round(seconds, 1)
        return _("{count} s", count=tenths)
    if seconds < 100:
        return _("{count} s", count=round(seconds))
    if seconds < 600:
        return _("{minutes} min {seconds} s", minutes=int(seconds // 60), seconds=int(seconds % 60))
    if seconds < 6_000:
        return _("{count} min", count=round(seconds / 60))
    if seconds < 48 * 3_600:
        return _("{count} h", count=round(seconds / 3_600))
    return _("{count} days", count=round(seconds / 86_400))


def percent(value: float | None) -> str:
    """A share, in words."""
    if value is None:
        return "–"
    shown = round(value, 1)
    return _("{count} %", count=int(shown) if shown == int(shown) else shown)


def today(view: View) -> date:
    """The day it is in the scheme."""
    return clock.now().astimezone(zone_of(view.scheme)).date()


def tabs_for(view: View, tabs: Sequence[tuple[str, str, Permission | None]]) -> list[tuple[str, str]]:
    """Those tabs that who looks may open: path and label."""
    return [(path, label) for path, label, permission in tabs if permission is None or view.may(permission)]


def row_amount(view: View, row: Any) -> str:
    """The money of a row whose amount stands beside its currency, as reports have it."""
    return _shown(view, row.amount, row.currency)


def row_refunded(view: View, row: Any) -> str:
    """What was given back of a row's money."""
    return _shown(view, row.refunded, row.currency)


def row_net(view: View, row: Any) -> str:
    """What is left of a row's money after refunds."""
    return _shown(view, row.net, row.currency)


def _shown(view: View, text: str, currency: str) -> str:
    return money.display(money.parse_shown(text, currency), view.spoken.language)
