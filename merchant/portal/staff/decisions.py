"""How cases are decided: what waits and how long, how they end, how fast, why they are returned, and by whom."""

import re
from datetime import date, timedelta
from typing import Any

from merchant.compliance.cases.kinds import CaseKind
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.exchange.reports import staff_routes as api
from merchant.exchange.reports.staff_schemas import Decisions, ReturnReason
from merchant.portal.staff.named import dfsps_named
from merchant.portal.staff.reports import TABS
from merchant.portal.ui.charts import Bar
from merchant.portal.ui.figures import answered, files_of, percent, tabs_for, today, took
from merchant.portal.ui.lists import Column, Empty, Listing, name_of, state, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS

_DECISIONS_PAGE = f"{__package__}/decisions.html"
_HERE = "/reports/decisions"
_USUAL_DAYS = 30
_REASONS_DRAWN = 10
_KINDS = [(one.value, WORDS["case"].get("application" if one == "onboarding" else one.value)) for one in CaseKind]
_AGES = (
    ("days_0_1", _("Less than a day")),
    ("days_1_3", _("1 to 3 days")),
    ("days_3_7", _("3 to 7 days")),
    ("days_7_14", _("1 to 2 weeks")),
    ("days_14_more", _("Longer")),
)
_SECTIONS = {
    "business": _("Business"),
    "owners": _("Owners"),
    "owners[]": _("An owner"),
    "locations": _("Places"),
    "locations[]": _("A place"),
    "contact": _("Contact"),
    "documents": _("Documents"),
    "documents[]": _("A document"),
    "settlement": _("Settlement"),
    "counters[]": _("A counter"),
}
_COUNTS = (
    Column(_("Decided"), text("decided"), numeric=True),
    Column(_("Approved"), text("approved"), numeric=True),
    Column(_("Returned"), text("returned"), numeric=True),
    Column(_("Rejected"), text("rejected"), numeric=True),
)
_NOBODY = Empty(_("Nothing was decided in these days"), _("Choose more days."))
_CHECKERS = Listing(
    title=_("By checker"),
    handler=api.list_checkers,
    columns=(Column(_("Checker"), name_of("checker"), main=True), *_COUNTS),
    empty=_NOBODY,
)
_RISKS = Listing(
    title=_("By risk"),
    handler=api.read_decisions,
    columns=(Column(_("Risk"), state("risk", "risk"), main=True), *_COUNTS),
    empty=_NOBODY,
)


@screen("GET", _HERE, permission=P.APPLICATIONS_READ, kinds=STAFF)
async def decisions(view: View) -> Page:
    """The statistics of decisions, of some days, a kind of case, and, for the hub, a DFSP."""
    dfsps = await dfsps_named(view)
    query = _asked(view, {one for one, _name in dfsps})
    told = await answered(view, api.read_decisions, query=query)
    found: Decisions | None = told.found
    return view.page(
        _DECISIONS_PAGE,
        tabs=tabs_for(view, TABS),
        here=_HERE,
        query=query,
        kinds=[(value, word.text) for value, word in _KINDS if word],
        dfsps=dfsps,
        told=told,
        found=found,
        ages=[Bar(view.spoken.say(label), getattr(found.waiting, name)) for name, label in _AGES] if found else (),
        hours=lambda value: took(None if value is None else value * 3_600),
        told_percent=percent,
        reason_bars=_reason_bars(view, found.reasons) if found else (),
        reason_words=lambda path: path_in_words(view, path),
        checkers=_CHECKERS,
        risks=_RISKS,
        reason_files=files_of(api.list_return_reasons, query),
        checker_files=files_of(api.list_checkers, query),
    )


def _asked(view: View, dfsp_ids: set[str]) -> dict[str, str]:
    """The filters of the address; the last 30 days unless they say otherwise."""
    last = today(view)
    query = {"from": (last - timedelta(days=_USUAL_DAYS - 1)).isoformat(), "to": last.isoformat()}
    query |= {name: given for name in query if (given := view.query.get(name)) and _is_day(given)}
    kind, dfsp_id = view.query.get("kind", ""), view.query.get("dfsp_id", "")
    if kind in {one.value for one in CaseKind}:
        query["kind"] = kind
    if dfsp_id in dfsp_ids:
        query["dfsp_id"] = dfsp_id
    return query


def _is_day(given: str) -> bool:
    try:
        date.fromisoformat(given)
    except ValueError:
        return False
    return True


def _reason_bars(view: View, reasons: list[ReturnReason]) -> list[Any]:
    return [Bar(path_in_words(view, one.path), one.count) for one in reasons[:_REASONS_DRAWN]]


def path_in_words(view: View, path: str) -> str:
    """An answer's path for people: `owners[].birth_date` is An owner: birth date."""
    section, _dot, rest = re.sub(r"\[\d+\]", "[]", path).partition(".")
    named = view.spoken.say(_SECTIONS[section]) if section in _SECTIONS else _readable(section)
    return f"{named}: {_readable(rest).lower()}" if rest else str(named)


def _readable(name: str) -> str:
    return name.replace("[]", "").replace("_", " ").replace(".", ", ").capitalize()


ROUTES = [decisions]
