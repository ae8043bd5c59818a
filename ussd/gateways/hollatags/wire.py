"""Hollatags (Nigeria): a query in, JSON out, the latest input alone, at most 160 characters a screen."""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "hollatags"

_EVENTS: Final[dict[str, Event]] = {"begin": "begin", "continue": "reply", "end": "cancel"}
# session_type: what the phone may do next.
_ANSWERED, _SHOWN = 1, 4


def decode(call: Call, route: Route) -> Step:
    """Read a step, or the notice that the user ended the session. Raises BadStep."""
    fields = reading.query_fields(call)
    event = _EVENTS.get(reading.required(fields, "session_operation").lower(), "unknown")
    typed = reading.text(fields, "session_msg", may_miss=event != "reply")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "session_id"),
        msisdn=reading.msisdn(fields, "session_msisdn", route),
        service_code=reading.dialled_code(typed if event == "begin" else "", route.service_code, route),
        event=event,
        text={"begin": reading.dialled(typed, route.service_code, route), "reply": typed}.get(event, ""),
        network=reading.name_of(fields, "session_mno"),
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`continue` with type 1 keeps the session open, `end` with type 4 closes it."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer(
        {
            "session_operation": "end" if reply.end else "continue",
            "session_type": _SHOWN if reply.end else _ANSWERED,
            "session_id": step.session_id,
            "session_msg": writing.shown(reply.text),
        }
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"GET"}), frozenset({"cancel"}))
