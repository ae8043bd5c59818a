"""What the pages of keys, webhooks and events share: their tabs, and whether an address is called."""

from typing import Literal

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.notify.routes import EndpointView
from merchant.portal.ui.screen import View

EVENTS = "/webhooks/events"
_TABS = (
    ("/keys", _("API keys"), P.API_KEYS_WRITE),
    ("/webhooks", _("Webhooks"), P.WEBHOOKS_WRITE),
    (EVENTS, _("Events"), P.WEBHOOKS_WRITE),
)


def tabs_of(view: View) -> list[tuple[str, str]]:
    """The tabs of who looks."""
    return [(path, label) for path, label, permission in _TABS if view.may(permission)]


def state_of(row: EndpointView) -> Literal["on", "paused", "off"]:
    """Whether an address is called."""
    return "off" if not row.enabled else "paused" if row.paused else "on"
