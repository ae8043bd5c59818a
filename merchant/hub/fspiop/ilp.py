"""ILP packets, conditions, fulfilments: what a payee promises in a quote and proves in a transfer.

The quote answer carries the packet and the condition; the transfer brings both back, and we release the
fulfilment, whose SHA-256 is the condition. Two packet versions are in use (1 with FSPIOP, 4 with
ISO 20022). The fulfilment is a keyed hash of what the packet holds, so it need not be stored.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

import msgspec

from merchant.hub.fspiop import base64url
from merchant.hub.fspiop.jws import canonical_json

Version = Literal[1, 4]

V1_TYPE = 0x01
V4_TYPE = 0x0C
V4_DESTINATION = b"g.mojaloop"
CONDITION_BYTES = 32
AMOUNT_BYTES = 8
V4_EXPIRY_BYTES = 17  # YYYYMMDDHHMMSSmmm
PACKET_CHARACTERS_MAX = 32_768  # FSPIOP data model, IlpPacket
_PACKET_TEXT = re.compile(r"[A-Za-z0-9_-]+={0,2}\Z")


class IlpError(ValueError):
    """A packet cannot be built from this transaction, or cannot be read; the message says why."""


class Terms(msgspec.Struct, frozen=True):
    """What a quote answer needs (packet, condition) and what a transfer answer will release."""

    packet: str
    condition: str
    fulfilment: str


class Packet(msgspec.Struct, frozen=True):
    """A packet read back. `transaction` is FSPIOP's Transaction object; v4 also carries the last two."""

    version: Version
    amount_minor: int
    destination: str
    transaction: dict[str, Any]
    condition: str | None = None
    expires_at: datetime | None = None


def build_terms(version: Version, transaction: Mapping[str, Any], secret: bytes, *, decimals: int) -> Terms:
    """Packet, condition and fulfilment for a quote's transaction.

    `transaction` holds quoteId, transactionId, transactionType, payee, payer, expiration, amount, note?;
    `decimals` is the currency's exponent. Version 1 cuts an amount finer than the currency, as Mojaloop's
    SDK does; version 4 refuses it. Raises IlpError.
    """
    amount_minor = _scale(transaction["amount"]["amount"], decimals, exact=version == 4)
    build = _build_v1 if version == 1 else _build_v4
    return build(canonical_json(transaction), transaction, amount_minor, secret)


def parse_packet(text: str) -> Packet:
    """Read a packet of either version. Raises IlpError."""
    packet_type, contents = _open(text)
    return _parse_v1(contents) if packet_type == V1_TYPE else _parse_v4(contents)


def fulfilment_of(text: str, secret: bytes) -> str:
    """Recompute the fulfilment of a packet made with this secret. Raises IlpError."""
    packet_type, contents = _open(text)
    if packet_type == V1_TYPE:
        return _keyed_hash(secret, text.rstrip("=").encode())
    _amount, _expiry, _condition, data = _read_v4_fields(contents)
    return _keyed_hash(secret, b64encode(_unpad(_ascii(data))))


def condition_of(fulfilment: str) -> str:
    """The condition a fulfilment opens: its SHA-256. Raises IlpError unless it is 32 bytes in base64url."""
    preimage = _unpad(fulfilment)
    if len(preimage) != CONDITION_BYTES:
        raise IlpError("A fulfilment is 32 bytes in base64url.")
    return base64url.encode(sha256(preimage).digest())


def _build_v1(data: bytes, transaction: Mapping[str, Any], amount_minor: int, secret: bytes) -> Terms:
    contents = (
        amount_minor.to_bytes(AMOUNT_BYTES, "big")
        + _prefixed(_v1_account(transaction["payee"]["partyIdInfo"]))
        + _prefixed(base64url.encode(data).encode())
        + b"\x00"  # no extensions
    )
    packet = base64url.encode(bytes([V1_TYPE]) + _prefixed(contents))
    fulfilment = _keyed_hash(secret, packet.encode())
    return Terms(packet, condition_of(fulfilment), fulfilment)


def _build_v4(data: bytes, transaction: Mapping[str, Any], amount_minor: int, secret: bytes) -> Terms:
    fulfilment = _keyed_hash(secret, b64encode(data))
    condition = condition_of(fulfilment)
    expires_at = datetime.fromisoformat(transaction["expiration"]).astimezone(UTC)
    contents = (
        amount_minor.to_bytes(AMOUNT_BYTES, "big")
        + f"{expires_at:%Y%m%d%H%M%S}{expires_at.microsecond // 1000:03d}".encode()
        + _unpad(condition)
        + _prefixed(V4_DESTINATION)
        + _prefixed(base64url.encode(data).encode())
    )
    return Terms(base64url.encode(bytes([V4_TYPE]) + _prefixed(contents)), condition, fulfilment)


