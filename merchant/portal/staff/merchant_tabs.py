"""The pages of one merchant, as tabs: each a path below the merchant's own. Another page is one more line here."""

from uuid import UUID

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.ui.screen import View

_TABS = (
    ("", _("Overview"), P.MERCHANTS_READ),
    ("history", _("History"), P.MERCHANTS_READ),
    ("payments", _("Payments"), P.PAYMENTS_READ),
    ("takings", _("Takings"), P.PAYMENTS_READ),
)


def merchant_path(merchant_id: UUID, page: str = "") -> str:
    """The address of one of a merchant's pages."""
    return f"/merchants/{merchant_id}/{page}" if page else f"/merchants/{merchant_id}"


def merchant_tabs(view: View, merchant_id: UUID) -> list[tuple[str, str]]:
    """The pages of a merchant that who looks may open: path and label."""
    return [(merchant_path(merchant_id, page), label) for page, label, needed in _TABS if view.may(needed)]
