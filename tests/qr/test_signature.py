from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings

import qr
from qr import crc
from qr.signature import TAGS, Verdict, VerificationKey, sign_code, signature_chars, verify_code
from tests.qr.codes import merchant_codes
from tests.qr.test_codec import SHOP

GUID = "org.example.pay"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {
    "k1": VerificationKey(ED25519.public_key()),
    "old": VerificationKey(ED25519.public_key(), valid_until=NOW),
    "new": VerificationKey(ED25519.public_key(), valid_from=datetime(2027, 1, 1, tzinfo=UTC)),
}
SIGNED = sign_code(SHOP, ED25519, key_id="k1", guid=GUID)


def verdict(code: qr.MerchantCode, **change: object) -> Verdict:
    return verify_code(code, **{"keys": KEYS, "guid": GUID, "now": NOW} | change)[0]


@pytest.mark.parametrize("key", [ED25519, generate_private_key(SECP256R1())], ids=["Ed25519", "ES256"])
def test_a_signed_code_survives_print_and_scan_and_is_known_as_the_schemes(key):
    code = qr.decode(qr.encode(sign_code(SHOP, key, key_id="k7", guid=GUID), profile="mojaloop"))
    assert verify_code(code, {"k7": VerificationKey(key.public_key())}, guid=GUID, now=NOW) == (Verdict.VALID, "k7")


def test_the_space_a_signature_takes_is_as_stated():
    assert len(qr.encode(SIGNED)) - len(qr.encode(SHOP)) == signature_chars(GUID, "k1") == 146


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other Shop"},
        {"amount": "5"},
        {"accounts": (qr.Account("26", SHOP.accounts[0].fields | {"02": "99999999"}),)},
        {"additional": qr.Additional(purpose="rent")},
        {"unreserved": (*SIGNED.unreserved, qr.Template("80", {"00": "org.other"}))},
        {"unreserved": SIGNED.unreserved[:1]},
        {"unreserved": (SIGNED.unreserved[0], qr.Template(TAGS[1], {"00": GUID, "02": "A" * 43}))},
        {"unreserved": (SIGNED.unreserved[0], qr.Template(TAGS[1], {"00": GUID, "02": "*"}))},
        {"unreserved": (SIGNED.unreserved[0], qr.Template(TAGS[1], {"00": GUID}))},
    ],
)
def test_any_change_breaks_it(change):
    assert verdict(msgspec.structs.replace(SIGNED, **change)) == Verdict.INVALID


def test_objects_in_another_order_do_not():
    payload = qr.encode(SIGNED)
    country, name = payload.index("5802KE"), payload.index("5908Shop One")
    swapped = payload[:country] + payload[name : name + 12] + "5802KE" + payload[name + 12 : -4]
    assert verdict(qr.decode(swapped + crc.checksum(swapped))) == Verdict.VALID


def test_another_key_under_the_same_id_does_not_verify():
    other = {"k1": VerificationKey(Ed25519PrivateKey.generate().public_key())}
    assert verdict(SIGNED, keys=other) == Verdict.INVALID


def test_a_code_without_a_signature_is_told_apart_from_a_forged_one():
    assert verdict(SHOP) == Verdict.UNSIGNED
    assert verdict(SIGNED, guid="org.other") == Verdict.UNSIGNED
    assert verdict(SIGNED, keys={}) == Verdict.UNKNOWN_KEY


@pytest.mark.parametrize("key_id", ["old", "new"])
def test_a_key_counts_only_while_it_is_in_force(key_id):
    assert verdict(sign_code(SHOP, ED25519, key_id=key_id, guid=GUID)) == Verdict.KEY_NOT_IN_FORCE


def test_signing_again_replaces_the_signature():
    again = sign_code(SIGNED, ED25519, key_id="k1", guid=GUID)
    assert again == SIGNED
    assert len(again.unreserved) == len(TAGS)


@pytest.mark.parametrize("key_id", ["", "x" * 9])
def test_a_key_id_has_room_for_eight_characters(key_id):
    with pytest.raises(ValueError, match="key id"):
        sign_code(SHOP, ED25519, key_id=key_id, guid=GUID)


def test_other_curves_are_refused():
    with pytest.raises(ValueError, match="P-256"):
        sign_code(SHOP, generate_private_key(SECP384R1()), key_id="k1", guid=GUID)


@given(merchant_codes)
@settings(deadline=None, max_examples=30)
def test_every_code_that_can_be_written_can_be_signed(code):
    free = msgspec.structs.replace(code, unreserved=())
    try:
        qr.encode(free)
    except qr.EncodeError:
        return
    signed = sign_code(free, ED25519, key_id="k1", guid=GUID)
    assert verdict(signed) == Verdict.VALID
