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
    assert DEFAULT.limits("T0", "USD") == kyb.Limits(20_00, 60_00, 300_00, 30, 300_00)
    assert DEFAULT.limits("T1", "UGX") == kyb.Limits(370_000, 1_110_000, 3_700_000, 50, 3_700_000)  # no minor unit
    assert DEFAULT.limits("T1", "TND") == kyb.Limits(300_000, 900_000, 3_000_000, 50, 3_000_000)  # three digits


def test_limits_of_an_unknown_tier_or_currency_are_refused() -> None:
    with pytest.raises(kyb.UnknownTier):
        DEFAULT.limits("T9", "KES")
    with pytest.raises(kyb.UnknownCurrency):
        DEFAULT.limits("T1", "XTS")


def test_limits_exist_for_every_currency_but_those_without_a_usable_rate() -> None:
    missing = codes.currencies() - DEFAULT.text.minor_per_unit.keys()
    assert missing == {"IRR", "KPW", "VED", "VES"}


@settings(deadline=None)
@given(st.sampled_from(sorted(DEFAULT.text.minor_per_unit)))
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
    assert DEFAULT.policy_version == f"generic@2026.2+{DEFAULT.sha256[:12]}"


def test_a_currency_may_have_amounts_of_its_own() -> None:
    own = ""
    for name, scale in (("T0", 1), ("T1", 2), ("T2", 3), ("T3", 4)):
        own += f'[tiers.{name}]\ntitle = "x"\nkinds = {list(codes.BUSINESS_KINDS)}\n'
        own += "limits = { per_payment = 1, per_day = 2, per_month = 3, payments_per_day = 4 }\n"
        own += f"limits_minor.KES = {{ per_payment = {scale}, per_day = 10, per_month = 99, payments_per_day = 5 }}\n"
    head = 'name = "own"\nversion = "1"\nstatus = "test"\n[answers]\n"business.mcc" = "x"\n'
    policy = kyb.load_policy(f"{head}{own}[minor_per_unit]\nUSD = 100\n")
    assert policy.limits("T2", "KES") == kyb.Limits(3, 10, 99, 5)
    assert policy.limits("T2", "USD") == policy.limits("T2", "USD", "debit") == kyb.Limits(100, 200, 300, 4)
    with pytest.raises(kyb.UnknownCurrency):
        policy.limits("T2", "TZS")


def test_money_may_leave_within_other_limits_than_it_comes_in() -> None:
    debit = "debit = { per_payment = 5, per_day = 15, per_month = 75, payments_per_day = 3, balance = 75 }"
    policy = kyb.load_policy(GENERIC.replace('title = "Provisional', f'{debit}\ntitle = "Provisional', 1))
    assert policy.limits("T0", "USD", "debit") == kyb.Limits(5_00, 15_00, 75_00, 3, 75_00)
    assert policy.limits("T0", "USD").per_payment_minor == 20_00


@pytest.mark.parametrize(("band", "count"), [("low", 1), ("medium", 1), ("high", 2), (None, 2), ("unacceptable", 2)])
def test_a_higher_risk_takes_more_checkers_and_an_unknown_one_counts_as_high(band: str | None, count: int) -> None:
    assert DEFAULT.tier("T3").approvals_for(band) == count


