"""Hubtel, Programmable Services: JSON both ways, the latest input alone, and the only gateway that numbers its steps.

`ClientState` comes back to us in the next call. It is in others' hands meanwhile, so we leave it empty.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "hubtel"

_EVENTS: Final[dict[str, Event]] = {
    "initiation": "begin",
    "response": "reply",
    "release": "cancel",
    "timeout": "timeout",
}


def decode(call: Call, route: Route) -> Step:
    """Read a step; what was dialled behind the code is in the first one's message. Raises BadStep."""
    fields = reading.json_fields(call)
    event = _EVENTS.get(reading.required(fields, "Type").lower(), "unknown")
    code = reading.service_code(fields, "ServiceCode", route)
    message = reading.text(fields, "Message", may_miss=event != "reply")
    typed = {"begin": reading.dialled(message, code, route), "reply": message}
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "SessionId"),
        msisdn=reading.msisdn(fields, "Mobile", route),
        service_code=reading.dialled_code(message, code, route) if event == "begin" else code,
        event=event,
        text=typed.get(event, ""),
        network=reading.name_of(fields, "Operator"),
        seq=reading.number(fields, "Sequence") if event in typed else None,
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`Response` keeps the session open, `Release` closes it; the last four fields are for Hubtel's own apps."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer(
        {
            "SessionId": step.session_id,
            "Type": "Release" if reply.end else "Response",
            "Message": writing.shown(reply.text),
            "Label": "",
            "ClientState": "",
            "DataType": "display" if reply.end else "input",
            "FieldType": "text",
        }
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}), frozenset({"cancel", "timeout"}))
