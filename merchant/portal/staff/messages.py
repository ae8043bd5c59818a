"""Messages to people with what became of them: for staff those of their merchants, for an owner those of the shop."""

from typing import Any

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.notify import message_routes as api
from merchant.notify.message_routes import MessageView
from merchant.portal.ui import words
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Column, Empty, Listing, badge, instant, name_of, show_list
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS


def _choices(kind: str) -> list[tuple[str, str]]:
    return [(value, word.text) for value, word in WORDS[kind].items()]


def _says(view: View, row: MessageView) -> Any:
    """What a message says; or that its words are not kept."""
    if row.text:
        return fill("<bdi>{}</bdi>", row.text)
    return fill('<span class="quiet">{}</span>', view.spoken.say(_("not kept")))


def _state(view: View, row: MessageView) -> Any:
    """What became of it, and why it did not arrive: in words where there are some; what a server said is its own."""
    shown = badge(view, "message", row.state)
    if row.reason is None:
        return shown
    known = WORDS["message_reason"].get(row.reason)
    why = view.spoken.say(known.text) if known else row.reason
    return shown + fill(' <span class="quiet"><bdi>{}</bdi></span>', why)


def _merchant(_view: View, row: MessageView) -> Any:
    """The merchant's name with the way to it."""
    if row.merchant_id is None or not row.merchant_name:
        return "–"
    return fill('<a href="/merchants/{}"><bdi>{}</bdi></a>', row.merchant_id, row.merchant_name)


def _subject(view: View, row: MessageView) -> str:
    return view.spoken.say(words.word("message_kind", row.kind).text)


_COLUMNS = (
    Column(_("About"), _subject, main=True),
    Column(_("State"), _state),
    Column(_("Sent to"), name_of("recipient")),
    Column(_("What it says"), _says),
    Column(_("Written"), instant("created_at")),
)
_FILTERS = (
    Field("state", _("State"), "choice", choices=_choices("message")),
    Field("kind", _("About"), "choice", choices=_choices("message_kind")),
    Field("channel", _("By"), "choice", choices=_choices("message_channel")),
)
_STAFFS = Listing(
    title=_("Messages"),
    intro=_(
        "What people were sent by text and by mail. Words are kept for thirty days; those of codes and links never."
    ),
    handler=api.list_messages,
    columns=(*_COLUMNS[:1], Column(_("Merchant"), _merchant), *_COLUMNS[1:]),
    filters=_FILTERS,
    empty=Empty(_("No messages"), _("What is sent to merchants and staff is listed here.")),
)
_SHOPS = Listing(
    title=_("What I was sent"),
    intro=_("Texts to the phone of the shop and mails to its owners. Their words are kept for thirty days."),
    handler=api.list_messages,
    crumb=("/shop/notifications", _("Messages to me")),
    columns=_COLUMNS,
    filters=(
        _FILTERS[0],
        Field("kind", _("About"), "choice", choices=_choices("message_kind")[:4]),
        _FILTERS[2],
    ),
    empty=Empty(_("No messages"), _("What is sent to you about the shop is listed here.")),
)


@screen("GET", "/messages", permission=P.NOTIFICATIONS_READ, kinds=STAFF)
async def messages(view: View) -> Page:
    """Messages to merchants and staff, newest first."""
    return await show_list(view, _STAFFS)


@screen("GET", "/shop/messages", permission=P.NOTIFICATIONS_READ, kinds=frozenset({Kind.SHOP}))
async def shop_messages(view: View) -> Page:
    """Messages about the own shop, newest first."""
    return await show_list(view, _SHOPS)


ROUTES = [messages, shop_messages]
