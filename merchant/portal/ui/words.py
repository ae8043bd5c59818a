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
    "refund": {
        "pending_approval": Word(_("Waits for approval"), *_WAIT),
        "created": Word(_("On its way"), *_WAIT),
        "sent": Word(_("On its way"), *_WAIT),
        "accepted": Word(_("On its way"), *_WAIT),
        "refunded": Word(_("Refunded"), *_GOOD),
        "rejected": Word(_("Called off"), "plain", "x"),
        "failed": Word(_("Failed"), *_BAD),
        "in_doubt": Word(_("In doubt"), "bad", "circle-help"),
    },
    "risk": {
        "low": Word(_("Low risk"), "good", "shield-check"),
        "medium": Word(_("Medium risk"), "wait", "triangle-alert"),
        "high": Word(_("High risk"), "bad", "triangle-alert"),
        "prohibited": Word(_("Prohibited"), "bad", "ban"),
        "unacceptable": Word(_("Unacceptable risk"), "bad", "ban"),
    },
    "case": {
        "application": Word(_("Application")),
        "onboarding": Word(_("New merchant")),
        "change": Word(_("Change")),
        "upgrade": Word(_("Upgrade")),
        "downgrade": Word(_("Downgrade")),
        "review": Word(_("Review")),
        "closure": Word(_("Closure")),
        "reinstatement": Word(_("Reinstatement")),
        "transfer": Word(_("Change of DFSP")),
    },
    "business": {
        "individual": Word(_("A person who sells")),
        "sole_proprietor": Word(_("Business of one owner")),
        "partnership": Word(_("Partnership")),
        "cooperative": Word(_("Cooperative")),
        "company": Word(_("Company")),
        "ngo": Word(_("Association or NGO")),
        "public_body": Word(_("Public body")),
    },
    "owner": {
        "person": Word(_("A person")),
        "company": Word(_("A company")),
        "unknown": Word(_("Not known")),
    },
    "paper": {
        "national_id": Word(_("National identity card")),
        "passport": Word(_("Passport")),
        "driving_licence": Word(_("Driving licence")),
        "voter_id": Word(_("Voter card")),
        "tax_id": Word(_("Tax card")),
        "other": Word(_("Another document")),
    },
    "place": {
        "physical": Word(_("A shop, stall or office")),
        "virtual": Word(_("A web site")),
    },
    "purpose": {
        "identity": Word(_("Identity document")),
        "address": Word(_("Proof of address")),
        "licence": Word(_("Licence or permit")),
        "registration": Word(_("Entry in the company register")),
        "tax": Word(_("Tax certificate")),
        "ownership": Word(_("Who owns the business")),
        "association_letter": Word(_("Letter of an association")),
        "account": Word(_("Bank statement")),
        "site_photo": Word(_("Photo of the place")),
        "selfie": Word(_("Photo of the person")),
        "authority": Word(_("Power to sign")),
        "financials": Word(_("Accounts of the business")),
        "other": Word(_("Something else")),
    },
    "attribute": {
        "identity": Word(_("Identity")),
        "phone": Word(_("Phone number")),
        "address": Word(_("Address")),
        "site": Word(_("Place of business")),
        "licence": Word(_("Licence or tax number")),
        "registration": Word(_("Entry in the company register")),
        "tax": Word(_("Tax number")),
        "lei": Word(_("LEI")),
        "authority": Word(_("Power to sign")),
        "account": Word(_("Account")),
        "community": Word(_("Known to an association")),
        "questionnaire": Word(_("Questions answered")),
        "financials": Word(_("Accounts of the business")),
        "enhanced": Word(_("Closer look")),
    },
    "method": {
        "checker": Word(_("By the checker")),
        "document": Word(_("By a document")),
        "registry": Word(_("In a register")),
        "one_time_code": Word(_("By a code sent to the phone")),
        "community_letter": Word(_("By a letter of an association")),
        "account_statement": Word(_("By a bank statement")),
        "agent_visit": Word(_("By a visit")),
        "biometric": Word(_("By face or finger")),
        "manual": Word(_("By a person's decision")),
    },
    "outcome": {
        "approved": Word(_("Approved"), *_GOOD),
        "rejected": Word(_("Rejected"), *_BAD),
        "returned": Word(_("Returned"), "bad", "undo-2"),
    },
    "chain": {
        "intact": Word(_("Intact"), *_GOOD),
        "broken": Word(_("Broken"), *_BAD),
    },
    "import": {
        "waiting": Word(_("Waiting"), *_WAIT),
        "running": Word(_("Under way"), "wait", "refresh-cw"),
        "done": Word(_("Done"), *_GOOD),
        "failed": Word(_("Failed"), *_BAD),
    },
    "row": {
        "added": Word(_("Added"), *_GOOD),
        "exists": Word(_("There already"), "plain", "info"),
        "failed": Word(_("Not taken"), *_BAD),
    },
    "section": {
        "business": Word(_("The business")),
        "owners": Word(_("Owners")),
        "contact": Word(_("Whom to reach")),
        "locations": Word(_("Places and counters")),
        "settlement_account": Word(_("The account")),
        "account": Word(_("The account")),
        "documents": Word(_("Documents")),
        "merchant": Word(_("The whole")),
    },
    "claim": {
        "open": Word(_("Waits for you"), *_WAIT),
        "accepted": Word(_("Accepted"), *_GOOD),
        "refused": Word(_("Refused"), *_BAD),
    },
    "wish": {
        "handed_in": Word(_("Your bank has it"), *_WAIT),
        "submitted": Word(_("A second person checks"), *_WAIT),
        "in_review": Word(_("A second person checks"), "wait", "eye"),
        "returned": Word(_("Your bank completes it"), *_WAIT),
        "approved": Word(_("Done"), *_GOOD),
        "rejected": Word(_("Not accepted"), *_BAD),
        "withdrawn": Word(_("Taken back"), "plain", "x"),
        "expired": Word(_("Too old"), "plain", "clock"),
    },
    "wish_kind": {
        "change": Word(_("Other details")),
        "upgrade": Word(_("A higher limit")),
        "closure": Word(_("Closing the shop")),
        "transfer": Word(_("Another bank")),
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
        "off": Word(_("Removed"), "plain", "x"),
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
    "message": {
        "pending": Word(_("Waiting to be sent"), *_WAIT),
        "held": Word(_("Waits for quiet hours to end"), "wait", "pause"),
        "sent": Word(_("Sent"), *_GOOD),
        "failed": Word(_("Failed"), *_BAD),
        "gathered": Word(_("Told with others"), "plain", "list-checks"),
    },
    "message_kind": {
        "paid": Word(_("Payment")),
        "not_paid": Word(_("Declined or expired")),
        "review": Word(_("News of applications and the shop")),
        "security": Word(_("Safety")),
        "account": Word(_("Account")),
        "code": Word(_("One-time code")),
        "application_submitted": Word(_("An application waits for a decision")),
        "application_returned": Word(_("An application was returned")),
        "application_handed_in": Word(_("A business handed in its application itself")),
        "merchant_claimed": Word(_("Somebody asks to manage a merchant")),
        "requirements_due": Word(_("A merchant has to hand in something soon")),
        "webhook_paused": Word(_("A webhook is paused")),
    },
    "message_channel": {
        "sms": Word(_("Text message")),
        "email": Word(_("E-mail")),
    },
    "message_reason": {
        "too_late": Word(_("It came too late")),
        "no_phone": Word(_("There is no phone number")),
    },
    "switch": {
        "on": Word(_("On"), *_GOOD),
        "off": Word(_("Off"), "plain", "x"),
        "proposed": Word(_("Waits for a second person"), *_WAIT),
    },
}


def word(kind: str, value: object) -> Word:
    """The word of a value; the value itself, readable, where nobody named it yet."""
    text = str(value)
    return WORDS.get(kind, {}).get(text) or Word(text.replace("_", " ").capitalize())
