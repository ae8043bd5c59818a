"""FSPIOP messages as they come, before they are stored: path, headers, form and signature, and what each is about.

What one says is read later (reading.py), since a message is acknowledged before it is interpreted.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from merchant.core.phone import InvalidNumber, Msisdn
from merchant.hub.envelopes import About, Heading, Returned, VerifyKey
from merchant.hub.fspiop import addressing
from merchant.hub.fspiop.error_codes import FspiopError, error_of, hub_may_find, meaning_of
from merchant.hub.fspiop.headers import check_headers
from merchant.hub.fspiop.jws import InvalidSignature, verify
from merchant.hub.fspiop.messages import (
    ErrorPut,
    PartiesPut,
    QuotesPost,
    TransactionRequestsPost,
    TransactionRequestsPut,
    TransfersPatch,
    TransfersPost,
    WireBody,
    decode,
    encode_error,
)
from merchant.hub.fspiop.paths import Place, read_path
from merchant.hub.fspiop.reading import MSISDN
from merchant.hub.fspiop.resources import ANSWERED
from merchant.hub.port import Addressee, MessageRefused, Refusal

# A malformed body is refused at once, in the HTTP answer.
_BODIES: Final[dict[tuple[str, str], type[WireBody]]] = {
    ("POST", "quotes"): QuotesPost,
    ("POST", "transfers"): TransfersPost,
    ("POST", "transactionRequests"): TransactionRequestsPost,
    ("PUT", "transactionRequests"): TransactionRequestsPut,
    ("PUT", "parties"): PartiesPut,
    ("PATCH", "transfers"): TransfersPatch,
    ("PUT", "transfers"): TransfersPatch,
}
_OF_UNDER_WAY: Final = frozenset(
    {("PUT", "transactionRequests"), ("GET", "transfers"), ("PUT", "transfers"), ("PATCH", "transfers")}
)
_QUOTE: Final = ("POST", "quotes")
_LOOK_UPS: Final = frozenset({"parties", "participants"})
_STATUSES: Final = {"GET": 202, "POST": 202, "PUT": 200, "PATCH": 200}
_SIGNATURE: Final = "fspiop-signature"


def read_heading(method: str, path: str, query: str, headers: Mapping[str, str]) -> Heading:
    """What path and headers say; names of headers in lower case. Raises MessageRefused.

    Nothing is taken of which nobody here could ever answer: 2002, HTTP 501 (FSPIOP section 4.3).
    """
    place = read_path(method, path, query)
    sort = (method, place.resource)
    if method == "POST" and sort not in _BODIES:
        raise FspiopError("2002", f"{meaning_of('2002')}: {method} /{place.resource}", 501)
    inbound = check_headers(method, place.resource, headers)
    return Heading(
        source=inbound.source,
        destination=inbound.destination,
        answer_version=inbound.answer_version,
        dated_at=inbound.date,
        kind=f"{method} {place.resource}{'/error' if place.is_error else ''}",
        resource=place.resource,
        begins=method == "POST",
        wants_promise=sort == _QUOTE,
        is_of_under_way=sort in _OF_UNDER_WAY,
        place=place,
    )


def check_body(method: str, heading: Heading, body: bytes) -> Any:
    """The body, read, for `addressee_of`; None for a message whose body says nothing. Raises MessageRefused."""
    shape = ErrorPut if heading.place.is_error else _BODIES.get((method, heading.resource))
    return None if shape is None else decode(shape, body)


def addressee_of(heading: Heading, body: Any) -> Addressee:
    """What a message that names no destination tells of whom it is for."""
    return addressing.addressee_of(heading.place, body)


def returned_of(method: str, heading: Heading, body: bytes) -> Returned | None:
    """The request that an error answers; None for any other message. Raises MessageRefused."""
    place: Place = heading.place
    if not (method == "PUT" and place.resource == "transactionRequests" and place.is_error):
        return None
    return Returned(place.ids[0], hub_may_find(decode(ErrorPut, body).error_information.error_code))


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether a message carries a signature, good or bad."""
    return _SIGNATURE in headers


def signature_problem(
    key: VerifyKey, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str | None:
    """What is wrong with a message's signature, if this key is its sender's; None for a good one."""
    try:
        verify(key, method=method, path=path + (f"?{query}" if query else ""), headers=headers, body=body)
    except InvalidSignature as error:
        return error.reason
    return None


def badly_signed(problem: str) -> MessageRefused:
    """The refusal of a message whose signature is not its sender's."""
    return MessageRefused(Refusal.SIGNATURE, f"{meaning_of('3105')}: {problem}")


def accepted_status(method: str) -> int:
    """The HTTP status that acknowledges a message."""
    return _STATUSES[method]


def refusal_answer(refused: MessageRefused) -> tuple[int, bytes]:
    """The HTTP status and body that refuse a message at once."""
    error = error_of(refused)
    return error.http_status, encode_error(error)


def wire_code(refused: MessageRefused) -> str:
    """How the wire says a refusal, for figures and logs."""
    return error_of(refused).code


def known_resource(name: str) -> str:
    """The name of a resource; `none` for any other text, which whoever sent it chose."""
    return name if name in ANSWERED else "none"


# --- what a message is about -----------------------------------------------------------------------------------------


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    """The ids that a posted body may hold."""

    transaction_request_id: str | None = None
    quote_id: str | None = None
    transfer_id: str | None = None


def about_of(heading: Heading, body: bytes | None) -> About | None:
    """What a message is about, by its path and, where that names nothing, by its body; None for what is of no use to a
    payment's history.
    """
    return _about(heading.place, body)


def about_of_path(method: str, path: str, body: bytes | None) -> About | None:
    """The same, of a path as it came."""
    try:
        return _about(read_path(method, path), body)
    except FspiopError:
        return None


def _about(place: Place, body: bytes | None) -> About | None:
    if place.resource in _LOOK_UPS:
        return _payer(place)
    if place.ids:
        return About(hub_id=place.ids[0])
    try:
        named = msgspec.json.decode(body or b"{}", type=_Named)
    except msgspec.DecodeError:
        return None
    hub_id = named.transaction_request_id or named.quote_id or named.transfer_id
    return About(hub_id=hub_id) if hub_id else None


def _payer(place: Place) -> About | None:
    if len(place.ids) < 2 or place.ids[0] != MSISDN:
        return None
    try:
        return About(payer=Msisdn.of(place.ids[1]).digits)
    except InvalidNumber:
        return None
