import re
from pathlib import Path

import pytest

import qr
from qr import reader, tlv
from qr.catalogue import FORGIVABLE

LAND = """
id = "landqr"
name = "Land QR"
source = "Bank of the Land"
countries = ["KE"]
currencies = ["KES"]

[[account]]
name = "merchant"
tags = ["30-32"]
guid = ["land.qr"]
field = [{ id = "01", name = "number", type = "n", length = "6-8" }]
"""


def test_an_operator_adds_a_country_with_a_file(tmp_path):
    path = tmp_path / "landqr.toml"
    path.write_text(LAND, encoding="utf-8")
    profile = qr.read_profile(path)
    code = qr.MerchantCode(
        point_of_initiation="11",
        accounts=(qr.account(profile, number="123456"),),
        mcc="5411",
        currency="404",
        country="KE",
        name="Shop One",
        city="Nairobi",
    )
    payload = qr.encode(code, profile)
    assert qr.decode(payload, profile=profile) == code
    assert [network.profile for network in qr.networks(code, [profile])] == ["landqr"]


def test_a_profile_without_golden_payloads_is_valid_but_warned_of():
    assert [finding.severity for finding in qr.validate_profile(qr.parse_profile(LAND))] == ["warning"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (qr.find_profile("tanqr").golden[0].payload, "network_missing"),
        ("0002", "value_overruns"),
    ],
)
def test_a_golden_payload_that_breaks_the_profile_is_found(payload, code):
    profile = qr.parse_profile(LAND + f'\n[[golden]]\nsource = "x"\npayload = "{payload}"\n')
    assert code in {finding.code for finding in qr.validate_profile(profile)}


def test_a_golden_payload_that_says_other_values_is_found():
    profile = qr.parse_profile(LAND)
    code = qr.MerchantCode(
        accounts=(qr.account(profile, number="123456"),),
        mcc="5411",
        currency="404",
        country="KE",
        name="Shop One",
        city="Nairobi",
    )
    golden = f'\n[[golden]]\nsource = "x"\npayload = "{qr.encode(code)}"\nvalues = {{ number = "654321" }}\n'
    findings = qr.validate_profile(qr.parse_profile(LAND + golden))
    assert [finding.code for finding in findings] == ["values_differ"]


NESTED = '{ id = "01", name = "deep", fields = [{ id = "01", name = "deepest", pattern = "(" }] }'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "landqr"', 'id = "Land QR"', "id"),
        ('id = "landqr"', "", "id"),
        ('name = "Land QR"', 'nmae = "Land QR"', "nmae"),
        ('name = "Land QR"', "name = 5", "name"),
        ('"KE"', '"XX"', "3166"),
        ('"KES"', '"KSH"', "4217"),
        ('"30-32"', '"30-60"', "02 to 51"),
        ('"30-32"', '"3"', "tags"),
        ('"30-32"', '"32-30"', "02 to 51"),
        ('guid = ["land.qr"]', 'guid = ["land.qr"]\nguid_pattern = "x"', "at most one"),
        ('guid = ["land.qr"]', 'guid_pattern = "["', "regular expression"),
        ('length = "6-8"', 'length = "six"', "length"),
        ('length = "6-8"', 'pattern = "("', "regular expression"),
        ("[[account]]", 'rules = { required = ["62.77"] }\n[[account]]', "62.77"),
        ("[[account]]", 'rules = { values = { "54" = "[" } }\n[[account]]', "regular expression"),
        ("[[account]]", 'defaults = { "26" = "x" }\n[[account]]', "26"),
        ("[[account]]", "[[unreserved]]", "account"),
        ("[[account]]", "[[account", "TOML"),
        ('{ id = "01"', '{ id = "02", name = "number" }, { id = "01"', "unique"),
        ('{ id = "01"', '{ id = "01", name = "other" }, { id = "01"', "01 occurs twice"),
        ('length = "6-8"', 'length = "8-2"', "number.*8-2"),
        ('length = "6-8"', 'length = "0-2"', "number.*0-2"),
        ('length = "6-8"', 'fields = [{ id = "01", name = "deep", pattern = "(" }]', "deep.*regular expression"),
        ('length = "6-8"', f"fields = [{NESTED}]", "deepest.*regular expression"),
        ('length = "6-8"', 'pattern = "a{99999999999999999999}"', "regular expression"),
        ('length = "6-8"', 'value = "x"', "number.*value"),
        ('guid = ["land.qr"]', f'guid = ["{"x" * 33}"]', "guid"),
        ('guid = ["land.qr"]', 'guid = [""]', "guid"),
        ('guid = ["land.qr"]', 'guid = ["land.qr"]\none_of = ["mobile"]', "one_of.*mobile"),
        ("[[account]]", 'waive = ["59:mising"]\n[[account]]', "waive.*mising"),
        ("[[account]]", 'waive = ["5.9"]\n[[account]]', r"waive.*5\.9"),
        ("[[account]]", 'tolerate = ["59.01"]\n[[account]]', r"tolerate.*59\.01"),
        ("[[account]]", 'tolerate = ["62.05.00"]\n[[account]]', r"tolerate.*62\.05\.00"),
        ("[[account]]", 'tolerate = [""]\n[[account]]', "tolerate"),
        ("[[account]]", 'tolerate = ["63"]\n[[account]]', "63.*fatal"),
        ("[[account]]", 'tolerate = ["63:checksum_wrong"]\n[[account]]', "63:checksum_wrong.*fatal"),
        ("[[account]]", 'waive = ["00:format_not_first"]\n[[account]]', "format_not_first.*fatal"),
        ("[[account]]", 'waive = ["59:duplicate_id"]\n[[account]]', "59:duplicate_id.*fatal"),
        ("[[account]]", 'waive = ["81:control_character"]\n[[account]]', "control_character"),
        ("[[account]]", 'defaults = { "53" = "TZS" }\n[[account]]', "defaults.*53"),
        ("[[account]]", 'defaults = { "53" = "834" }\n[[account]]', "defaults.*53"),
        ("[[account]]", 'defaults = { "58" = "TZ" }\n[[account]]', "defaults.*58"),
        ("[[account]]", 'defaults = { "59" = "" }\n[[account]]', "defaults.*59"),
        ("[[account]]", 'defaults = { "62.11" = "0" }\n[[account]]', r"defaults.*62\.11"),
        ("[[account]]", 'defaults = { "00" = "02" }\n[[account]]', "defaults.*00"),
        (
            "[[account]]",
            'defaults = { "52" = "1" }\nrules = { values = { "52" = "[0-9]{4}" } }\n[[account]]',
            "defaults",
        ),
        ("[[account]]", 'defaults = { "61" = "1" }\nrules = { values = { "61" = "2" } }\n[[account]]', "defaults.*61"),
        ("[[account]]", "deep = " + "[" * 5000 + "]" * 5000 + "\n[[account]]", "nested"),
        ("[[account]]", "big = " + "9" * 6000 + "\n[[account]]", "not TOML.*number"),
    ],
)
def test_a_faulty_file_is_refused_and_the_message_names_the_place(old, new, message):
    assert old in LAND
    with pytest.raises(qr.ProfileError, match=message) as raised:
        qr.parse_profile(LAND.replace(old, new, 1), "landqr.toml")
    assert raised.value.findings[0].section == "landqr.toml"


