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
        "unacceptable": Word(_("Unacceptable"), "bad", "ban"),
        "prohibited": Word(_("Prohibited"), "bad", "ban"),
    },
    "case": {
        "application": Word(_("Application")),
        "onboarding": Word(_("Application")),
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
    },
    "hit": {
        "likely": Word(_("Likely"), "bad", "flag"),
        "possible": Word(_("Possible"), "wait", "circle-help"),
        "set_aside": Word(_("Set aside"), "plain", "x"),
    },
    "agreement": {
        "agrees": Word(_("Agrees"), "bad", "check"),
        "differs": Word(_("Differs"), "good", "x"),
        "unknown": Word(_("Not known"), "plain", "circle-help"),
    },
    "check": {
        "passed": Word(_("Passed"), *_GOOD),
        "failed": Word(_("Failed"), *_BAD),
        "not_checked": Word(_("Not checked"), "wait", "circle-help"),
    },
    "verification": {
        "verified": Word(_("Verified"), *_GOOD),
        "rejected": Word(_("Refused"), *_BAD),
        "inconclusive": Word(_("Without a result"), "wait", "circle-help"),
        "unavailable": Word(_("Could not be looked up"), "wait", "circle-help"),
        "waived": Word(_("Waived"), "wait", "circle-check"),
        "waiver_proposed": Word(_("Waiver proposed"), "wait", "clock"),
    },
    "purpose": {
        "identity": Word(_("Identity document")),
        "address": Word(_("Proof of address")),
        "licence": Word(_("Licence")),
        "registration": Word(_("Company register")),
        "tax": Word(_("Tax document")),
        "ownership": Word(_("Ownership")),
        "association_letter": Word(_("Letter of an association")),
        "account": Word(_("Account")),
        "site_photo": Word(_("Photo of the place")),
        "selfie": Word(_("Portrait")),
        "authority": Word(_("Authority to sign")),
        "financials": Word(_("Accounts of the business")),
        "other": Word(_("Other document")),
    },
    "capability": {
        "receive_payment": Word(_("takes payments")),
        "payout": Word(_("money goes to its account")),
        "refund": Word(_("gives refunds")),
        "dynamic_qr": Word(_("codes with an amount")),
        "sub_locations": Word(_("several places")),
        "api_keys": Word(_("its own programs")),
        "cross_border": Word(_("payments from abroad")),
    },
    "factor": {
        "mcc": Word(_("Trade")),
        "geography": Word(_("Places")),
        "ownership": Word(_("Owners")),
        "turnover": Word(_("Turnover")),
        "age": Word(_("Age and visits")),
        "screening": Word(_("Screening")),
        "behaviour": Word(_("Behaviour")),
        "mitigants": Word(_("What speaks for it")),
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
