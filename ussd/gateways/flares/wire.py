"""Comviva's Flares, HTTP Pull (Airtel in Africa): a query in, plain text out, and headers that say whether it goes on.

The latest input alone. The first is what was dialled without its outer signs, and nothing marks it as the first.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "flares"


def decode(call: Call, route: Route) -> Step:
    """Read a step, or the call to clean up, which writes `msisdn` small. Raises BadStep."""
    fields = reading.query_fields(call)
    session_id = reading.session_id(fields, "SessionID")
    if "clean" in fields:
        return Step(NAME, session_id, reading.msisdn(fields, "msisdn", route), route.service_code, "ended", "")
    typed = reading.text(fields, "input")
    return Step(
        gateway=NAME,
        session_id=session_id,
        msisdn=reading.msisdn(fields, "MSISDN", route),
        service_code=reading.dialled_code(typed, route.service_code, route),
        event="reply",
        text=typed,
        opens=reading.dialled(typed, route.service_code, route),
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`Freeflow` FC keeps the session open, FB breaks it. We charge nothing. A line break in front is not shown."""
    if step.is_notice:
        return writing.NOTED
    headers = (("Freeflow", "FB" if reply.end else "FC"), ("charge", "N"), ("amount", "0"))
    return writing.text_answer(writing.shown(reply.text).lstrip("\n"), headers)


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"GET"}), frozenset({"ended"}))
