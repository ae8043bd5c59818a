"""The units of SMPP 3.4 as octets: the header, the body that deliver_sm and submit_sm share, and a bind's.

Written by the specification, sections 3.2 and 4: smpplib's deliver_sm has no ussd_service_op.
"""

import struct
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ussd.session import BadStep

BIND_TRANSCEIVER: Final = 0x09
SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
ENQUIRE_LINK: Final = 0x15
GENERIC_NACK: Final = 0x8000_0000
RESPONSE: Final = 0x8000_0000  # in a command: the answer to it

HEADER_BYTES: Final = 16
UNIT_BYTES_MAX: Final = 65_536  # a step is some hundred; what names a longer one speaks another protocol
SHORT_BYTES_MAX: Final = 254  # of short_message; a longer text is a message_payload
SEQUENCE_MAX: Final = 0x7FFF_FFFF
_VERSION: Final = 0x34
_ADDRESS_MAX, _SERVICE_MAX, _TIME_MAX = 20, 5, 16  # characters of C-octet strings
_TLVS_MAX: Final = 50

USER_MESSAGE_REFERENCE: Final = 0x0204
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
USSD_SERVICE_OP: Final = 0x0501
ITS_SESSION_INFO: Final = 0x1383


class Header(Struct, frozen=True):
    """What every unit begins with; `length` counts the header in."""

    length: int
    command: int
    status: int
    sequence: int


class Address(Struct, frozen=True):
    """Type of number, numbering plan and digits of an address."""

    ton: int
    npi: int
    digits: str


class Message(Struct, frozen=True):
    """The body of a deliver_sm or a submit_sm. `octets` are its text, wherever it stood."""

    service_type: str
    source: Address
    destination: Address
    data_coding: int
    octets: bytes
    esm_class: int = 0
    tlvs: Mapping[int, bytes] = {}


def read_header(octets: bytes) -> Header:
    """The header of a unit. Raises BadStep for one that is cut off, or of an impossible length."""
    if len(octets) < HEADER_BYTES:
        raise BadStep("the unit is cut off")
    header = Header(*struct.unpack(">4I", octets[:HEADER_BYTES]))
    if not HEADER_BYTES <= header.length <= UNIT_BYTES_MAX:
        raise BadStep("the unit is of an impossible length")
    return header


def write_unit(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """A unit: header and body."""
    return struct.pack(">4I", HEADER_BYTES + len(body), command, status, sequence) + body


def numbered(unit: bytes, sequence: int) -> bytes:
    """The same unit under a number of its connection."""
    return unit[:12] + struct.pack(">I", sequence) + unit[16:]


def write_bind(system_id: str, password: str) -> bytes:
    """The body of a bind_transceiver."""
    credentials = b"".join(one.encode("ascii", "replace") + b"\0" for one in (system_id, password, ""))
    return credentials + bytes([_VERSION, 0, 0]) + b"\0"


def read_message(unit: bytes) -> Message:
    """The body of a whole deliver_sm or submit_sm. Raises BadStep."""
    header = read_header(unit)
    if header.length != len(unit):
        raise BadStep("the unit is cut off")
    at, body = 0, unit[HEADER_BYTES:]

    def octet() -> int:
        nonlocal at
        at += 1
        if at > len(body):
            raise BadStep("the unit is cut off")
        return body[at - 1]

    def text(name: str, longest: int) -> str:
        nonlocal at
        end = body.find(0, at)
        if end < 0:
            raise BadStep(f"{name} is not ended")
        found, at = body[at:end], end + 1
        if len(found) > longest or not found.isascii():
            raise BadStep(f"{name} is not valid")
        return found.decode()

    service_type = text("service_type", _SERVICE_MAX)
    source = Address(octet(), octet(), text("source_addr", _ADDRESS_MAX))
    destination = Address(octet(), octet(), text("destination_addr", _ADDRESS_MAX))
    esm_class, _protocol, _priority = octet(), octet(), octet()
    text("schedule_delivery_time", _TIME_MAX)
    text("validity_period", _TIME_MAX)
    _registered, _replace, data_coding, _default, size = octet(), octet(), octet(), octet(), octet()
    short = body[at : at + size]
    if len(short) < size:
        raise BadStep("short_message is cut off")
    tlvs = _read_tlvs(body[at + size :])
    octets = short or tlvs.get(MESSAGE_PAYLOAD, b"")
    return Message(service_type, source, destination, data_coding, octets, esm_class, tlvs)


def _read_tlvs(octets: bytes) -> dict[int, bytes]:
    """The optional parameters by their tags; of one that comes twice the first."""
    found: dict[int, bytes] = {}
    at = count = 0
    while at < len(octets):
        count += 1
        if count > _TLVS_MAX:
            raise BadStep("the unit has too many parameters")
        if at + 4 > len(octets):
            raise BadStep("a parameter is cut off")
        tag, size = struct.unpack(">HH", octets[at : at + 4])
        value = octets[at + 4 : at + 4 + size]
        if len(value) < size:
            raise BadStep("a parameter is cut off")
        found.setdefault(tag, value)
        at += 4 + size
    return found


def write_message(command: int, message: Message, sequence: int = 0) -> bytes:
    """A whole deliver_sm or submit_sm; a text too long for short_message is its message_payload."""
    is_long = len(message.octets) > SHORT_BYTES_MAX
    short = b"" if is_long else message.octets
    tlvs = {**message.tlvs, **({MESSAGE_PAYLOAD: message.octets} if is_long else {})}
    body = b"".join(
        (
            message.service_type.encode() + b"\0",
            _written(message.source),
            _written(message.destination),
            bytes([message.esm_class, 0, 0]),
            b"\0\0",  # at once, and valid as long as the centre says
            bytes([0, 0, message.data_coding, 0, len(short)]),
            short,
            *(struct.pack(">HH", tag, len(value)) + value for tag, value in sorted(tlvs.items())),
        )
    )
    return write_unit(command, sequence, body)


def _written(address: Address) -> bytes:
    return bytes([address.ton, address.npi]) + address.digits.encode() + b"\0"
