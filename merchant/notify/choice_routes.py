"""JSON routes of what people choose to be told: call the operation of choices.py, show the result."""

from datetime import time
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.fields import pattern
from merchant.core.http.route import Call, route
from merchant.core.texts import _
from merchant.notify import choices
from merchant.notify.choices import Chosen
from merchant.notify.kinds import REQUIRED, Channel, MerchantKind, StaffKind

TimeText = Annotated[str, pattern(r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", _("Must be a time of the day, such as 22:00."))]


class NotificationChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether messages of a kind are sent by a channel."""

    kind: MerchantKind
    channel: Channel
    sent: bool


class NewNotificationChoices(Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant is sent; what is left out of `choices` stays. Without times there are no quiet hours."""

    choices: Annotated[list[NotificationChoice], Meta(max_length=20)] = []
    quiet_from: TimeText | None = None
    quiet_until: TimeText | None = None


class NotificationChoiceView(Struct, frozen=True):
    """Whether messages of a kind are sent by a channel; those that are required always are."""

    kind: MerchantKind
    channel: Channel
    sent: bool
    required: bool


class NotificationChoices(Struct, frozen=True):
    """What a merchant is sent. Between the times, on the clock of the time zone, all but required messages wait."""

    choices: list[NotificationChoiceView]
    quiet_from: str | None
    quiet_until: str | None
    time_zone: str


class StaffNotificationChoices(Struct, frozen=True, forbid_unknown_fields=True):
    """Of what one of a DFSP's staff is told by mail; all others are not."""

    email: Annotated[list[StaffKind], Meta(max_length=20)]


async def _view(call: Call[Any], chosen: Chosen) -> NotificationChoices:
    by = {Channel.SMS: chosen.sms, Channel.EMAIL: chosen.email}
    return NotificationChoices(
        choices=[
            NotificationChoiceView(kind, channel, kind in REQUIRED or kind in kinds, kind in REQUIRED)
            for kind in MerchantKind
            for channel, kinds in by.items()
        ],
        quiet_from=None if chosen.quiet_from is None else f"{chosen.quiet_from:%H:%M}",
        quiet_until=None if chosen.quiet_until is None else f"{chosen.quiet_until:%H:%M}",
        time_zone=(await call.service.scheme()).time_zone,
    )


@route(
    "GET",
    "/api/v1/merchants/{merchant_id}/notification-choices",
    permission=P.NOTIFICATIONS_READ,
    answer=NotificationChoices,
)
async def read_notification_choices(call: Call[None], merchant_id: UUID) -> NotificationChoices:
    """Which messages a merchant is sent by text and by mail, and its quiet hours."""
    return await _view(call, await choices.choices_of_merchant(call.tx, call.actor, merchant_id))


@route(
    "PUT",
    "/api/v1/merchants/{merchant_id}/notification-choices",
    permission=P.MERCHANTS_WRITE,
    own_permission=P.OWN_NOTIFICATIONS_WRITE,
    body=NewNotificationChoices,
    answer=NotificationChoices,
)
async def choose_notifications(call: Call[NewNotificationChoices], merchant_id: UUID) -> NotificationChoices:
    """Choose which messages a merchant is sent, and when they wait; its owner does, or staff for it.

    What was written in quiet hours is sent when they end, payments as one message. Texts go to the merchant's phone,
    mails to its owners.
    """
    new = call.body
    wanted = {(one.kind, one.channel): one.sent for one in new.choices}
    chosen = await choices.choose_for_merchant(call.tx, call.actor, merchant_id, wanted, _quiet(new))
    return await _view(call, chosen)


def _quiet(new: NewNotificationChoices) -> tuple[time, time] | None:
    """The quiet hours that a body names. Raises InvalidFields for half of them."""
    if new.quiet_from is None and new.quiet_until is None:
        return None
    if new.quiet_from is None or new.quiet_until is None:
        missing = "quiet_from" if new.quiet_from is None else "quiet_until"
        raise errors.invalid_field(missing, "missing", _("Quiet hours need a beginning and an end."))
    return time.fromisoformat(new.quiet_from), time.fromisoformat(new.quiet_until)


@route(
    "GET",
    "/api/v1/users/me/notification-choices",
    permission=None,
    answer=StaffNotificationChoices,
    raises=(errors.NotFound,),
)
async def read_own_notification_choices(call: Call[None]) -> StaffNotificationChoices:
    """Of what one is told by mail oneself, as one of a DFSP's staff."""
    return _staff_view(await choices.choices_of_person(call.tx, call.actor))


@route(
    "PUT",
    "/api/v1/users/me/notification-choices",
    permission=None,
    body=StaffNotificationChoices,
    answer=StaffNotificationChoices,
    raises=(errors.NotFound,),
)
async def choose_own_notifications(call: Call[StaffNotificationChoices]) -> StaffNotificationChoices:
    """Choose of what one is told by mail oneself, as one of a DFSP's staff."""
    return _staff_view(await choices.choose_for_person(call.tx, call.actor, call.body.email))


def _staff_view(chosen: Chosen) -> StaffNotificationChoices:
    return StaffNotificationChoices([kind for kind in StaffKind if kind in chosen.email])


ROUTES = [read_notification_choices, choose_notifications, read_own_notification_choices, choose_own_notifications]
