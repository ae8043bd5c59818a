"""FSPIOP error codes: what each means, which one says a refusal of ours, and what one means for a request to pay.

The table is that of FSPIOP section 7.6. Codes xx40 to xx99 belong to the scheme and are read as xx00.
"""

from collections.abc import Mapping

from merchant.hub.port import BadNews, MessageRefused, Refusal

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


_CODES: Mapping[Refusal, str] = {
    Refusal.MERCHANT_UNKNOWN: "3204",
    Refusal.CODE_CLOSED: "3204",
    Refusal.MERCHANT_BLOCKED: "5400",
    Refusal.NOT_OUR_DFSP: "3203",
    Refusal.KIND_NOT_TAKEN: "5102",
    Refusal.CURRENCY_NOT_TAKEN: "5106",
    Refusal.OVER_LIMIT: "5200",
    Refusal.REPEAT_CHANGED: "3106",
    Refusal.QUOTED_REQUEST_UNKNOWN: "3200",
    Refusal.QUOTE_NOT_WANTED: "5101",
    Refusal.QUOTE_UNKNOWN: "3205",
    Refusal.QUOTE_EXPIRED: "3302",
    Refusal.TRANSFER_NOT_WANTED: "5104",
    Refusal.TRANSFER_UNKNOWN: "3208",
    Refusal.TRANSFER_EXPIRED: "3303",
    Refusal.AMOUNT_CHANGED: "3106",
    Refusal.PACKET_CHANGED: "5105",
    Refusal.REQUEST_UNKNOWN: "3206",
    Refusal.CANNOT_PAY: "4102",
    Refusal.NOT_ANSWERED_HERE: "2002",
    Refusal.SENDER_NOT_HUB: "3000",
    Refusal.SENDER_NOT_ASKED: "3100",
    Refusal.BUSY: "2003",
    Refusal.INVALID: "3100",
    Refusal.SIGNATURE: "3105",
}
_STATUSES: Mapping[Refusal, int] = {Refusal.BUSY: 503}  # of the HTTP answer; of others 400

# What a code received on a request to pay means; other codes mean what their family does.
_NEWS: Mapping[str, BadNews] = {
    "1001": BadNews.PAYER_DFSP_UNREACHABLE,
    "2003": BadNews.HUB_BUSY,
    "2005": BadNews.HUB_BUSY,
    "3201": BadNews.PAYER_DFSP_UNREACHABLE,
    "3202": BadNews.PAYER_DFSP_UNREACHABLE,
    "3204": BadNews.PAYER_NOT_FOUND,
    "4001": BadNews.PAYER_CANNOT_PAY,
    "4102": BadNews.PAYER_DFSP_UNSUPPORTED,
    "4103": BadNews.PAYER_CURRENCY,
    "5106": BadNews.PAYEE_CURRENCY,
    "5200": BadNews.PAYEE_LIMIT,
    "5400": BadNews.PAYEE_BLOCKED,
}
_FAMILY_NEWS: Mapping[str, BadNews] = {
    "10": BadNews.PAYER_DFSP_UNREACHABLE,
    "20": BadNews.HUB_BUSY,
    "33": BadNews.REQUEST_EXPIRED,
    "40": BadNews.PAYER_CANNOT_PAY,
    "41": BadNews.PAYER_REJECTED,
    "42": BadNews.PAYER_LIMIT,
    "43": BadNews.PAYER_NOT_PERMITTED,
    "44": BadNews.PAYER_BLOCKED,
} | dict.fromkeys(("50", "51", "52", "53", "54"), BadNews.PAYEE_REFUSED)

# A hub's answers about a transfer after which none of its money moves: no such transfer, and expired, as older
# central ledgers answer (mojaloop/project#3078); and that the hub found it, or our fulfilment of it, invalid. The rest
# of that family is about the question, as a bad signature of it is.
_NO_MONEY_CODES = frozenset({"3208", "3303", "3100", "3101", "3102", "3103"})

# Families of what a hub itself finds while it carries a message: never what a payer or a payee decides.
_HUBS_OWN_FAMILIES = frozenset({"10", "20", "30", "31", "32", "33"})


class FspiopError(MessageRefused):
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
        super().__init__(Refusal.INVALID, description[:DESCRIPTION_LENGTH_MAX])
        self.args = (f"{code} {description}",)
        self.code = code
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


def code_of(refusal: Refusal) -> str:
    """The code by which FSPIOP says why we refuse."""
    return _CODES[refusal]


def error_of(refused: MessageRefused) -> FspiopError:
    """A refusal of ours as FSPIOP reports it."""
    if isinstance(refused, FspiopError):
        return refused
    return FspiopError(code_of(refused.refusal), refused.description, _STATUSES.get(refused.refusal, 400))


def bad_news_of(code: str) -> BadNews:
    """What this code means when it answers a request to pay."""
    base = base_code(code)
    return _NEWS.get(base) or _FAMILY_NEWS.get(base[:2], BadNews.REQUEST_REFUSED)


def no_money_moves(code: str) -> bool:
    """Whether a hub that answers this code about a transfer says for certain that it moves, and will move, no money."""
    return base_code(code) in _NO_MONEY_CODES
