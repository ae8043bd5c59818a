"""A gateway's call taken apart: its fields from a form, a query, JSON or XML, and each field checked.

What cannot be read raises BadStep, which names the field and never its value. Unknown fields are ignored; a field that
is empty, or null, is one that is missing unless it may be empty.
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element

import msgspec
from defusedxml.ElementTree import ParseError, iterparse

from ussd.session import BadStep
from ussd.wire import BODY_BYTES_MAX, QUERY_CHARS_MAX, Call, Route

Fields = Mapping[str, object]
_NO_ROUTE: Final = Route()

FIELDS_MAX: Final = 50
TEXT_CHARS_MAX: Final = 12_000  # nobody types so much, but who does is told so on a screen
XML_DEPTH_MAX: Final = 8  # the deepest message known has four levels
DIGITS_MAX: Final = 15  # of a telephone number, E.164
HOME_DIGITS_MAX: Final = 9  # of a number without country code and trunk 0, in the countries whose gateways send such

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_.:@+/=-]{1,100}")
_MSISDN: Final = re.compile(r"(\+|00| )?([0-9]{6,17})", re.ASCII)
# `*384*123#`, `#150#`, `*#150#`, and bare `384*123`: a code on its own may be as long as a telephone number.
_CODE: Final = re.compile(r"(\*#|\*|#)?([0-9]{1,12}(?:\*[0-9]{1,12}){0,4})#?", re.ASCII)
CODE_CHARS_MAX: Final = 40
_NAME: Final = re.compile(r"[0-9A-Za-z_.:/+-][0-9A-Za-z_.:/+ -]{0,63}", re.ASCII)
_DIALLED: Final = re.compile(r"(\*#|\*|#)[0-9]", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}


def form_fields(call: Call) -> dict[str, str]:
    """The fields of a form, blank ones kept."""
    return _parameters(_body(call), "form")


def query_fields(call: Call) -> dict[str, str]:
    """The parameters of the query, blank ones kept."""
    if len(call.query) > QUERY_CHARS_MAX:
        raise BadStep("the query is too long")
    return _parameters(call.query, "query")


def json_fields(call: Call) -> Fields:
    """The members of a JSON object."""
    try:
        found = msgspec.json.decode(_body(call))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadStep("the body is not JSON") from None
    return members(found, "the body")


def members(found: object, name: str) -> Fields:
    """A value that must be a JSON object."""
    if not isinstance(found, dict):
        raise BadStep(f"{name} is missing" if found is None else f"{name} is not an object")
    return found


def xml_root(call: Call, name: str) -> Element:
    """The root element, which must have this name. Documents with a DTD, and with it entities, are refused.

    Namespaces, and blanks before the declaration, are ignored.
    """
    depth, root = 0, Element("")
    try:
        for event, node in iterparse(io.BytesIO(_raw_body(call).strip()), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                node.tag = node.tag.rpartition("}")[2]
                root = root if depth else node
                depth += 1
                if depth > XML_DEPTH_MAX:
                    raise BadStep("the XML is too deep")
            else:
                depth -= 1
    except BadStep:
        raise
    except (ParseError, ValueError, LookupError):  # defusedxml's refusals are ValueErrors
        raise BadStep("the body is not XML") from None
    if root.tag != name:
        raise BadStep(f"the body is no {name}")
    return root


def xml_fields(node: Element) -> dict[str, str]:
    """The texts of an element's children, by name."""
    return {child.tag: "".join(child.itertext()) for child in _limited(node)}


def _limited(node: Element) -> Iterator[Element]:
    if len(node) > FIELDS_MAX:
        raise BadStep("the XML has too many elements")
    yield from node


def _raw_body(call: Call) -> bytes:
    if len(call.body) > BODY_BYTES_MAX:
        raise BadStep("the body is too long")
    return call.body


def _body(call: Call) -> str:
    try:
        return _raw_body(call).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadStep("the body is not UTF-8") from None


def _parameters(encoded: str, kind: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX))
    except ValueError:
        raise BadStep(f"the {kind} is not UTF-8, or has too many fields") from None


def optional(fields: Fields, name: str) -> str:
    """A field as text, blanks around it removed; empty when it is missing. A whole number will do as well."""
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadStep(f"{name} is not valid")
    return str(value).strip()


def required(fields: Fields, name: str) -> str:
    """A field that must be there and not be empty."""
    value = optional(fields, name)
    if not value:
        raise BadStep(f"{name} is missing")
    return value


def session_id(fields: Fields, name: str) -> str:
    """The gateway's name of the session."""
    return _matching(_SESSION_ID, required(fields, name), name)


def name_of(fields: Fields, name: str) -> str:
    """A short name of something, like an operator or an account, which may be missing."""
    value = optional(fields, name)
    return _matching(_NAME, value, name) if value else ""


def text(fields: Fields, name: str, *, may_miss: bool = False) -> str:
    """What was typed, as sent; it may be empty."""
    value = fields.get(name, "" if may_miss else None)
    if value is None:
        if may_miss:
            return ""
        raise BadStep(f"{name} is missing")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadStep(f"{name} is not valid")
    typed = str(value)
    if len(typed) > TEXT_CHARS_MAX:
        raise BadStep(f"{name} is too long")
    # A handset's @ arrives as ¡: both are 0x40, in ASCII and in the 7-bit alphabet.
    return typed.replace("¡", "@")


