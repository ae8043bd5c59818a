import pytest

import qr

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
        ('{ id = "01"', '{ id = "02", name = "number" }, { id = "01"', "differ"),
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
