"""ILP packets, byte for byte with Mojaloop's own library, and packets nobody should trust."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.hub.fspiop import base64url
from merchant.hub.fspiop.ilp import IlpError, build_terms, condition_of, fulfilment_of, parse_packet
from tests.merchant.hub.fspiop.conftest import read_vectors

VECTORS: list[dict[str, Any]] = read_vectors("ilp.json")["vectors"]
DECIMALS: dict[str, int] = read_vectors("currency_decimals.json")
IDS = [f"{vector['version']}-{vector['name']}-{index}" for index, vector in enumerate(VECTORS)]
BUILT = [pytest.param(vector, id=name) for vector, name in zip(VECTORS, IDS, strict=True) if "error" not in vector]
REFUSED = [pytest.param(vector, id=name) for vector, name in zip(VECTORS, IDS, strict=True) if "error" in vector]
SECRET = b"payee-local-secret-32-bytes-long"


def transaction_of(vector: dict[str, Any]) -> dict[str, Any]:
    """The Transaction object the SDK makes from a quote request and its answer."""
    asked, answered = vector["quoteRequest"], vector["quoteResponse"]
    names = ("quoteId", "transactionId", "transactionType", "payee", "payer")
    transaction = {name: asked[name] for name in names} | {
        "expiration": answered["expiration"],
        "amount": answered["transferAmount"],
    }
    return transaction | ({"note": answered["note"]} if "note" in answered else {})


def build(vector: dict[str, Any]) -> Any:
    transaction = transaction_of(vector)
    return build_terms(
        1 if vector["version"] == "v1" else 4,
        transaction,
        vector["secret"].encode(),
        decimals=DECIMALS[transaction["amount"]["currency"]],
    )


@pytest.mark.parametrize("vector", BUILT)
def test_packet_condition_and_fulfilment_are_those_of_the_sdk(vector: dict[str, Any]) -> None:
    terms = build(vector)
    assert terms.packet == vector["ilpPacket"]
    assert terms.condition == vector["condition"]
    assert terms.fulfilment == vector["fulfilment"]


@pytest.mark.parametrize("vector", BUILT)
def test_the_packet_alone_gives_the_fulfilment_again(vector: dict[str, Any]) -> None:
    assert fulfilment_of(vector["ilpPacket"], vector["secret"].encode()) == vector["fulfilment"]
    assert condition_of(vector["fulfilment"]) == vector["condition"]
    assert fulfilment_of(vector["ilpPacket"], b"another secret") != vector["fulfilment"]


@pytest.mark.parametrize("vector", BUILT)
def test_the_packet_reads_back(vector: dict[str, Any]) -> None:
    packet = parse_packet(vector["ilpPacket"])
    decoded = vector["decoded"]
    assert packet.amount_minor == int(decoded["amount"])
    assert packet.transaction == transaction_of(vector)
    if packet.version == 1:
        assert packet.destination == decoded["account"]
    else:
        assert packet.destination == decoded["destination"]
        assert packet.condition == vector["condition"]
        assert packet.expires_at == datetime.fromisoformat(decoded["expiresAt"])


@pytest.mark.parametrize("vector", REFUSED)
def test_what_the_sdk_refuses_we_refuse(vector: dict[str, Any]) -> None:
    with pytest.raises(IlpError, match="finer"):
        build(vector)


def _transaction(**changes: Any) -> dict[str, Any]:
    return transaction_of(BUILT[0].values[0]) | changes  # type: ignore[index, operator]


def test_version_1_cuts_an_amount_finer_than_the_currency_as_the_sdk_does() -> None:
    transaction = _transaction(amount={"amount": "1.2345", "currency": "USD"})
    assert parse_packet(build_terms(1, transaction, SECRET, decimals=2).packet).amount_minor == 123


@pytest.mark.parametrize("version", [1, 4])
@pytest.mark.parametrize("amount", ["-1", "184467440737095516.16"])
def test_an_amount_outside_64_bits_is_refused(version: Any, amount: str) -> None:
    transaction = _transaction(amount={"amount": amount, "currency": "USD"})
    with pytest.raises(IlpError, match="does not fit"):
        build_terms(version, transaction, SECRET, decimals=2)


def test_a_payee_whose_identifier_is_not_ascii_has_no_address() -> None:
    payee = {"partyIdInfo": {"partyIdType": "ALIAS", "partyIdentifier": "ဆိုင်", "fspId": "x"}}
    with pytest.raises(IlpError, match="ASCII"):
        build_terms(1, _transaction(payee=payee), SECRET, decimals=2)


def test_a_sub_id_becomes_the_last_part_of_the_address() -> None:
    party = {
        "partyIdType": "BUSINESS",
        "partyIdentifier": "ShoeCo",
        "fspId": "MerchantFsp",
        "partySubIdOrType": "Till1",
    }
    terms = build_terms(1, _transaction(payee={"partyIdInfo": party}), SECRET, decimals=2)
    assert parse_packet(terms.packet).destination == "g.MerchantFsp.business.shoeco.till1"


def test_an_expiry_in_another_zone_is_written_in_utc() -> None:
    terms = build_terms(4, _transaction(expiration="2026-11-22T19:10:00.007+06:30"), SECRET, decimals=2)
    assert parse_packet(terms.packet).expires_at == datetime(2026, 11, 22, 12, 40, 0, 7000, UTC)


@pytest.mark.parametrize(
    "text",
    ["", "=", "A", "AAAA", "AQ", "AYI", "DII", "!!!!", "AQ==\n", "A" * 32_769, "BwA", "AQAA", "ЖЖЖЖ"],
)
def test_what_is_no_packet_is_refused(text: str) -> None:
    for read in (parse_packet, lambda packet: fulfilment_of(packet, SECRET)):
        with pytest.raises(IlpError):
            read(text)


@pytest.mark.parametrize("fulfilment", ["", "AAAA", "A" * 44, "é" * 43, "A" * 42 + "+"])
def test_what_is_no_fulfilment_has_no_condition(fulfilment: str) -> None:
    with pytest.raises(IlpError):
        condition_of(fulfilment)


@pytest.mark.parametrize("version", [1, 4])
def test_a_packet_whose_data_is_no_transaction_is_refused(version: Any) -> None:
    for cut in (20, 60, 200):
        raw = base64url.decode(build_terms(version, _transaction(), SECRET, decimals=2).packet)
        with pytest.raises(IlpError):
            parse_packet(base64url.encode(raw[:cut]))


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x01", b"\x0c"]))
def test_any_bytes_are_a_packet_or_an_ilp_error(noise: bytes, head: bytes) -> None:
    text = base64url.encode(head + noise)
    try:
        packet = parse_packet(text)
    except IlpError:
        packet = None
    assert packet is None or (packet.version in (1, 4) and packet.amount_minor >= 0)
    try:
        fulfilment = fulfilment_of(text, SECRET)
    except IlpError:
        fulfilment = None
    assert fulfilment is None or len(condition_of(fulfilment)) == 43
    assert fulfilment is not None or packet is None, "a packet that can be read can be fulfilled"


@given(
    st.sampled_from([1, 4]),
    st.integers(0, 10**17 - 1),
    st.text(max_size=128).filter(lambda text: text.isprintable()),
    st.binary(min_size=1, max_size=64),
)
def test_every_built_packet_reads_back_and_keeps_its_promise(
    version: Any, minor: int, note: str, secret: bytes
) -> None:
    whole, cents = divmod(minor, 100)
    transaction = _transaction(amount={"amount": f"{whole}.{cents:02d}", "currency": "USD"}, note=note)
    terms = build_terms(version, transaction, secret, decimals=2)
    packet = parse_packet(terms.packet)
    assert (packet.version, packet.amount_minor, packet.transaction) == (version, minor, transaction)
    assert fulfilment_of(terms.packet, secret) == terms.fulfilment
    assert condition_of(terms.fulfilment) == terms.condition