T3_KINDS = 'kinds = ["company", "ngo", "public_body"]'
FAULTS = [
    ("", "", "required"),
    ('name = "generic"', "name = 7", "name"),
    ('name = "generic"', 'nmae = "generic"', "nmae"),
    ('name = "generic"', 'name = "generic', "line 4"),
    ("[tiers.T1]", "[tiers.T0]", "T0"),
    ("per_payment = 10000, per_day = 50000,", "per_payment = 10000,", "tiers.T3.limits: per_day is required"),
    ('type = "lei_active"', 'type = "lei_active"\nage = 7', "checks.lei: there is no key age here"),
    ('says = "Look the LEI', "says = 7\n#", "checks.lei.says: must be text, not a whole number"),
    (T3_KINDS, 'kinds = ["company", "ngo"]', "public_body"),
    (T3_KINDS, 'kinds = ["company", "ngo", "circus"]', "circus"),
    ("limits = { per_payment = 20,", "limits = { per_payment = 200,", "payment <= day"),
    ("limits = { per_payment = 20,", "limits = { per_payment = 0,", "payment <= day"),
    (
        "limits = { per_payment = 20,",
        "limits = { per_payment = 20.5,",
        "tiers.T0.limits.per_payment: must be a whole number",
    ),
    ("per_day = 300, per_month = 1000", "per_day = 300, per_month = 299", "payment <= day"),
    ("per_payment = 500, per_day = 2000", "per_payment = 50, per_day = 2000", "higher tier"),
    ("payments_per_day = 300 }", "payments_per_day = 300, balance = 5 }", "higher tier"),
    ("payments_per_day = 30,", "payments_per_day = 0,", "payments_per_day"),
    ("KES = 13000", "KSH = 13000", "KSH"),
    ("KES = 13000", "KES = 0", "KES"),
    ("KES = 13000", "KES = 130.0", "minor_per_unit.KES: must be a whole number"),
    ('"business.mcc" =', '"business.mmc" =', "business.mmc"),
    ('"business.mcc" =', '"bussiness.mcc" =', "bussiness"),
    ('"locations[]" =', '"locations" =', "locations"),
    ('"business.mcc" =', '"business" =', "business"),
    ('["business.kind", "business.trading_name"', '["business.kind", "shoe_size"', "shoe_size"),
    ('"phone", "screening",', '"phone", "horoscope",', "horoscope"),
    ('"contact.phone|owner_index or owners[].phone" =', '"contact.phone|owner or x" =', "contact.phone|owner"),
    ('owner_index or owners[].phone" =', 'owner_index or owners[].shoe_size" =', "shoe_size"),
    ('type = "phone_code"', 'type = "palm_reading"', "palm_reading"),
    ('attribute = "licence"', 'attribute = "fortune"', "attribute"),
    ('type = "lei_active"', 'type = "lei_active"\nattribute = "phone"', "lei_active"),
    ('by = ["one_time_code", "checker"]', 'by = ["oracle"]', "oracle"),
    ('by = ["one_time_code", "checker"]', "by = []", "nobody can verify it"),
    (
        'attribute = "licence"\nby = ["checker", "document", "registry"]',
        'attribute = "tax"\nby = ["one_time_code"]',
        "tax",
    ),
    ('by = ["registry", "checker"]', 'by = ["one_time_code"]', "checks.lei.by: one_time_code cannot verify lei"),
    ('valid = "60m"', 'valid = "60 months"', "checks.identity.valid"),
    ('valid = "60m"', 'valid = "0d"', "checks.identity.valid"),
    ('valid = "60m"', 'valid = "9000y"', "longer than 100 years"),
    ('notice = "30d"', 'countries = ["KP"]\nnotice = "30d"', "black_countries"),
    ('expires_after = "30d"', 'expires_after = "soon"', "expires_after"),
    ("threshold_percent = 25.0", "threshold_percent = 125.0", "threshold_percent"),
    ("threshold_percent = 10.0", "threshold_percent = 30.0", "threshold_percent"),
    ('when = { fact = "has_lei", eq = true }', 'when = { fact = "moon", eq = true }', "fact"),
    ('when = { fact = "has_lei", eq = true }', 'when = { fact = "has_lei", exec = "x" }', "operator"),
    ('cross_border = "T3"', 'cross_border = "T9"', "T9"),
    ('cross_border = "T3"', 'teleport = "T3"', "teleport"),
    ('identity = "hint"', 'identity = "shrug"', "shrug"),
    ("high = 2 }", "high = 9 }", "approvals"),
    ('title = "Registered', 'expires_after = "30d"\ntitle = "Registered', "no higher tier"),
    (
        'any = [[["business.registration_number|tax_id", "licence"], ["association_letter"]]]',
        'any = [[["licence"]]]',
        "two",
    ),
    (
        '  "owners", "contact.phone|email',
        '  "contact.phone|email',
        "the owners' identity",
    ),  # a company's owners unknown
]


