"""What a case needs, by when and what it unlocks: answers, verifications and days in, sorted requirements out."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from tests.kyb.samples import COMPANY, EVERYTHING, INDIVIDUAL, NOW, case, codes, paths, sections, verified

POLICY = kyb.default_policy()
TODAY = NOW.date()
GENERIC = kyb.preset("generic")
SELLER = {**INDIVIDUAL, "settlement_account": {"account_id": "0100222"}}
SOLE = {"business.kind": "sole_proprietor", "business.tax_id": "A123456"}


def needs(
    document: dict[str, Any], *attributes: str, target: str | None = None, policy: kyb.Policy = POLICY, **changes: Any
) -> kyb.Requirements:
    return kyb.requirements(case(document, *attributes, **changes), policy, target, NOW)


def live(document: dict[str, Any], tier: str, *attributes: str, days: int = 0, **changes: Any) -> kyb.Case:
    """A merchant of a tier since some days ago."""
    answers = case(document, *attributes, **changes)
    return msgspec.structs.replace(answers, standing=kyb.Standing(tier, TODAY - timedelta(days=days)))


def needed(one: kyb.Case, target: str | None = None, days: int = 0, policy: kyb.Policy = POLICY) -> kyb.Requirements:
    return kyb.requirements(one, policy, target, NOW + timedelta(days=days))


# --- which tier ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "tier"),
    [
        ("individual", {}, "T1"),
        ("individual", {"owners.0.birth_date": None}, "T0"),
        ("individual", {"owners.0.id_number": None}, None),
        ("individual", {"contact": {}}, None),
        ("sole_proprietor", {"business.tax_id": "A123456"}, "T2"),
        ("sole_proprietor", {}, "T1"),
        ("cooperative", {}, "T1"),
        ("cooperative", {"owners.0.birth_date": None}, None),
        ("partnership", {"business.registration_number": "BN-2019"}, "T2"),
    ],
)
def test_answers_that_a_checker_can_confirm_reach_the_tier_that_an_approval_gives(
    kind: str, changes: dict[str, Any], tier: str | None
) -> None:
    assert needs(SELLER, **{"business.kind": kind}, **changes).tier_reachable == tier


@pytest.mark.parametrize("kind", ["company", "ngo", "public_body"])
def test_a_registered_business_with_its_answers_verified_needs_nothing(kind: str) -> None:
    found = needs(COMPANY, *EVERYTHING, **{"business.kind": kind})
    assert (found.tier_reachable, found.currently_due, found.eventually_due) == ("T3", (), ())
    assert codes(found.pending_verification) == [("screening", "not_screened")]


@pytest.mark.parametrize(
    ("path", "due"),
    [
        ("business.legal_name", "business.legal_name"),
        ("business.mcc", "business.mcc"),
        ("business.currencies", "business.currencies"),
        ("owners", "owners"),
        ("owners.1.given_name", "owners[1].given_name"),
        ("owners.1.id_number", "owners[1].id_number"),
        ("owners.0.birth_date", "owners[0].birth_date"),
        ("locations", "locations"),
        ("locations.0.city", "locations[0].city"),
    ],
)
def test_a_missing_answer_of_a_company_is_named(path: str, due: str) -> None:
    found = needs(COMPANY, *EVERYTHING, **{path: None})
    assert found.tier_reachable is None
    assert paths(found.currently_due) == [due]
    assert found.eventually_due == ()


def test_a_company_with_a_registration_number_and_a_first_name_reaches_nothing() -> None:
    document = {
        "business": {"trading_name": "Q", "legal_name": "Q", "kind": "company", "mcc": "5411", "currencies": ["USD"]}
        | {"registration_number": "x"},
        "owners": [{"given_name": "Q"}],
        "contact": {"email": "q@example.org"},
        "locations": [{"country": "KE", "city": "Nairobi"}],
    }
    found = needs(document)
    assert found.tier_reachable is None
    assert {"owners[0].id_number", "owners[0].birth_date"} <= set(paths(found.currently_due))


@pytest.mark.parametrize("outcome", ["inconclusive", "unavailable"])
def test_what_a_register_could_not_say_is_pending_and_reaches_no_tier(outcome: str) -> None:
    answers = sections(SELLER)
    found = verified(answers, "identity", method="registry", outcome=outcome)
    result = kyb.requirements(kyb.Case(answers, found), POLICY, "T1", NOW)
    assert result.tier_reachable == "T0"
    assert ("owners[0]", outcome) in codes(result.pending_verification)
    assert result.currently_due == ()


def test_what_was_refused_is_an_error_and_due() -> None:
    answers = sections(SELLER)
    found = verified(answers, "identity", outcome="rejected", code="another_person")
    result = kyb.requirements(kyb.Case(answers, found), POLICY, "T1", NOW)
    assert result.tier_reachable == "T0"
    assert codes(result.errors) == codes(result.currently_due) == [("owners[0]", "another_person")]


def test_a_later_failure_to_answer_undoes_no_verification() -> None:
    answers = sections(SELLER)
    found = verified(answers, "identity")
    found += verified(answers, "identity", outcome="unavailable", at=NOW + timedelta(hours=1))
    assert kyb.Case(answers, found).verified[("identity", "owners[0]")].outcome == "verified"


def test_a_method_that_the_policy_does_not_take_verifies_nothing() -> None:
    strict = kyb.load_policy(
        GENERIC.replace(
            'by = ["checker", "document", "registry", "biometric", "community_letter"]', 'by = ["registry"]'
        )
    )
    assert needs(SELLER, "identity", policy=strict).tier_reachable == "T0"
    assert ("owners[0]", "not_verified") in codes(needs(SELLER, "identity", policy=strict, target="T1").currently_due)


def test_one_of_two_names_is_enough_and_a_web_site_stands_for_a_town() -> None:
    assert needs(COMPANY, **{"owners.0.family_name": None}).tier_reachable == "T3"
    online = {"locations.0.city": None, "locations.0.website": "https://shop.example"}
    assert needs(COMPANY, **online).tier_reachable == "T3"


def test_an_empty_answer_is_a_missing_one_and_zero_is_not() -> None:
    assert paths(needs(COMPANY, **{"business.mcc": ""}).currently_due) == ["business.mcc"]
    assert needs(COMPANY, contact={"owner_index": 0}).currently_due == ()


def test_a_thing_is_asked_for_once_by_the_lowest_tier_that_needs_it() -> None:
    found = needs({"business": {"kind": "sole_proprietor"}})
    everything = paths(found.currently_due) + paths(found.eventually_due)
    assert len(everything) == len(set(everything))
    assert next(item for item in found.currently_due if item.path == "owners").tier == "T0"


def test_without_a_kind_only_the_general_requirements_are_known() -> None:
    found = needs({})
    assert found.tier_reachable is found.target_tier is found.unlocks is None
    assert paths(found.currently_due) == [
        "business.kind",
        "business.trading_name",
        "business.mcc",
        "business.currencies",
        "locations",
    ]
    assert {item.tier for item in found.currently_due} == {None}


def test_an_unknown_kind_reaches_no_tier_and_says_so() -> None:
    found = needs(COMPANY, **{"business.kind": "circus"})
    assert found.tier_reachable is None
    assert paths(found.currently_due) == ["business.kind"]


@pytest.mark.parametrize("mcc", ["7995", "6051", "4829", "6010", "6011", "9406", "7273", "5967"])
def test_a_trade_of_an_enhanced_class_is_refused_to_people_and_takes_a_licence_of_a_company(mcc: str) -> None:
    found = needs(SELLER, *EVERYTHING, **{"business.mcc": mcc})
    assert found.tier_reachable is None
    assert ("business.mcc", "mcc_refused") in codes(found.errors)
    company = needs(COMPANY, "phone", "identity", "registration", "lei", **{"business.mcc": mcc})
    assert codes(company.currently_due) == [("business", "not_verified")]
    assert needs(COMPANY, *EVERYTHING, **{"business.mcc": mcc}).tier_reachable == "T3"


# --- what is missing -------------------------------------------------------------------------------------------------


def test_an_upgrade_names_what_is_missing_what_would_do_instead_and_what_it_unlocks() -> None:
    found = needed(live(SELLER, "T1", "phone", "identity", **{"business.kind": "sole_proprietor"}), "T2")
    assert paths(found.currently_due) == ["business.registration_number"]
    assert (
        kyb.Alternative(("business.registration_number|tax_id", "licence"), ("association_letter",))
        in found.alternatives
    )
    assert found.unlocks is not None
    assert (found.unlocks.tier, found.unlocks.limits["KES"].per_payment_minor) == ("T2", 500 * 13000)
    letter = verified(sections(SELLER), "community", method="community_letter")
    one = live(SELLER, "T1", "phone", "identity", **{"business.kind": "sole_proprietor"})
    one = msgspec.structs.replace(one, verifications=(*one.verifications, *letter))
    assert needed(one, "T2").currently_due == ()
    assert needed(one, "T2").tier_reachable == "T2"


def test_a_target_that_is_not_open_to_the_kind_is_no_target() -> None:
    assert needs(SELLER, target="T3") == needs(SELLER)


def test_an_owner_below_the_threshold_need_not_be_known_and_at_it_must() -> None:
    owners = [
        {"given_name": "A", "id_type": "passport", "id_number": "A100", "birth_date": "1980-01-01"},
        {"given_name": "B", "id_type": "passport", "id_number": "B100", "birth_date": "1981-01-01"},
    ]
    for percent, pending in ((24.9, 1), (25, 2)):
        shares = [owners[0] | {"ownership_percent": 100 - percent}, owners[1] | {"ownership_percent": percent}]
        found = needs(COMPANY, "registration", "lei", owners=shares, contact={"email": "a@example.org"})
        assert len([one for one in found.pending_verification if one.path.startswith("owners[")]) == pending


def test_of_a_business_of_high_risk_smaller_owners_must_be_known() -> None:
    answers = sections(
        COMPANY,
        **{
            "owners.0.ownership_percent": 85,
            "owners.1": COMPANY["owners"][1] | {"ownership_percent": 15, "is_director": False},
        },
    )
    low, high = (kyb.requirements(kyb.Case(answers, risk=band), POLICY, None, NOW) for band in ("low", "high"))
    assert "owners[1]" not in paths(low.pending_verification)
    assert "owners[1]" in paths(high.pending_verification)


# --- days ------------------------------------------------------------------------------------------------------------


def test_a_provisional_merchant_is_told_from_the_first_day_what_is_due_by_the_last() -> None:
    found = needed(live(SELLER, "T0", "phone", days=5, **{"owners.0.birth_date": None}))
    assert ("owners[0].birth_date", "missing") in codes(found.currently_due)
    assert found.current_deadline == TODAY + timedelta(days=25)
    assert found.past_due == ()
    assert "receive_payment" in found.capabilities


@pytest.mark.parametrize("days", [30, 31, 300])
def test_a_provisional_tier_that_lapsed_lets_nothing_in_and_what_is_there_out(days: int) -> None:
    found = needed(live(SELLER, "T0", "phone", days=days, **{"owners.0.birth_date": None}))
    assert found.disabled_reason == "requirements.past_due"
    assert ("owners[0].birth_date", "missing") in codes(found.past_due)
    assert found.capabilities == ("payout", "refund")


def test_a_document_is_announced_a_month_before_it_lapses_and_past_due_on_the_day() -> None:
    document = SELLER | {"business": SELLER["business"] | {"kind": "sole_proprietor", "tax_id": "A123456"}}
    merchant = live(document, "T2", *EVERYTHING)
    lapses = date(2028, 11, 22)  # 24 months
    for day, eventually, past in (
        (lapses - timedelta(days=31), [], []),
        (lapses - timedelta(days=30), [("licence", "expires")], []),
        (lapses - timedelta(days=1), [("licence", "expires")], []),
        (lapses, [], [("business", "expired")]),
    ):
        found = needed(merchant, days=(day - TODAY).days)
        assert codes(found.eventually_due) == eventually, day
        assert codes(found.past_due) == past, day
        assert found.tier_reachable == ("T1" if past else "T2")


def test_a_waiver_holds_until_its_day() -> None:
    answers = sections(SELLER)
    waived = verified(answers, "identity", outcome="waived", method="manual", expires_on=TODAY + timedelta(days=10))
    merchant = kyb.Case(answers, (*verified(answers, "phone"), *waived), standing=kyb.Standing("T1", TODAY))
    assert needed(merchant).past_due == ()
    assert codes(needed(merchant, days=10).past_due) == [("owners[0]", "expired")]


def test_a_policy_to_come_shows_what_it_will_ask_for_and_from_when() -> None:
    added = '"identity", "screening", "account", "settlement_account.account_id"'
    coming = kyb.load_policy(GENERIC.replace('"identity", "screening"', added))
    day = TODAY + timedelta(days=60)
    merchant = live(INDIVIDUAL, "T1", "phone", "identity")
    found = kyb.requirements(merchant, POLICY, None, NOW, [(day, coming)])
    assert found.currently_due == found.past_due == ()
    (future,) = found.future
    assert (future.policy_version, future.from_day) == (coming.policy_version, day)
    assert paths(future.currently_due) == ["settlement_account.account_id"]


@pytest.mark.parametrize(("standing", "reason"), [({"listed": True}, "listed"), ({"suspended": True}, "suspended")])
def test_a_merchant_that_is_stopped_may_do_nothing(standing: dict[str, bool], reason: str) -> None:
    stopped = kyb.Standing("T1", TODAY, **standing)
    one = msgspec.structs.replace(case(SELLER, *EVERYTHING), standing=stopped)
    found = needed(one)
    assert (found.disabled_reason, found.capabilities) == (reason, ())


# --- properties ------------------------------------------------------------------------------------------------------

PRUNABLE = [
    *(f"business.{name}" for name in COMPANY["business"]),
    *(f"owners.0.{name}" for name in INDIVIDUAL["owners"][0]),
    *("owners", "contact", "locations", "settlement_account"),
]
KINDS = ["individual", "sole_proprietor", "partnership", "cooperative", "company", "ngo", "x"]


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.sets(st.sampled_from(PRUNABLE)), st.sets(st.sampled_from(EVERYTHING)))
def test_a_tier_is_reachable_exactly_when_nothing_is_due(kind: str, pruned: set[str], attributes: set[str]) -> None:
    document = {**COMPANY, "owners": INDIVIDUAL["owners"]}
    lists = {path for path in pruned if "." not in path}
    changes: dict[str, Any] = dict.fromkeys(path for path in pruned if path.split(".")[0] not in lists)
    changes |= dict.fromkeys(lists)
    if "business.kind" not in pruned:
        changes["business.kind"] = kind
    found = needs(document, *sorted(attributes), **changes)
    assert (found.tier_reachable is None) == bool(found.currently_due)
    if found.tier_reachable is not None and not found.eventually_due:
        assert found.tier_reachable == POLICY.ladder(kind)[-1].name


@settings(deadline=None)
@given(st.sets(st.sampled_from(EVERYTHING)), st.sampled_from(EVERYTHING))
def test_more_that_is_verified_never_lowers_the_tier(some: set[str], more: str) -> None:
    order = [None, *(tier.name for tier in POLICY.tiers)]
    strict = kyb.load_policy(GENERIC.replace('"checker", ', ""))
    before, after = (
        needs(SELLER, *sorted(each), policy=strict, **SOLE).tier_reachable for each in (some, some | {more})
    )
    assert order.index(before) <= order.index(after)


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.sets(st.sampled_from(EVERYTHING)), st.integers(0, 4000))
def test_the_same_case_gives_the_same_bytes(kind: str, attributes: set[str], days: int) -> None:
    one = live(COMPANY, "T3", *sorted(attributes), **{"business.kind": kind})
    first, second = (msgspec.json.encode(needed(one, days=days)) for _ in range(2))
    assert first == second
    assert msgspec.json.decode(first, type=kyb.Requirements) == needed(one, days=days)


def test_a_place_in_a_country_that_the_policy_is_not_for_stands_in_every_tiers_way() -> None:
    found = needs(COMPANY, policy=kyb.load_layers([GENERIC, 'countries = ["UG", "TZ"]']))
    assert [(one.path, one.code) for one in found.errors] == [("locations[0].country", "country_refused")]
    assert found.tier_reachable is None
    home = needs(COMPANY, policy=kyb.load_layers([GENERIC, 'countries = ["KE"]']))
    assert home.errors == ()


# --- what a register itself said --------------------------------------------------------------------------------------


def looked_up(outcome: str, code: str = "", hours: int = 0) -> kyb.Verification:
    """What the register said of the LEI, asked by a program."""
    at = NOW + timedelta(hours=hours)
    return kyb.Verification("lei", "business", outcome, "registry", "service", at, code=code, is_automatic=True)  # type: ignore[arg-type]


def vouched(outcome: str = "verified", method: str = "registry", hours: int = 1, **details: Any) -> kyb.Verification:
    """What a person says of it, later."""
    return kyb.Verification("lei", "business", outcome, method, "staff", NOW + timedelta(hours=hours), **details)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ((vouched(),), "rejected"),
        ((vouched(method="checker"),), "rejected"),
        ((looked_up("unavailable", hours=1),), "rejected"),
        ((looked_up("unavailable", hours=1), vouched(hours=2)), "rejected"),
        ((vouched("inconclusive"),), "rejected"),
        ((vouched("waived", expires_on=TODAY + timedelta(days=9)),), "waived"),
        ((looked_up("verified", hours=1),), "verified"),
        ((looked_up("inconclusive", "name_differs", hours=1),), "inconclusive"),
        ((looked_up("inconclusive", "name_differs", hours=1), vouched(hours=2)), "verified"),
    ],
)
def test_what_a_register_rejected_stays_so_until_it_says_otherwise_or_two_people_waive_it(
    later: tuple[kyb.Verification, ...], outcome: str
) -> None:
    answers = sections(COMPANY)
    found = (looked_up("rejected", "another_name"), *later)
    for order in (found, found[::-1]):
        assert kyb.Case(answers, order).verified[("lei", "business")].outcome == outcome


@pytest.mark.parametrize(("outcome", "code"), [("rejected", "another_name"), ("rejected", "lapsed")])
def test_a_rejected_lei_is_an_error_that_no_approval_confirms(outcome: str, code: str) -> None:
    one = case(COMPANY, "phone", "identity")
    one = msgspec.structs.replace(one, verifications=(*one.verifications, looked_up(outcome, code)))
    found = needed(one)
    assert found.tier_reachable is None
    assert [(each.code, each.due_on) for each in found.errors] == [(code, None)]
    assert found.errors == found.currently_due
    assert found.errors[0].message != POLICY.says("lei")
    assert ("lei", "business") not in kyb.confirmable(one, POLICY, "T3", NOW)


def test_the_lei_and_the_entry_in_the_company_register_are_told_apart() -> None:
    one = case(COMPANY, "phone", "identity")
    one = msgspec.structs.replace(one, verifications=(*one.verifications, looked_up("unavailable")))
    pending = [(each.key, each.code) for each in needed(one).pending_verification if each.path == "business"]
    assert pending == [("registration", "not_verified"), ("lei", "unavailable")]


def test_a_merchant_whose_lei_lapsed_is_past_due_from_that_day_and_another_is_told_without_a_day() -> None:
    held = live(COMPANY, "T3", "phone", "identity", "registration", days=90)
    lapsed = msgspec.structs.replace(held, verifications=(*held.verifications, looked_up("rejected", "lapsed")))
    found = needed(lapsed, days=3)
    assert [(one.code, one.due_on) for one in found.past_due] == [("lapsed", TODAY)]
    assert codes(found.errors) == [("business", "lapsed")]
    assert (found.currently_due, found.disabled_reason) == ((), "requirements.past_due")
    foreign = msgspec.structs.replace(held, verifications=(*held.verifications, looked_up("rejected", "another_name")))
    assert needed(foreign, days=3).past_due == ()
