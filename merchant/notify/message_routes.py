"""JSON route of messages to people, with what became of each."""

from uuid import UUID

from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.notify import messages
from merchant.notify.kinds import Channel, MessageKind, MessageState
from merchant.notify.messages import KeptMessage, Sought


class MessageView(Struct, frozen=True):
    """A message to a person and what became of it. No text where it holds a code or a link, nor after a month."""

    id: UUID
    channel: Channel
    kind: MessageKind
    state: MessageState
    merchant_id: UUID | None
    merchant_name: str | None
    recipient: str
    text: str | None
    reason: str | None
    held_until: Instant | None
    created_at: Instant
    sent_at: Instant | None


def message_view(found: KeptMessage) -> MessageView:
    """A message."""
    return MessageView(
        id=found.id,
        channel=Channel(found.channel),
        kind=MessageKind(found.kind),
        state=MessageState(found.state),
        merchant_id=found.merchant_id,
        merchant_name=found.merchant_name,
        recipient=found.recipient,
        text=found.text or None,
        reason=found.reason,
        held_until=web.at_or_none(found.held_until),
        created_at=web.at(found.created_at),
        sent_at=web.at_or_none(found.sent_at),
    )


@route(
    "GET",
    "/api/v1/messages",
    permission=P.NOTIFICATIONS_READ,
    items=MessageView,
    paged=True,
    filters=(
        Filter("merchant_id", "Only those about this merchant.", kind="uuid"),
        Filter("state", "Only those of this state.", choices=tuple(MessageState)),
        Filter("kind", "Only those of this kind.", choices=tuple(MessageKind)),
        Filter("channel", "Only texts, or only mails.", choices=tuple(Channel)),
    ),
)
async def list_messages(call: Call[None]) -> Listed:
    """List messages to people, newest first: a merchant's own, or those of a DFSP.

    Phone numbers and addresses are masked. The words of a code or a link are kept nowhere, those of other messages for
    thirty days, and that there was a message for ninety. Messages of no DFSP, such as codes to sign in, are not listed.
    """
    sought = Sought(
        merchant_id=call.filter_id("merchant_id"),
        state=call.filters["state"],
        kind=call.filters["kind"],
        channel=call.filters["channel"],
    )
    rows = await messages.messages(call.tx, call.actor, call.page, sought)
    return Listed([message_view(one) for one in rows], [one.id for one in rows])


ROUTES = [list_messages]
