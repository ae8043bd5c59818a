"""FSPIOP message bodies: what we send and what we accept, named by resource and method.

Reading is lenient where peers differ (unknown keys ignored, fields of 1.0 to 2.0, bare extension arrays)
and strict about scalars (FSPIOP section 7.2), so that a malformed body is refused with a code and a
sentence before any rule sees it. Writing leaves out what is empty: hubs refuse additional properties.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from merchant.core import clock, money
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.jws import canonical_json

BODY_BYTES_MAX: Final = 5 * 1024 * 1024  # FSPIOP section 3.2.1
NAME_LENGTH_MAX: Final = 128
_NAME_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Pc"})

_MONTH_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"

# Scalars of FSPIOP section 7.2. `[0-9]`, since Python's \d takes the digits of every script; `\Z`, since
# its $ also matches before a final newline.
Amount = Annotated[str, Meta(pattern=r"^(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{0,3}[1-9])?\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
DateTime = Annotated[str, Meta(pattern=rf"^[1-9][0-9]{{3}}-{_MONTH_DAY}T{_TIME}\Z")]
# A UUID of version 1 to 7, or a ULID (2.0).
CorrelationId = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9a-f]{8}-[0-9a-f]{4}-[1-7][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
        r"|[0-9A-HJKMNP-TV-Z]{26})\Z"
    ),
]
FspId = Annotated[str, Meta(pattern=r"^[^\s]{1,32}\Z")]
PartyIdType = Annotated[str, Meta(pattern=r"^[A-Z_]{1,32}\Z")]
PartyIdentifier = Annotated[str, Meta(pattern=r"^[^\s\x00-\x1f{}<>`\\/?]{1,128}\Z")]
PartySubId = Annotated[str, Meta(pattern=r"^[^\x00-\x1f{}<>`\\/?]{1,128}\Z")]
# Free text is any text but NUL, which PostgreSQL cannot keep.
Name = Annotated[str, Meta(pattern=r"^[^\x00]{1,128}\Z")]
Note = Annotated[str, Meta(pattern=r"^[^\x00]{1,128}\Z")]
MerchantClassificationCode = Annotated[str, Meta(pattern=r"^[0-9]{1,4}\Z")]
IlpPacket = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+={0,2}\Z", max_length=32_768)]
Hash256 = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
ErrorCode = Annotated[str, Meta(pattern=r"^[1-9][0-9]{3}\Z")]

TransactionRequestState = Literal["RECEIVED", "PENDING", "ACCEPTED", "REJECTED"]
TransferState = Literal["RECEIVED", "RESERVED", "COMMITTED", "ABORTED"]


class WireBody(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of all bodies and their parts: camelCase on the wire, empty fields left out."""


class Extension(WireBody, frozen=True):
    key: Annotated[str, Meta(pattern=r"^[^\x00]{1,32}\Z")]
    value: Annotated[str, Meta(pattern=r"^[^\x00]{1,128}\Z")]


class ExtensionList(WireBody, frozen=True):
    extension: Annotated[list[Extension], Meta(min_length=1, max_length=16)]


class WireMoney(WireBody, frozen=True):
    """FSPIOP Money: decimal text without trailing zeros, with its currency, which is an enumeration (section 7.5.5)."""

    currency: Currency
    amount: Amount

    def __post_init__(self) -> None:
        if not money.is_currency(self.currency):
            raise ValueError(f"Invalid enum value {self.currency!r}")


class PartyIdInfo(WireBody, frozen=True):
    party_id_type: PartyIdType
    party_identifier: PartyIdentifier
    party_sub_id_or_type: PartySubId | None = None
    fsp_id: FspId | None = None


class Party(WireBody, frozen=True):
    party_id_info: PartyIdInfo
    merchant_classification_code: MerchantClassificationCode | None = None
    name: Name | None = None


class RefundInfo(WireBody, frozen=True):
    original_transaction_id: CorrelationId
    refund_reason: Note | None = None


