"""FSPIOP bodies: what is accepted, what is refused and with which code, and what we write."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core.money import Money
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import (
    BODY_BYTES_MAX,
    AuthorizationsPut,
    ErrorPut,
    Extension,
    ExtensionList,
    PartiesPut,
    PartyIdInfo,
    QuotesPost,
    QuotesPut,
    TransactionRequestsPost,
    TransactionRequestsPut,
    TransfersPatch,
    TransfersPost,
    TransfersPut,
    WireBody,
    WireMoney,
    decode,
    encode,
    encode_error,
    extension_value,
    format_datetime,
    from_wire,
    parse_datetime,
    read_error,
    safe_party_name,
    to_wire,
)
from tests.cases import every_case

UUID = "b51ec534-ee48-4575-b6a9-ead2955b8069"
HASH = "A" * 43
EXPIRATION = "2026-11-22T12:40:00.000Z"
PAYER_ID = {"partyIdType": "MSISDN", "partyIdentifier": "27713803912", "fspId": "payerfsp"}
PAYEE = {
    "partyIdInfo": {"partyIdType": "ALIAS", "partyIdentifier": "000123", "fspId": "merchantfsp"},
    "name": "Corner Shop",
    "merchantClassificationCode": "5411",
}
TYPE = {"scenario": "PAYMENT", "initiator": "PAYEE", "initiatorType": "BUSINESS"}
MONEY = {"amount": "10", "currency": "USD"}

BODIES: dict[type[WireBody], dict[str, Any]] = {
    TransactionRequestsPost: {
        "transactionRequestId": UUID,
        "payee": PAYEE,
        "payer": PAYER_ID,
        "amount": MONEY,
        "transactionType": TYPE,
        "expiration": EXPIRATION,
        "note": "two teas",
    },
    TransactionRequestsPut: {"transactionRequestState": "RECEIVED", "transactionId": UUID},
    QuotesPost: {
        "quoteId": UUID,
        "transactionId": UUID,
        "transactionRequestId": UUID,
        "payee": PAYEE,
        "payer": {"partyIdInfo": PAYER_ID},
        "amountType": "RECEIVE",
        "amount": MONEY,
        "transactionType": TYPE,
    },
    QuotesPut: {
        "transferAmount": MONEY,
        "expiration": EXPIRATION,
        "ilpPacket": "AYIB",
        "condition": HASH,
    },
    TransfersPost: {
        "transferId": UUID,
        "payerFsp": "payerfsp",
        "payeeFsp": "merchantfsp",
        "amount": MONEY,
        "ilpPacket": "AYIB",
        "condition": HASH,
        "expiration": EXPIRATION,
    },
    TransfersPut: {"transferState": "RESERVED", "fulfilment": HASH, "completedTimestamp": EXPIRATION},
    TransfersPatch: {"transferState": "COMMITTED", "completedTimestamp": EXPIRATION},
    PartiesPut: {"party": PAYEE},
    AuthorizationsPut: {
        "responseType": "ENTERED",
        "authenticationInfo": {"authentication": "OTP", "authenticationValue": "1234"},
    },
    ErrorPut: {"errorInformation": {"errorCode": "3204", "errorDescription": "Party not found"}},
}
CASES = [pytest.param(body_type, body, id=body_type.__name__) for body_type, body in BODIES.items()]


def refusal(body_type: type[WireBody], body: Any) -> FspiopError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(FspiopError) as caught:
        decode(body_type, raw)
    return caught.value


@pytest.mark.parametrize(("body_type", "body"), CASES)
def test_a_body_reads_and_writes_back_canonically(body_type: type[WireBody], body: dict[str, Any]) -> None:
    written = encode(decode(body_type, json.dumps(body).encode()))
    assert written.decode() == json.dumps(body, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(("body_type", "body"), CASES)
def test_unknown_keys_are_ignored(body_type: type[WireBody], body: dict[str, Any]) -> None:
    extended = body | {"converter": "PAYER", "x": [{"y": None}]}
    assert decode(body_type, json.dumps(extended).encode()) == decode(body_type, json.dumps(body).encode())


@pytest.mark.parametrize(("body_type", "body"), CASES)
def test_a_missing_mandatory_field_is_3102(body_type: type[WireBody], body: dict[str, Any]) -> None:
    required = [field.encode_name for field in msgspec.structs.fields(body_type) if field.required]
    for name in required:
        error = refusal(body_type, {key: value for key, value in body.items() if key != name})
        assert error.code == "3102"
        assert name in error.description


@pytest.mark.parametrize(("body_type", "_body"), CASES)
@every_case(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"[null]",
        b'"x"',
        b"{",
        b'{"a":"\xff"}',
        b"[" * 100_000,
        b"\xef\xbb\xbf{}",
        b"NaN",
    ],
)
def test_what_is_no_object_in_utf_8_is_3101(body_type: type[WireBody], _body: Any, raw: bytes) -> None:
    assert refusal(body_type, raw).code == "3101"


@pytest.mark.parametrize(
    "amount",
    [
        "5.00",
        "5.50",
        "05",
        ".5",
        "5.",
        "-5",
        "+5",
        "1e3",
        "5.12345",
        "1" * 19,
        "",
        " 5",
        "5\n",
        "٥",
        "1٥",
        5,
        5.5,
        None,
    ],
)
def test_an_amount_out_of_the_pattern_is_3101(amount: Any) -> None:
    body = BODIES[TransfersPost] | {"amount": {"amount": amount, "currency": "USD"}}
    error = refusal(TransfersPost, body)
    assert error.code == "3101"
    assert "amount.amount" in error.description


@pytest.mark.parametrize("amount", ["0", "5", "5.5", "0.01", "999999999999999999.9999", "1.0001"])
def test_an_amount_of_the_pattern_is_read_as_text(amount: str) -> None:
    body = BODIES[TransfersPost] | {"amount": {"amount": amount, "currency": "USD"}}
    assert decode(TransfersPost, json.dumps(body).encode()).amount.amount == amount


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:40:00Z",
        "2026-11-22T12:40:00.000",
        "2026-11-22T12:40:00.0000Z",
        "2026-11-22T24:40:00.000Z",
        "2026-11-31T12:40:00.000Z",
        "2026-02-30T12:40:00.000Z",
        "2026-13-01T12:40:00.000Z",
        "2026-11-22 12:40:00.000Z",
        "2026-11-22T12:40:60.000Z",
        "2026-11-22T12:40:00.000+0100",
        "0000-11-22T12:40:00.000Z",
        "2026-11-22T12:40:00.000Z\n",
        "2026-11-2٢T12:40:00.000Z",
        "",
    ],
)
def test_a_time_out_of_the_pattern_is_3101(text: str) -> None:
    assert refusal(TransfersPost, BODIES[TransfersPost] | {"expiration": text}).code == "3101"


def test_29_february_of_a_common_year_is_refused_when_read_as_a_time() -> None:
    assert parse_datetime("2028-02-29T00:00:00.000Z") == datetime(2028, 2, 29, tzinfo=UTC)
    with pytest.raises(FspiopError, match="3101"):
        parse_datetime("2027-02-29T00:00:00.000Z")


@given(st.integers(min_value=-30_000_000_000_000, max_value=200_000_000_000_000))
def test_every_instant_survives_the_wire_to_the_millisecond(milliseconds: int) -> None:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    text = format_datetime(instant)
    body = BODIES[TransfersPost] | {"expiration": text}
    assert decode(TransfersPost, json.dumps(body).encode()).expiration == text
    assert parse_datetime(text) == instant


@pytest.mark.parametrize("text", ["01ARZ3NDEKTSV4RRFFQ69G5FAV", UUID, "0191d1d2-7b5c-7c3e-9c4e-3f4d5e6a7b8c"])
def test_uuids_and_ulids_are_ids(text: str) -> None:
    body = BODIES[TransfersPost] | {"transferId": text}
    assert decode(TransfersPost, json.dumps(body).encode()).transfer_id == text


@pytest.mark.parametrize("text", ["", UUID.upper(), UUID[:-1], UUID + "0", "01ARZ3NDEKTSV4RRFFQ69G5FAU", UUID + "\n"])
def test_other_texts_are_no_ids(text: str) -> None:
    assert refusal(TransfersPost, BODIES[TransfersPost] | {"transferId": text}).code == "3101"


@pytest.mark.parametrize(
    ("body_type", "changes"),
    [
        (TransfersPost, {"payerFsp": "x" * 33}),
        (TransfersPost, {"payerFsp": ""}),
        (TransfersPost, {"ilpPacket": "A" * 32_769}),
        (TransfersPost, {"ilpPacket": "A/B"}),
        (TransfersPost, {"condition": "A" * 42}),
        (TransfersPut, {"fulfilment": "A" * 44}),
        (QuotesPost, {"note": "n" * 129}),
        (QuotesPost, {"note": "a\x00"}),
        (QuotesPost, {"amount": {"amount": "1", "currency": "usd"}}),
        (TransactionRequestsPost, {"payer": PAYER_ID | {"partyIdentifier": "a/b"}}),
        (TransactionRequestsPost, {"payer": PAYER_ID | {"partyIdentifier": "a" * 129}}),
        (TransactionRequestsPost, {"payer": PAYER_ID | {"partyIdType": "msisdn"}}),
        (PartiesPut, {"party": PAYEE | {"name": "x" * 129}}),
        (PartiesPut, {"party": PAYEE | {"merchantClassificationCode": "54111"}}),
        (AuthorizationsPut, {"authenticationInfo": {"authentication": "OTP", "authenticationValue": ""}}),
        (ErrorPut, {"errorInformation": {"errorCode": "0204"}}),
        (ErrorPut, {"errorInformation": {"errorCode": "3204", "errorDescription": "\x00"}}),
    ],
)
def test_a_scalar_out_of_bounds_is_3101(body_type: type[WireBody], changes: dict[str, Any]) -> None:
    assert refusal(body_type, BODIES[body_type] | changes).code == "3101"


@pytest.mark.parametrize(
    ("body_type", "changes"),
    [
        (TransfersPut, {"transferState": "DONE"}),
        (TransactionRequestsPut, {"transactionRequestState": "received"}),
        (QuotesPost, {"amountType": "BOTH"}),
        (QuotesPost, {"transactionType": TYPE | {"scenario": "GIFT"}}),
    ],
)
def test_an_unknown_enum_value_is_3100(body_type: type[WireBody], changes: dict[str, Any]) -> None:
    assert refusal(body_type, BODIES[body_type] | changes).code == "3100"


def test_a_body_over_5_mib_is_3104() -> None:
    assert refusal(TransfersPost, b" " * (BODY_BYTES_MAX + 1)).code == "3104"


def test_too_many_extensions_are_3103() -> None:
    extensions = {"extension": [{"key": "k", "value": "v"}] * 17}
    assert refusal(QuotesPost, BODIES[QuotesPost] | {"extensionList": extensions}).code == "3103"


@pytest.mark.parametrize(
    "extensions",
    [{"extension": [{"key": "QrReference", "value": "AB12"}]}, [{"key": "QrReference", "value": "AB12"}]],
)
def test_an_extension_list_is_read_bare_as_well(extensions: Any) -> None:
    body = BODIES[QuotesPost] | {"extensionList": extensions}
    quote = decode(QuotesPost, json.dumps(body).encode())
    assert extension_value(quote.extension_list, "QrReference") == "AB12"
    assert extension_value(quote.extension_list, "Other") is None
    assert extension_value(None, "QrReference") is None


def test_the_description_names_the_place_and_never_the_pattern() -> None:
    error = refusal(QuotesPost, BODIES[QuotesPost] | {"quoteId": "x"})
    assert "quoteId" in error.description
    assert "regex" not in error.description


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body_or_an_fspiop_error(raw: bytes) -> None:
    for body_type in BODIES:
        with pytest.raises(FspiopError):
            decode(body_type, raw)


@pytest.mark.parametrize(
    "body",
    [
        {"errorInformation": {"errorCode": "3204", "errorDescription": "d"}},
        {"errorInformation": {"errorCode": "3204", "errorDescription": "d", "extensionList": []}},
        {
            "errorInformation": {
                "errorCode": "3204",
                "errorDescription": "d",
                "extensionList": {"extension": 1},
            }
        },
    ],
)
def test_an_error_is_read_whatever_its_extensions(body: dict[str, Any]) -> None:
    assert read_error(json.dumps(body).encode()) == ("3204", "d")


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"{}", b"null", b'{"errorInformation":{"errorCode":3204}}', b"[" * 9999]
)
def test_an_answer_that_explains_nothing_gives_no_error(raw: bytes) -> None:
    assert read_error(raw) is None


def test_an_error_body_carries_code_sentence_and_extensions() -> None:
    error = FspiopError("3001", "x" * 200, 406, (("1", "1"),))
    information = json.loads(encode_error(error))["errorInformation"]
    assert information == {
        "errorCode": "3001",
        "errorDescription": "x" * 128,
        "extensionList": {"extension": [{"key": "1", "value": "1"}]},
    }
    assert "extensionList" not in json.loads(encode_error(FspiopError("3100", "no")))["errorInformation"]


@pytest.mark.parametrize(("minor", "currency", "text"), [(500, "USD", "5"), (1250, "KWD", "1.25"), (7, "JPY", "7")])
def test_money_crosses_the_wire_without_trailing_zeros(minor: int, currency: str, text: str) -> None:
    assert to_wire(Money(minor, currency)) == WireMoney(currency, text)
    assert from_wire(WireMoney(currency, text)) == Money(minor, currency)


@pytest.mark.parametrize(("amount", "currency"), [("1.2345", "USD"), ("0", "USD"), ("1.5", "JPY")])
def test_money_that_cannot_be_paid_is_3100(amount: str, currency: str) -> None:
    with pytest.raises(FspiopError, match="3100"):
        from_wire(WireMoney(currency, amount))


@pytest.mark.parametrize("currency", ["POC", "XXX", "ZZZ"])
def test_a_currency_that_nobody_knows_is_refused_when_it_is_read(currency: str) -> None:
    with pytest.raises(FspiopError, match=r"3100.*currency|3100.*Invalid enum"):
        decode(WireMoney, json.dumps({"currency": currency, "amount": "1"}).encode())


def test_empty_fields_are_not_written() -> None:
    assert encode(PartyIdInfo("MSISDN", "1")) == b'{"partyIdType":"MSISDN","partyIdentifier":"1"}'
    assert encode(ExtensionList([Extension("k", "v")])) == b'{"extension":[{"key":"k","value":"v"}]}'


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Café Zoë", "Café Zoë"),
        ("မုန့်ဆိုင်", "မုန့်ဆိုင်"),
        ("ร้านกาแฟ", "ร้านกาแฟ"),
        ("Smith & Sons (Pty) Ltd", "Smith and Sons Pty Ltd"),
        ("A#1 / B", "A 1 B"),
        ("O'Neil-Mary, Jr.", "O'Neil-Mary, Jr."),
        ("\u2615\u2615", "10000008"),
        (" \t\n", "10000008"),
        ("", "10000008"),
        ("x" * 200, "x" * 128),
    ],
)
def test_a_party_name_is_made_safe_for_strict_hubs(name: str, safe: str) -> None:
    assert safe_party_name(name, "10000008") == safe
