"""A policy is read whole or refused with the place of its fault; limits are exact integers."""

from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from kyb import codes

GENERIC = files("kyb").joinpath("policies/generic.toml").read_text(encoding="utf-8")
DEFAULT = kyb.default_policy()


def test_the_default_policy_has_four_tiers_in_order() -> None:
    assert [tier.name for tier in DEFAULT.tiers] == ["T0", "T1", "T2", "T3"]


def test_limits_are_in_minor_units_of_the_currency() -> None:
    assert DEFAULT.limits("T0", "USD") == kyb.Limits(20_00, 60_00, 300_00, 30)
    assert DEFAULT.limits("T1", "UGX") == kyb.Limits(370_000, 1_110_000, 3_700_000, 50)  # no minor unit
    assert DEFAULT.limits("T1", "TND") == kyb.Limits(300_000, 900_000, 3_000_000, 50)  # three digits


def test_limits_of_an_unknown_tier_or_currency_are_refused() -> None:
    with pytest.raises(kyb.UnknownTier):
        DEFAULT.limits("T9", "KES")
    with pytest.raises(kyb.UnknownCurrency):
        DEFAULT.limits("T1", "XTS")


def test_limits_exist_for_every_currency_but_those_without_a_usable_rate() -> None:
    missing = codes.currencies() - DEFAULT.minor_per_reference.keys()
    assert missing == {"IRR", "KPW", "VED", "VES"}


@settings(deadline=None)
@given(st.sampled_from(sorted(DEFAULT.minor_per_reference)))
def test_a_higher_tier_never_allows_less(currency: str) -> None:
    rungs = [DEFAULT.limits(tier.name, currency) for tier in DEFAULT.tiers]
    for field in ("per_payment_minor", "per_day_minor", "per_month_minor", "payments_per_day"):
        amounts = [getattr(limits, field) for limits in rungs]
        assert amounts == sorted(amounts)
        assert amounts[0] > 0


def test_every_kind_of_business_has_a_ladder() -> None:
    ladders = {kind: [tier.name for tier in DEFAULT.ladder(kind)] for kind in codes.BUSINESS_KINDS}
    assert ladders["individual"] == ["T0", "T1"]
    assert ladders["sole_proprietor"] == ["T0", "T1", "T2"]
    assert ladders["cooperative"] == ["T1", "T2"]
    assert ladders["company"] == ladders["ngo"] == ladders["public_body"] == ["T3"]
    assert DEFAULT.ladder("circus") == ()


def test_different_texts_have_different_hashes() -> None:
    other = kyb.load_policy(GENERIC + "\n# a remark\n")
    assert other.tiers == DEFAULT.tiers
    assert other.sha256 != DEFAULT.sha256
    assert kyb.load_policy(GENERIC) == DEFAULT
    assert DEFAULT.policy_version == f"generic@2026.1+{DEFAULT.sha256[:12]}"


def test_a_currency_may_have_amounts_of_its_own() -> None:
    own = ""
    for name, scale in (("T0", 1), ("T1", 2), ("T2", 3), ("T3", 4)):
        table = f"[tiers.limits_minor.KES]\nper_payment = {scale}\nper_day = 10\nper_month = 99\npayments_per_day = 5\n"
        own += f'[[tiers]]\nname = "{name}"\ntitle = "x"\nkinds = {list(codes.BUSINESS_KINDS)}\n'
        own += "limits = { per_payment = 1, per_day = 2, per_month = 3, payments_per_day = 4 }\n"
        own += '[tiers.requires]\n"owners[]" = "x"\n' + table
    head = 'name = "own"\nversion = "1"\nstatus = "test"\n[requires]\n"business.mcc" = "x"\n'
    policy = kyb.load_policy(f"{head}{own}[minor_per_reference]\nUSD = 100\n")
    assert policy.limits("T2", "KES") == kyb.Limits(3, 10, 99, 5)
    assert policy.limits("T2", "USD") == kyb.Limits(100, 200, 300, 4)
    with pytest.raises(kyb.UnknownCurrency):
        policy.limits("T2", "TZS")


FAULTS = [
    ("", "", "required"),
    ('name = "generic"', "name = 7", "name"),
    ('name = "generic"', 'nmae = "generic"', "nmae"),
    ('name = "generic"', 'name = "generic', "line 3"),
    ('name = "T1"', 'name = "T0"', "once"),
    ('kinds = ["company", "ngo", "public_body"]', 'kinds = ["company", "ngo"]', "public_body"),
    ('kinds = ["company", "ngo", "public_body"]', 'kinds = ["company", "ngo", "circus"]', "circus"),
    ("limits = { per_payment = 20,", "limits = { per_payment = 200,", "payment <= day"),
    ("limits = { per_payment = 20,", "limits = { per_payment = 0,", "payment <= day"),
    ("limits = { per_payment = 20,", "limits = { per_payment = 20.5,", "int"),
    ("per_day = 300, per_month = 1000", "per_day = 300, per_month = 299", "payment <= day"),
    ("per_payment = 500, per_day = 2000", "per_payment = 50, per_day = 2000", "higher tier"),
    ("payments_per_day = 30 }", "payments_per_day = 0 }", "payments_per_day"),
    ("KES = 13000", "KSH = 13000", "KSH"),
    ("KES = 13000", "KES = 0", "KES"),
    ("KES = 13000", "KES = 130.0", "int"),
    ('"business.mcc" =', '"business.mmc" =', "business.mmc"),
    ('"business.mcc" =', '"bussiness.mcc" =', "bussiness"),
    ('"locations[]"', '"locations"', "locations"),
    ('"business.mcc" =', '"business" =', "business"),
    ('"evidence.phone_verified" =', '"evidence.shoe_size" =', "shoe_size"),
    ('"contact.phone|owner_index or', '"contact.phone|owner or', "contact.phone|owner"),
    ("or owners[].phone", "or owners[].shoe_size", "shoe_size"),
]


@pytest.mark.parametrize(("text", "replacement", "named"), FAULTS)
def test_a_policy_that_contradicts_itself_is_refused(text: str, replacement: str, named: str) -> None:
    broken = GENERIC.replace(text, replacement, 1) if text else ""
    assert broken != GENERIC
    with pytest.raises(kyb.PolicyError, match=named.replace("|", r"\|")):
        kyb.load_policy(broken)
