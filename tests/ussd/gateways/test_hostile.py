"""What no gateway would send, to each of them: a step comes of it, or BadStep with a field's name, and nothing else."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.cases import every_case
from tests.ussd.lines import CODE, HTTP, LINES, ROUTE, Press
from ussd import GATEWAYS, BadStep, Call, Reply, Route, Step
from ussd.gateways.reading import FIELDS_MAX, TEXT_CHARS_MAX
from ussd.wire import BODY_BYTES_MAX, QUERY_CHARS_MAX

OPENING = Press("+254711000111", "s-1", "")
ANSWERING = Press("+254711000111", "s-1", "", ("1", "7421"), count=3)

BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">'.encode() for n in range(1, 10))
    + b"]><%b><msg>&lol9;</msg></%b>"
)
EXTERNAL = b'<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><%b><msg>&xxe;</msg></%b>'
PARAMETER = b'<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1/x"> %e;]><%b/>'
EMPTY_DTD = b"<!DOCTYPE x><%b/>"
ROOTS = {"dynmenu": b"USSDDynMenuRequest", "truroute": b"ussd"}

# What a call cannot do without, and what it can.
NEEDED = {
    "africastalking": ({"sessionId", "serviceCode", "phoneNumber", "text"}, {"networkCode"}),
    "plain": ({"ORIG", "SESSION_ID", "USSD_PARAMS"}, {"DEST"}),
    "plain_latest": ({"SESSIONID", "MSISDN", "INPUT"}, {"USSDCODE"}),
    "hubtel": (
        {"Sequence", "Type", "Message", "Mobile", "SessionId"},
        {"ServiceCode", "Operator", "ClientState", "Platform"},
    ),
    "nalo": ({"MSISDN", "USERDATA", "MSGTYPE"}, {"USERID", "NETWORK", "SESSIONID"}),
    "arkesel": ({"sessionID", "newSession", "msisdn", "userData"}, {"userID", "network"}),
    "beem": ({"command", "msisdn", "session_id", "payload"}, {"operator"}),
    "opcode": ({"ussdString", "msisdn", "ussdServiceOp", "sessionID"}, {"network", "code", "country"}),
    "infobip": ({"msisdn", "text"}, {"imsi", "shortCode", "ussdGwId"}),
    "dynmenu": ({"requestId", "msisdn", "userData"}, {"sessionId", "timeStamp", "starCode", "keyWord", "dataSet"}),
    "truroute": ({"msisdn", "sessionid", "type", "msg"}, set()),
    "flares": ({"SessionID", "MSISDN", "input"}, {"MSC"}),
    "dmark": (
        {"transactionId", "msisdn", "ussdRequestString", "response"},
        {"ussdServiceCode", "transactionTime", "creationTime"},
    ),
    "hollatags": (
        {"session_msisdn", "session_operation", "session_msg", "session_id"},
        {"session_from", "session_type", "session_mno"},
    ),
}
# Where a field is not called what it is called on the wire.
OURS = {
    "plain": {"DEST": "service_code", "ORIG": "msisdn", "SESSION_ID": "session_id", "USSD_PARAMS": "text"},
    "plain_latest": {"USSDCODE": "service_code", "MSISDN": "msisdn", "SESSIONID": "session_id", "INPUT": "text"},
}


def kind_of(call: Call) -> str:
    if call.method == "GET":
        return "query"
    return {"{": "json", "<": "xml"}.get(call.body[:1].decode(), "form")


def fields_of(call: Call) -> dict[str, Any]:
    match kind_of(call):
        case "query":
            return dict(parse_qsl(call.query, keep_blank_values=True))
        case "form":
            return dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        case "json":
            found: dict[str, Any] = json.loads(call.body)
            return found
        case _:
            return {child.tag: child for child in ElementTree.fromstring(call.body)}


def with_fields(call: Call, fields: Mapping[str, Any]) -> Call:
    match kind_of(call):
        case "query":
            return replace(call, query=urlencode(fields))
        case "form":
            return replace(call, body=urlencode(fields).encode())
        case "json":
            return replace(call, body=json.dumps(fields).encode())
        case _:
            root = ElementTree.Element(ElementTree.fromstring(call.body).tag)
            for name, value in fields.items():
                if isinstance(value, ElementTree.Element):
                    root.append(value)
                else:
                    ElementTree.SubElement(root, name).text = str(value)
            return replace(call, body=ElementTree.tostring(root))


def decode(gateway: str, call: Call, route: Route = ROUTE) -> Step:
    return GATEWAYS[gateway].decode(call, route)


def refused(gateway: str, call: Call) -> str:
    with pytest.raises(BadStep) as problem:
        decode(gateway, call)
    return str(problem.value)


every_gateway = pytest.mark.parametrize("gateway", GATEWAYS)
every_http_gateway = pytest.mark.parametrize("gateway", HTTP)  # of smpp see test_smpp.py


def calls(gateway: str) -> Iterator[Call]:
    line = LINES[gateway]
    yield line.step(OPENING)
    yield line.step(ANSWERING)
    if line.notice:
        yield line.notice(ANSWERING)


@every_http_gateway
def test_the_tables_know_every_field(gateway: str) -> None:
    needed, others = NEEDED[gateway]
    assert set(fields_of(LINES[gateway].step(ANSWERING))) == needed | others


@every_http_gateway
def test_a_field_that_is_missing_or_empty_is_named(gateway: str) -> None:
    call = LINES[gateway].step(ANSWERING)
    for name in NEEDED[gateway][0]:
        fields = fields_of(call)
        fields.pop(name)
        told = OURS.get(gateway, {}).get(name, name)
        assert refused(gateway, with_fields(call, fields)) == f"{told} is missing"


@every_http_gateway
def test_fields_that_we_do_not_need_may_be_missing_and_unknown_ones_are_ignored(gateway: str) -> None:
    call = LINES[gateway].step(ANSWERING)
    step = decode(gateway, call)
    fields = {name: value for name, value in fields_of(call).items() if name in NEEDED[gateway][0]}
    bare = decode(gateway, with_fields(call, fields))
    assert (bare.msisdn, bare.event, bare.text) == (step.msisdn, step.event, step.text)
    assert bare.service_code == CODE  # the route's
    assert decode(gateway, with_fields(call, {**fields_of(call), "unknown": "1", "text2": "x"})) == step


BAD_VALUES: dict[str, Any] = {
    "list": [1],
    "object": {"a": 1},
    "fraction": 1.5,
    "true": True,
    "no number": "१२३",
    "nothing": None,
    "large": 10**300,
    "negative": -1,
    "long": "7" * 5_000,
    "NUL": "1\x00",
    "control": "1\x1b[31m",
    "other direction": "\u202e1",
    "quotes": "'; DROP TABLE --<x>&\"",
    "half a pair": "\\ud800",
    "blank": " ",
}


@every_http_gateway
@every_case("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_any_value_in_any_field_is_taken_or_refused_by_its_name_and_never_echoed(gateway: str, value: Any) -> None:
    for call in calls(gateway):
        if kind_of(call) == "xml" and any(ord(character) < 32 for character in str(value)):
            continue  # no XML
        for name, before in fields_of(call).items():
            changed = with_fields(call, {**fields_of(call), name: value})
            try:
                step = decode(gateway, changed)
            except BadStep as problem:
                told = OURS.get(gateway, {}).get(name, name)
                inside = isinstance(before, ElementTree.Element | dict)
                assert told in str(problem) or inside or str(problem) == "the query is too long"
                assert len(str(problem)) < 80
                assert "DROP" not in str(problem)
                continue
            assert not step.msisdn or (step.msisdn[0] == "+" and step.msisdn[1:].isdecimal())
            assert step.session_id.isascii()
            answer = GATEWAYS[gateway].encode(step, Reply("Hello", end=False))
            assert answer.status == 200


@every_gateway
def test_a_text_is_taken_as_typed_whatever_it_is_and_not_without_end(gateway: str) -> None:
    for typed in ("*#", "1*2#", "\u0665", "😀", "a&b<c>\"'", "%2A", "1 2 ", "+1"):
        press = replace(ANSWERING, typed=(typed,))
        assert decode(gateway, LINES[gateway].step(press)).text == typed
    longest = replace(ANSWERING, typed=("1" * TEXT_CHARS_MAX,))
    assert decode(gateway, LINES[gateway].step(longest)).text
    assert refused(gateway, LINES[gateway].step(replace(ANSWERING, typed=("1" * (TEXT_CHARS_MAX + 1),)))).endswith(
        " is too long"
    )


@every_http_gateway
@every_case("phone", ["+254711", "+2547110000011111", "abc", "tel:+254711000111", "+254 711", "254711000111\n"])
def test_a_phone_that_is_none_is_refused(gateway: str, phone: str) -> None:
    call = LINES[gateway].step(ANSWERING)
    names = {"msisdn", "phonenumber", "orig", "mobile", "session_msisdn"}
    name = next(one for one in NEEDED[gateway][0] if one.lower() in names)
    told = OURS.get(gateway, {}).get(name, name)
    assert refused(gateway, with_fields(call, {**fields_of(call), name: phone})) == f"{told} is not valid"


BODIES = {
    "nothing": b"",
    "blank": b" \n",
    "bad UTF-8": b"\xff\xfe\x00",
    "UTF-16": "<ussd/>{}".encode("utf-16"),
    "NUL": b"\x00" * 40,
    "cut off": b'{"Type": "Initiation", "Mob',
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "text": b'"Initiation"',
    "deep JSON": b'{"x":' * 3_000 + b"1" + b"}" * 3_000,
    "deep lists": b"[" * 16_000,
    "deep XML": b"<x>" * 2_000 + b"</x>" * 2_000,
    "tag left open": b"<ussd><type>1",
    "two documents": b"<ussd/><ussd/>",
    "HTML": b"<html><body>504 Gateway Timeout</body></html>",
    "many fields": b"&".join(b"f%d=1" % number for number in range(FIELDS_MAX + 1)),
    "half a code": b"text=%f",
    "no UTF-8 in code": b"text=%ff&sessionId=%c3",
    "too long": b"text=" + b"1" * BODY_BYTES_MAX,
}


@every_http_gateway
@every_case("body", BODIES.values(), ids=BODIES)
def test_a_body_that_cannot_be_read_is_refused(gateway: str, body: bytes) -> None:
    call = LINES[gateway].step(ANSWERING)
    if call.method == "GET":
        call = replace(call, query=body.decode("latin-1"))
    refused(gateway, replace(call, body=body))
    refused(gateway, replace(call, method="POST", query="", body=body))


@every_http_gateway
def test_a_query_without_end_is_refused(gateway: str) -> None:
    call = LINES[gateway].step(ANSWERING)
    if call.method == "GET":
        assert "too long" in refused(gateway, replace(call, query=f"{call.query}&x={'1' * QUERY_CHARS_MAX}"))


@pytest.mark.parametrize("gateway", ROOTS)
@pytest.mark.parametrize("document", [BILLION_LAUGHS, EXTERNAL, PARAMETER, EMPTY_DTD])
def test_documents_with_entities_or_a_dtd_are_refused(gateway: str, document: bytes) -> None:
    body = document.replace(b"%b", ROOTS[gateway])
    assert refused(gateway, replace(LINES[gateway].step(ANSWERING), body=body)) == "the body is not XML"


@pytest.mark.parametrize("gateway", ROOTS)
def test_xml_may_be_of_another_charset_carry_a_namespace_and_blanks_in_front(gateway: str) -> None:
    call = LINES[gateway].step(ANSWERING)
    step, root = decode(gateway, call), ROOTS[gateway]
    named = call.body.replace(b"<" + root + b">", b"<" + root + b' xmlns="urn:x">')
    marked = b"\n <?xml version='1.0' encoding='iso-8859-1'?>" + named
    assert decode(gateway, replace(call, body=marked)) == step
    typed = marked.replace(b">7421<", b">Caf\xe9<")
    assert decode(gateway, replace(call, body=typed)).text == "Café"
    assert refused(gateway, replace(call, body=marked.replace(b"iso-8859-1", b"no-such-charset")))


@pytest.mark.parametrize("gateway", ROOTS)
def test_xml_may_be_neither_deep_nor_wide(gateway: str) -> None:
    call, root = LINES[gateway].step(ANSWERING), ROOTS[gateway]
    deep = b"<%b>" % root + b"<x>" * 8 + b"</x>" * 8 + b"</%b>" % root
    wide = b"<%b>" % root + b"<x/>" * (FIELDS_MAX + 1) + b"</%b>" % root
    assert refused(gateway, replace(call, body=deep)) == "the XML is too deep"
    assert refused(gateway, replace(call, body=wide)) == "the XML has too many elements"


@pytest.mark.parametrize(
    "path", ["", "/", "/start", "/s-1", "/s-1/", "/s-1/begin", "/s 1/start", "/a/b/start", "//end"]
)
def test_a_path_of_infobip_that_leads_nowhere_is_refused(path: str) -> None:
    call = LINES["infobip"].step(ANSWERING)
    if path == "/a/b/start":  # a session's id may hold a slash
        assert decode("infobip", replace(call, path=path)).session_id == "a/b"
    else:
        refused("infobip", replace(call, path=path))


@every_gateway
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_bytes_are_a_step_or_refused(gateway: str, data: st.DataObject) -> None:
    call = data.draw(st.sampled_from(list(calls(gateway))))
    at = data.draw(st.integers(0, max(len(call.body), len(call.query), 1)))
    noise = data.draw(st.binary(max_size=12))
    body = call.body[:at] + noise + call.body[at + data.draw(st.integers(0, 12)) :]
    query = call.query[:at] + noise.decode("latin-1") + call.query[at:]
    for changed in (replace(call, body=body), replace(call, query=query), replace(call, body=noise, query="")):
        try:
            step = decode(gateway, changed)
        except BadStep as problem:
            assert len(str(problem)) < 80
            continue
        assert step.gateway == gateway


@every_gateway
@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=200), end=st.booleans())
def test_any_text_reaches_the_phone_without_what_no_screen_shows(gateway: str, text: str, end: bool) -> None:
    read: Callable[[Any], tuple[str, bool]] = LINES[gateway].read
    step = decode(gateway, LINES[gateway].step(ANSWERING))
    kept = "".join(one for one in text if one == "\n" or not (ord(one) < 32 or one in "\x7f\ufffe\uffff"))
    while gateway in {"africastalking", "plain", "plain_latest"} and kept.startswith(("CON ", "END ")):
        kept = kept[4:]
    kept = kept.lstrip("\n") if gateway == "flares" else kept
    answer = GATEWAYS[gateway].encode(step, Reply(text, end=end))
    assert answer.status == 200
    assert read(answer) == (kept, end)


@every_gateway
def test_what_a_reply_says_cannot_break_out_of_its_wire(gateway: str) -> None:
    text = 'Duka</msg><type>3</type> ]]> "},{"Type":"Release" & \\ \r\nFreeflow: FB'
    step = decode(gateway, LINES[gateway].step(ANSWERING))
    answer = GATEWAYS[gateway].encode(step, Reply(text, end=False))
    assert LINES[gateway].read(answer) == (text.replace("\r", ""), False)
    assert all("\n" not in value and "Duka" not in value for _, value in answer.headers)


@every_http_gateway
def test_what_is_echoed_cannot_break_out_of_its_wire(gateway: str) -> None:
    """Only names that were checked come back."""
    call = LINES[gateway].step(ANSWERING)
    for name in fields_of(call):
        changed = with_fields(call, {**fields_of(call), name: "</x>\r\nFreeflow: FB"})
        try:
            step = decode(gateway, changed)
        except BadStep:
            continue
        answer = GATEWAYS[gateway].encode(step, Reply("Hello", end=False))
        assert LINES[gateway].read(answer) == ("Hello", False)
        assert all("Freeflow" not in value for _, value in answer.headers)


@every_gateway
def test_a_notice_is_answered_with_nothing_to_show(gateway: str) -> None:
    notice = LINES[gateway].notice
    assert bool(GATEWAYS[gateway].notices) == (notice is not None)
    if notice:
        step = decode(gateway, notice(ANSWERING))
        assert (step.is_notice, step.text, step.event in GATEWAYS[gateway].notices) == (True, "", True)
        answer = GATEWAYS[gateway].encode(step, Reply("", end=True))
        assert answer.status == 200
        assert answer.body == (b"" if gateway != "infobip" else b'{"responseExitCode":200,"responseMessage":""}')
