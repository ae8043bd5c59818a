"""What a register is asked about: what the policy lets it vouch for, once, up to the tier, and with its facts alone."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

import kyb

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
OWNER = {"given_name": "Njeri", "family_name": "Wanjiku", "id_type": "national_id", "id_number": "20001001"}
SELLER: dict[str, Any] = {
    "business": {"trading_name": "Stall", "kind": "sole_proprietor", "mcc": "5499", "currencies": ["KES"]},
    "owners": [OWNER],
    "contact": {"phone": "+254722000001"},
    "settlement_account": {"account_id": "AC1", "account_name": "Njeri"},
}
POLICY = kyb.default_policy()


def sections(**changes: Any) -> kyb.Sections:
    return msgspec.convert(SELLER | changes, kyb.Sections)


def seen(outcome: str, method: str = "registry", **more: Any) -> kyb.Verification:
    return msgspec.convert(
        {"attribute": "identity", "subject": "owners[0]", "outcome": outcome, "method": method, "by": "x", "at": NOW}
        | more,
        kyb.Verification,
    )


def asked(*verifications: kyb.Verification, tier: str | None = None, **changes: Any) -> list[tuple[str, str]]:
    return list(kyb.lookups(kyb.Case(sections(**changes), verifications), POLICY, tier, NOW))


def test_a_tier_asks_for_what_it_and_the_lower_ones_need() -> None:
    assert asked(tier="T0") == []
    assert asked(tier="T1") == [("identity", "owners[0]")]
    assert asked(tier="T2") == [("identity", "owners[0]"), ("account", "settlement_account")]
    assert asked() == asked(tier="T2") == asked(tier="T9")
    assert asked(business={"kind": None}) == []


@pytest.mark.parametrize(
    ("found", "is_asked"),
    [
        (seen("verified"), False),
        (seen("verified", "checker"), False),
        (seen("verified", "account_statement"), True),  # which the policy does not take for an identity
        (seen("rejected", code="name_differs"), False),
        (seen("inconclusive"), True),
        (seen("unavailable"), True),
        (seen("verified", expires_on=date(2026, 11, 1)), True),
        (seen("waived", expires_on=date(2027, 1, 1)), False),
    ],
)
def test_only_what_nobody_has_answered_is_asked(found: kyb.Verification, is_asked: bool) -> None:
    assert (asked(found, tier="T1") == [("identity", "owners[0]")]) is is_asked


def test_what_has_no_number_is_not_asked() -> None:
    assert asked(tier="T1", owners=[{"given_name": "Njeri", "id_type": "national_id"}]) == []
    assert asked(tier="T1", owners=[]) == []


def test_each_person_is_asked_about_and_a_company_that_owns_is_not() -> None:
    owners = [OWNER, {"kind": "company", "legal_name": "Holding Limited"}, OWNER | {"id_number": "20001002"}]
    assert asked(tier="T1", owners=owners) == [("identity", "owners[0]"), ("identity", "owners[2]")]


def test_the_facts_are_those_that_the_verification_rests_on() -> None:
    case = sections(locations=[{"country": "KE", "city": "Nakuru", "address_lines": ["Stall 7", "Market"]}])
    assert kyb.facts_of(case, "identity", "owners[0]") == OWNER
    assert kyb.facts_of(case, "phone", "contact") == {"phone": "+254722000001"}
    assert kyb.facts_of(case, "address", "locations[0]")["address_lines"] == "Stall 7, Market"
    assert kyb.facts_of(case, "account", "settlement_account") == {"account_id": "AC1", "account_name": "Njeri"}
    assert kyb.facts_of(case, "community", "merchant") == {}
    assert kyb.facts_of(case, "tax", "business") == {}
    assert kyb.facts_of(sections(contact={}), "phone", "contact") == {}


def test_every_fact_that_is_handed_out_changes_the_text_that_is_hashed() -> None:
    before = sections()
    for name in kyb.facts_of(before, "identity", "owners[0]"):
        after = sections(owners=[OWNER | {name: "passport" if name == "id_type" else "Changed"}])
        assert kyb.facts_text(before, "identity", "owners[0]") != kyb.facts_text(after, "identity", "owners[0]")
