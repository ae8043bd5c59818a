"""USSD over SMPP 3.4, at an operator's own centre: deliver_sm with ussd_service_op in, submit_sm out, the latest input.

A Call's body is a whole deliver_sm and an Answer's the whole submit_sm, numbered by whoever holds the connection; there
is no HTTP about it. Nothing comes back from the first unit of a session to the next but its reference.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.gateways.smpp.alphabet import decode_text, encode_text
from ussd.gateways.smpp.units import (
    ITS_SESSION_INFO,
    NETWORK_ERROR_CODE,
    SUBMIT_SM,
    USER_MESSAGE_REFERENCE,
    USSD_SERVICE_OP,
    Address,
    Message,
    read_message,
    write_message,
)
from ussd.session import BadStep, Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "smpp"
# What knows a session beside its phone, as a route's field `session` may say: 15 bits and a bit for the end (SMPP 3.4,
# 5.3.2.43), all 16 bits of the same, another reference, or nothing.
SESSION_FIELD: Final = "session"
REFERENCES: Final = frozenset({"its_session_info", "opaque", "user_message_reference", "phone"})

_PSSD_INDICATION, _PSSR_INDICATION = 0, 1
_USSR_REQUEST = 2
_PSSD_RESPONSE, _PSSR_RESPONSE = 16, 17
_USSN_CONFIRM = 19
_ABORTED_FROM = 128  # operations of vendors, by which centres tell that a session is over
_SERVICE: Final = "USSD"
_END_BIT: Final = 1
_INTERNATIONAL: Final = 1  # a type of number, SMPP 3.4, 5.2.5


def decode(call: Call, route: Route) -> Step:
    """Read a step; operations that we do not know go on. Raises BadStep, also for what is no USSD."""
    message = read_message(call.body)
    operation = _octet(message, USSD_SERVICE_OP, "ussd_service_op")
    if operation is None and message.service_type != _SERVICE:
        raise BadStep("ussd_service_op is missing")
    kind, reference = _reference(message, route)
    fields = {
        "source_addr": _written(message.source),
        "short_message": decode_text(message.data_coding, message.octets),
    }
    typed = reading.text(fields, "short_message")
    code = route.service_code or _code_of(message.destination.digits)
    event = _event_of(message, operation, kind, typed)
    is_begin = event == "begin"
    return Step(
        gateway=NAME,
        session_id=f"{reference:04x}" if reference is not None else "",
        msisdn=reading.msisdn(fields, "source_addr", route),
        service_code=reading.dialled_code(typed, code, route) if is_begin else code,
        event=event,
        text={"begin": reading.dialled(typed, code, route), "reply": typed}.get(event, ""),
        opens=reading.dialled(typed, code, route) if operation is None else None,
        echo=_echo(message, operation, kind),
        of_phone=True,
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`USSR request` keeps the session open, `PSSR response` (of a PSSD, `PSSD response`) closes it."""
    if step.is_notice:
        return writing.NOTED
    echo = step.echo
    data_coding, octets = encode_text(writing.shown(reply.text))
    last = _PSSD_RESPONSE if echo["operation"] == str(_PSSD_INDICATION) else _PSSR_RESPONSE
    tlvs = {USSD_SERVICE_OP: bytes([last if reply.end else _USSR_REQUEST])}
    if "its_session_info" in echo:
        bits = int(echo["its_session_info"], 16)
        is_marked = reply.end and echo["kind"] == "its_session_info"
        tlvs[ITS_SESSION_INFO] = (bits | (_END_BIT if is_marked else 0)).to_bytes(2)
    if "user_message_reference" in echo:
        tlvs[USER_MESSAGE_REFERENCE] = int(echo["user_message_reference"], 16).to_bytes(2)
    source, destination = _address_of(echo["destination"]), _address_of(echo["source"])
    message = Message(echo["service_type"], source, destination, data_coding, octets, tlvs=tlvs)
    return Answer(200, body=write_message(SUBMIT_SM, message))


def _event_of(message: Message, operation: int | None, kind: str, typed: str) -> Event:
    if operation in (_PSSD_INDICATION, _PSSR_INDICATION):
        return "begin"
    if operation == _USSN_CONFIRM:
        return "status"  # a notification was shown; we send none that waits for it
    bits = _number(message, ITS_SESSION_INFO, kind) if kind == "its_session_info" else None
    is_marked = bits is not None and bool(bits & _END_BIT)
    is_over = (operation or 0) >= _ABORTED_FROM or (is_marked and not typed)
    if not is_over:
        return "reply"
    return "timeout" if NETWORK_ERROR_CODE in message.tlvs else "cancel"


def _reference(message: Message, route: Route) -> tuple[str, int | None]:
    """What the session is known by beside its phone, and its value."""
    kind = route.fields.get(SESSION_FIELD, "")
    if not kind:
        kind = "its_session_info" if ITS_SESSION_INFO in message.tlvs else "user_message_reference"
    if kind == "phone":
        return kind, None
    if kind == "user_message_reference":
        return kind, _number(message, USER_MESSAGE_REFERENCE, kind)
    bits = _number(message, ITS_SESSION_INFO, "its_session_info")
    return kind, bits if bits is None or kind == "opaque" else bits >> 1


def _echo(message: Message, operation: int | None, kind: str) -> dict[str, str]:
    """What the answer says again: who is whose peer, and both references as they came."""
    echo = {
        "service_type": message.service_type or _SERVICE,
        "source": _echoed(message.source),
        "destination": _echoed(message.destination),
        "operation": "" if operation is None else str(operation),
        "kind": kind,
    }
    for name, tag in (("its_session_info", ITS_SESSION_INFO), ("user_message_reference", USER_MESSAGE_REFERENCE)):
        value = _number(message, tag, name)
        if value is not None:
            echo[name] = f"{value:04x}"
    return echo


def _written(address: Address) -> str:
    """A phone's number with the plus that its type says: whole numbers may look like ones at home, and be others'.

    One that begins with 0 is of home, or has 00 for the plus, whatever its type says.
    """
    is_whole = address.ton == _INTERNATIONAL and not address.digits.startswith(("+", "0"))
    return f"+{address.digits}" if is_whole and address.digits else address.digits


def _echoed(address: Address) -> str:
    return f"{address.ton}/{address.npi}/{address.digits}"


def _address_of(echoed: str) -> Address:
    ton, npi, digits = echoed.split("/", 2)
    return Address(int(ton), int(npi), digits)


def _code_of(digits: str) -> str:
    """The service's address as a code; it may be a name of the centre's own."""
    try:
        return reading.code_of(digits, "destination_addr")
    except BadStep:
        return ""


def _octet(message: Message, tag: int, name: str) -> int | None:
    value = message.tlvs.get(tag)
    if value is None:
        return None
    if len(value) != 1:
        raise BadStep(f"{name} is not valid")
    return value[0]


def _number(message: Message, tag: int, name: str) -> int | None:
    value = message.tlvs.get(tag)
    if value is None:
        return None
    if len(value) != 2:  # as SMPP 3.4 has both references
        raise BadStep(f"{name} is not valid")
    return int.from_bytes(value)


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset(), frozenset({"cancel", "timeout"}), charset="gsm0338")
