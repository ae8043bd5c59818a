"""FSPIOP error codes: what each means, and what a shopkeeper is told when one answers a request to pay.

The table is that of FSPIOP section 7.6. Codes xx40 to xx99 belong to the scheme and are read as xx00.
"""

from merchant.core.errors import Reason
from merchant.core.texts import _

DESCRIPTION_LENGTH_MAX = 128  # FSPIOP data model, ErrorDescription

MEANINGS = {
    "1000": "Communication error",
    "1001": "Destination communication error",
    "2000": "Generic server error",
    "2001": "Internal server error",
    "2002": "Not implemented",
    "2003": "Service currently unavailable",
    "2004": "Server timed out",
    "2005": "Server busy",
    "3000": "Generic client error",
    "3001": "Unacceptable version requested",
    "3002": "Unknown URI",
    "3003": "Add party information error",
    "3100": "Generic validation error",
    "3101": "Malformed syntax",
    "3102": "Missing mandatory element",
    "3103": "Too many elements",
    "3104": "Too large payload",
    "3105": "Invalid signature",
    "3106": "Modified request",
    "3107": "Missing mandatory extension parameter",
    "3200": "Generic identifier not found",
    "3201": "Destination FSP not found",
    "3202": "Payer FSP identifier not found",
    "3203": "Payee FSP identifier not found",
    "3204": "Party not found",
    "3205": "Quote identifier not found",
    "3206": "Transaction request identifier not found",
    "3207": "Transaction identifier not found",
    "3208": "Transfer identifier not found",
    "3209": "Bulk quote identifier not found",
    "3210": "Bulk transfer identifier not found",
    "3300": "Generic expired error",
    "3301": "Transaction request expired",
    "3302": "Quote expired",
    "3303": "Transfer expired",
    "4000": "Generic payer error",
    "4001": "Payer FSP insufficient liquidity",
    "4100": "Generic payer rejection",
    "4101": "Payer rejected transaction request",
    "4102": "Payer FSP unsupported transaction type",
    "4103": "Payer unsupported currency",
    "4200": "Payer limit error",
    "4300": "Payer permission error",
    "4400": "Generic payer blocked error",
    "5000": "Generic payee error",
    "5001": "Payee FSP insufficient liquidity",
    "5100": "Generic payee rejection",
    "5101": "Payee rejected quote",
    "5102": "Payee FSP unsupported transaction type",
    "5103": "Payee FSP rejected quote",
    "5104": "Payee rejected transaction",
    "5105": "Payee FSP rejected transaction",
    "5106": "Payee unsupported currency",
    "5200": "Payee limit error",
    "5300": "Payee permission error",
    "5400": "Generic payee blocked error",
}


_UNREACHABLE = Reason(
    "payer_dfsp_unreachable", _("The customer's bank or wallet cannot be reached right now. Try again.")
)
_BUSY = Reason("hub_busy", _("The payment network is busy right now. Try again in a minute."))
_REFUSED = Reason("request_refused", _("The payment network did not accept this request. Ask your provider for help."))
_NOT_FOUND = Reason("payer_not_found", _("No account was found for this customer. Check the number."))
_EXPIRED = Reason("request_expired", _("The customer did not answer in time. Ask again if they still want to pay."))
_PAYER_PROBLEM = Reason("payer_cannot_pay", _("The customer's bank or wallet could not make this payment."))
_PAYER_REJECTED = Reason("payer_rejected", _("The customer said no."))
_PAYEE_PROBLEM = Reason("payee_refused", _("Your own provider did not accept this payment. Ask them for help."))

# What a code received on a request to pay tells the shopkeeper; other codes take their family's reason.
_REASONS = {
    "1001": _UNREACHABLE,
    "2003": _BUSY,
    "2005": _BUSY,
    "3201": _UNREACHABLE,
    "3202": _UNREACHABLE,
    "3204": _NOT_FOUND,
    "4001": _PAYER_PROBLEM,
    "4102": Reason(
        "payer_dfsp_unsupported",
        _("The customer's bank or wallet does not take payment requests. Ask them to scan the code."),
    ),
    "4103": Reason("payer_currency", _("The customer cannot pay in this currency.")),
    "5106": Reason("payee_currency", _("This counter does not take this currency.")),
    "5200": Reason("payee_limit", _("This payment is over your limit. Ask your provider to raise it.")),
    "5400": Reason("payee_blocked", _("This shop may not take payments now. Ask your provider.")),
}
_FAMILY_REASONS = {
    "10": _UNREACHABLE,
    "20": _BUSY,
    "30": _REFUSED,
    "31": _REFUSED,
    "32": _REFUSED,
    "33": _EXPIRED,
    "40": _PAYER_PROBLEM,
    "41": _PAYER_REJECTED,
    "42": Reason("payer_limit", _("The customer's bank or wallet does not allow this amount.")),
    "43": Reason("payer_not_permitted", _("The customer's account may not make this payment.")),
    "44": Reason("payer_blocked", _("The customer's account is blocked.")),
    "50": _PAYEE_PROBLEM,
    "51": _PAYEE_PROBLEM,
    "52": _PAYEE_PROBLEM,
    "53": _PAYEE_PROBLEM,
    "54": _PAYEE_PROBLEM,
}

# Families of what a hub itself finds while it carries a message: never what a payer or a payee decides.
_HUBS_OWN_FAMILIES = frozenset({"10", "20", "30", "31", "32", "33"})


class FspiopError(Exception):
    """A problem as FSPIOP reports it: in the answer, or in a callback to `/error`.

    `code` is one of MEANINGS; `description` is one sentence, cut to what the wire allows;
    `extensions` fill the extension list (a refused version lists the versions we speak).
    """

    def __init__(
        self,
        code: str,
        description: str,
        http_status: int = 400,
        extensions: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description[:DESCRIPTION_LENGTH_MAX]
        self.http_status = http_status
        self.extensions = extensions


def base_code(code: str) -> str:
    """The code of the specification behind a scheme's own one: 3245 reads as 3200."""
    return code if code[2:] < "40" else f"{code[:2]}00"


def meaning_of(code: str) -> str:
    """The specification's name of a code; its family's generic name when the code is unknown."""
    base = base_code(code)
    return MEANINGS.get(base) or MEANINGS.get(f"{base[:2]}00", "Unknown error")


def hub_may_find(code: str) -> bool:
    """Whether a hub can know of this problem by itself; 4xxx and 5xxx are the words of payers and payees."""
    return code[:2] in _HUBS_OWN_FAMILIES


def reason_for(code: str) -> Reason:
    """What a shopkeeper is told when this code ends a request to pay."""
    base = base_code(code)
    return _REASONS.get(base) or _FAMILY_REASONS.get(base[:2], _REFUSED)