@pytest.mark.parametrize(("text", "replacement", "named"), FAULTS)
def test_a_policy_that_contradicts_itself_is_refused(text: str, replacement: str, named: str) -> None:
    broken = GENERIC.replace(text, replacement, 1) if text else ""
    assert broken != GENERIC
    with pytest.raises(kyb.PolicyError, match=named.replace("|", r"\|")):
        kyb.load_policy(broken)


VOLUME = """
[checks.volume]
type = "volume_observed"
minimum_units = {units}
says = "Take payments for a month."

[tiers.T0]"""


def with_volume(units: int, tier: str) -> str:
    """The default policy, of which one tier asks for a turnover."""
    text = GENERIC.replace("\n[tiers.T0]", VOLUME.format(units=units), 1)
    head, _, rest = text.partition(f"[tiers.{tier}.requires]\nall = [")
    return f'{head}[tiers.{tier}.requires]\nall = ["volume", {rest}'


@pytest.mark.parametrize(
    ("units", "tier", "named"),
    [
        (1, "T0", "tiers.T0: volume asks individual for more in a month than the 0 "),
        (301, "T1", "tiers.T1: volume asks individual for more in a month than the 300 "),
        (1, "T3", "tiers.T3: volume asks company for more in a month than the 0 "),
    ],
)
def test_a_turnover_that_no_tier_permits_is_refused(units: int, tier: str, named: str) -> None:
    with pytest.raises(kyb.PolicyError, match=named):
        kyb.load_policy(with_volume(units, tier))


def test_a_turnover_that_the_tier_below_permits_is_asked_for() -> None:
    assert kyb.load_policy(with_volume(1000, "T2")).text.checks["volume"].minimum_units == 1000


def test_a_tier_that_refuses_each_trade_by_its_code_is_refused() -> None:
    every = ", ".join(f'"{code}"' for code in sorted(codes.merchant_category_codes()))
    text = GENERIC.replace('mcc_refused = ["@enhanced", "@agent"]', f"mcc_refused = [{every}]", 1)
    with pytest.raises(kyb.PolicyError, match="every trade is refused"):
        kyb.load_policy(text)


def test_weights_by_which_every_trade_is_unacceptable_are_refused() -> None:
    points = "cap = 100\nlow = 100\nmedium = 100\nhigh = 100\nenhanced = 100\nagent = 100"
    with pytest.raises(kyb.PolicyError, match=r"risk\.mcc\.low"):
        kyb.load_policy(GENERIC.replace("[capabilities]", f"[risk.mcc]\n{points}\n[capabilities]", 1))


def test_a_tier_with_high_limits_and_no_requirements_is_refused() -> None:
    before, after = (
        GENERIC[: GENERIC.index("[tiers.T3.requires]")],
        GENERIC[GENERIC.index("# What a merchant may do") :],
    )
    with pytest.raises(kyb.PolicyError, match="asks company for less"):
        kyb.load_policy(before + after)


@pytest.mark.parametrize("name", kyb.presets())
def test_every_preset_is_sound_and_says_that_nobody_verified_it(name: str) -> None:
    policy = kyb.load_policy(kyb.preset(name))
    assert policy.name == name
    assert policy.text.status == "unverified"
    for kind in codes.BUSINESS_KINDS:
        assert policy.ladder(kind)


@pytest.mark.parametrize("kind", codes.BUSINESS_KINDS)
def test_the_highest_tier_of_every_kind_proves_who_the_owners_are(kind: str) -> None:
    keys = {key for tier in DEFAULT.ladder(kind) for key in tier.requires.all}
    assert keys & {"identity", "owners"}


def test_a_preset_that_there_is_not_is_refused() -> None:
    with pytest.raises(kyb.PolicyError, match="no preset"):
        kyb.preset("../secrets")


def test_a_text_that_is_no_policy_is_refused() -> None:
    for text in ("x" * (1 << 20) + "x", "[" * 100_000, "a = {" * 2_000, "\x00"):
        with pytest.raises(kyb.PolicyError):
            kyb.load_policy(text)
