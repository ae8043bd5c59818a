"""FSPIOP headers: what we send to real hubs and what we ask of peers."""

from datetime import UTC, datetime

import pytest

from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.headers import (
    HEADER_LENGTH_MAX,
    MediaType,
    check_headers,
    http_date,
    media_type,
    outbound_headers,
    parse_media_type,
    version_for,
)

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)
QUOTES = "application/vnd.interoperability.quotes+json;version="
HEADERS = {
    "content-type": QUOTES + "1.1",
    "accept": QUOTES + "1",
    "date": "Sun, 22 Nov 2026 12:34:56 GMT",
    "fspiop-source": "payerfsp",
    "fspiop-destination": "merchantfsp",
}


def refusal(method: str = "POST", resource: str = "quotes", **changes: str | None) -> FspiopError:
    headers = {
        name: value
        for name, value in (HEADERS | {key.replace("_", "-"): value for key, value in changes.items()}).items()
        if value is not None
    }
    with pytest.raises(FspiopError) as caught:
        check_headers(method, resource, headers)
    return caught.value


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_carries_one_versioned_accept(method: str) -> None:
    headers = outbound_headers(method=method, resource="quotes", source="a", destination="b", date=NOW)
    assert headers == {
        "Content-Type": QUOTES + "1.1",
        "Accept": QUOTES + "1",
        "Date": "Sun, 22 Nov 2026 12:34:56 GMT",
        "FSPIOP-Source": "a",
        "FSPIOP-Destination": "b",
    }


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_callback_carries_no_accept_and_the_version_it_is_told(method: str) -> None:
    headers = outbound_headers(
        method=method,
        resource="quotes",
        source="a",
        destination="b",
        date=NOW,
        version="1.0",
        accept="1",
        traceparent="00-1-2-01",
    )
    assert headers["Content-Type"] == QUOTES + "1.0"
    assert headers["traceparent"] == "00-1-2-01"
    assert "Accept" not in headers


