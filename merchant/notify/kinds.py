"""What people are told of, and which of it they may choose: a merchant's kinds, and those of a DFSP's staff.

An event that announces something may be of a kind; notices.py writes the messages of those who chose it.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any


class Channel(StrEnum):
    """By what a message goes."""

    SMS = "sms"
    EMAIL = "email"


class MerchantKind(StrEnum):
    """What a merchant is told of."""

    PAID = "paid"
    NOT_PAID = "not_paid"  # declined, expired, failed
    REVIEW = "review"  # applications, limits and the merchant's state
    SECURITY = "security"


class StaffKind(StrEnum):
    """What one of a DFSP's staff is told of."""

    APPLICATION_SUBMITTED = "application_submitted"
    APPLICATION_RETURNED = "application_returned"
    APPLICATION_HANDED_IN = "application_handed_in"
    MERCHANT_CLAIMED = "merchant_claimed"
    REQUIREMENTS_DUE = "requirements_due"
    WEBHOOK_PAUSED = "webhook_paused"


class MessageKind(StrEnum):
    """What a message is about: what may be chosen, and what nobody chooses."""

    PAID = "paid"
    NOT_PAID = "not_paid"
    REVIEW = "review"
    SECURITY = "security"
    ACCOUNT = "account"
    CODE = "code"
    APPLICATION_SUBMITTED = "application_submitted"
    APPLICATION_RETURNED = "application_returned"
    APPLICATION_HANDED_IN = "application_handed_in"
    MERCHANT_CLAIMED = "merchant_claimed"
    REQUIREMENTS_DUE = "requirements_due"
    WEBHOOK_PAUSED = "webhook_paused"


class MessageState(StrEnum):
    """What became of a message. No gateway tells yet whether a phone took it: `sent` is the last that is known."""

    PENDING = "pending"
    HELD = "held"  # until quiet hours end
    SENT = "sent"
    FAILED = "failed"
    GATHERED = "gathered"  # told with others by one message


# Always sent, in quiet hours too: whoever takes an account or a shop from someone would switch these off first.
REQUIRED = frozenset({MerchantKind.SECURITY})
# What is sent to whoever chose nothing.
USUAL_SMS = frozenset({MerchantKind.PAID, MerchantKind.SECURITY})
USUAL_EMAIL = frozenset({MerchantKind.SECURITY})

TEXT_KEPT = timedelta(days=30)
KEPT = timedelta(days=90)  # as long as announced events

# By the type of an event: what it is to the merchant, and what to staff.
KINDS_OF: Mapping[str, tuple[MerchantKind | None, StaffKind | None]] = {
    "application.approved": (MerchantKind.REVIEW, None),
    "application.handed_in": (None, StaffKind.APPLICATION_HANDED_IN),
    "application.rejected": (MerchantKind.REVIEW, None),
    "application.returned": (MerchantKind.REVIEW, StaffKind.APPLICATION_RETURNED),
    "application.submitted": (None, StaffKind.APPLICATION_SUBMITTED),
    "merchant.claimed": (None, StaffKind.MERCHANT_CLAIMED),
    "merchant.closed": (MerchantKind.REVIEW, None),
    "merchant.reinstated": (MerchantKind.REVIEW, None),
    "merchant.requirements_due": (MerchantKind.REVIEW, StaffKind.REQUIREMENTS_DUE),
    "merchant.restricted": (MerchantKind.REVIEW, None),
    "merchant.suspended": (MerchantKind.REVIEW, None),
    "payment.received": (MerchantKind.PAID, None),
    "payment_request.expired": (MerchantKind.NOT_PAID, None),
    "payment_request.failed": (MerchantKind.NOT_PAID, None),
    "payment_request.paid": (MerchantKind.PAID, None),
    "payment_request.rejected": (MerchantKind.NOT_PAID, None),
    "refund.refunded": (MerchantKind.PAID, None),
}


def chosen_by(event_type: str) -> tuple[list[str], list[str]]:
    """The kinds of which an event is, by text and by mail. The text of a payment is written with it (sms.py)."""
    of_merchant, of_staff = KINDS_OF.get(event_type, (None, None))
    by_mail: list[Any] = [one for one in (of_merchant, of_staff) if one is not None]
    by_text = [of_merchant] if of_merchant not in (None, MerchantKind.PAID) else []
    return [str(one) for one in by_text], [str(one) for one in by_mail]


def quiet_end_sql(local: str, zone: str) -> str:
    """SQL of when the quiet hours of `choice` end, in which `local` lies; NULL outside of them.

    `local` is the expression of a timestamp on the wall's clock, `zone` that of the clock's time zone.
    """
    at = f"{local}::timestamp::time"
    return f"""CASE WHEN CASE
    WHEN choice.quiet_from < choice.quiet_until THEN {at} >= choice.quiet_from AND {at} < choice.quiet_until
    ELSE {at} >= choice.quiet_from OR {at} < choice.quiet_until END
  THEN ({local}::timestamp::date + choice.quiet_until
        + CASE WHEN choice.quiet_until <= {at} THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE {zone} END"""
