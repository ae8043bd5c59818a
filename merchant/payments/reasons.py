"""What a merchant is told of how a request to pay ended, or why it waits: one sentence for each reason."""

import re
from collections.abc import Mapping

from merchant.core.errors import Reason
from merchant.core.money import Money
from merchant.core.texts import _
from merchant.hub.port import BadNews

BAD_NEWS: Mapping[BadNews, Reason] = {
    news: Reason(news.value, sentence)
    for news, sentence in {
        BadNews.PAYER_REJECTED: _("The customer said no."),
        BadNews.PAYER_NOT_FOUND: _("No account was found for this customer. Check the number."),
        BadNews.PAYER_CANNOT_PAY: _("The customer's bank or wallet could not make this payment."),
        BadNews.PAYER_CURRENCY: _("The customer cannot pay in this currency."),
        BadNews.PAYER_LIMIT: _("The customer's bank or wallet does not allow this amount."),
        BadNews.PAYER_NOT_PERMITTED: _("The customer's account may not make this payment."),
        BadNews.PAYER_BLOCKED: _("The customer's account is blocked."),
        BadNews.PAYER_DFSP_UNREACHABLE: _("The customer's bank or wallet cannot be reached right now. Try again."),
        BadNews.PAYER_DFSP_UNSUPPORTED: _(
            "The customer's bank or wallet does not take payment requests. Ask them to scan the code."
        ),
        BadNews.PAYEE_REFUSED: _("Your own provider did not accept this payment. Ask them for help."),
        BadNews.PAYEE_CURRENCY: _("This counter does not take this currency."),
        BadNews.PAYEE_LIMIT: _("This payment is over your limit. Ask your provider to raise it."),
        BadNews.PAYEE_BLOCKED: _("This shop may not take payments now. Ask your provider."),
        BadNews.HUB_BUSY: _("The payment network is busy right now. Try again in a minute."),
        BadNews.REQUEST_REFUSED: _("The payment network did not accept this request. Ask your provider for help."),
        BadNews.REQUEST_EXPIRED: _("The customer did not answer in time. Ask again if they still want to pay."),
    }.items()
}
SAID_NO, EXPIRED = BAD_NEWS[BadNews.PAYER_REJECTED], BAD_NEWS[BadNews.REQUEST_EXPIRED]
HUB_UNREACHABLE = Reason("hub_unreachable", _("The hub could not be reached; the customer was not asked."))
HUB_NO_ANSWER = Reason("hub_unreachable", _("The hub did not answer; the customer may not have been asked."))
NOT_ASKED = Reason("payer_not_asked", _("The hub did not find the customer in time; the customer was not asked."))
CHECKING = Reason(
    "checking", _("The network has not said how the payment ended; we are asking. Do not hand out goods yet.")
)
ABORTED = Reason("aborted_by_network", _("The payment was called off before it was complete. No money has moved."))
PAYER_AMBIGUOUS = Reason(
    "payer_ambiguous",
    _("Two banks or wallets say that they have this customer; nobody was asked. Let the customer scan the code."),
)
AMOUNT_CHANGED = Reason(
    "amount_changed", _("The customer's bank offered another amount than you asked for; it was refused.")
)
ASKED_AGAIN = Reason("asked_again", _("This was asked again; the newer request counts."))
_OVER_LIMIT = "over_limit"
_FITS = re.compile(r"This payment would go over your limit: at most (?P<most>[^:]+) fits now\. .*")


def over_limit(most: Money) -> Reason:
    """Why a payment was refused that would go over a limit, with the most that would fit now."""
    if not most.minor:
        return Reason(_OVER_LIMIT, _("Your limit for the day or month is used up. Ask your provider to raise it."))
    return Reason(_OVER_LIMIT, _fits(most))


def _fits(most: Money | str) -> str:
    return _(
        "This payment would go over your limit: at most {most} fits now. Ask your provider to raise it.", most=most
    )


def fits_of(message: str) -> str | None:
    """The most that would have fitted, as a reason's sentence says it in a row; None of one that does not."""
    found = _FITS.fullmatch(message)
    return None if found is None else found["most"]


def sentence_of(message: str) -> str:
    """A reason's sentence out of a row, where it is kept in English, so that it can be said in every language."""
    found = _FITS.fullmatch(message)
    return message if found is None else _fits(found["most"])
