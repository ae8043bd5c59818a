"""Layers: the regulator's ceiling holds the scheme's, that holds a DFSP's; a lower one may only tighten."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb

GENERIC = kyb.preset("generic")
# What stands above: generic, with something set wherever it sets nothing.
ABOVE = """
name = "above"
version = "1"
countries = ["KE", "UG"]
open_cases = "regrade"
screening_max_age_hours = 24
approvals_to_reinstate = 2
[own_duplicates]
identity = "review"
[names.protected]
police = ["police", "polisi"]
[mcc_classes]
7995 = "enhanced"
9406 = "prohibited"
5499 = "high"
[tiers.T2]
debit = { per_payment = 400, per_day = 1000, per_month = 9000, payments_per_day = 99 }
[tiers.T3]
debit = { per_payment = 400, per_day = 1000, per_month = 9000, payments_per_day = 99 }
[tiers.T0.approvals]
high = 2
[checks.volume]
type = "volume_observed"
minimum_units = 100
says = "Take payments for some weeks."
[checks.risk]
type = "risk_band"
band = "low"
says = "Have the risk lowered."
"""


def limits(
    tier: str, payment: int, day: int, month: int, count: int, balance: int | None = None, way: str = "limits"
) -> str:
    """A layer that sets the limits of a tier."""
    more = "" if balance is None else f", balance = {balance}"
    figures = f"per_payment = {payment}, per_day = {day}, per_month = {month}, payments_per_day = {count}{more}"
    return f"[tiers.{tier}]\n{way} = {{ {figures} }}\n"


ABOVE += (
    limits("T0", 10, 10, 10, 9, 300, way="debit")
    + 'mcc_refused = ["@high", "5977"]\n'
    + limits("T1", 40, 40, 40, 9, 1000, way="debit")
)


LOOSENED = [
    # what comes in: each figure by itself, and the balance taken away
    (
        limits("T0", 21, 60, 300, 30, 300),
        "tiers.T0: permits more",
    ),
    (
        limits("T0", 20, 61, 300, 30, 300),
        "tiers.T0: permits more",
    ),
    (
        limits("T0", 20, 60, 301, 30, 300),
        "tiers.T0: permits more",
    ),
    (
        limits("T0", 20, 60, 300, 31, 300),
        "tiers.T0: permits more",
    ),
    (
        limits("T0", 20, 60, 300, 30, 301),
        "tiers.T0: permits more",
    ),
    (
        limits("T1", 100, 300, 1000, 50),
        "tiers.T1: permits more",
    ),
    # what goes out
    (
        limits("T0", 11, 11, 11, 9, 300, way="debit"),
        r"T0: permits more .*\(debit\)",
    ),
    # one currency
    ("[minor_per_unit]\nKES = 14000", "permits more.* in KES"),
    (limits("T3", 10**9, 10**9, 10**10, 10_000, way="limits_minor.KES"), "tiers.T3: permits more"),
    ("[minor_per_unit]\nVES = 1000", "sets limits for VES"),
    # who, for how long, by how many
    ('[tiers.T1]\nkinds = ["individual", "sole_proprietor", "partnership", "cooperative", "ngo"]', "tiers.T1.kinds"),
    ('[tiers.T0]\nexpires_after = "31d"', "tiers.T0.expires_after"),
    ("[tiers.T0.approvals]\nhigh = 1", "tiers.T0.approvals.high"),
    ('[tiers.T1.review]\nhigh = "13m"', "tiers.T1.review.high"),
    ("[tiers.T1]\nautomatic = true", "tiers.T1.automatic"),
    # checks
    ('[checks.identity]\nby = ["checker", "manual"]', "checks.identity.by"),
    ('[checks.identity]\nvalid = "61m"', "checks.identity.valid"),
    ('[checks.identity]\ntype = "manual"', "checks.identity: type"),
    ('[checks.licence]\nattribute = "tax"', "checks.licence: type"),
    ('[checks.lei]\nwhen = { fact = "has_lei", eq = false }', "checks.lei: type"),
    ('[checks.identity]\nwhen = { fact = "risk", eq = "high" }', "checks.identity: type"),
    ("[checks.owners]\nthreshold_percent = 30.0", "checks.owners: a higher threshold"),
    ("[checks.owners]\nhigh_risk_threshold_percent = 11.0", "checks.owners: a higher threshold"),
    ("[checks.volume]\nminimum_units = 99", "checks.volume: asks for less"),
    ('[checks.risk]\nband = "medium"', "checks.risk: asks for less"),
    # the rest
    ('[capabilities]\ncross_border = "T2"', "capabilities.cross_border"),
    ('[own_duplicates]\nidentity = "hint"', "own_duplicates.identity"),
    ('[other_duplicates]\nphone = "allow"', "other_duplicates.phone"),
    ('grace = "2m"', "grace: longer"),
    ('lower_risk_lasts = "2y"', "lower_risk_lasts: longer"),
    ('abandon = "181d"', "abandon: longer"),
    ('countries = ["KE", "TZ"]', "countries"),
    ("countries = []", "countries"),
    ('open_cases = "keep"', "open_cases"),
    ("approvals_to_reinstate = 1", "approvals_to_reinstate"),
    ("screening_max_age_hours = 25", "screening_max_age_hours"),
    ("screening_max_age_hours = 0", "screening_max_age_hours"),
    ('[mcc_classes]\n7995 = "high"', "mcc_classes.7995: high is milder than enhanced"),
    ('[mcc_classes]\n9406 = "low"', "mcc_classes.9406: low is milder than prohibited"),
    ('[mcc_classes]\n4829 = "low"', "mcc_classes.4829: low is milder than enhanced"),
    ("[risk.mcc]\nhigh = 15", "risk.mcc.high: 15 is milder"),
    ("[risk.bands]\nhigh_from = 70", "risk.bands.high_from: 70 is milder"),
    ('[names.protected]\npolice = ["police"]', "names.protected.police"),
    # the ladder itself
    (limits("T4", 10000, 50000, 500000, 10000) + 'title = "x"\nkinds = ["company"]', "neither add nor drop"),
]


@pytest.mark.parametrize(("layer", "named"), LOOSENED)
def test_a_layer_that_loosens_is_refused_with_the_place(layer: str, named: str) -> None:
    """Scenario 30."""
    with pytest.raises(kyb.PolicyError, match=named):
        kyb.load_layers([GENERIC, ABOVE, layer])
    assert kyb.layer_faults([GENERIC, ABOVE, layer])


TIGHTENED = [
    "",
    'name = "own"',
    limits("T0", 19, 60, 300, 30, 299),
    "[minor_per_unit]\nKES = 12999",
    '[tiers.T0]\nexpires_after = "29d"',
    '[tiers.T2]\nkinds = ["sole_proprietor", "partnership"]',
    "[tiers.T0.approvals]\nlow = 2",
    '[tiers.T3.review]\nlow = "6m"',
    '[tiers.T1.requires]\nall = ["account", "settlement_account.account_id"]',
    '[checks.identity]\nby = ["registry"]\nvalid = "12m"',
    '[checks.phone]\nvalid = "12m"',
    "[checks.owners]\nthreshold_percent = 20.0",
    '[tiers.T1]\nmcc_refused = ["5921"]',
    '[mcc_classes]\n5921 = "enhanced"',
    '[mcc_classes]\n5499 = "prohibited"',
    "[risk.mcc]\nhigh = 25",
    '[capabilities]\nrefund = "T1"',
    '[own_duplicates]\nidentity = "refuse"',
    'countries = ["KE"]',
    "screening_max_age_hours = 12",
    '[names.protected]\npolice = ["police", "polisi"]\ncourt = ["court"]',
]


@pytest.mark.parametrize("layer", TIGHTENED)
def test_a_layer_that_tightens_is_taken(layer: str) -> None:
    assert kyb.layer_faults([GENERIC, ABOVE, layer]) == []
    assert len(kyb.load_layers([GENERIC, ABOVE, layer]).layers) == 3


def test_what_a_layer_requires_is_added_to_what_is_required_above() -> None:
    policy = kyb.load_layers([GENERIC, '[tiers.T0.requires]\nall = ["identity"]\nany = [[["licence"], ["account"]]]'])
    above = kyb.load_policy(GENERIC)
    assert set(policy.tier("T0").requires.all) == {*above.tier("T0").requires.all, "identity"}
    assert policy.tier("T0").requires.any == ((("licence",), ("account",)),)
    assert set(policy.tier("T1").mcc_refused) == set(above.tier("T1").mcc_refused)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ("[name]\nx = 1", "name"),
        ("tiers = 1", "tiers"),
        ("[tiers.T0.requires]\nless = []", "less"),
        ('[tiers.T0.requires]\nall = "phone"', "must be a list"),
        ('[tiers.T0.requires]\nall = ["horoscope"]', "horoscope"),
        (
            limits("T0", 0, 0, 0, 0),
            "payment <= day",
        ),
        ('[tiers.T3]\nmcc_refused = ["@low", "@medium", "@high"]', "every trade is refused"),
        ("[tiers.T0]\nkinds = []", "nobody can reach"),
    ],
)
def test_a_layer_that_makes_no_sound_policy_is_refused(layer: str, named: str) -> None:
    """Scenario 30: a tier that nobody can reach."""
    with pytest.raises(kyb.PolicyError, match=named):
        kyb.load_layers([GENERIC, layer])
    assert any(named.split()[0] in fault for fault in kyb.layer_faults([GENERIC, layer]))


def test_a_first_layer_may_be_laid_over_a_preset() -> None:
    text = 'extends = "generic"\nversion = "7"\ngrace = "10d"'
    assert kyb.load_policy(text).text.grace == "10d"
    assert kyb.load_policy(text).policy_version.startswith("generic@7+")
    with pytest.raises(kyb.PolicyError, match="no preset"):
        kyb.load_policy('extends = "../generic"')
    with pytest.raises(kyb.PolicyError, match="grace: longer"):
        kyb.load_policy('extends = "generic"\ngrace = "31d"')


def test_every_fault_is_told_each_once_and_none_of_a_sound_policy() -> None:
    layer = 'grace = "99d"\nabandon = "999d"\n' + limits("T0", 21, 61, 301, 31, 301)
    found = kyb.layer_faults([GENERIC, layer])
    assert found == [
        "tiers.T0: permits more than the layer above (credit) in USD and 150 other currencies",
        "grace: longer than 30d",
        "abandon: longer than 180d",
    ]
    assert kyb.layer_faults([GENERIC]) == []
    assert kyb.layer_faults([]) == ["a policy needs at least one text"]
    two = GENERIC.replace('notice = "30d"', 'notice = "soon"').replace("KES = 13000", "KSH = 13000")
    assert [fault.split(":")[0] for fault in kyb.layer_faults([two])] == ["notice"]
    assert kyb.layer_faults([two, "grace = '99d'"]) == kyb.layer_faults([two])


def test_the_number_of_tiers_is_limited() -> None:
    more = "".join(limits(f"X{n}", 1, 1, 1, 1) + 'title = "x"\nkinds = ["company"]\n' for n in range(9))
    assert any("from 1 to 12" in one for one in kyb.layer_faults([f"{GENERIC}\n{more}"]))


_FIGURES = st.tuples(*(st.integers(1, 60_000) for _ in range(4)), st.one_of(st.none(), st.integers(1, 60_000)))
_LAYERS = st.dictionaries(st.sampled_from(["T0", "T1", "T2", "T3"]), _FIGURES, min_size=1, max_size=4)


def _written(layer: dict[str, tuple[int, int, int, int, int | None]]) -> str:
    text = "minor_per_unit = { USD = 100 }\n"
    return text + "".join(limits(name, *figures) for name, figures in layer.items())


_SMALL = GENERIC[: GENERIC.index("\n[minor_per_unit]\n")] + "\n[minor_per_unit]\nUSD = 100\n"


@settings(max_examples=60)
@given(st.lists(_LAYERS, min_size=1, max_size=2))
def test_whatever_layers_are_taken_nobody_may_take_more_than_above(
    layers: list[dict[str, tuple[int, int, int, int, int | None]]],
) -> None:
    texts = [_SMALL]
    for layer in layers:
        above = kyb.load_layers(texts)
        try:
            below = kyb.load_layers([*texts, _written(layer)])
        except kyb.PolicyError:
            continue
        texts.append(_written(layer))
        for tier in below.tiers:
            for way in kyb.DIRECTIONS:
                assert kyb.no_more(below.limits(tier.name, "USD", way), above.limits(tier.name, "USD", way))
            assert below.asked(tier).keys() >= above.asked(above.tier(tier.name)).keys()


@settings(max_examples=60)
@given(st.tuples(*(st.integers(1, 100) for _ in range(4))))
def test_limits_that_are_all_lowered_alike_are_taken(percents: tuple[int, int, int, int]) -> None:
    above = kyb.load_policy(_SMALL)
    lowest = min(percents)
    layer: dict[str, tuple[int, int, int, int, int | None]] = {}
    for tier in above.tiers:
        least = [max(1, each * lowest // 100) for each in (tier.limits.per_payment, tier.limits.per_day)]
        month = max(1, tier.limits.per_month * lowest // 100)
        balance = None if tier.limits.balance is None else max(1, tier.limits.balance * lowest // 100)
        count = max(1, tier.limits.payments_per_day * lowest // 100)
        layer[tier.name] = (least[0], least[1], month, count, balance)
    below = kyb.load_layers([_SMALL, _written(layer)])
    for tier in below.tiers:
        assert kyb.no_more(below.limits(tier.name, "USD"), above.limits(tier.name, "USD"))