class TransactionType(WireBody, frozen=True):
    scenario: Literal["DEPOSIT", "WITHDRAWAL", "TRANSFER", "PAYMENT", "REFUND"]
    initiator: Literal["PAYER", "PAYEE"]
    initiator_type: Literal["CONSUMER", "AGENT", "BUSINESS", "DEVICE"]
    sub_scenario: Annotated[str, Meta(pattern=r"^[A-Z_]{1,32}\Z")] | None = None
    refund_info: RefundInfo | None = None


class AuthenticationInfo(WireBody, frozen=True):
    authentication: Literal["OTP", "QRCODE", "U2F"]
    authentication_value: Annotated[str, Meta(pattern=r"^[^\x00]{1,64}\Z")]


class ErrorInformation(WireBody, frozen=True):
    """Read at any length and without its extensions: a malformed error is an error all the same."""

    error_code: ErrorCode
    error_description: Annotated[str, Meta(pattern=r"^[^\x00]*\Z")] = ""


class ErrorPut(WireBody, frozen=True):
    """Body of every PUT …/error, and of a 4xx or 5xx answer."""

    error_information: ErrorInformation


class ParticipantsPut(WireBody, frozen=True):
    fsp_id: FspId


class PartiesPut(WireBody, frozen=True):
    party: Party


class TransactionRequestsPost(WireBody, frozen=True):
    """`payer` is a flat PartyIdInfo here, unlike in a quote."""

    transaction_request_id: CorrelationId
    payee: Party
    payer: PartyIdInfo
    amount: WireMoney
    transaction_type: TransactionType
    note: Note | None = None
    authentication_type: Literal["OTP", "QRCODE", "U2F"] | None = None
    expiration: DateTime | None = None
    extension_list: ExtensionList | list[Extension] | None = None


class TransactionRequestsPut(WireBody, frozen=True):
    transaction_request_state: TransactionRequestState
    transaction_id: CorrelationId | None = None


class QuotesPost(WireBody, frozen=True):
    quote_id: CorrelationId
    transaction_id: CorrelationId
    payee: Party
    payer: Party
    amount_type: Literal["SEND", "RECEIVE"]
    amount: WireMoney
    transaction_type: TransactionType
    transaction_request_id: CorrelationId | None = None
    fees: WireMoney | None = None
    note: Note | None = None
    expiration: DateTime | None = None
    extension_list: ExtensionList | list[Extension] | None = None


class QuotesPut(WireBody, frozen=True):
    transfer_amount: WireMoney
    expiration: DateTime
    ilp_packet: IlpPacket
    condition: Hash256
    payee_receive_amount: WireMoney | None = None
    payee_fsp_fee: WireMoney | None = None
    payee_fsp_commission: WireMoney | None = None


class AuthorizationsPut(WireBody, frozen=True):
    response_type: Literal["ENTERED", "REJECTED", "RESEND"]
    authentication_info: AuthenticationInfo | None = None


class TransfersPost(WireBody, frozen=True):
    transfer_id: CorrelationId
    payer_fsp: FspId
    payee_fsp: FspId
    amount: WireMoney
    ilp_packet: IlpPacket
    condition: Hash256
    expiration: DateTime
    extension_list: ExtensionList | list[Extension] | None = None


class TransfersPut(WireBody, frozen=True):
    transfer_state: TransferState
    fulfilment: Hash256 | None = None
    completed_timestamp: DateTime | None = None


class TransfersPatch(WireBody, frozen=True):
    """The switch's final notice on a transfer that we answered RESERVED, its answer to our question, or the payee's
    answer to a transfer of ours.

    Only the state, and the fulfilment where it is one, are read of it: switches write its completedTimestamp in several
    ways, and answer SETTLED once they have settled with the DFSPs what was committed.
    """

    transfer_state: TransferState | Literal["SETTLED"]
    completed_timestamp: Any = None
    fulfilment: Any = None


class Transaction(WireBody, frozen=True):
    """What both sides agree on in a quote; travels as the ILP packet's data."""

    transaction_id: CorrelationId
    quote_id: CorrelationId
    payee: Party
    payer: Party
    amount: WireMoney
    transaction_type: TransactionType
    expiration: DateTime | None = None
    note: Note | None = None


Body = TypeVar("Body", bound=WireBody)

