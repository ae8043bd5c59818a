"""Arkesel: JSON both ways, the latest input alone, and a flag for the first."""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "arkesel"


def decode(call: Call, route: Route) -> Step:
    """Read a step. Raises BadStep."""
    fields = reading.json_fields(call)
    is_first = reading.flag(fields, "newSession")
    typed = reading.text(fields, "userData", may_miss=is_first)
    account = reading.name_of(fields, "userID")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "sessionID"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.dialled_code(typed, route.service_code, route) if is_first else route.service_code,
        event="begin" if is_first else "reply",
        text=reading.dialled(typed, route.service_code, route) if is_first else typed,
        network=reading.name_of(fields, "network"),
        echo={"userID": account, "msisdn": reading.required(fields, "msisdn")},
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`continueSession` says whether it stays open."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer(
        {
            "sessionID": step.session_id,
            **step.echo,
            "message": writing.shown(reply.text),
            "continueSession": not reply.end,
        }
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}))
