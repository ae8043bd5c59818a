"""Nalo: JSON both ways, the latest input alone. `MSGTYPE` means "first" in a call and "goes on" in an answer."""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "nalo"


def decode(call: Call, route: Route) -> Step:
    """Read a step. Older accounts send no `SESSIONID`: their sessions are known by the phone. Raises BadStep."""
    fields = reading.json_fields(call)
    is_first = reading.flag(fields, "MSGTYPE")
    typed = reading.text(fields, "USERDATA", may_miss=is_first)
    account = reading.name_of(fields, "USERID")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "SESSIONID") if reading.optional(fields, "SESSIONID") else "",
        msisdn=reading.msisdn(fields, "MSISDN", route),
        service_code=reading.dialled_code(typed, route.service_code, route) if is_first else route.service_code,
        event="begin" if is_first else "reply",
        text=reading.dialled(typed, route.service_code, route) if is_first else typed,
        network=reading.name_of(fields, "NETWORK"),
        echo={"USERID": account, "MSISDN": reading.required(fields, "MSISDN"), "USERDATA": typed},
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`MSGTYPE` true keeps the session open."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer({**step.echo, "MSG": writing.shown(reply.text), "MSGTYPE": not reply.end})


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}))
