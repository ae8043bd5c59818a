"""assess puts form, completeness and screening into one report, the same bytes for the same input."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from tests.kyb.samples import COMPANY, EVERYTHING, INDIVIDUAL, NOW, case

POLICY = kyb.default_policy()
LISTED = kyb.ListEntry(
    "CDi.001", "person", (kyb.ListedName("ERIC BADEGE"), kyb.ListedName("Kolo Weak", weak=True)), ((1971, 1971),), "DRC"
)
FRONT = kyb.ListEntry("KPe.004", "entity", (kyb.ListedName("NAMCHONGANG TRADING CORPORATION"),), (), "DPRK")
INDEX = kyb.build_index([kyb.ScreeningList("un_consolidated", date(2026, 2, 27), "ab" * 32, (LISTED, FRONT))])
EMPTY = kyb.build_index([kyb.ScreeningList("un_consolidated", date(2026, 2, 27), "ab" * 32, ())])


def assess(
    document: dict[str, Any],
    index: kyb.ScreeningIndex | None = INDEX,
    attributes: tuple[str, ...] = EVERYTHING,
    **changes: Any,
) -> kyb.Report:
    return kyb.assess(case(document, *attributes, **changes), POLICY, index, NOW)


def outcomes(report: kyb.Report, code: str) -> dict[str, str]:
    return {check.path: check.outcome for check in report.checks if check.code == code}


def test_a_sound_company_is_clear_at_t3() -> None:
    report = assess(COMPANY)
    assert (report.outcome, report.screening, report.tier) == ("clear", "clear", "T3")
    assert report.hits == report.reasons == ()
    assert outcomes(report, "fields") == {"": "passed"}
    assert outcomes(report, "screening") == dict.fromkeys(
        (
            "business.ussd_name",
            "locations[0].name",
            "locations[0].counters[0].name",
            "locations[0].counters[1].name",
            "business.legal_name",
            "business.trading_name",
            "settlement_account.account_name",
            "owners[0]",
            "owners[1]",
        ),
        "passed",
    )


@pytest.mark.parametrize("index", [None, EMPTY, kyb.build_index([])])
def test_without_a_list_nothing_is_ever_clear(index: kyb.ScreeningIndex | None) -> None:
    report = assess(COMPANY, index)
    assert (report.outcome, report.screening) == ("not_checked", "not_checked")
    assert outcomes(report, "screening") == {"": "not_checked"}
    assert [reason.code for reason in report.reasons] == ["screening_not_checked"]
    assert report.tier == "T3"  # the answers still say how far the business could go


def test_without_a_name_screening_did_not_happen() -> None:
    report = assess({"business": {"kind": "individual"}})
    assert report.outcome == "not_checked"


def test_an_owner_on_the_list_is_held_for_review() -> None:
    born = {"owners.0.birth_date": "1971-02-03"}
    report = assess(INDIVIDUAL, **{"owners.0.given_name": "Eric", "owners.0.family_name": "Badege"}, **born)
    assert (report.outcome, report.screening) == ("review", "review")
    (found,) = report.hits
    assert (found.path, found.hit.entry_id, found.hit.programme) == ("owners[0]", "CDi.001", "DRC")
    assert outcomes(report, "screening")["owners[0]"] == "failed"
    assert [reason.code for reason in report.reasons] == ["potential_match"]


@pytest.mark.parametrize(
    ("path", "name", "shown"),
    [
        ("business.trading_name", "Namchongang Trading", "business.trading_name"),
        ("business.legal_name", "Namchongang Trading Corp.", "business.legal_name"),
        ("business.trading_name", "Badege Eric & Co", "business.trading_name"),
        ("settlement_account.account_name", "ERIC BADEGE", "settlement_account.account_name"),
        ("contact", {"name": "Badege, Eric"}, "contact.name"),
        ("owners.1.given_name", "Erik Badegge", "owners[1]"),
    ],
)
def test_every_name_of_an_applicant_is_screened(path: str, name: object, shown: str) -> None:
    assert [found.path for found in assess(COMPANY, **{path: name}).hits] == [shown]


def test_a_merely_similar_name_with_another_birth_year_is_kept_but_set_aside() -> None:
    changes = {"owners.0.given_name": "Eric Otieno Ouma", "owners.0.family_name": "Badege"}
    report = assess(INDIVIDUAL, **changes)
    assert report.outcome == "clear"
    assert [found.hit.set_aside for found in report.hits] == [True]
    assert [check.message for check in report.checks if (check.code, check.path) == ("screening", "owners[0]")] == [
        "The name is like a listed one, but the birth year differs."
    ]
    same_year = assess(INDIVIDUAL, **changes, **{"owners.0.birth_date": "1972-01-01"})
    assert same_year.outcome == "review"


def test_malformed_answers_take_the_tier_away() -> None:
    report = assess(COMPANY, **{"business.mcc": "0000"})
    assert (report.outcome, report.tier) == ("incomplete", None)
    assert outcomes(report, "unknown_code") == {"business.mcc": "failed"}
    assert "fields" not in {check.code for check in report.checks}
    assert [reason.code for reason in report.reasons] == ["field_problems"]


def test_missing_answers_are_counted_in_the_reason() -> None:
    report = assess(COMPANY, **{"business.mcc": None, "business.legal_name": None})
    assert report.outcome == "incomplete"
    assert [(reason.code, reason.message) for reason in report.reasons] == [
        ("no_tier_reachable", "2 requirements are missing.")
    ]


def test_a_hit_weighs_more_than_missing_answers() -> None:
    assert assess(COMPANY, **{"business.mcc": None, "business.trading_name": "Eric Badege"}).outcome == "review"


def test_what_was_looked_at_is_told_and_what_nobody_looked_at_is_not() -> None:
    report = assess(COMPANY, attributes=("phone", "identity"))
    assert outcomes(report, "phone") == {"contact": "passed"}
    assert outcomes(report, "identity") == {"owners[0]": "passed", "owners[1]": "passed"}
    assert outcomes(report, "licence") == {}
    assert outcomes(report, "lei") == {"business.lei": "not_checked"}


def test_a_held_name_leaves_the_tier_that_an_approval_would_give() -> None:
    report = assess(COMPANY, **{"business.trading_name": "Eric Badege"})
    assert (report.outcome, report.tier) == ("review", "T3")
    assert report.requirements.tier_reachable is None
    assert [one.code for one in report.requirements.pending_verification] == ["screening_review"]


def test_the_report_names_the_versions_it_used() -> None:
    report = assess(COMPANY)
    assert report.policy_version == POLICY.policy_version
    assert report.list_versions == (kyb.ListVersion("un_consolidated", date(2026, 2, 27), "ab" * 32, 2),)
    assert report.assessed_at == NOW


def test_the_report_holds_no_numbers_dates_or_phones_of_people() -> None:
    written = msgspec.json.encode(
        assess(INDIVIDUAL, **{"owners.0.given_name": "Eric", "owners.0.phone": "+254700111222"})
    )
    for secret in (b"12345678", b"1984", b"700111222", b"712345678"):
        assert secret not in written


@settings(deadline=None)
@given(
    name=st.text(max_size=40) | st.sampled_from(["Eric Badege", "إريك باديجي", "Эрик Бадеге"]),
    moment=st.datetimes(timezones=st.just(UTC)),
    attributes=st.sets(st.sampled_from(EVERYTHING)),
)
def test_the_same_input_gives_the_same_bytes(name: str, moment: datetime, attributes: set[str]) -> None:
    who = case(INDIVIDUAL, *sorted(attributes), **{"owners.0.given_name": name})
    reports = [kyb.assess(who, POLICY, INDEX, moment) for _ in range(2)]
    written = [msgspec.json.encode(report) for report in reports]
    assert written[0] == written[1]
    assert msgspec.json.decode(written[0], type=kyb.Report) == reports[0]
