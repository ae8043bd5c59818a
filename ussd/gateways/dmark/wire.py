"""D-Mark (Uganda): a query in, JSON out, the latest input alone, and no word of a session that the user closed.

`response` is `false` in the first call, but the gateway's other users go by the transaction, and so do we.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "dmark"


def decode(call: Call, route: Route) -> Step:
    """Read a step. Raises BadStep."""
    fields = reading.query_fields(call)
    code = reading.service_code(fields, "ussdServiceCode", route)
    typed = reading.text(fields, "ussdRequestString")
    may_open = not reading.flag(fields, "response")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "transactionId"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.dialled_code(typed, code, route) if may_open else code,
        event="reply",
        text=typed,
        opens=reading.dialled(typed, code, route) if may_open else None,
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`request` keeps the session open, `end` closes it."""
    if step.is_notice:
        return writing.NOTED
    return writing.json_answer(
        {"responseString": writing.shown(reply.text), "action": "end" if reply.end else "request"}
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"GET"}))
