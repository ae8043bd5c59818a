"""The queue of what waits for a decision, by risk or by age, with low-risk ones to choose for approving together."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from markupsafe import Markup

from merchant.compliance.cases.desk import routes as api
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.states import Capability, application_may
from merchant.core import clock
from merchant.core.access import Permission as P
from merchant.core.http.declared import SORT
from merchant.core.texts import _, _n
from merchant.portal.ui.assets import icon
from merchant.portal.ui.fields import Field
from merchant.portal.ui.lists import Button, Column, Empty, Listing, badge, show_list
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.when import as_instant
from merchant.portal.ui.words import WORDS

_QUEUE_PAGE = f"{__package__}/queue.html"
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_BOX = Markup(
    '<span class="check"><input type="checkbox" form="bulk" name="case.{}" value="yes" aria-label="{}"></span>'
)
_TAG = Markup('<span class="badge {}">{}{}</span>')
BULK_BAND = "low"
_BANDS = ("low", "medium", "high", "unacceptable")


def page_of(row: Any) -> str:
    """Where a case is reviewed."""
    kind = "applications" if row.kind == CaseKind.ONBOARDING else "cases"
    return f"/{kind}/{row.id}/review"


def may_join(row: Any) -> bool:
    """Whether a case may be approved together with others: of low risk, with nothing left to look at."""
    clear = row.screening == "clear" and not row.hits_open and not row.doubts
    return bool(
        row.risk == BULK_BAND
        and clear
        and row.tier
        and row.locked is None
        and application_may(row.state, Capability.DECIDE)
    )


def age_of(view: View, instant: str | None) -> str:
    """How long ago, in words."""
    if instant is None:
        return "–"
    age = clock.now() - as_instant(instant)
    if age < _HOUR:
        return str(view.spoken.say(_n("{count} minute", "{count} minutes", max(int(age / _MINUTE), 1))))
    if age < _DAY:
        return str(view.spoken.say(_n("{count} hour", "{count} hours", age // _HOUR)))
    return str(view.spoken.say(_n("{count} day", "{count} days", age // _DAY)))


def _name(view: View, row: Any) -> Markup:
    return fill("<bdi>{}</bdi>", row.trading_name or view.spoken.say(_("Without a name")))


def _kind(view: View, row: Any) -> str:
    said = str(view.spoken.say(WORDS["case"][row.kind].text))
    tier = row.target_tier or row.tier
    return f"{said}, {tier}" if tier else said


def _makers(_view: View, row: Any) -> Markup:
    names = Markup(", ").join(fill("<bdi>{}</bdi>", one) for one in row.maker_names)
    return names or Markup("–")


def _who(view: View, row: Any) -> Markup:
    """Who works on it, or why the person who looks may not."""
    if row.locked is not None:
        return _TAG.format("plain", icon("lock"), view.spoken.say(_("Yours: another checker decides")))
    if row.claimed_by is None:
        return view.spoken.say(_("Nobody"))
    if row.claimed_by == view.actor.id:
        return _TAG.format("good", icon("user"), view.spoken.say(_("You")))
    return fill("<bdi>{}</bdi>", row.claimed_by_name)


def _hits(view: View, row: Any) -> Markup:
    if row.screening is None:
        return _TAG.format("plain", icon("clock"), view.spoken.say(_("Being screened")))
    if row.screening == "not_checked":
        return _TAG.format("bad", icon("circle-help"), view.spoken.say(_("Not checked")))
    if row.hits_open:
        told = view.spoken.say(_n("{count} open hit", "{count} open hits", row.hits_open))
        return _TAG.format("bad", icon("flag"), told)
    return _TAG.format("good", icon("circle-check"), view.spoken.say(_("Clear")))


def _risk(view: View, row: Any) -> Markup:
    return fill('<span class="marks">{} {}</span>', badge(view, "risk", row.risk), _hits(view, row))


def _choose(view: View, row: Any) -> Markup:
    if not may_join(row) or not view.may(P.APPLICATIONS_DECIDE):
        return Markup("")
    label = view.spoken.say(_("Choose {name}"), name=row.trading_name)
    return _BOX.format(row.id, label)


_LISTING = Listing(
    title=_("To decide"),
    handler=api.list_review_queue,
    href=page_of,
    columns=(
        Column(_("Choose"), _choose),
        Column(_("Name"), _name, main=True),
        Column(_("Kind"), _kind),
        Column(_("Risk and screening"), _risk),
        Column(_("Waiting"), lambda view, row: age_of(view, row.submitted_at)),
        Column(_("Made by"), _makers),
        Column(_("Worked on by"), _who),
    ),
    filters=(
        Field(
            "claimed",
            _("Worked on by"),
            "choice",
            choices=[("me", _("You")), ("nobody", _("Nobody")), ("others", _("Others"))],
        ),
        Field("risk", _("Risk"), "choice", choices=[(one, WORDS["risk"][one].text) for one in _BANDS]),
        Field("kind", _("Kind"), "choice", choices=[(one.value, WORDS["case"][one.value].text) for one in CaseKind]),
    ),
    empty=Empty(_("Nothing waits for a decision"), _("What makers submit stands here once it was screened.")),
    buttons=(Button("/reports/decisions", _("Figures of decisions"), "chart-column", plain=True),),
)


@screen("GET", "/applications/queue", permission=P.APPLICATIONS_READ, kinds=STAFF)
async def by_risk(view: View) -> Page:
    """What waits for a decision, the riskiest first, then the oldest."""
    return await _queue(view, "risk")


@screen("GET", "/applications/queue/oldest", permission=P.APPLICATIONS_READ, kinds=STAFF)
async def by_age(view: View) -> Page:
    """The same, the oldest first."""
    return await _queue(view, "oldest")


def _joins(rows: Iterable[Any]) -> bool:
    """Whether any can be chosen."""
    return any(may_join(row) for row in rows)


async def _queue(view: View, order: str) -> Page:
    listing = msgspec.structs.replace(_LISTING, fixed={SORT: order})
    return await show_list(view, listing, template=_QUEUE_PAGE, order=order, joins=_joins)


ROUTES = [by_risk, by_age]
