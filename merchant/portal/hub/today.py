"""How payments run today: figures that say whether somebody is needed, charts of the slower kind, and the live wall.

The first page asks for the one report that is quick. With a script the figures are asked for again every 15 seconds,
unless the browser asks to save data.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.texts import _, _n
from merchant.exchange.reports import staff_routes as api
from merchant.exchange.reports.staff_schemas import DfspOperations, Operations
from merchant.payments import routes as payments_api
from merchant.people import routes as people_api
from merchant.people import set_up_routes as set_up_api
from merchant.people.set_up_routes import SetUpView
from merchant.portal.staff.merchant_charts import merchant_charts
from merchant.portal.ui.charts import Bar, Row
from merchant.portal.ui.figures import answered, files_of, percent, today, took
from merchant.portal.ui.layout import Kind, zone_of
from merchant.portal.ui.lists import Column, Empty, Listing, badge, name_of, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link, screen
from merchant.portal.ui.when import as_instant, tell_day

_HUB = frozenset({Kind.HUB})
_TODAY, _CHARTS, _WALL = (f"{__package__}/{name}.html" for name in ("today", "charts", "wall"))
HOUR, DAY = 60, 1_440  # minutes
_DAYS = (1, 7, 31)
_REFRESH_S = 15
_BUCKET_MINUTES = {HOUR: 1, DAY: 15}
_WALL_PAYMENTS = 12
# From here on somebody should look: customers decline too, so a share says little of a few requests.
_ENDED_LEAST, _SUCCESS_WAIT, _SUCCESS_BAD = 20, 80, 50
_OLD_WAIT_S, _OLD_BAD_S = 60, 600
_SLOW_S = 60


def _tabs() -> Sequence[tuple[str, str]]:
    return (
        ("/hub", _("The last hour")),
        (f"/hub?minutes={DAY}", _("The last 24 hours")),
        ("/hub/charts", _("Charts")),
        ("/hub/wall", _("Live wall")),
    )


class Shown(Struct, frozen=True):
    """One figure: label, value, note, tone, and where to look when somebody is needed."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    href: str = ""


def _success_tone(found: Operations) -> str:
    if found.success_percent is None or found.paid + found.unsuccessful < _ENDED_LEAST:
        return ""
    if found.success_percent < _SUCCESS_BAD:
        return "bad"
    return "wait" if found.success_percent < _SUCCESS_WAIT else ""


def _figures(found: Operations) -> list[Shown]:
    oldest = found.outbox_oldest_s
    outbox = "bad" if oldest > _OLD_BAD_S else "wait" if oldest > _OLD_WAIT_S else ""
    waits = _("the oldest for {time}", time=took(oldest)) if oldest >= 1 else _("none is late")
    slow = "wait" if found.p95_s is not None and found.p95_s > _SLOW_S else ""
    return [
        Shown(_("Asked"), str(found.asked), _("requests for payment")),
        Shown(_("Paid"), str(found.paid), _("of those asked")),
        Shown(_("Success"), percent(found.success_percent), _("of those that have ended"), _success_tone(found)),
        Shown(_("Half are paid within"), took(found.median_s)),
        Shown(_("95 of 100 within"), took(found.p95_s), tone=slow),
        Shown(_("Still open"), str(found.open), _("wait for the customer")),
        Shown(
            _("In doubt"),
            str(found.in_doubt),
            _("the hub has not said"),
            "bad" if found.in_doubt else "",
            "/queues/doubt",
        ),
        Shown(_("Jobs waiting"), str(found.outbox_depth), waits, outbox),
        Shown(
            _("Failed jobs"),
            str(found.dead_jobs),
            _("given up after many tries"),
            "bad" if found.dead_jobs else "",
            "/queues/jobs",
        ),
        Shown(
            _("Webhooks that fail"),
            str(found.failing_webhooks),
            _("partners who do not hear of payments"),
            "wait" if found.failing_webhooks else "",
        ),
    ]


