import json
from pathlib import Path

import msgspec
import pytest

import qr
from qr.catalogue import list_profiles
from qr.network import judge
from qr.writer import compose
from tests.cases import every_case

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
        "mercadopago",
        "transferencias",
        "fonepay",
        "nepalpay",
        "banglaqr",
        "laoqr",
        "qpay",
        "uzqr",
        "elqr",
        "maucas",
        "cliq",
        "meeza",
        "saudi",
        "trkarekod",
        "zeropay",
        "korea",
        "jpqr",
        "twqr",
        "sip",
        "yape",
        "deuna",
        "nequi",
        "azqr",
        "namqr",
        "myanmarpay",
        "bhutan",
        "sudan",
        "paycashless",
        "wave",
        "southafrica",
        "alipay",
        "favepay",
    }
    assert len(list_profiles()) >= 45


@every_case("profile", list_profiles(), ids=lambda profile: profile.id)
def test_a_profile_says_where_it_is_from_and_what_is_unsure(profile):
    assert profile.source
    assert profile.version
    assert profile.unsure


@every_case("profile", list_profiles(), ids=lambda profile: profile.id)
def test_a_profile_says_in_words_what_its_patterns_want(profile):
    rules = (*profile.accounts, *profile.additional, *profile.unreserved)
    fields = [
        field for rule in rules for field in (*rule.fields, *(part for each in rule.fields for part in each.fields))
    ]
    shapes = [field.shape for field in fields]
    shapes += [each.shape(path) for each in (profile.rules, profile.writing, profile.advice) for path in each.values]
    assert [shape for shape in shapes if "[" in shape or "in the form" in shape] == []


@every_case("profile", list_profiles(), ids=lambda profile: profile.id)
def test_a_profile_has_golden_payloads_and_keeps_them(profile):
    assert profile.golden
    assert qr.validate_profile(profile) == []


@every_case(("profile", "golden"), GOLDEN, ids=lambda value: getattr(value, "payload", value)[-40:])
def test_a_golden_payload_decodes_and_is_recognised(profile, golden):
    code = qr.decode(golden.payload, profile=profile)
    assert (profile, golden.values) in [(network.profile, network.values) for network in qr.networks(code)]


@every_case(
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


PERSON = {"00": "com.p2pqrpay", "01": "PAPHPHM1XXX", "02": "99964403"}


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
        ("duitnow", {"payload_format": "01"}, "00"),
        ("vietqr", {"accounts": (qr.Account("38", {"00": "A000000727", "01": "0003970", "02": "QRPUSH"}),)}, "38.01"),
        ("promptpay", {"accounts": (qr.Account("29", {"00": "A000000677010111"}),)}, "29"),
        ("fps", {"accounts": (qr.Account("26", {"00": "hk.com.hkicl", "01": "004"}),)}, "26"),
        ("pix", {"accounts": (qr.Account("26", {"00": "br.gov.bcb.pix", "02": "Cafe"}),)}, "26"),
        ("breb", {"accounts": (qr.Account("26", {"00": "CO.COM.RBM.LLA"}),)}, "26"),
        ("ke-qr", {"accounts": (qr.Account("28", {"00": "ke.go.qr"}),)}, "28"),
        ("ke-qr", {"accounts": (qr.Account("29", {"00": "ke.go.qr"}),)}, "29"),
        ("cemac", {"accounts": (qr.Account("26", {"00": "A15600000000"}),)}, "26"),
        ("qrph", {"accounts": (qr.Account("27", PERSON),)}, "27"),
    ],
)
def test_a_scheme_adds_rules_of_its_own(profile, change, path):
    code = qr.decode(qr.find_profile(profile).golden[0].payload, profile=profile)
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(msgspec.structs.replace(code, **change), profile=profile)
    assert (path, f"profile {profile}") in {(finding.path, finding.section) for finding in raised.value.findings}


