"""Messages before they are stored: what their outside says, what they are about, and how a refusal answers them."""

from itertools import product
from typing import Any

import pytest

from merchant.core import clock
from merchant.hub.envelopes import About, Returned
from merchant.hub.fspiop.arriving import (
    about_of,
    about_of_path,
    check_body,
    known_resource,
    read_heading,
    refusal_answer,
    returned_of,
    wire_code,
)
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.headers import http_date, media_type
from merchant.hub.fspiop.messages import encode_error
from merchant.hub.fspiop.reading import _READERS
from merchant.hub.fspiop.resources import ANSWERED
from merchant.hub.port import MessageRefused, Refusal

ID = "7c23e80c-d078-4077-8263-2c047876fcf6"


def heading(method: str, path: str, query: str = "", **changes: str) -> Any:
    resource = path.split("/")[1]
    headers = {
        "date": http_date(clock.now()),
        "fspiop-source": "payerfsp",
        "content-type": media_type(resource, "1.1"),
        "accept": media_type(resource, "1"),
    }
    return read_heading(method, path, query, headers | changes)


@pytest.mark.parametrize(
    ("method", "path", "kind", "begins", "wants_promise", "is_of_under_way"),
    [
        ("POST", "/quotes", "POST quotes", True, True, False),
        ("POST", "/transfers", "POST transfers", True, False, False),
        ("GET", f"/transfers/{ID}", "GET transfers", False, False, True),
        ("PATCH", f"/transfers/{ID}", "PATCH transfers", False, False, True),
        ("PUT", f"/transfers/{ID}/error", "PUT transfers/error", False, False, True),
        ("PUT", f"/transactionRequests/{ID}/error", "PUT transactionRequests/error", False, False, True),
        ("GET", "/parties/ALIAS/1001", "GET parties", False, False, False),
    ],
)
def test_a_heading_tells_what_is_wanted_without_the_body(
    method: str, path: str, kind: str, begins: bool, wants_promise: bool, is_of_under_way: bool
) -> None:
    read = heading(method, path)
    told = (read.kind, read.begins, read.wants_promise, read.is_of_under_way)
    assert told == (kind, begins, wants_promise, is_of_under_way)
    assert (read.source, read.destination) == ("payerfsp", None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"date": ""}, "3102"),
        ({"fspiop-source": "two words"}, "3101"),
        ({"content-type": "application/json"}, "3101"),
        ({"content-type": media_type("quotes", "3.0")}, "3001"),
    ],
)
def test_a_heading_that_cannot_be_read_is_refused_with_the_wires_code(changes: dict[str, str], code: str) -> None:
    with pytest.raises(MessageRefused) as caught:
        heading("POST", "/quotes", **changes)
    assert wire_code(caught.value) == code


@pytest.mark.parametrize("resource", ANSWERED)
def test_every_request_that_is_taken_is_one_that_is_answered(resource: str) -> None:
    """Those of all forms of a path."""
    for method, path in product(("GET", "POST"), (f"/{resource}", f"/{resource}/1", f"/{resource}/ALIAS/1")):
        try:
            taken = heading(method, path)
        except MessageRefused:
            continue
        assert (method, taken.resource, False) in _READERS, f"{method} {path}"


def test_a_malformed_body_is_refused_and_one_that_says_nothing_is_not_read() -> None:
    with pytest.raises(MessageRefused):
        check_body("POST", heading("POST", "/quotes"), b"{}")
    with pytest.raises(MessageRefused):
        check_body("PUT", heading("PUT", f"/quotes/{ID}/error"), b"not JSON")
    assert check_body("GET", heading("GET", f"/quotes/{ID}"), b"not JSON") is None


@pytest.mark.parametrize(("code", "hub_may_know"), [("1001", True), ("3204", True), ("4101", False), ("5104", False)])
def test_an_error_about_a_request_may_be_our_own_message_given_back(code: str, hub_may_know: bool) -> None:
    body = encode_error(FspiopError(code, "x"))
    read = heading("PUT", f"/transactionRequests/{ID}/error")
    assert returned_of("PUT", read, body) == Returned(ID, hub_may_know)
    assert returned_of("PUT", heading("PUT", f"/quotes/{ID}/error"), body) is None
    assert returned_of("PUT", heading("PUT", f"/transactionRequests/{ID}"), b"{}") is None


@pytest.mark.parametrize(
    ("method", "path", "body", "about"),
    [
        ("GET", f"/transfers/{ID}", b"", About(hub_id=ID)),
        ("PUT", f"/quotes/{ID}/error", b"", About(hub_id=ID)),
        ("POST", "/quotes", b'{"quoteId":"q1","transactionRequestId":"r1"}', About(hub_id="r1")),
        ("POST", "/transfers", b'{"transferId":"t1"}', About(hub_id="t1")),
        ("POST", "/transfers", b"{}", None),
        ("POST", "/transfers", b"\xff", None),
        ("PUT", "/parties/MSISDN/%2B254711000001", b"", About(payer="254711000001")),
        ("PUT", "/parties/MSISDN/nobody", b"", None),
        ("PUT", "/parties/ALIAS/1001", b"", None),
    ],
)
def test_a_message_is_about_what_its_path_or_body_names(
    method: str, path: str, body: bytes, about: About | None
) -> None:
    assert about_of(heading(method, path), body) == about
    assert about_of_path(method, path, body) == about


def test_a_path_of_no_message_is_about_nothing() -> None:
    assert about_of_path("PUT", "/elsewhere/1", b"{}") is None


def test_a_refusal_is_answered_at_once_in_the_wires_own_form() -> None:
    status, body = refusal_answer(MessageRefused(Refusal.BUSY, "later"))
    assert (status, body) == (503, encode_error(FspiopError("2003", "later")))
    assert refusal_answer(FspiopError("3002", "Unknown URI", 404))[0] == 404
    assert (known_resource("quotes"), known_resource("x' OR 1")) == ("quotes", "none")