def test_authorizations_speak_1_0_and_a_lookup_has_no_destination() -> None:
    headers = outbound_headers(method="GET", resource="authorizations", source="a", destination=None, date=NOW)
    assert headers["Content-Type"] == "application/vnd.interoperability.authorizations+json;version=1.0"
    assert "FSPIOP-Destination" not in headers
    assert version_for("transfers") == "1.1"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (QUOTES + "1.1", MediaType("quotes", "1", "1")),
        (QUOTES + "1", MediaType("quotes", "1", None)),
        ("application/vnd.interoperability.quotes+json", MediaType("quotes", None, None)),
        (
            " application/vnd.interoperability.quotes+json ; version=2.0; charset=utf-8 ",
            MediaType("quotes", "2", "0"),
        ),
        (
            "application/vnd.interoperability.iso20022.quotes+json;version=2.0",
            MediaType("quotes", "2", "0", True),
        ),
        ("application/vnd.interoperability.quotes+json;charset=utf-8;version=1.1", MediaType("quotes", "1", "1")),
        ('application/vnd.interoperability.quotes+json;version="1.1"', MediaType("quotes", "1", "1")),
        (QUOTES + "1.1;", MediaType("quotes", "1", "1")),
        (QUOTES + '1.1 ; charset="UTF-8"', MediaType("quotes", "1", "1")),
    ],
)
def test_media_types_are_read_forgivingly(text: str, parsed: MediaType) -> None:
    assert parse_media_type(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*/*",
        "application/json",
        "application/vnd.interoperability.quotes+xml;version=1.1",
        QUOTES,
        QUOTES + "1.1.1",
        QUOTES + "one",
        QUOTES + "1.1\n;x",
        QUOTES + "1.1;q=0.9",
        QUOTES + "1.1;charset=latin-1",
        "application/vnd.interoperability.quotes+json" + ";" * HEADER_LENGTH_MAX,
    ],
)
def test_other_media_types_are_none(text: str) -> None:
    assert parse_media_type(text) is None


def test_what_we_write_we_read() -> None:
    assert parse_media_type(media_type("transactionRequests", "1.0")) == MediaType("transactionRequests", "1", "0")
    assert http_date(NOW) == HEADERS["date"]


def test_good_headers_say_who_asks_and_in_which_version_to_answer() -> None:
    inbound = check_headers("POST", "quotes", HEADERS)
    assert (inbound.source, inbound.destination) == ("payerfsp", "merchantfsp")
    assert (inbound.version, inbound.answer_version) == ("1.1", "1.1")


@pytest.mark.parametrize(
    ("content", "accept", "answer"),
    [
        ("1.0", "1.0", "1.0"),
        ("1.0", "1", "1.0"),
        ("1.1", "1.0", "1.0"),
        ("2.0", "1", "1.1"),
        ("1.1", "2", "2.0"),
        ("2.0", "2.0", "2.0"),
    ],
)
def test_the_answer_has_the_version_the_peer_accepts(content: str, accept: str, answer: str) -> None:
    headers = HEADERS | {"content-type": QUOTES + content, "accept": QUOTES + accept}
    assert check_headers("POST", "quotes", headers).answer_version == answer


def test_an_accept_list_takes_the_first_version_we_speak() -> None:
    accept = f"{QUOTES}9, {QUOTES}1.0, application/vnd.interoperability.quotes+json"
    assert check_headers("POST", "quotes", HEADERS | {"accept": accept}).answer_version == "1.0"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_callback_needs_no_accept_and_may_be_2_0(method: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "accept"}
    assert check_headers(method, "quotes", headers | {"content-type": QUOTES + "2.0"}).version == "2.0"


def test_a_wrong_method_header_without_a_signature_is_no_matter() -> None:
    check_headers("POST", "quotes", HEADERS | {"fspiop-http-method": "PUT"})


@pytest.mark.parametrize("name", ["date", "fspiop-source", "content-type", "accept"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_header_is_3102_and_named(name: str, value: str | None) -> None:
    error = refusal(**{name: value})
    assert (error.code, error.http_status) == ("3102", 400)
    assert name in error.description


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date", "thursday"),
        ("date", "2026-11-22T12:34:56Z"),
        ("content-type", "application/json"),
        ("content-type", "application/vnd.interoperability.quotes+xml;version=15.5"),
        ("content-type", "application/vnd.interoperability.parties+json;version=1.1"),
        ("content-type", "application/vnd.interoperability.Quotes+json;version=1.1"),
        ("content-type", "application/vnd.interoperability.iso20022.quotes+json;version=2.0"),
        ("accept", "*/*"),
        ("accept", "application/vnd.interoperability.quotes+xml;version=3.0"),
        ("fspiop-source", "x" * 33),
        ("fspiop-source", "a b"),
        ("fspiop-destination", "x\x00"),
    ],
)
def test_a_malformed_header_is_3101_and_named(name: str, value: str) -> None:
    error = refusal(**{name: value})
    assert (error.code, error.http_status) == ("3101", 400)
    assert name in error.description


@pytest.mark.parametrize("name", ["content-type", "accept"])
@pytest.mark.parametrize("version", ["3", "1.7", "2.1", "0.9"])
def test_an_unknown_version_is_406_with_those_we_speak(name: str, version: str) -> None:
    error = refusal(**{name: QUOTES + version})
    assert (error.code, error.http_status) == ("3001", 406)
    assert error.extensions == (("1", "0"), ("1", "1"), ("2", "0"))


def test_encrypted_fields_are_refused_since_we_cannot_read_them() -> None:
    fields = '{"encryptedFields":[{"fieldName":"payer","encryptedKey":"x","protectedHeader":"y"}]}'
    assert refusal(fspiop_encryption=fields).code == "3100"


@pytest.mark.parametrize("noise", ["dolor consectetur", "{}", '{"encryptedFields":[]}', "[]", "7", "[" * 5000])
def test_an_encryption_header_that_names_no_field_is_noise(noise: str) -> None:
    check_headers("POST", "quotes", HEADERS | {"fspiop-encryption": noise})