def flag(fields: Fields, name: str) -> bool:
    """Yes or no, as JSON or in words."""
    value = fields.get(name)
    if value is None or value == "":
        raise BadStep(f"{name} is missing")
    found = _FLAGS.get(str(value).lower()) if isinstance(value, bool | int | str) else None
    if found is None:
        raise BadStep(f"{name} is not valid")
    return found


def number(fields: Fields, name: str) -> int:
    """A whole number of at most nine digits, as such or as text."""
    return int(_matching(_NUMBER, required(fields, name), name))


def msisdn(fields: Fields, name: str, route: Route) -> str:
    """The phone's number with its plus, as E.164 has it, from any of the forms in which gateways write one.

    Numbers as written at home, `0711000111` or `711000111`, need the route's calling code: without it they are refused,
    for they would be those of somebody else. A blank in front is a plus that was not encoded.
    """
    value = fields.get(name)
    if value is None or value == "":
        raise BadStep(f"{name} is missing")
    written = _MSISDN.fullmatch(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if written is None:
        raise BadStep(f"{name} is not valid")
    digits = _international(written[1] or "", written[2], route)
    if digits.startswith("0") or not 7 <= len(digits) <= DIGITS_MAX:
        raise BadStep(f"{name} is not valid")
    return f"+{digits}"


def _international(mark: str, digits: str, route: Route) -> str:
    calling_code, trunk, lengths = route.calling_code, route.trunk_prefix, route.home_lengths
    if lengths and calling_code:
        abroad = digits.removeprefix(calling_code)
        if abroad != digits and _is_home_number(abroad, trunk, lengths):  # also `254 0711 000111`
            return calling_code + (abroad if len(abroad) in lengths else abroad.removeprefix(trunk))
        if not mark and _is_home_number(digits, trunk, lengths):
            return calling_code + (digits if len(digits) in lengths else digits.removeprefix(trunk))
    if mark:
        return digits
    if lengths:
        # With fewer digits than a whole number it is neither of here nor of another country.
        return digits if len(digits) > HOME_DIGITS_MAX + 1 and not digits.startswith("0") else ""
    if digits.startswith("0") or len(digits) <= HOME_DIGITS_MAX:
        return calling_code + digits.removeprefix("0") if calling_code else ""
    # One digit more may be a number at home as well as one of another country.
    is_doubtful = len(digits) == HOME_DIGITS_MAX + 1 and not (calling_code and digits.startswith(calling_code))
    return "" if is_doubtful else digits


def _is_home_number(digits: str, trunk: str, lengths: tuple[int, ...]) -> bool:
    return len(digits) in lengths or (bool(trunk) and digits.startswith(trunk) and len(digits) - len(trunk) in lengths)


def service_code(fields: Fields, name: str, route: Route) -> str:
    """The code that was dialled, `*384*123#` however it is written; the route's where the gateway sends none."""
    value = optional(fields, name)
    return code_of(value, name) if value else route.service_code


def code_of(text: str, name: str) -> str:
    """A service code as it is dialled: `384*123` becomes `*384*123#`; `#150#` and `*#150#` stay. Raises BadStep."""
    digits = _matching(_CODE, text, name, 2)
    if len(text) > CODE_CHARS_MAX:
        raise BadStep(f"{name} is not valid")
    return f"{text[: text.index(digits)] or '*'}{digits}#"


def is_dial_string(typed: str) -> bool:
    """Whether a text is a whole string as dialled, code and all."""
    return _DIALLED.match(typed) is not None and typed.endswith("#")


def dialled(typed: str, code: str, route: Route = _NO_ROUTE) -> str:
    """What was dialled behind a service code; nothing for the code alone, or where the code is another.

    The code is the one that was sent, or the longest of the route's that fits: not every gateway sends the whole.
    """
    return _split(typed, code, route)[1]


def dialled_code(typed: str, code: str, route: Route) -> str:
    """Which of the codes was dialled; the one that was sent where none fits."""
    return _split(typed, code, route)[0]


def behind_code(text: str, code: str, route: Route) -> tuple[str, str]:
    """The code and the inputs of cumulative text, where a line has the longer of two codes.

    A gateway that knows the shorter one alone, `*384#`, sends `123` of `*384*123#` as the first input.
    """
    ours = {route.service_code, *route.other_codes} - {""}
    if code in ours:
        return code, text
    for one in sorted(ours, key=len, reverse=True):
        rest = _bare(one).removeprefix(f"{_bare(code)}*")
        if rest != _bare(one) and f"{text}*".startswith(f"{rest}*"):
            return one, text[len(rest) + 1 :]
    return code, text


def _split(typed: str, code: str, route: Route) -> tuple[str, str]:
    whole = f"{_bare(typed.strip())}*"
    codes = {code, route.service_code, *route.other_codes} - {""}
    for one in sorted(codes, key=lambda each: (len(_bare(each)), each == code, each), reverse=True):
        start = f"{_bare(one)}*"
        if whole.startswith(start):
            return one, whole.removeprefix(start).removesuffix("*")
    return code, ""


def _bare(code: str) -> str:
    return code.lstrip("*#").rstrip("#")


def _matching(pattern: re.Pattern[str], value: str, name: str, group: int = 0) -> str:
    found = pattern.fullmatch(value)
    if found is None:
        raise BadStep(f"{name} is not valid")
    return found[group]
