"""A handset behind any gateway: its presses as that gateway's calls, and the screen in the answer.

The other way round than `ussd.gateways`, for programs that dial a service's own door to try it out.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring
from msgspec import Struct

from ussd.gateways import GATEWAYS
from ussd.wire import Answer, Call

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
JSON: Final = {"content-type": "application/json"}
XML: Final = {"content-type": "text/xml; charset=utf-8"}


class BadAnswer(ValueError):
    """An answer that no gateway could show."""


class Press(Struct, frozen=True):
    """A dialogue as far as a handset is in it: the code, what was dialled behind it, and the answers since."""

    msisdn: str
    session_id: str
    code: str
    dialled: str = ""
    typed: tuple[str, ...] = ()

    @property
    def is_first(self) -> bool:
        """Whether nothing was answered yet."""
        return not self.typed

    @property
    def latest(self) -> str:
        """The whole string as dialled, then the last answer."""
        return self.typed[-1] if self.typed else self.string

    @property
    def string(self) -> str:
        """The whole string as dialled."""
        return f"{self.code.rstrip('#')}*{self.dialled}#" if self.dialled else self.code

    @property
    def inputs(self) -> str:
        """Cumulative text."""
        return "*".join((self.dialled, *self.typed) if self.dialled else self.typed)


class Wire(Struct, frozen=True):
    """A gateway seen from the handset. `read` gives the screen, and whether it is the last."""

    write: Callable[[Press], Call]
    read: Callable[[Answer], tuple[str, bool]]


def write_call(gateway: str, press: Press) -> Call:
    """What the gateway sends for a press."""
    return WIRES[gateway].write(press)


def read_screen(gateway: str, answer: Answer) -> tuple[str, bool]:
    """What the handset shows of an answer, and whether the session ends. Raises BadAnswer."""
    try:
        return WIRES[gateway].read(answer)
    except (ValueError, KeyError, TypeError, SyntaxError):
        raise BadAnswer("The gateway could not read the answer.") from None


def _form(fields: Mapping[str, str]) -> Call:
    return Call("POST", headers=FORM, body=urlencode(fields).encode())


def _json(members: Mapping[str, Any], path: str = "") -> Call:
    return Call("POST", path, headers=JSON, body=json.dumps(members).encode())


def _xml(document: str) -> Call:
    return Call("POST", headers=XML, body=document.encode())


def _get(fields: Mapping[str, str]) -> Call:
    return Call("GET", query=urlencode(fields))


def _verb(answer: Answer) -> tuple[str, bool]:
    verb, _, text = answer.body.decode().partition(" ")
    return text, {"CON": False, "END": True}[verb]


def _members(text: str, end: str, ends: Any) -> Callable[[Answer], tuple[str, bool]]:
    """A reader of JSON: the members of the text and of what ends the session, inside others by dots."""

    def read(answer: Answer) -> tuple[str, bool]:
        def find(path: str) -> Any:
            found = json.loads(answer.body)
            for name in path.split("."):
                found = found[name]
            return found

        return str(find(text)), find(end) == ends

    return read


def _elements(text: str, end: str, ends: str) -> Callable[[Answer], tuple[str, bool]]:
    def read(answer: Answer) -> tuple[str, bool]:
        root = fromstring(answer.body, forbid_dtd=True)
        found = root.findtext(end)
        if found is None:
            raise ValueError
        return root.findtext(text) or "", found == ends

    return read


def _freeflow(answer: Answer) -> tuple[str, bool]:
    headers = {name.lower(): value for name, value in answer.headers}
    return answer.body.decode(), {"FC": False, "FB": True}[headers["freeflow"]]


def _digits(press: Press) -> str:
    return press.msisdn.removeprefix("+")


def _africastalking(press: Press) -> Call:
    who = {"sessionId": press.session_id, "phoneNumber": press.msisdn, "serviceCode": press.code}
    return _form({**who, "networkCode": "99999", "text": press.inputs})


def _plain(text: Callable[[Press], str]) -> Callable[[Press], Call]:
    def write(press: Press) -> Call:
        who = {"sessionId": press.session_id, "phoneNumber": press.msisdn, "serviceCode": press.code}
        return _form({**who, "text": text(press)})

    return write


def _hubtel(press: Press) -> Call:
    return _json(
        {
            "Sequence": len(press.typed) + 1,
            "Type": "Initiation" if press.is_first else "Response",
            "Message": press.latest,
            "ServiceCode": press.code.strip("*#"),
            "Operator": "mtn",
            "ClientState": "",
            "Mobile": _digits(press),
            "SessionId": press.session_id,
            "Platform": "USSD",
        }
    )


def _nalo(press: Press) -> Call:
    who = {"USERID": "trial", "MSISDN": _digits(press), "NETWORK": "MTN", "SESSIONID": press.session_id}
    return _json({**who, "USERDATA": press.latest, "MSGTYPE": press.is_first})


def _arkesel(press: Press) -> Call:
    who = {"sessionID": press.session_id, "userID": "trial", "msisdn": _digits(press), "network": "MTN"}
    return _json({**who, "newSession": press.is_first, "userData": press.latest})


def _beem(press: Press) -> Call:
    payload = {"request_id": f"r-{len(press.typed) + 1}", "response": "" if press.is_first else press.latest}
    who = {"msisdn": _digits(press), "session_id": press.session_id, "operator": "vodacom"}
    return _json({**who, "command": "initiate" if press.is_first else "continue", "payload": payload})


def _opcode(press: Press) -> Call:
    who = {"msisdn": press.msisdn, "sessionID": press.session_id, "network": "01", "code": press.code}
    return _json({**who, "ussdServiceOp": "1" if press.is_first else "18", "ussdString": press.latest})


def _infobip(press: Press) -> Call:
    members = {"msisdn": _digits(press), "text": press.latest, "shortCode": press.code, "ussdGwId": "trial"}
    return _json(members, f"/{press.session_id}/{'start' if press.is_first else 'response'}")


def _dynmenu(press: Press) -> Call:
    return _xml(
        f"<USSDDynMenuRequest><requestId>{len(press.typed) + 1}</requestId><sessionId>{press.session_id}</sessionId>"
        f"<msisdn>{_digits(press)}</msisdn><timeStamp>2026/01/01 00:00:00</timeStamp><starCode>{press.code}</starCode>"
        f"<userData>{escape(press.latest)}</userData></USSDDynMenuRequest>"
    )


def _truroute(press: Press) -> Call:
    return _xml(
        f"<ussd><msisdn>{_digits(press)}</msisdn><sessionid>{press.session_id}</sessionid>"
        f"<type>{1 if press.is_first else 2}</type><msg>{escape(press.latest)}</msg></ussd>"
    )


def _flares(press: Press) -> Call:
    typed = press.string.strip("*#") if press.is_first else press.latest
    return _get({"SessionID": press.session_id, "MSISDN": _digits(press), "MSC": "trial", "input": typed})


def _dmark(press: Press) -> Call:
    who = {"transactionId": press.session_id, "msisdn": _digits(press), "ussdServiceCode": press.code.strip("*#")}
    return _get({**who, "ussdRequestString": press.latest, "response": "false" if press.is_first else "true"})


def _hollatags(press: Press) -> Call:
    who = {"session_msisdn": _digits(press), "session_id": press.session_id, "session_mno": "MTN"}
    operation = "begin" if press.is_first else "continue"
    return _get({**who, "session_operation": operation, "session_msg": press.latest, "session_type": "1"})


def _latest_or_nothing(press: Press) -> str:
    """A line without a word for a beginning sends nothing for the code alone."""
    return "" if press.is_first and not press.dialled else press.latest


WIRES: Final[Mapping[str, Wire]] = {
    "africastalking": Wire(_africastalking, _verb),
    "plain": Wire(_plain(lambda press: press.inputs), _verb),
    "plain_latest": Wire(_plain(_latest_or_nothing), _verb),
    "hubtel": Wire(_hubtel, _members("Message", "Type", "Release")),
    "nalo": Wire(_nalo, _members("MSG", "MSGTYPE", ends=False)),
    "arkesel": Wire(_arkesel, _members("message", "continueSession", ends=False)),
    "beem": Wire(_beem, _members("payload.request", "command", "terminate")),
    "opcode": Wire(_opcode, _members("message", "ussdServiceOp", 17)),
    "infobip": Wire(_infobip, _members("ussdMenu", "shouldClose", ends=True)),
    "dynmenu": Wire(_dynmenu, _elements("dataSet/param/value", "dataSet/param/rspFlag", "2")),
    "truroute": Wire(_truroute, _elements("msg", "type", "3")),
    "flares": Wire(_flares, _freeflow),
    "dmark": Wire(_dmark, _members("responseString", "action", "end")),
    "hollatags": Wire(_hollatags, _members("session_msg", "session_operation", "end")),
}

assert set(WIRES) == {name for name, gateway in GATEWAYS.items() if gateway.is_http}
