"""What states and kinds are called on pages, with the tone and the shape in which a page shows them.

A state is never told by its colour alone: each has a word and a drawing.
"""

from collections.abc import Mapping

from msgspec import Struct

from merchant.core.texts import _


class Word(Struct, frozen=True):
    """A value's name for people; tone is `good`, `wait`, `bad` or `plain`."""

    text: str
    tone: str = "plain"
    icon: str = "info"


_GOOD, _WAIT, _BAD = ("good", "circle-check"), ("wait", "clock"), ("bad", "circle-x")

WORDS: Mapping[str, Mapping[str, Word]] = {
    "application": {
        "draft": Word(_("Draft"), "plain", "pencil"),
        "submitted": Word(_("Waiting for a checker"), *_WAIT),
        "in_review": Word(_("In review"), "wait", "eye"),
        "returned": Word(_("Returned"), "bad", "undo-2"),
        "approved": Word(_("Approved"), *_GOOD),
        "rejected": Word(_("Rejected"), *_BAD),
        "withdrawn": Word(_("Withdrawn"), "plain", "x"),
        "expired": Word(_("Expired"), "plain", "clock"),
    },
    "merchant": {
        "active": Word(_("Active"), *_GOOD),
        "restricted": Word(_("Restricted"), "wait", "triangle-alert"),
        "suspended": Word(_("Suspended"), "bad", "pause"),
        "closed": Word(_("Closed"), "plain", "x"),
        "blocked": Word(_("Blocked"), "bad", "ban"),
    },
    "request": {
        "created": Word(_("Created"), *_WAIT),
        "sent": Word(_("Sent"), *_WAIT),
        "awaiting_payer": Word(_("Waiting for the customer"), *_WAIT),
        "accepted": Word(_("Accepted"), *_WAIT),
        "paid": Word(_("Paid"), *_GOOD),
        "rejected": Word(_("Declined"), *_BAD),
        "expired": Word(_("Expired"), "bad", "clock"),
        "failed": Word(_("Failed"), *_BAD),
        "cancelled": Word(_("Cancelled"), "plain", "x"),
        "in_doubt": Word(_("In doubt"), "bad", "circle-help"),
    },
    "risk": {
        "low": Word(_("Low risk"), "good", "shield-check"),
        "medium": Word(_("Medium risk"), "wait", "triangle-alert"),
        "high": Word(_("High risk"), "bad", "triangle-alert"),
        "prohibited": Word(_("Prohibited"), "bad", "ban"),
    },
    "case": {
        "application": Word(_("Application")),
        "change": Word(_("Change")),
        "upgrade": Word(_("Upgrade")),
        "downgrade": Word(_("Downgrade")),
        "review": Word(_("Review")),
        "closure": Word(_("Closure")),
        "reinstatement": Word(_("Reinstatement")),
        "transfer": Word(_("Change of DFSP")),
    },
    "role": {
        "hub_operator": Word(_("Hub operator")),
        "hub_checker": Word(_("Hub checker")),
        "dfsp_admin": Word(_("Administrator")),
        "dfsp_maker": Word(_("Maker")),
        "dfsp_checker": Word(_("Checker")),
        "dfsp_auditor": Word(_("Auditor")),
        "merchant_owner": Word(_("Owner")),
        "merchant_cashier": Word(_("Cashier")),
        "merchant_applicant": Word(_("Applicant")),
    },
    "person": {
        "invited": Word(_("Invited"), *_WAIT),
        "active": Word(_("Active"), *_GOOD),
        "disabled": Word(_("No access"), "plain", "ban"),
        "proposed": Word(_("Waits for a second person"), *_WAIT),
    },
    "hook": {
        "on": Word(_("On"), *_GOOD),
        "paused": Word(_("Paused"), "wait", "pause"),
    },
    "delivery": {
        "pending": Word(_("Waiting"), *_WAIT),
        "delivered": Word(_("Delivered"), *_GOOD),
        "failed": Word(_("Failed"), *_BAD),
    },
    "policy": {
        "proposed": Word(_("Proposed"), *_WAIT),
        "published": Word(_("Published"), *_GOOD),
        "withdrawn": Word(_("Withdrawn"), "plain", "x"),
    },
    "list": {
        "proposed": Word(_("Waits for a second person"), *_WAIT),
        "in_force": Word(_("In force"), *_GOOD),
        "superseded": Word(_("Superseded"), "plain", "history"),
        "refused": Word(_("Refused"), *_BAD),
    },
    "list_problem": {
        "list_stale": Word(_("Too old"), *_BAD),
        "list_unreadable": Word(_("Cannot be read"), *_BAD),
        "list_shrunk": Word(_("Shrunk"), *_BAD),
        "list_went_back": Word(_("Went back in time"), *_BAD),
        "list_ahead": Word(_("Dated ahead"), *_BAD),
    },
    "layer": {
        "jurisdiction": Word(_("Country")),
        "scheme": Word(_("Scheme")),
        "dfsp": Word(_("DFSP")),
    },
    "code_report": {
        "open": Word(_("Not looked at"), "wait", "flag"),
        "seen": Word(_("Looked at"), *_GOOD),
    },
    "code_reason": {
        "other_name": Word(_("Another name than the shop’s")),
        "pasted_over": Word(_("Pasted over or changed")),
        "asked_for_more": Word(_("Asked for more")),
        "other": Word(_("Something else")),
    },
    "key": {
        "sign": Word(_("Signs")),
        "verify": Word(_("Verifies")),
    },
    "switch": {
        "on": Word(_("On"), *_GOOD),
        "off": Word(_("Off"), "plain", "x"),
    },
}


def word(kind: str, value: object) -> Word:
    """The word of a value; the value itself, readable, where nobody named it yet."""
    text = str(value)
    return WORDS.get(kind, {}).get(text) or Word(text.replace("_", " ").capitalize())
