"""TruRoute and TruTeq's `<ussd>` XML (South Africa, Namibia, Mozambique): both ways, the latest input alone.

A call's type is 1 to begin, 2 to answer, 3 when the user cancelled, 4 on a time-out, 10 when a charge failed.
"""

from typing import Final

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "truroute"

_EVENTS: Final[dict[int, Event]] = {1: "begin", 2: "reply", 3: "cancel", 4: "timeout", 10: "ended"}
_GO_ON, _END = 2, 3


def decode(call: Call, route: Route) -> Step:
    """Read a step, or the notice that the session is over. Raises BadStep."""
    fields = reading.xml_fields(reading.xml_root(call, "ussd"))
    event = _EVENTS.get(reading.number(fields, "type"), "unknown")
    typed = reading.text(fields, "msg", may_miss=event != "reply")
    return Step(
        gateway=NAME,
        session_id=reading.session_id(fields, "sessionid"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.dialled_code(typed if event == "begin" else "", route.service_code, route),
        event=event,
        text={"begin": reading.dialled(typed, route.service_code, route), "reply": typed}.get(event, ""),
    )


def encode(step: Step, reply: Reply) -> Answer:
    """Type 2 keeps the session open, 3 closes it. We charge nothing."""
    if step.is_notice:
        return writing.NOTED
    text = writing.xml_text(reply.text).replace("\n", "&#10;")
    kind = _END if reply.end else _GO_ON
    return writing.xml_answer(f"<ussd><type>{kind}</type><msg>{text}</msg><premium><cost/><ref/></premium></ussd>")


_NOTICES: Final[frozenset[Event]] = frozenset({"cancel", "timeout", "ended"})
GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}), _NOTICES)
