"""The far end of every wire: how each gateway writes what a phone does, and what it shows of our answers.

Written from the gateways' documents, apart from `ussd.gateways`: a mistake there is not made here as well.
"""

import json
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from zlib import crc32

from msgspec import Struct

from ussd import GATEWAYS, Answer, Call, Route

CODE = "*384*123#"
ROUTE = Route(service_code=CODE, calling_code="254")
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json; charset=utf-8"}
XML = {"content-type": "text/xml"}


class Press(Struct, frozen=True):
    """What a phone did: dialled, answered or hung up, with all that was typed since the call began.

    `dialled` is what stood between the code and the hash, `typed` the answers, `count` how many messages there were.
    """

    msisdn: str
    session_id: str
    dialled: str
    typed: tuple[str, ...] = ()
    count: int = 1

    @property
    def latest(self) -> str:
        """The last answer."""
        return self.typed[-1] if self.typed else ""

    @property
    def string(self) -> str:
        """What was dialled, whole."""
        return f"{CODE[:-1]}*{self.dialled}#" if self.dialled else CODE

    @property
    def is_first(self) -> bool:
        """Whether it opens the session."""
        return not self.typed

    @property
    def all_inputs(self) -> str:
        """Cumulative text."""
        return "*".join([self.dialled, *self.typed] if self.dialled else self.typed)


class Line(Struct, frozen=True):
    """One gateway seen from outside. `notice` is how it tells of the end of a session, if it does."""

    step: Callable[[Press], Call]
    read: Callable[[Answer], tuple[str, bool]]
    notice: Callable[[Press], Call] | None = None
    dials: bool = True  # what was dialled behind the code reaches us
    is_cumulative: bool = False


def post_form(fields: Mapping[str, str]) -> Call:
    return Call("POST", headers=FORM, body=urlencode(fields).encode())


def post_json(members: Mapping[str, Any], path: str = "") -> Call:
    return Call("POST", path, headers=JSON, body=json.dumps(members).encode())


def post_xml(document: str) -> Call:
    return Call("POST", headers=XML, body=document.encode())


def get(fields: Mapping[str, str]) -> Call:
    return Call("GET", query=urlencode(fields))


def read_verb(answer: Answer) -> tuple[str, bool]:
    verb, _, text = answer.body.decode().partition(" ")
    assert verb in ("CON", "END")
    assert dict(answer.headers) == {"content-type": "text/plain; charset=utf-8"}
    return text, verb == "END"


def members_of(answer: Answer) -> dict[str, Any]:
    assert dict(answer.headers) == {"content-type": "application/json"}
    members: dict[str, Any] = json.loads(answer.body)
    return members


def element_of(answer: Answer) -> ElementTree.Element:
    assert dict(answer.headers) == {"content-type": "text/xml; charset=utf-8"}
    return ElementTree.fromstring(answer.body.decode())


# Africa's Talking, and plain


def at_form(press: Press) -> dict[str, str]:
    who = {"sessionId": press.session_id, "phoneNumber": press.msisdn, "serviceCode": CODE, "networkCode": "63902"}
    return {**who, "text": press.all_inputs}


def at_notice(press: Press) -> Call:
    form = at_form(press)
    return post_form({**form, "status": "Incomplete", "input": form.pop("text"), "hopsCount": "3"})


def safaricom(press: Press) -> Call:
    fields = {"ORIG": press.msisdn[1:], "DEST": CODE, "SESSION_ID": press.session_id, "USSD_PARAMS": press.all_inputs}
    return get(fields)


def latest_form(press: Press) -> Call:
    text = ("" if not press.dialled else press.string) if press.is_first else press.latest
    return post_form(
        {"SESSIONID": press.session_id, "MSISDN": press.msisdn[1:], "USSDCODE": CODE, "INPUT": text},
    )


# JSON


def hubtel(kind: str) -> Callable[[Press], Call]:
    def write(press: Press) -> Call:
        first = kind == "step" and press.is_first
        return post_json(
            {
                "Sequence": press.count,
                "Type": {"step": "Initiation" if first else "Response"}.get(kind, kind),
                "Message": press.string if first else press.latest,
                "ServiceCode": CODE[1:-1],
                "Operator": "mtn",
                "ClientState": "",
                "Mobile": press.msisdn[1:],
                "SessionId": press.session_id,
                "Platform": "USSD",
            }
        )

    return write


