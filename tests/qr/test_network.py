import json
from pathlib import Path

import msgspec
import pytest

import qr
from qr.profile import list_profiles

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "emv_qr.json").read_text(encoding="utf-8"))
GOLDEN = [(profile.id, golden) for profile in list_profiles() for golden in profile.golden]


def test_every_scheme_asked_for_is_known():
    assert {profile.id for profile in list_profiles()} >= {
        "mojaloop",
        "mojaloop-incumbent",
        "uemoa-pispi",
        "cemac",
        "tanqr",
        "ke-qr",
        "ghqr",
        "nqr",
        "rwanda",
        "ethqr",
        "mmqr",
        "raast",
        "khqr",
        "promptpay",
        "vietqr",
        "qris",
        "duitnow",
        "sgqr",
        "fps",
        "qrph",
        "pix",
        "bharatqr",
        "lankaqr",
        "breb",
    }


@pytest.mark.parametrize("profile", list_profiles(), ids=lambda profile: profile.id)
def test_a_profile_has_golden_payloads_and_keeps_them(profile):
    assert profile.golden
    assert qr.validate_profile(profile) == []


@pytest.mark.parametrize(("profile", "golden"), GOLDEN, ids=lambda value: getattr(value, "payload", value)[-40:])
def test_a_golden_payload_decodes_and_is_recognised(profile, golden):
    code = qr.decode(golden.payload, profile=profile)
    assert (profile, golden.values) in [(network.profile, network.values) for network in qr.networks(code)]


@pytest.mark.parametrize(
    ("profile", "golden"),
    [entry for entry in GOLDEN if entry[0] != "mojaloop-incumbent"],
    ids=lambda value: getattr(value, "payload", value)[-40:],
)
def test_a_golden_payload_can_be_written_again(profile, golden):
    code = qr.decode(golden.payload, profile=profile)
    again = qr.encode(code, profile=profile)
    assert qr.decode(again, profile=profile) == code
    assert sorted(again[:-4]) == sorted(golden.payload[:-4])


NETWORKS_BY_COUNTRY = {
    "TZ": "tanqr",
    "KH": "khqr",
    "TH": "promptpay",
    "ID": "qris",
    "IN": "bharatqr",
    "MY": "duitnow",
    "SG": "sgqr",
    "HK": "fps",
    "CI": "uemoa-pispi",
    "MM": "mmqr",
}


@pytest.mark.parametrize("country", NETWORKS_BY_COUNTRY)
def test_collected_payloads_of_a_country_are_recognised_as_its_scheme(country):
    codes = [
        qr.decode(vector["payload"]) for vector in VECTORS if vector["country"] == country and vector["emv_strict"]
    ]
    found = [network.profile for code in codes for network in qr.networks(code)]
    assert set(found) <= {NETWORKS_BY_COUNTRY[country]}
    assert codes == [] or found


def test_a_scheme_waives_rules_of_emvco_that_its_codes_break():
    payload = qr.find_profile("promptpay").golden[0].payload
    with pytest.raises(qr.DecodeError):
        qr.decode(payload)
    assert qr.decode(payload, profile="promptpay").name is None


@pytest.mark.parametrize(
    ("profile", "change", "path"),
    [
        ("tanqr", {"currency": "404"}, "53"),
        ("tanqr", {"country": "KE"}, "58"),
        ("tanqr", {"accounts": (qr.Account("26", {"00": "org.example"}),)}, "02-51"),
        ("tanqr", {"accounts": (qr.Account("26", {"00": "tz.go.bot.tips", "01": "1", "02": "12345678"}),)}, "26.01"),
        ("tanqr", {"accounts": (qr.Account("26", {"00": "tz.go.bot.tips", "01": "01001"}),)}, "26.02"),
        ("cemac", {"additional": None}, "62.50"),
        ("uemoa-pispi", {"point_of_initiation": "11"}, "01"),
        ("uemoa-pispi", {"city": "Dakar"}, "60"),
        ("pix", {"additional": None}, "62.05"),
        ("duitnow", {"payload_format": "03"}, "00"),
        ("vietqr", {"accounts": (qr.Account("38", {"00": "A000000727", "01": "0003970", "02": "QRPUSH"}),)}, "38.01"),
    ],
)
def test_a_scheme_adds_rules_of_its_own(profile, change, path):
    code = qr.decode(qr.find_profile(profile).golden[0].payload, profile=profile)
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(msgspec.structs.replace(code, **change), profile=profile)
    assert (path, f"profile {profile}") in {(finding.path, finding.section) for finding in raised.value.findings}


def test_what_reading_tolerates_is_not_written():
    code = qr.decode(qr.find_profile("mmqr").golden[0].payload, profile="mmqr")
    with pytest.raises(qr.EncodeError):
        qr.encode(msgspec.structs.replace(code, currency="MMK"), profile="mmqr")


def test_nested_fields_are_made_and_read_by_name():
    account = qr.account("vietqr", bank_bin="970416", account="123456789")
    assert account.fields == {"00": "A000000727", "01": "00069704160109123456789", "02": "QRIBFTTA"}
    assert qr.networks(qr.MerchantCode(accounts=(account,)))[0].values == {
        "guid": "A000000727",
        "bank_bin": "970416",
        "account": "123456789",
        "service": "QRIBFTTA",
    }


@pytest.mark.parametrize(
    ("profile", "name", "values", "path"),
    [
        ("tanqr", None, {"acquirer": "01001"}, "merchant"),
        ("tanqr", None, {"acquirer": "1001", "merchant": "12345678"}, "acquirer"),
        ("tanqr", None, {"acquirer": "01001", "merchant": "12345678", "shop": "1"}, "shop"),
        ("tanqr", "bank", {}, ""),
        ("tanqr", None, {"tag": "27", "acquirer": "01001", "merchant": "12345678"}, "27"),
        ("ethqr", None, {"bic": "SINQETAA", "account": "1047589793218"}, "28"),
        ("khqr", None, {"guid": "no account"}, "29"),
        ("bharatqr", "visa", {"value": "4403"}, "02"),
        ("nowhere", None, {}, ""),
    ],
)
def test_values_that_do_not_fit_a_scheme_make_no_account(profile, name, values, path):
    with pytest.raises(qr.ProfileError) as raised:
        qr.account(profile, name, **values)
    assert raised.value.findings[0].path == path


def test_a_scheme_fills_in_what_it_fixes():
    account = qr.account("uemoa-pispi", alias="11111111-2222-4333-8444-555555555555")
    code = qr.with_defaults(qr.MerchantCode(accounts=(account,), country="SN"), "uemoa-pispi")
    assert qr.encode(code, "uemoa-pispi") == qr.find_profile("uemoa-pispi").golden[0].payload


def test_templates_among_62_and_80_are_made_by_name():
    made = qr.additional("cemac", participant="31003", alias="10790001", notify="https://akwa.cm/t01")
    assert made == qr.decode(qr.find_profile("cemac").golden[0].payload, profile="cemac").additional.templates[0]
    assert qr.unreserved("ke-qr", "issued", issued_at="1").fields == {"00": "ke.go.qr", "01": "1"}


def test_an_unknown_account_belongs_to_no_network():
    assert qr.networks(qr.MerchantCode(accounts=(qr.Account("30", {"00": "unknown"}),))) == ()
