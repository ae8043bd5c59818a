"""Why a refund was asked for, in codes of ISO 20022, and why one ended: one sentence for each."""

from collections.abc import Mapping

from merchant.core.errors import Reason
from merchant.core.texts import _
from merchant.hub.port import BadNews

NARRATIVE = "NARR"
# Of ExternalReturnReason1Code and ExternalCancellationReason1Code; whatever else is said is NARR, with its words.
GIVEN: Mapping[str, str] = {
    "CUST": _("The customer asked for it"),
    "DUPL": _("Paid twice"),
    "AM05": _("Paid twice"),
    "AM09": _("Wrong amount"),
    "UPAY": _("It was not owed"),
    "FRAD": _("Fraud"),
    "FR01": _("Fraud"),
    "TECH": _("Technical problem"),
    NARRATIVE: _("Another reason"),
}
OFFERED = ("CUST", "DUPL", "AM09", "UPAY", "FRAD", "TECH", NARRATIVE)  # on screens: one code for each meaning

CALLED_OFF = Reason("called_off", _("The refund was called off. No money has moved."))
NOT_APPROVED = Reason("not_approved", _("Nobody approved the refund in time. No money has moved."))
NO_ANSWER = Reason(
    "no_answer", _("The customer's bank or wallet did not answer. No money has moved. Give the refund again.")
)
NOT_TAKEN = Reason(
    "not_taken", _("The payment network did not accept this refund. No money has moved. Ask your provider for help.")
)
NOT_MOVED = Reason("not_moved", _("The payment network called the refund off. No money has moved. Give it again."))
CHARGED = Reason(
    "charged",
    _("The customer's bank or wallet would keep a part of the refund; it was called off. No money has moved."),
)
PROMISE_BAD = Reason(
    "promise_invalid", _("The customer's bank or wallet gave an answer that cannot be used. No money has moved.")
)
MERCHANT_STOPPED = Reason("merchant_stopped", _("This shop may not give refunds now. No money has moved."))
CHECKING = Reason(
    "checking", _("The network has not said whether the customer has the money; we are asking. Do not pay it in cash.")
)
_NEWS: Mapping[BadNews, Reason] = {
    news: Reason(news.value, sentence)
    for news, sentence in {
        BadNews.PAYER_NOT_FOUND: _("The customer's account was not found any more. No money has moved."),
        BadNews.PAYER_CANNOT_PAY: _("Your provider could not pay the refund now. No money has moved. Try again later."),
        BadNews.PAYER_DFSP_UNREACHABLE: _(
            "The customer's bank or wallet cannot be reached right now. No money has moved. Try again."
        ),
        BadNews.PAYEE_REFUSED: _("The customer's bank or wallet did not take the refund. No money has moved."),
        BadNews.PAYEE_CURRENCY: _("The customer's account does not take this currency. No money has moved."),
        BadNews.PAYEE_LIMIT: _("The customer's account cannot take this amount. No money has moved."),
        BadNews.PAYEE_BLOCKED: _("The customer's account is blocked. No money has moved."),
        BadNews.HUB_BUSY: _("The payment network is busy right now. No money has moved. Try again in a minute."),
        BadNews.REQUEST_EXPIRED: NO_ANSWER.message,
    }.items()
}


def because_of(news: BadNews) -> Reason:
    """Why a refund ended, by what the hub or the payee's DFSP answered."""
    return _NEWS.get(news, NOT_TAKEN)


def read_reason(text: str) -> tuple[str, str | None]:
    """The code of a reason that was given, and its words where it has no code of its own."""
    code = text.strip()
    return (code, None) if code in GIVEN and code != NARRATIVE else (NARRATIVE, code)