def _waiting(count: int) -> Shown:
    """DFSPs that one person of the hub proposed to enable."""
    note, path = _("wait for a second person"), "/dfsps?state=proposed"
    return Shown(_("DFSPs to enable"), str(count), note, "wait" if count else "", path if count else "")


def _minutes(found: Operations, zone: ZoneInfo, step: int) -> list[tuple[str, int, int, int]]:
    """Label, asked, paid and unsuccessful, of some minutes together."""
    rows = []
    for at in range(0, len(found.minutes), step):
        part = found.minutes[at : at + step]
        label = f"{as_instant(part[0].minute).astimezone(zone):%H:%M}"
        rows.append(
            (
                label,
                sum(one.asked for one in part),
                sum(one.paid for one in part),
                sum(one.unsuccessful for one in part),
            )
        )
    return rows


_DFSP_TABLE = Listing(
    title=_("DFSPs"),
    handler=api.read_operations,
    href=lambda row: f"/dfsps/{row.dfsp_id}",
    columns=(
        Column(_("Name"), name_of("name"), main=True),
        Column(_("Enabled"), lambda view, row: badge(view, "switch", "on" if row.enabled else "off")),
        Column(_("Asked"), text("asked"), numeric=True),
        Column(_("Paid"), text("paid"), numeric=True),
        Column(_("Unsuccessful"), text("unsuccessful"), numeric=True),
        Column(_("Half are paid within"), lambda view, row: _took(view, row), numeric=True),
    ),
    empty=Empty(_("No DFSP yet"), _("Add the first; it takes part when a second person of the hub enables it.")),
)


def _took(view: View, row: DfspOperations) -> Markup:
    return view.spoken.say(took(row.median_s))


class Step(Struct, frozen=True):
    """One thing to do before the scheme can work: whether it is done, its name, what to know, and where it is done."""

    is_done: bool
    name: str
    note: str
    href: str
    button: str
    permission: P


def _steps(found: SetUpView) -> list[Step]:
    missing = found.operators_least - found.operators
    operators = _n(
        "{count} more operator must have accepted the invitation, with a second factor where it is asked for.",
        "{count} more operators must have accepted the invitation, with a second factor where it is asked for.",
        missing,
    )
    is_connected = found.hub_address_known and found.hub_key_known
    hub = _("Import the keys of those you speak to on the hub.")
    if not found.hub_address_known:
        hub = _("Give a DFSP, or the service’s settings, the address of the hub; then import the keys of the others.")
    keys = ("/hub-keys/import", _("Import a key")) if found.hub_address_known else ("/dfsps", _("See the DFSPs"))
    return [
        Step(
            missing <= 0, _("Make two more operators"), operators, "/users/invite", _("Invite someone"), P.USERS_WRITE
        ),
        Step(is_connected, _("Connect the hub"), hub, *keys, P.HUB_KEYS_WRITE),
        Step(
            found.dfsps_enabled > 0,
            _("Enable a DFSP"),
            _("Add it; a second person enables it."),
            "/dfsps",
            _("See the DFSPs"),
            P.DFSPS_WRITE,
        ),
    ]


def _saves_data(view: View) -> bool:
    return "on" in view.request.headers.get("save-data", "").lower()