@pytest.mark.parametrize("profile_id", ["nowhere", "../emv", "", "TANQR", "a/b"])
def test_only_packaged_profiles_have_ids(profile_id):
    with pytest.raises(qr.ProfileError, match="no such profile"):
        qr.find_profile(profile_id)


def test_a_file_of_any_size_is_not_read_as_a_profile():
    with pytest.raises(qr.ProfileError, match="more than"):
        qr.parse_profile("#" * 70_000)


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path):
    path = tmp_path / "landqr.toml"
    path.write_text(LAND.replace("Bank", "Bänk"), encoding="latin-1")
    with pytest.raises(qr.ProfileError, match="not UTF-8"):
        qr.read_profile(path)
    path.write_text(LAND, encoding="utf-8-sig")
    with pytest.raises(qr.ProfileError, match="byte order mark"):
        qr.read_profile(path)


def test_pattern_type_and_length_hold_together():
    field = '{ id = "01", name = "number", type = "n", length = "6-8", pattern = ".*[05]" }'
    profile = qr.parse_profile(LAND.replace('{ id = "01", name = "number", type = "n", length = "6-8" }', field))
    assert qr.account(profile, number="123450")
    for number in ("123456", "12345", "1234567890", "12345x0"):
        with pytest.raises(qr.ProfileError, match="must be"):
            qr.account(profile, number=number)
    words = qr.parse_profile(LAND.replace('length = "6-8"', 'length = "6", pattern = "123456|1234567"'))
    assert qr.account(words, number="123456")
    with pytest.raises(qr.ProfileError, match="must be"):
        qr.account(words, number="1234567")


def test_no_profile_waives_a_fatal_finding():
    profile = qr.parse_profile(LAND.replace("[[account]]", 'waive = ["00:bad_value", "59"]\n[[account]]'))
    fatal = qr.Finding("59", "duplicate_id", "", "fatal", "")
    assert not profile.waives(fatal, reading=True)


@pytest.mark.parametrize("path", ["no_account", "61:bad_value", "62.05:too_long", "62.50.00", "81", ":not_precomposed"])
def test_findings_that_occur_can_be_waived(path):
    entry = "02-51" if path == "no_account" else path
    assert qr.parse_profile(LAND.replace("[[account]]", f'waive = ["{entry}"]\n[[account]]')).waive == (entry,)


def test_every_finding_that_the_reader_makes_has_a_known_code():
    text = "".join(path.read_text(encoding="utf-8") for path in (Path(reader.__file__), Path(tlv.__file__)))
    made = set(re.findall(r'_error\([^"]*?"[^"]*", "([a-z_]+)"', text)) | set(re.findall(r'code = "([a-z_]+)"', text))
    assert made
    assert made <= FORGIVABLE | {"control_character"}
