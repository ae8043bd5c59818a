"""The opcode family (Uzo, Korba, TxtGhana): JSON with the operation codes of SMPP's ussd_service_op, the latest input.

A call's code is 1 to begin and 18 to go on, from 29 the session is over; an answer's is 2 to go on and 17 to end.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "opcode"

_BEGIN: Final = 1
_OVER_FROM: Final = 29
_GO_ON: Final = 2
_END: Final = 17


def decode(call: Call, route: Route) -> Step:
    """Read a step; codes that we do not know go on. Raises BadStep."""
    fields = reading.json_fields(call)
    operation = reading.number(fields, "ussdServiceOp")
    event: Event = "begin" if operation == _BEGIN else "cancel" if operation >= _OVER_FROM else "reply"
    event = "unknown" if operation < _BEGIN else event
    code = reading.service_code(fields, "code", route)
    typed = reading.text(fields, "ussdString", may_miss=event != "reply")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "sessionID"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.dialled_code(typed, code, route) if event == "begin" else code,
        event=event,
        text={"begin": reading.dialled(typed, code, route), "reply": typed}.get(event, ""),
        network=reading.name_of(fields, "network"),
    )


def encode(step: Step, reply: Reply) -> Answer:
    """2 keeps the session open, 17 closes it."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer(
        {"message": writing.shown(reply.text), "ussdServiceOp": _END if reply.end else _GO_ON},
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}), frozenset({"cancel"}))
