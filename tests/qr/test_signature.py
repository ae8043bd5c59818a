from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from hypothesis import given, settings

import qr
from qr import crc, tlv
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


def with_field(template: qr.Template, tag: str, value: str) -> qr.Template:
    return msgspec.structs.replace(template, fields=template.fields | {tag: value})


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
        {"unreserved": (with_field(SIGNED.unreserved[0], "03", "EVIL"), SIGNED.unreserved[1])},
        {"unreserved": (SIGNED.unreserved[0], with_field(SIGNED.unreserved[1], "03", "EVIL"))},
        {"unreserved": (SIGNED.unreserved[0], with_field(SIGNED.unreserved[1], "01", "k1"))},
        {"unreserved": (*SIGNED.unreserved, SIGNED.unreserved[1])},
        {"unreserved": (*SIGNED.unreserved, qr.Template(TAGS[0], {"00": "org.other"}))},
        {"language": qr.Language(language="he", name="\ufb2a" * 25, city="\ufb2a" * 15, reserved={"03": "x" * 38})},
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


@pytest.mark.parametrize("tag", TAGS)
def test_data_hidden_behind_the_signature_in_a_payload_breaks_it(tag):
    items = [(item.tag, item.value + "0304EVIL" * (item.tag == tag)) for item in tlv.scan(qr.encode(SIGNED)[:-8])[0]]
    body = tlv.join(items)
    assert verdict(qr.decode(f"{body}6304{crc.checksum(body + '6304')}")) == Verdict.INVALID


def test_a_scanned_code_that_no_payload_can_hold_is_invalid_rather_than_an_error():
    body = qr.encode(SIGNED)[:-8]
    language = tlv.join([("00", "he"), ("01", "x")]) + "0290" + "\ufb2a" * 85 + "x" * 5
    payload = f"{body}64{len(language[:99]):02d}{language[:99]}6304"
    code = qr.decode(payload + crc.checksum(payload), "tolerant")
    assert verdict(code) == Verdict.INVALID


def test_a_code_that_breaks_a_rule_is_not_signed():
    with pytest.raises(qr.EncodeError):
        sign_code(qr.MerchantCode(accounts=SHOP.accounts), ED25519, key_id="k1", guid=GUID)


def test_a_code_of_a_scheme_is_signed_by_the_schemes_rules():
    code = qr.decode(qr.find_profile("promptpay").golden[0].payload, profile="promptpay")
    signed = sign_code(code, ED25519, key_id="k1", guid=GUID, profile="promptpay")
    assert verdict(qr.decode(qr.encode(signed, "promptpay"), profile="promptpay")) == Verdict.VALID


def test_keys_of_other_kinds_are_refused_on_both_sides():
    rsa = generate_rsa_key(65537, 2048)
    with pytest.raises(ValueError, match="Ed25519 or P-256"):
        sign_code(SHOP, rsa, key_id="k1", guid=GUID)
    for public in (rsa.public_key(), generate_private_key(SECP384R1()).public_key()):
        with pytest.raises(ValueError, match="Ed25519 or P-256"):
            VerificationKey(public)


def test_the_code_of_one_payment_does_not_carry_the_stickers_signature():
    payment = qr.dynamic_code(SIGNED, amount="5", reference_label="7K3M9Q2XPABCD")
    assert payment == qr.dynamic_code(SHOP, amount="5", reference_label="7K3M9Q2XPABCD")
    assert verdict(payment) == Verdict.UNSIGNED
    assert verdict(sign_code(payment, ED25519, key_id="k1", guid=GUID)) == Verdict.VALID


def test_other_templates_in_the_signatures_place_stay():
    others = (
        qr.Template("98", {"00": "org.other", "01": "x"}),
        qr.Template("99", {"00": "17953582", "01": "17953583"}),
    )
    code = msgspec.structs.replace(SHOP, unreserved=others)
    assert qr.dynamic_code(code, amount="5", reference_label="7K3M").unreserved == others
