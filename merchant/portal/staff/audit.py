"""The audit record and the security events: who did what, and what was tried."""

from markupsafe import Markup

from merchant.core.access import Permission as P
from merchant.core.evidence import SecurityEvent
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.people import record_routes as api
from merchant.people.record_routes import AuditView, SecurityEventView
from merchant.portal.ui.fields import Field
from merchant.portal.ui.lists import Column, Empty, Listing, instant, show_list, text
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen

_TABBED = f"{__package__}/tabbed.html"
TABS = (
    ("/audit", _("Audit record")),
    ("/audit/security", _("Security events")),
    ("/audit/chain", _("Check of the record")),
)


def _readable(code: str) -> str:
    """`merchant.suspended` for people."""
    return code.replace(".", ": ").replace("_", " ")


def _who(_view: View, row: AuditView | SecurityEventView) -> Markup | str:
    if row.actor_name:
        return fill("<bdi>{}</bdi>", row.actor_name)
    return _view.spoken.say(_("The service") if row.actor_kind in ("service", None) else _("Hub staff"))


def _about(view: View, row: AuditView) -> Markup:
    name = getattr(row, "subject_name", None)
    shown = name or row.subject_type.replace("_", " ")
    return fill('<a href="/audit?subject_id={}"><bdi>{}</bdi></a>', row.subject_id, shown)


def _detail(_view: View, row: AuditView | SecurityEventView) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {_flat(value)}" for name, value in list(row.detail.items())[:8]) or "–"


def _flat(value: object) -> str:
    flat = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return flat if len(flat) <= 120 else flat[:119] + "…"


_BETWEEN = (Field("from", _("From"), "date"), Field("to", _("To"), "date"))
_AUDIT = Listing(
    title=_("Audit record"),
    intro=_("Each entry is chained to the one before, so that none can be changed or left out unseen."),
    handler=api.read_audit,
    columns=(
        Column(_("When"), instant("at"), main=True, sorts=BY_AGE),
        Column(_("Who"), _who),
        Column(_("What"), lambda _view, row: _readable(row.action)),
        Column(_("About"), _about),
        Column(_("More"), _detail),
        Column(_("No."), text("seq"), numeric=True),
    ),
    filters=(
        *_BETWEEN,
        Field("action", _("What"), hint="merchant.suspended"),
        Field("subject_id", _("Id of the thing")),
        Field("actor_id", _("Id of the person or key")),
    ),
    empty=Empty(_("Nothing recorded yet"), _("Whatever changes something is recorded here.")),
)
_SECURITY = Listing(
    title=_("Security events"),
    intro=_("Sign-ins, refusals and looks at personal data of the last ninety days."),
    handler=api.list_security_events,
    columns=(
        Column(_("When"), instant("at"), main=True, sorts=BY_AGE),
        Column(_("What"), lambda _view, row: _readable(row.kind)),
        Column(_("Who"), _who),
        Column(_("From where"), text("source")),
        Column(_("More"), _detail),
    ),
    filters=(
        *_BETWEEN,
        Field("kind", _("What"), "choice", choices=[(one.value, one.value.replace("_", " ")) for one in SecurityEvent]),
        Field("actor_id", _("Id of the person or key")),
    ),
    empty=Empty(_("Nothing yet"), _("Sign-ins and refusals appear here.")),
)


@screen("GET", "/audit", permission=P.AUDIT_READ, kinds=STAFF)
async def audit(view: View) -> Page:
    """The audit record."""
    return await show_list(view, _AUDIT, template=_TABBED, tabs=TABS, tab="/audit")


@screen("GET", "/audit/security", permission=P.AUDIT_READ, kinds=STAFF)
async def security_events(view: View) -> Page:
    """Security events."""
    return await show_list(view, _SECURITY, template=_TABBED, tabs=TABS, tab="/audit/security")


ROUTES = [audit, security_events]
