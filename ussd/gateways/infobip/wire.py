"""Infobip's USSD gateway: JSON, at `/{session}/start`, `response`, `end` and `status`, which say what a call means.

The latest input alone. `end` and `status` name no phone, so they are those of the phone that the session belongs to.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import BadStep, Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "infobip"

_EVENTS: Final[dict[str, Event]] = {"start": "begin", "response": "reply", "end": "ended", "status": "status"}
_OK: Final = {"responseExitCode": 200, "responseMessage": ""}


def decode(call: Call, route: Route) -> Step:
    """Read a step, the notice of an end, or the question whether the session goes on. Raises BadStep."""
    session, _, action = call.path.strip("/").rpartition("/")
    event = _EVENTS.get(action)
    if event is None:
        raise BadStep("the path does not end with start, response, end or status")
    session_id = reading.session_id({"sessionId": session}, "sessionId")
    if event in {"ended", "status"}:
        return Step(NAME, session_id, "", route.service_code, event, "")
    fields = reading.json_fields(call)
    code = reading.service_code(fields, "shortCode", route)
    typed = reading.text(fields, "text", may_miss=event == "begin")
    return Step(
        gateway=NAME,
        session_id=session_id,
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.dialled_code(typed, code, route) if event == "begin" else code,
        event=event,
        text=reading.dialled(typed, code, route) if event == "begin" else typed,
        network=reading.name_of(fields, "ussdGwId"),
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`shouldClose` ends the session, except with its first screen, which Infobip leaves open."""
    if step.event == "status":
        return writing.json_answer({"sessionActive": not reply.end, **_OK})
    if step.is_notice:
        return writing.json_answer(_OK)
    return writing.json_answer({"shouldClose": reply.end, "ussdMenu": writing.shown(reply.text), **_OK})


# Which methods it uses is not known; the path says it all.
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE"})
GATEWAY: Final = Gateway(decode, encode, read_latest, _METHODS, frozenset({"ended"}), has_path=True)
