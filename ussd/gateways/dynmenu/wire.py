"""USSDDynMenu of 6D Technologies (AirtelTigo Ghana, Equitel Kenya, Tigo Tanzania): XML both ways, the latest input.

A session begins with the string as dialled. Its id is in `sessionId`, among the parameters, or is the request's.
"""

from typing import Final
from xml.etree.ElementTree import Element

from ussd.arrivals import read_latest
from ussd.gateways import reading, writing
from ussd.session import Reply, Step
from ussd.wire import Answer, Call, Gateway, Route

NAME: Final = "dynmenu"

_GO_ON, _END = 1, 2
_RESPONSE: Final = (
    '<?xml version="1.0" encoding="utf-8"?><USSDDynMenuResponse><requestId>{requestId}</requestId>'
    "<sessionId>{session_id}</sessionId><msisdn>{msisdn}</msisdn><starCode>{starCode}</starCode><langId>null</langId>"
    "<encodingScheme>0</encodingScheme><dataSet><param><id>1</id><value>{value}</value><rspFlag>{flag}</rspFlag>"
    "<appendIndex>0</appendIndex><default>1</default></param></dataSet><ErrCode>1</ErrCode>"
    "<timeStamp>{timeStamp}</timeStamp></USSDDynMenuResponse>"
)


def decode(call: Call, route: Route) -> Step:
    """Read a step. Raises BadStep."""
    root = reading.xml_root(call, "USSDDynMenuRequest")
    fields = reading.xml_fields(root)
    request_id = reading.session_id(fields, "requestId")
    code = reading.service_code(fields, "starCode", route)
    typed = reading.text(fields, "userData")
    is_first = reading.is_dial_string(typed.strip())
    names = {"sessionId": fields.get("sessionId", "") or _parameter(root, "SESSION_ID") or request_id}
    return Step(
        gateway=NAME,
        session_id=reading.session_id(names, "sessionId"),
        msisdn=reading.msisdn(fields, "msisdn", route),
        service_code=reading.dialled_code(typed, code, route) if is_first else code,
        event="begin" if is_first else "reply",
        text=reading.dialled(typed, code, route) if is_first else typed,
        echo={
            "requestId": request_id,
            "msisdn": reading.required(fields, "msisdn"),
            "starCode": reading.optional(fields, "starCode"),
            "timeStamp": reading.name_of(fields, "timeStamp"),
        },
    )


def _parameter(root: Element, wanted: str) -> str:
    """The value of a parameter by its id: their number and order differ between operators."""
    data = root.find("dataSet")
    for parameter in () if data is None else data:
        fields = reading.xml_fields(parameter)
        if fields.get("id") == wanted:
            return fields.get("value", "")
    return ""


def encode(step: Step, reply: Reply) -> Answer:
    """`rspFlag` 1 keeps the session open, 2 closes it."""
    if step.is_notice:
        return writing.NOTED
    echo = {name: writing.xml_text(value) for name, value in step.echo.items()}
    value, flag = writing.xml_text(reply.text), _END if reply.end else _GO_ON
    return writing.xml_answer(
        _RESPONSE.format(**echo, session_id=writing.xml_text(step.session_id), value=value, flag=flag)
    )


GATEWAY: Final = Gateway(decode, encode, read_latest, frozenset({"POST"}))
