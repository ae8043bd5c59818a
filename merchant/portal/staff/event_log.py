"""The log of events: what was announced, what became of it at each address, and sending a time's events again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
from markupsafe import Markup

from merchant.core import clock, errors
from merchant.core.access import Permission as P
from merchant.core.http.declared import SORT
from merchant.core.paging import NEWEST
from merchant.core.texts import _
from merchant.notify import event_log as api
from merchant.notify import routes as hooks_api
from merchant.notify.event_log import LoggedDelivery, LoggedEvent
from merchant.notify.events import EventType
from merchant.notify.replays import Replayed
from merchant.notify.routes import EndpointView
from merchant.portal.staff.hooks import EVENTS, state_of, tabs_of
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind, zone_of
from merchant.portal.ui.lists import Column, Empty, Listing, badge, instant, show_list, text
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import EVERYONE, View, link, screen, show

_TABBED, _EVENT_PAGE, _REPLAY_PAGE = (f"{__package__}/{name}.html" for name in ("tabbed", "event", "replay"))
# The worst that became of an event is told first.
_WORST = ("failed", "pending", "delivered")
_KINDS = [(one.value, one.value) for one in EventType if one is not EventType.TEST_PING]


def _became(view: View, row: LoggedEvent) -> Any:
    """What became of an event at all addresses that asked for it."""
    if not row.deliveries:
        return view.spoken.say(_("Nobody asked for it"))
    states = [one.state for one in row.deliveries]
    worst = min(states, key=_WORST.index)
    shown = badge(view, "delivery", worst)
    if len(states) == 1:
        return shown
    counted = view.spoken.say(_("{count} of {total}"), count=states.count(worst), total=len(states))
    return fill("{} {}", shown, counted)


def _merchant(view: View, row: LoggedEvent) -> Markup | str:
    """Whose event it is."""
    if not row.merchant_name:
        return "–"
    named = fill("<bdi>{}</bdi>", row.merchant_name)
    if view.kind is Kind.SHOP or not view.may(P.MERCHANTS_READ):
        return named
    return fill('<a href="/merchants/{}">{}</a>', row.merchant_id, named)


_LOG = Listing(
    title=_("Events"),
    intro=_("All that was announced in the last 90 days, and whether it arrived at your addresses."),
    handler=api.read_event_log,
    href=lambda row: f"{EVENTS}/{row.id}",
    columns=(
        Column(_("Event"), text("type"), main=True),
        Column(_("When"), instant("created_at")),
        Column(_("Merchant"), _merchant),
        Column(_("Deliveries"), _became),
    ),
    filters=(
        Field("type", _("Kind"), "choice", choices=_KINDS),
        Field("from", _("From"), "date"),
        Field("to", _("To"), "date"),
    ),
    fixed={SORT: NEWEST},
    empty=Empty(_("Nothing has happened yet"), _("Events appear here within a second, whether or not anyone listens.")),
)


@screen("GET", EVENTS, permission=P.WEBHOOKS_WRITE, kinds=EVERYONE)
async def events(view: View) -> Page:
    """The events, newest first, of one kind or some days where that is asked for."""
    # Of a shop's events each is its own.
    columns = [one for one in _LOG.columns if view.kind is not Kind.SHOP or one.cell is not _merchant]
    listing = msgspec.structs.replace(_LOG, columns=columns)
    return await show_list(view, listing, template=_TABBED, tabs=tabs_of(view), tab=EVENTS)


@screen("GET", f"{EVENTS}/{{event_id}}", permission=P.WEBHOOKS_WRITE, kinds=EVERYONE)
async def event(view: View, event_id: UUID) -> Page:
    """One event as it was sent, and what became of it at each address."""
    found: LoggedEvent = (await view.ask(api.read_event, path={"event_id": event_id})).view
    addresses: Sequence[EndpointView] = (await view.ask(hooks_api.list_webhook_endpoints)).view
    by_id = {one.id: one for one in addresses}
    body = {"id": found.id, "type": found.type, "created_at": found.created_at, "data": found.data}
    return view.page(
        _EVENT_PAGE,
        event=found,
        merchant=None if view.kind is Kind.SHOP else _merchant(view, found),
        sent=[_at_address(one, by_id[one.endpoint_id]) for one in found.deliveries if one.endpoint_id in by_id],
        body=msgspec.json.format(msgspec.json.encode(body), indent=2).decode(),
    )


def _at_address(delivery: LoggedDelivery, address: EndpointView) -> dict[str, Any]:
    """What became of an event at an address, as the page shows it."""
    return {"delivery": delivery, "address": address, "state": state_of(address)}


# --- sending a time's events again -----------------------------------------------------------------------------------

_FROM = Field("from", _("From"), "date", _("The first day whose events are sent. They are kept for 90 days."), True)
_TO = Field("to", _("To"), "date", _("The last day; leave it empty for all until now."))
_LAST_YEAR = 9998  # whose last day still has a next one
_REPLAY = "/webhooks/{endpoint_id}/replay"


@screen("GET", _REPLAY, permission=P.WEBHOOKS_WRITE, kinds=EVERYONE)
async def replay(view: View, endpoint_id: UUID) -> Page:
    """From which day on; and, once a day is chosen, what would be sent, for a second look."""
    found: EndpointView = (await view.ask(hooks_api.read_webhook_endpoint, path={"endpoint_id": endpoint_id})).view
    chosen = {name: view.form.get(name, view.query.get(name, "")) for name in ("from", "to", "after")}
    days = None
    if chosen["from"] and view.problem is None:
        try:
            days = _days(chosen)
        except errors.InvalidFields as refused:
            view.problem = refused
    return view.page(
        _REPLAY_PAGE,
        endpoint=found,
        state=state_of(found),
        fields=(_FROM, _TO),
        chosen=chosen,
        days=days,
        here=_REPLAY.format(endpoint_id=endpoint_id),
    )


@screen("POST", _REPLAY, permission=P.WEBHOOKS_WRITE, kinds=EVERYONE)
async def send_replay(view: View, endpoint_id: UUID) -> Page:
    """Send them again: 500 at once; where there are more, the same page again, to go on."""
    try:
        first, last = _days(view.form)
    except errors.InvalidFields as refused:
        view.problem = refused
        return await show(replay, view, endpoint_id=endpoint_id)
    body = {"from": _start(view, first)}
    if last is not None:
        body["to"] = _start(view, last + timedelta(days=1))
    if after := view.form.get("after"):
        body["after"] = after
    path = {"endpoint_id": endpoint_id}
    told = await view.attempt(hooks_api.replay_webhook_events, path=path, body=body, key=view.form.get(ONCE))
    if told is None:
        return await show(replay, view, endpoint_id=endpoint_id)
    sent: Replayed = told.view
    here = f"/webhooks/{endpoint_id}"
    if not sent.count:
        return view.go(f"{here}/replay", _("There is nothing to send from those days."), "wait")
    if sent.is_all:
        return view.go(here, _("Events sent once more: {count}."), count=sent.count)
    kept = {name: view.form.get(name) for name in ("from", "to")}
    done = _("Events sent once more: {count}. There are others; press again for them.")
    return view.go(link(f"{here}/replay", **kept, after=sent.last_event_id), done, count=sent.count)


def _days(typed: Mapping[str, str]) -> tuple[date, date | None]:
    """The first and the last day of a form, None where it has no last. Raises InvalidFields."""
    last = typed.get("to")
    return _day("from", typed.get("from", "")), _day("to", last) if last else None


def _day(name: str, typed: str) -> date:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = date.max
    if day.year > _LAST_YEAR:
        raise errors.invalid_field(name, "no_day", _("This is no day; write it like 2026-11-29."))
    return day


def _start(view: View, day: date) -> str:
    """When a day begins in the scheme's time zone."""
    return clock.rfc3339(datetime.combine(day, time(), zone_of(view.scheme)))


ROUTES = [events, event, replay, send_replay]
