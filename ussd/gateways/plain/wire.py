"""Any gateway that sends fields, as a query, a form or JSON, and takes `CON ` or `END ` text: two rows of the table.

`plain` sends all inputs so far, `plain_latest` the latest alone: the messages look alike, so whoever sets a gateway up
must say which it is. Fields are known by the usual names, or by those that the route gives.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from ussd.arrivals import read_cumulative, read_latest
from ussd.gateways import reading, writing
from ussd.gateways.reading import Fields
from ussd.session import Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "plain"
NAME_LATEST: Final = "plain_latest"

# In small letters without underscores: SESSION_ID, sessionId and session_id are the same. The first one sent counts.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "session_id": ("sessionid",),
    "msisdn": ("phonenumber", "msisdn", "orig", "mobile", "phone"),
    "service_code": ("servicecode", "ussdcode", "shortcode", "dest"),
    "text": ("text", "ussdstring", "ussdparams", "input"),
    "network": ("networkcode", "network", "operator"),
}


def decode(call: Call, route: Route) -> Step:
    """Read a step whose text holds all inputs so far. Raises BadStep."""
    step = _step(NAME, call, route)
    code, text = reading.behind_code(step.text, step.service_code, route)
    return replace(step, service_code=code, text=text, event="reply" if text else "begin")


def decode_latest(call: Call, route: Route) -> Step:
    """Read a step whose text is the latest input; the first is empty, or the string as dialled. Raises BadStep."""
    step = _step(NAME_LATEST, call, route)
    if not reading.is_dial_string(step.text):
        return replace(step, opens=None if step.text else "")
    opens = reading.dialled(step.text, step.service_code, route)
    return replace(step, service_code=reading.dialled_code(step.text, step.service_code, route), opens=opens)


def _step(name: str, call: Call, route: Route) -> Step:
    fields = _fields(call, route)
    return Step(
        gateway=name,
        session_id=reading.session_id(fields, "session_id"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.service_code(fields, "service_code", route),
        event="reply",
        text=reading.text(fields, "text"),
        network=reading.name_of(fields, "network"),
    )


def _fields(call: Call, route: Route) -> Fields:
    """The fields of the call by our names, wherever it carries them."""
    sent: Fields = reading.query_fields(call)
    if call.method == "POST":
        read = reading.json_fields if "json" in call.headers.get("content-type", "") else reading.form_fields
        sent = {**sent, **read(call)}
    by_name = {name.replace("_", "").lower(): value for name, value in sent.items()}
    fields: dict[str, object] = {}
    for ours, names in _NAMES.items():
        given = route.fields.get(ours)
        found = [sent.get(given)] if given else [by_name[name] for name in names if name in by_name]
        fields[ours] = found[0] if found else None
    return fields


def encode(step: Step, reply: Reply) -> Answer:
    """`CON ` keeps the session open, `END ` closes it."""
    return writing.NOTED if step.is_notice else writing.verb_answer(reply.text, end=reply.end)


_METHODS: Final = frozenset({"GET", "POST"})
GATEWAY: Final = Gateway(decode, encode, read_cumulative, _METHODS)
GATEWAY_LATEST: Final = Gateway(decode_latest, encode, read_latest, _METHODS)
