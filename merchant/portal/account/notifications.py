"""Of what one of a DFSP's staff is told by mail about their work."""

from merchant.core.texts import _
from merchant.notify import choice_routes as api
from merchant.notify.kinds import StaffKind
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show
from merchant.portal.ui.words import WORDS

_PAGE = f"{__package__}/notifications.html"
_DFSP = frozenset({Kind.DFSP})
_FIELDS = [
    Field(
        "email",
        _("Send me a mail when"),
        "choices",
        choices=[(kind.value, WORDS["message_kind"][kind].text) for kind in StaffKind],
    )
]


@screen("GET", "/account/notifications", kinds=_DFSP)
async def notifications(view: View) -> Page:
    """What one chose, as a form."""
    chosen = (await view.ask(api.read_own_notification_choices)).view
    return view.page(_PAGE, fields=_FIELDS, start={f"email.{kind}": "yes" for kind in chosen.email})


@screen("POST", "/account/notifications", kinds=_DFSP)
async def choose_notifications(view: View) -> Page:
    """Keep what was ticked."""
    return await view.act(
        api.choose_own_notifications,
        fields=_FIELDS,
        to="/account/notifications",
        done=_("Kept. It holds from now on."),
        again=lambda: show(notifications, view),
    )


ROUTES = [notifications, choose_notifications]