@screen("GET", "/hub", permission=P.OPERATIONS_READ, kinds=_HUB)
async def hub_today(view: View) -> Page:
    """How payments run now, and what needs somebody."""
    minutes = DAY if view.query.get("minutes") == str(DAY) else HOUR
    told = await answered(view, api.read_operations, query={"minutes": str(minutes)})
    set_up: SetUpView = (await view.ask(set_up_api.read_set_up)).view
    here = link("/hub", minutes=DAY) if minutes == DAY else "/hub"
    found: Operations | None = told.found
    waiting = (await view.ask(people_api.list_dfsps, query={"state": "proposed"})).view
    series = _minutes(found, zone_of(view.scheme), _BUCKET_MINUTES[minutes]) if found else []
    return view.page(
        _TODAY,
        tabs=_tabs(),
        tab=here,
        told=told,
        found=found,
        set_up=None if set_up.complete else set_up,
        steps=_steps(set_up),
        figures=[*_figures(found), _waiting(len(waiting))] if found else (),
        series=series,
        bars_of=[Bar(label, asked, unsuccessful) for label, asked, _paid, unsuccessful in series],
        files=files_of(api.list_operations_by_minute, {"minutes": minutes}, ["csv"]),
        dfsps=_DFSP_TABLE,
        is_day=minutes == DAY,
        refresh_s=None if _saves_data(view) else _REFRESH_S,
    )


# --- charts ----------------------------------------------------------------------------------------------------------

_STEPS = {
    "asked": _("Asked"),
    "reached": _("Reached the customer"),
    "accepted": _("Accepted"),
    "paid": _("Paid"),
}


@screen("GET", "/hub/charts", permission=P.OPERATIONS_READ, kinds=_HUB)
async def hub_charts(view: View) -> Page:
    """The slower reports: how far requests come, when they come, and how merchants stand."""
    chosen = view.query.get("days", "")
    days = int(chosen) if chosen in {str(one) for one in _DAYS} else _DAYS[1]
    last = today(view)
    between = {"from": (last - timedelta(days=days - 1)).isoformat(), "to": last.isoformat()}
    return view.page(
        _CHARTS,
        tabs=_tabs(),
        options=[(f"/hub/charts?days={one}", _days_told(one)) for one in _DAYS],
        days=days,
        funnel=await answered(view, api.list_funnel, query=between),
        funnel_files=files_of(api.list_funnel, between, ["csv"]),
        steps=_STEPS,
        heat_of=_heat_of,
        hours=await answered(view, api.list_operations_by_hour, query={"days": str(days)}),
        hours_files=files_of(api.list_operations_by_hour, {"days": days}, ["csv"]),
        told_percent=percent,
        bar=Bar,
        **await merchant_charts(view),
    )


def _days_told(days: int) -> str:
    return _("Today") if days == 1 else _("{count} days", count=days)


def _heat_of(view: View, rows: Sequence[Any]) -> list[tuple[str, list[Row]]]:
    """Each DFSP's name and strips: a day each, the hours along it."""
    found = []

    def of(row: Any) -> tuple[str, str]:
        return row.name, str(row.dfsp_id)  # two may have one name

    for (name, _id), of_dfsp in groupby(sorted(rows, key=of), of):
        days: dict[Any, list[float | None]] = {}
        for row in of_dfsp:
            days.setdefault(row.date, [0.0] * 24)[row.hour] = row.asked
        strips = [Row(tell_day(day, view.spoken.language), values) for day, values in sorted(days.items())]
        found.append((name, strips))
    return found


# --- the live wall ---------------------------------------------------------------------------------------------------


@screen("GET", "/hub/wall", permission=P.OPERATIONS_READ, kinds=_HUB)
async def wall(view: View) -> Page:
    """Four giant counters and the last payments, for a room that looks on."""
    told = await answered(view, api.read_operations, query={"minutes": str(DAY)})
    tiers = await answered(view, api.list_merchants_by_tier)
    payments = (await view.ask(payments_api.list_payments, query={"limit": str(_WALL_PAYMENTS)})).view
    found: Operations | None = told.found
    return view.page(
        _WALL,
        tabs=_tabs(),
        told=told,
        counters=[
            (_("Paid in 24 hours"), str(found.paid)),
            (_("Success"), percent(found.success_percent)),
            (_("Half are paid within"), took(found.median_s)),
            (_("Merchants"), str(sum(row.count for row in tiers.found or ()))),
        ]
        if found
        else (),
        payments=payments,
        refresh_s=None if _saves_data(view) else _REFRESH_S,
    )


ROUTES = [hub_today, hub_charts, wall]