def _open(text: str) -> tuple[int, bytes]:
    """A packet's type byte and its contents, both known to be well formed on the outside."""
    if len(text) > PACKET_CHARACTERS_MAX or not _PACKET_TEXT.match(text):
        raise IlpError("An ILP packet is 1 to 32,768 characters of base64url.")
    type_byte, rest = _take(_unpad(text.rstrip("=")), 1)
    if type_byte[0] not in (V1_TYPE, V4_TYPE):
        raise IlpError(f"ILP packet type {type_byte[0]} is neither 1 nor 12.")
    contents, rest = _read_prefixed(rest)
    if rest:
        raise IlpError("The ILP packet has bytes after its end.")
    return type_byte[0], contents


def _parse_v1(contents: bytes) -> Packet:
    amount, rest = _take(contents, AMOUNT_BYTES)
    account, rest = _read_prefixed(rest)
    data, _extensions = _read_prefixed(rest)
    return Packet(1, int.from_bytes(amount, "big"), _ascii(account), _read_transaction(data))


def _parse_v4(contents: bytes) -> Packet:
    amount, expiry, condition, data = _read_v4_fields(contents)
    try:
        # strptime reads %f from the left, so three digits are milliseconds
        expires_at = datetime.strptime(_ascii(expiry), "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    except ValueError as error:
        raise IlpError("The ILP packet's expiry is not a time.") from error
    return Packet(
        4,
        int.from_bytes(amount, "big"),
        V4_DESTINATION.decode(),
        _read_transaction(data),
        base64url.encode(condition),
        expires_at,
    )


def _read_v4_fields(contents: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Amount, expiry, condition and data of a version 4 packet's contents."""
    amount, rest = _take(contents, AMOUNT_BYTES)
    expiry, rest = _take(rest, V4_EXPIRY_BYTES)
    condition, rest = _take(rest, CONDITION_BYTES)
    _destination, rest = _read_prefixed(rest)
    data, _ = _read_prefixed(rest)
    return amount, expiry, condition, data


def _scale(amount: str, decimals: int, *, exact: bool) -> int:
    scaled = Decimal(amount).scaleb(decimals)
    amount_minor = int(scaled)
    if exact and amount_minor != scaled:
        raise IlpError(f"{amount} is finer than the currency's {decimals} decimals.")
    if not 0 <= amount_minor < 2**64:
        raise IlpError(f"{amount} does not fit an ILP packet.")
    return amount_minor


def _v1_account(party: Mapping[str, str]) -> bytes:
    """`g.{fsp}.{type}.{id}[.{sub-id}]`, all but the FSP in lower case."""
    parts = ["g", party["fspId"], party["partyIdType"].lower(), party["partyIdentifier"].lower()]
    if "partySubIdOrType" in party:
        parts.append(party["partySubIdOrType"].lower())
    try:
        return ".".join(parts).encode("ascii")
    except UnicodeEncodeError as error:
        raise IlpError("An ILP address is ASCII; this payee's identifier is not.") from error


def _read_transaction(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_unpad(_ascii(data)), type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise IlpError("The ILP packet's data is not a transaction.") from error


def _keyed_hash(secret: bytes, message: bytes) -> str:
    """HMAC-SHA256 keyed with the secret's base64 text, as Mojaloop's SDK does."""
    return base64url.encode(hmac.digest(b64encode(secret), message, "sha256"))


def _prefixed(content: bytes) -> bytes:
    """Content behind its length in OER form: one byte under 128, else 0x80 + n and n bytes."""
    length = len(content)
    if length < 0x80:
        return bytes([length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big") + content


def _read_prefixed(raw: bytes) -> tuple[bytes, bytes]:
    """Split off one length-prefixed field; the rest comes second."""
    first, rest = _take(raw, 1)
    if first[0] < 0x80:
        return _take(rest, first[0])
    size, rest = _take(rest, first[0] & 0x7F)
    return _take(rest, int.from_bytes(size, "big"))


def _take(raw: bytes, length: int) -> tuple[bytes, bytes]:
    if len(raw) < length:
        raise IlpError("The ILP packet ends too early.")
    return raw[:length], raw[length:]


def _ascii(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise IlpError("The ILP packet holds text that is not ASCII.") from error


def _unpad(text: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError as error:
        raise IlpError("This is not base64url.") from error