def read_hubtel(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    return members["Message"], {"Response": False, "Release": True}[members["Type"]]


def nalo(press: Press) -> Call:
    typed = press.string if press.is_first else press.latest
    who = {"USERID": "NALOTest", "MSISDN": press.msisdn[1:], "NETWORK": "MTN", "SESSIONID": press.session_id}
    return post_json({**who, "USERDATA": typed, "MSGTYPE": press.is_first})


def read_nalo(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    return members["MSG"], not members["MSGTYPE"]


def arkesel(press: Press) -> Call:
    typed = press.string if press.is_first else press.latest
    who = {"sessionID": press.session_id, "userID": "ARK_1", "msisdn": press.msisdn[1:], "network": "MTN"}
    return post_json({**who, "newSession": press.is_first, "userData": typed})


def read_arkesel(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    return members["message"], not members["continueSession"]


def beem(press: Press) -> Call:
    who = {"msisdn": press.msisdn[1:], "session_id": press.session_id, "operator": "vodacom"}
    payload = {"request_id": f"r-{press.count}", "response": "0" if press.is_first else press.latest}
    return post_json({**who, "command": "initiate" if press.is_first else "continue", "payload": payload})


def beem_notice(press: Press) -> Call:
    who = {"msisdn": press.msisdn[1:], "session_id": press.session_id, "operator": "vodacom"}
    return post_json({**who, "command": "terminate", "payload": {"request_id": "", "response": ""}})


def read_beem(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    return members["payload"]["request"], {"continue": False, "terminate": True}[members["command"]]


def opcode(operation: int | None) -> Callable[[Press], Call]:
    def write(press: Press) -> Call:
        return post_json(
            {
                "ussdString": press.string if press.is_first else press.latest,
                "msisdn": press.msisdn,
                "ussdServiceOp": str(operation or (1 if press.is_first else 18)),
                "sessionID": press.session_id,
                "network": "06",
                "code": CODE,
                "country": "GH",
            }
        )

    return write


def read_opcode(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    return members["message"], {2: False, 17: True}[members["ussdServiceOp"]]


def infobip(press: Press) -> Call:
    action = "start" if press.is_first else "response"
    text = press.string if press.is_first else press.latest
    members = {"msisdn": press.msisdn[1:], "imsi": None, "text": text, "shortCode": CODE, "ussdGwId": "live2"}
    return post_json(members, f"/{press.session_id}/{action}")


def infobip_notice(press: Press) -> Call:
    return post_json({"exitCode": 500, "reason": "timeout"}, f"/{press.session_id}/end")


def read_infobip(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    assert members["responseExitCode"] == 200
    return members["ussdMenu"], members["shouldClose"]


def dmark(press: Press) -> Call:
    return get(
        {
            "transactionId": press.session_id,
            "msisdn": press.msisdn[1:],
            "ussdServiceCode": CODE[1:-1],
            "transactionTime": "1517222608",
            "ussdRequestString": press.string if press.is_first else press.latest,
            "creationTime": "1517222608",
            "response": "false" if press.is_first else "true",
        }
    )


def read_dmark(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    return members["responseString"], {"request": False, "end": True}[members["action"]]


def hollatags(operation: str) -> Callable[[Press], Call]:
    def write(press: Press) -> Call:
        return get(
            {
                "session_msisdn": press.msisdn[1:],
                "session_operation": operation or ("begin" if press.is_first else "continue"),
                "session_msg": press.string if press.is_first else press.latest,
                "session_id": press.session_id,
                "session_from": "hollatags",
                "session_type": "1",
                "session_mno": "MTN",
            }
        )

    return write


def read_hollatags(answer: Answer) -> tuple[str, bool]:
    members = members_of(answer)
    end = {"continue": False, "end": True}[members["session_operation"]]
    assert members["session_type"] == (4 if end else 1)
    return members["session_msg"], end


# XML


def dynmenu(press: Press) -> Call:
    parameters = {"CIRCLE_ID": "1", "DIAL-CODE": CODE, "SESSION_ID": press.session_id, "TRAVERSAL-PATH": "384"}
    data = "".join(f"<param><id>{name}</id><value>{value}</value></param>" for name, value in parameters.items())
    return post_xml(
        f"<USSDDynMenuRequest><requestId>{12_000 + press.count}</requestId><sessionId/>"
        f"<msisdn>{press.msisdn[4:]}</msisdn><timeStamp>2018/01/24 08:23:28</timeStamp><starCode>{CODE}</starCode>"
        f"<keyWord>pay</keyWord><dataSet>{data}</dataSet>"
        f"<userData>{escape(press.string if press.is_first else press.latest)}</userData></USSDDynMenuRequest>"
    )


def read_dynmenu(answer: Answer) -> tuple[str, bool]:
    root = element_of(answer)
    assert root.tag == "USSDDynMenuResponse"
    return root.findtext("dataSet/param/value") or "", root.findtext("dataSet/param/rspFlag") == "2"


def truroute(kind: int | None) -> Callable[[Press], Call]:
    def write(press: Press) -> Call:
        text = escape(press.string if press.is_first else press.latest)
        return post_xml(
            f"<ussd><msisdn>{press.msisdn[1:]}</msisdn><sessionid>{press.session_id}</sessionid>"
            f"<type>{kind or (1 if press.is_first else 2)}</type><msg>{text}</msg></ussd>"
        )

    return write


def read_truroute(answer: Answer) -> tuple[str, bool]:
    assert b"\n" not in answer.body
    root = element_of(answer)
    return root.findtext("msg") or "", {"2": False, "3": True}[root.findtext("type") or ""]


# Headers


def flares(press: Press) -> Call:
    text = press.string[1:-1] if press.is_first else press.latest
    return get({"SessionID": press.session_id, "MSISDN": press.msisdn[1:], "MSC": press.msisdn[1:], "input": text})


def flares_notice(press: Press) -> Call:
    who = {"SessionID": press.session_id, "msisdn": press.msisdn[1:]}
    return get({**who, "clean": "clean-session", "error": "522"})


def read_flares(answer: Answer) -> tuple[str, bool]:
    headers = dict(answer.headers)
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert (headers["charge"], headers["amount"]) == ("N", "0")
    return answer.body.decode(), {"FC": False, "FB": True}[headers["Freeflow"]]


# SMPP: units of 3.4 by struct alone; a phone's session has 15 bits, shifted by one for the end.


def smpp_reference(press: Press) -> int:
    return (crc32(press.session_id.encode()) & 0x7FFF) << 1


def smpp_unit(press: Press, operation: int, reference: int, typed: str, *further: tuple[int, bytes]) -> Call:
    wide = not typed.isascii() or any(one in typed for one in "_`$@\\[]^{}|~\0")
    octets = typed.encode("utf-16-be" if wide else "ascii")
    tlvs = ((0x0501, bytes([operation])), (0x1383, struct.pack(">H", reference)), *further)
    short, tlvs = (octets, tlvs) if len(octets) < 255 else (b"", (*tlvs, (0x0424, octets)))
    body = (
        b"USSD\0"
        + b"\1\1" + press.msisdn[1:].encode() + b"\0"
        + b"\0\0" + CODE[1:-1].split("*")[0].encode() + b"\0"
        + bytes([0, 0, 0, 0, 0, 0, 0, 8 if wide else 0, 0, len(short)]) + short
        + b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in tlvs)
    )  # fmt: skip
    return Call("SMPP", body=struct.pack(">4I", 16 + len(body), 5, 0, press.count) + body)


def smpp(press: Press) -> Call:
    operation, typed = (1, press.string) if press.is_first else (18, press.latest)
    return smpp_unit(press, operation, smpp_reference(press), typed)


def smpp_notice(press: Press) -> Call:
    return smpp_unit(press, 18, smpp_reference(press) | 1, "")


GSM7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
GSM7 += "abcdefghijklmnopqrstuvwxyzäöñüà"
ESCAPED = {0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}


def read_gsm7(octets: bytes) -> str:
    text = ""
    for octet in octets:
        text = text[:-1] + ESCAPED[octet] if text.endswith("\x1b") else text + GSM7[octet]
    return text


def read_smpp(answer: Answer) -> tuple[str, bool]:
    length, command, status, _ = struct.unpack(">4I", answer.body[:16])
    assert (length, command, status, answer.headers) == (len(answer.body), 4, 0, ())
    service, rest = answer.body[16:].split(b"\0", 1)
    source, rest = rest[2:].split(b"\0", 1)
    destination, rest = rest[2:].split(b"\0", 1)
    assert (service, source) == (b"USSD", b"384")
    assert destination.isdigit()
    assert rest[:7] == b"\0" * 7  # at once, no receipt, and nothing of text messages
    coding, size, rest = rest[7], rest[9], rest[10:]
    text, rest, tlvs = rest[:size], rest[size:], {}
    while rest:
        tag, size = struct.unpack(">HH", rest[:4])
        tlvs[tag], rest = rest[4 : 4 + size], rest[4 + size :]
    text = tlvs.pop(0x0424, text)
    end = {b"\x02": False, b"\x11": True}[tlvs.pop(0x0501)]
    assert tlvs.pop(0x1383)[1] & 1 == end
    assert tlvs == {}
    return text.decode("utf-16-be") if coding == 8 else read_gsm7(text), end


LINES = {
    "africastalking": Line(lambda press: post_form(at_form(press)), read_verb, at_notice, is_cumulative=True),
    "plain": Line(safaricom, read_verb, is_cumulative=True),
    "plain_latest": Line(latest_form, read_verb),
    "hubtel": Line(hubtel("step"), read_hubtel, hubtel("Release")),
    "nalo": Line(nalo, read_nalo),
    "arkesel": Line(arkesel, read_arkesel),
    "beem": Line(beem, read_beem, beem_notice, dials=False),
    "opcode": Line(opcode(None), read_opcode, opcode(30)),
    "infobip": Line(infobip, read_infobip, infobip_notice),
    "dynmenu": Line(dynmenu, read_dynmenu),
    "truroute": Line(truroute(None), read_truroute, truroute(3)),
    "flares": Line(flares, read_flares, flares_notice),
    "dmark": Line(dmark, read_dmark),
    "hollatags": Line(hollatags(""), read_hollatags, hollatags("end")),
    "smpp": Line(smpp, read_smpp, smpp_notice),
}
# Those that call an address of ours; `smpp` is a connection of ours.
HTTP = [name for name, gateway in GATEWAYS.items() if gateway.is_http]

assert all(re.fullmatch(r"[a-z_]+", name) for name in LINES)