@pytest.mark.parametrize("profile", ["promptpay", "fps", "pix", "breb", "ke-qr", "cemac"])
def test_an_account_that_names_nobody_is_neither_made_nor_read(profile):
    with pytest.raises(qr.ProfileError, match="at least one of"):
        qr.account(profile)
    scheme = qr.find_profile(profile)
    code = qr.decode(scheme.golden[0].payload, profile=profile)
    nobody = qr.Account(min(scheme.accounts[0].ids), {"00": scheme.accounts[0].guid[0]})
    code = msgspec.structs.replace(code, accounts=(nobody,))
    findings = judge(scheme, code, [], reading=True)
    assert (nobody.tag, "missing") in {(finding.path, finding.code) for finding in findings}


def test_duitnow_writes_payload_format_02_and_reads_01_too():
    made = qr.with_defaults(
        qr.MerchantCode(accounts=(qr.account("duitnow", acquirer="890053", merchant="1"),)), "duitnow"
    )
    code = msgspec.structs.replace(made, mcc="5812", name="Shop One", city="MY")
    assert qr.encode(code, "duitnow").startswith("000202")
    old = msgspec.structs.replace(code, payload_format="01")
    assert qr.decode(qr.encode(old), profile="duitnow") == old


PLAIN = [
    ("promptpay", "81", "00480069"),
    ("ethqr", "80", "20240601120000"),
    ("vietqr", "80", "0012"),
    ("ghqr", "62.65", "00000001"),
    ("ghqr", "62.65", "0104ABCD"),
]


@pytest.mark.parametrize(("profile", "path", "text"), PLAIN)
def test_a_waived_template_holds_plain_text_whatever_it_looks_like(profile, path, text):
    code = qr.decode(qr.find_profile(profile).golden[0].payload, profile=profile)
    template = qr.Template(path[-2:], {}, text)
    if path.startswith("62."):
        more = msgspec.structs.replace(code.additional, templates=(template,))
        code = msgspec.structs.replace(code, additional=more)
    else:
        code = msgspec.structs.replace(code, unreserved=(template,))
    payload, findings = compose(code)
    assert findings
    assert qr.decode(payload, profile=profile)
    if profile == "promptpay":
        assert qr.encode(code, profile) == payload


def test_a_waiver_of_one_template_does_not_apply_to_another():
    code = qr.decode(qr.find_profile("promptpay").golden[0].payload, profile="promptpay")
    for text in ("00480069", "Hi"):
        with pytest.raises(qr.EncodeError):
            qr.encode(msgspec.structs.replace(code, unreserved=(qr.Template("82", {}, text),)), "promptpay")


def test_a_waiver_does_not_cover_control_characters():
    code = qr.decode(qr.find_profile("promptpay").golden[0].payload, profile="promptpay")
    with pytest.raises(qr.EncodeError):
        qr.encode(msgspec.structs.replace(code, unreserved=(qr.Template("81", {}, "\x1b[2J"),)), "promptpay")


def test_a_bad_field_beside_a_guid_of_the_issuers_own_is_said_rather_than_the_template_disowned():
    code = qr.decode(qr.find_profile("qris").golden[0].payload, profile="qris")
    bad = msgspec.structs.replace(code.accounts[0], fields=code.accounts[0].fields | {"01": "1234"})
    wrong = qr.encode(msgspec.structs.replace(code, accounts=(bad, code.accounts[1])))
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(wrong, profile="qris")
    assert [(finding.path, finding.code) for finding in raised.value.findings] == [("26.01", "bad_value")]


def test_a_scheme_that_any_domain_may_join_leaves_other_schemes_accounts_alone():
    ours = qr.decode(qr.find_profile("mojaloop").golden[0].payload)
    tanqr = qr.account("tanqr", tag="26", acquirer="01001", merchant="12345678")
    both = msgspec.structs.replace(ours, accounts=(tanqr, msgspec.structs.replace(ours.accounts[0], tag="27")))
    assert qr.decode(qr.encode(both, "mojaloop"), profile="mojaloop") == both


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
