"""Beem: JSON both ways, the latest input alone. In `payload`, `response` is what was typed and `request` our text.

`request_id` names a message, so a retry is known for what it is.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "beem"

_EVENTS: Final[dict[str, Event]] = {"initiate": "begin", "continue": "reply", "terminate": "cancel"}


def decode(call: Call, route: Route) -> Step:
    """Read a step. What stands in the first one's `response` was not typed. Raises BadStep."""
    fields = reading.json_fields(call)
    event = _EVENTS.get(reading.required(fields, "command").lower(), "unknown")
    payload = {} if event in {"cancel", "unknown"} else reading.members(fields.get("payload"), "payload")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "session_id"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=route.service_code,
        event=event,
        text=reading.text(payload, "response") if event == "reply" else "",
        network=reading.name_of(fields, "operator"),
        message_id="" if event in {"cancel", "unknown"} else reading.session_id(payload, "request_id"),
        echo={"msisdn": reading.required(fields, "msisdn"), "operator": reading.name_of(fields, "operator")},
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`continue` keeps the session open, `terminate` closes it."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer(
        {
            **step.echo,
            "session_id": step.session_id,
            "command": "terminate" if reply.end else "continue",
            "payload": {"request_id": step.message_id, "request": writing.shown(reply.text)},
        }
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}), frozenset({"cancel"}))
