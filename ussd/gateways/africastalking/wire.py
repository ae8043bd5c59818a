"""Africa's Talking: form fields in, `CON ` or `END ` text out, the text cumulative.

The notification that a session ended is another form, possibly to the same URL; `status` tells them apart. Its `input`
holds everything ever typed and is not read.
"""

from typing import Final

from ussd.arrivals import read_cumulative
from ussd.gateways import reading, writing
from ussd.session import Event, Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "africastalking"

_STATUSES: Final = {"success", "incomplete", "failed"}


def decode(call: Call, route: Route) -> Step:
    """Read a step of a session, or the notification that it ended. Raises BadStep."""
    form = reading.form_fields(call)
    status = form.get("status")
    text = "" if status else reading.text(form, "text")
    reading.required(form, "serviceCode")
    code, text = reading.behind_code(text, reading.service_code(form, "serviceCode", route), route)
    event: Event = "reply" if text else "begin"
    if status:
        event = "ended" if status.strip().lower() in _STATUSES else "unknown"
    return Step(
        gateway=NAME,
        session_id=reading.session_id(form, "sessionId"),
        msisdn=reading.msisdn(form, "phoneNumber", route),
        service_code=code,
        event=event,
        text=text,
        network=reading.name_of(form, "networkCode"),
    )


def encode(step: Step, reply: Reply) -> Answer:
    """`CON ` keeps the session open, `END ` closes it."""
    if step.is_notice:
        return writing.NOTED
    return writing.verb_answer(reply.text, end=reply.end)


GATEWAY: Final = Gateway(decode, encode, read_cumulative, frozenset({"POST"}), frozenset({"ended"}))