# msgspec's wording of a refused value -> FSPIOP code; any other is 3101.
_REFUSALS = (
    (re.compile(r"missing required field"), "3102"),
    (re.compile(r"Expected `array` of length"), "3103"),
    (re.compile(r"Invalid enum value"), "3100"),
)


def decode(body_type: type[Body], body: bytes) -> Body:
    """Read a body. Raises FspiopError (3101 malformed, 3102 missing, 3103 too many, 3104 too large)."""
    if len(body) > BODY_BYTES_MAX:
        raise FspiopError("3104", meaning_of("3104"))
    try:
        # str first: msgspec does not look into values it skips, and what we keep must be UTF-8 throughout
        return msgspec.json.decode(body.decode(), type=body_type)
    except msgspec.ValidationError as error:
        text = str(error)
        code = next((code for pattern, code in _REFUSALS if pattern.search(text)), "3101")
        raise FspiopError(code, f"{meaning_of(code)}: {_without_pattern(text)}") from error
    except (ValueError, RecursionError) as error:
        raise FspiopError("3101", f"{meaning_of('3101')}: the body is not JSON in UTF-8") from error


def _without_pattern(text: str) -> str:
    """msgspec quotes the whole regular expression; the 128 characters are better spent on the path."""
    return re.sub(r"matching regex .* - at", "in its format - at", text)


def encode(body: WireBody) -> bytes:
    """A body as it is signed and sent."""
    return canonical_json(body)


def encode_error(error: FspiopError) -> bytes:
    """The error body of a problem, in a PUT …/error or in a synchronous refusal."""
    information: dict[str, object] = {"errorCode": error.code, "errorDescription": error.description}
    if error.extensions:
        extension = [{"key": key, "value": value} for key, value in error.extensions]
        information["extensionList"] = {"extension": extension}
    return canonical_json({"errorInformation": information})


def read_error(body: bytes) -> tuple[str, str] | None:
    """Code and description from an error body, or None when it has none: peers vary, so never an error."""
    try:
        information = msgspec.json.decode(body, type=ErrorPut).error_information
    except (ValueError, RecursionError):
        return None
    return information.error_code, information.error_description


def to_wire(amount: money.Money) -> WireMoney:
    """Money as FSPIOP writes it."""
    return WireMoney(amount.currency, money.format_decimal(amount))


def from_wire(amount: WireMoney) -> money.Money:
    """FSPIOP's Money as ours. Raises FspiopError 3100 for zero, too many decimals, or an unknown currency."""
    try:
        return money.parse_decimal(amount.amount, amount.currency)
    except money.AmountProblem as error:
        raise FspiopError("3100", str(error)) from error


def format_datetime(instant: datetime) -> str:
    """An instant as FSPIOP writes it: milliseconds and Z are mandatory."""
    return clock.rfc3339(instant)


def parse_datetime(text: str) -> datetime:
    """FSPIOP's DateTime as an aware UTC instant. Raises FspiopError 3101 (29 February of a common year, year 10000)."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FspiopError("3101", f"{meaning_of('3101')}: {text[:40]} is no date") from error


def extension_value(extensions: ExtensionList | list[Extension] | None, key: str) -> str | None:
    """The value of the first extension with this key, if there is one."""
    listed = extensions.extension if isinstance(extensions, ExtensionList) else extensions or []
    return next((extension.value for extension in listed if extension.key == key), None)


def safe_party_name(name: str, fallback: str) -> str:
    """A trading name that strict FSPIOP 1.1 hubs accept (section 7.2, Name), at most 128 characters.

    `&` becomes `and`; other signs become blanks. `fallback` (the merchant's number) stands in for a
    name of which nothing remains.
    """
    spelled_out = name.replace("&", " and ")
    words = "".join(sign if _may_stand_in_name(sign) else " " for sign in spelled_out).split()
    return " ".join(words)[:NAME_LENGTH_MAX].strip() or fallback


def _may_stand_in_name(sign: str) -> bool:
    """Letters, marks and digits of any script, connectors, joiners and . , ' - may."""
    return sign in ".,'-\u200c\u200d" or unicodedata.category(sign) in _NAME_CATEGORIES
