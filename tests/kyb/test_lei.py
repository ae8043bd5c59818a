"""An LEI is verified only where GLEIF's record is in force and names this business; doubt goes to a person."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kyb.lei import (
    LIKE_NAME,
    SAME_NAME,
    BadGoldenCopy,
    LeiRecord,
    Verdict,
    judge_lei,
    name_likeness,
    read_api_record,
    read_golden_copy,
)

FILE = Path(__file__).parent / "data/golden_copy.csv"
TODAY = date(2026, 11, 22)
APPLE = LeiRecord("HWUPKR0MPOU8FGXBT394", "Apple Inc.", "US", "ACTIVE", "ISSUED", date(2027, 3, 1))
EASTERN = LeiRecord("2138006C3I1WYSNVPO23", "EASTERN PRODUCE KENYA LIMITED", "KE", "ACTIVE", "ISSUED", date(2027, 3, 1))


def records() -> dict[str, LeiRecord]:
    with FILE.open("rb") as file:
        return {record.lei: record for record in read_golden_copy(file)}


def judge(record: LeiRecord | None = EASTERN, **changes: Any) -> Verdict:
    asked: dict[str, Any] = {"lei": EASTERN.lei, "legal_name": "Eastern Produce Kenya Ltd", "country": "KE", **changes}
    return judge_lei(**asked, record=record, today=TODAY)


def test_a_golden_copy_is_read_record_by_record() -> None:
    found = records()
    assert len(found) == 11
    assert found[EASTERN.lei] == EASTERN
    assert found["25490075GCQVJ3RSGT23"].other_names == ("Autonomous Port of Abidjan",)
    assert found["213800INVENTED000484"].other_names == ("Sharikat al-Ikhtira",)
    assert found["213800INVENTED000193"].legal_name == 'Invented "Quoted", Trading Ltd'
    assert found["213800INVENTED000581"].legal_name == "Invented\nTwo Lines Ltd"
    assert found["213800INVENTED000290"].next_renewal_on is None


def test_text_and_bytes_with_or_without_a_mark_are_read_alike() -> None:
    text = FILE.read_text(encoding="utf-8")
    expected = list(records().values())
    assert list(read_golden_copy(io.StringIO("\ufeff" + text))) == expected
    assert list(read_golden_copy(io.BytesIO(("\ufeff" + text).encode()))) == expected
    assert list(read_golden_copy(text.splitlines(keepends=True))) == expected


def test_records_come_before_the_file_has_been_read() -> None:
    lines = FILE.read_bytes().splitlines(keepends=True)

    def stream() -> Iterator[bytes]:
        yield from lines[:3]
        raise AssertionError("read on")

    found = read_golden_copy(stream())
    assert next(found).lei == EASTERN.lei


def changed(column: str, value: str) -> str:
    rows = list(csv.reader(FILE.read_text(encoding="utf-8").splitlines()))[:3]
    rows[1][rows[0].index(column)] = value
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column LEI"),
        ("LEI,Entity.LegalName\n", "no column Entity.LegalAddress.Country"),
        ("{}", "no column LEI"),
        (changed("LEI", "2138006C3I1WYSNVPO24"), "line 2"),
        (changed("LEI", ""), "line 2"),
        (changed("Entity.LegalName", ""), "line 2"),
        (changed("Registration.NextRenewalDate", "soon"), "line 2"),
        (changed("LEI", EASTERN.lei)[:-30], "line 3"),
        (changed("LEI", EASTERN.lei) + '"2138', "unexpected end"),
        (changed("Entity.LegalName", "x" * 200_000), "field larger"),
    ],
)
def test_a_file_that_is_cut_off_or_another_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadGoldenCopy, match=says):
        list(read_golden_copy(io.StringIO(text)))


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(BadGoldenCopy, match="line 2"):
        list(read_golden_copy(FILE.read_bytes().replace(b"EASTERN", b"\xff").splitlines(keepends=True)))


API: dict[str, Any] = {
    "type": "lei-records",
    "id": EASTERN.lei,
    "attributes": {
        "lei": EASTERN.lei,
        "entity": {
            "legalName": {"name": EASTERN.legal_name, "language": "en"},
            "otherNames": [{"name": "Eastern Tea", "language": "en", "type": "TRADING_OR_OPERATING_NAME"}],
            "transliteratedOtherNames": [],
            "legalAddress": {"country": "KE", "city": "Nairobi"},
            "status": "ACTIVE",
        },
        "registration": {"status": "ISSUED", "nextRenewalDate": "2027-03-01T00:00:00Z"},
    },
    "relationships": {},
}


def test_an_answer_of_the_api_gives_the_same_record() -> None:
    expected = msgspec.structs.replace(EASTERN, other_names=("Eastern Tea",))
    assert read_api_record(API) == read_api_record({"meta": {}, "data": API}) == expected


@pytest.mark.parametrize("document", [None, [], {}, {"data": []}, {"data": None}, {"errors": [{"status": "404"}]}])
def test_an_answer_without_a_record_is_refused(document: Any) -> None:
    with pytest.raises(BadGoldenCopy):
        read_api_record(document)


def test_an_lei_in_force_of_the_same_name_and_country_is_verified() -> None:
    assert judge() == Verdict("verified", "active", "The LEI is in force and belongs to this business.")


def test_an_lei_of_somebody_else_is_rejected() -> None:
    found = judge(APPLE, lei=APPLE.lei, legal_name="Mama Njeri Kiosk")
    assert (found.outcome, found.code) == ("rejected", "another_name")


@pytest.mark.parametrize("lei", ["2138006C3I1WYSNVPO24", "", "5493001KJTIIGC8Y1R1", "٥" * 20])
def test_wrong_check_digits_are_rejected_whatever_was_found(lei: str) -> None:
    assert judge(lei=lei).code == judge(None, lei=lei).code == "bad_check_digits"


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        ("ISSUED", "verified", "active"),
        ("PENDING_TRANSFER", "verified", "active"),
        ("PENDING_ARCHIVAL", "verified", "active"),
        ("LAPSED", "rejected", "lapsed"),
        ("RETIRED", "rejected", "retired"),
        ("MERGED", "rejected", "merged"),
        ("ANNULLED", "rejected", "annulled"),
        ("CANCELLED", "rejected", "cancelled"),
        ("DUPLICATE", "rejected", "duplicate"),
        ("TRANSFERRED", "rejected", "transferred"),
        ("PENDING_VALIDATION", "inconclusive", "not_in_force"),
        ("SOMETHING_NEW", "inconclusive", "not_in_force"),
        ("", "inconclusive", "not_in_force"),
    ],
)
def test_only_a_registration_in_force_is_verified(status: str, outcome: str, code: str) -> None:
    found = judge(msgspec.structs.replace(EASTERN, registration_status=status))
    assert (found.outcome, found.code) == (outcome, code)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"entity_status": "INACTIVE"}, "entity_inactive"),
        ({"next_renewal_on": date(2026, 11, 21)}, "renewal_overdue"),
        ({"next_renewal_on": TODAY}, "active"),
        ({"next_renewal_on": None}, "active"),
        ({"country": "UG"}, "other_country"),
        ({"legal_name": "Eastern Product Kenya Limited"}, "name_differs"),
        ({"legal_name": "Eastern Produce (Kenya) Holdings Limited"}, "name_differs"),
        ({"legal_name": "Western Tea", "other_names": ("EASTERN PRODUCE KENYA",)}, "active"),
        ({"legal_name": "Western Tea", "registration_status": "LAPSED"}, "another_name"),
    ],
)
def test_what_the_record_says_decides(record: dict[str, Any], code: str) -> None:
    assert judge(msgspec.structs.replace(EASTERN, **record)).code == code


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"legal_name": None}, "name_missing"),
        ({"legal_name": ""}, "name_missing"),
        ({"legal_name": "."}, "another_name"),
        ({"country": None}, "other_country"),
        ({"country": "UG"}, "other_country"),
    ],
)
def test_answers_that_are_missing_or_differ_are_never_verified(answers: dict[str, Any], code: str) -> None:
    assert judge(**answers).code == code


def test_an_lei_that_is_not_in_the_copy_is_left_open() -> None:
    assert judge(None) == Verdict("inconclusive", "not_found", "The LEI is not in our copy of the register.")


def test_an_lei_written_in_groups_is_the_same_one() -> None:
    assert judge(lei="2138 006C 3I1W YSNV PO23").outcome == "verified"


def test_the_record_of_another_lei_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="another LEI"):
        judge(APPLE)


def test_another_comparison_may_be_handed_in() -> None:
    assert judge_lei(APPLE.lei, "Fruit", "US", APPLE, TODAY, lambda _given, _listed: 1.0).outcome == "verified"


@pytest.mark.parametrize(
    ("given", "registered", "least", "most"),
    [
        ("Safaricom", "SAFARICOM PLC", SAME_NAME, 1),
        ("Etablissements Kone", "Établissements Koné S.A.", SAME_NAME, 1),
        ("A & B Stores", "A and B Stores Ltd", SAME_NAME, 1),
        ("Ромашка", "Romashka OOO", SAME_NAME, 1),
        ("Green Ltd. Ventures", "Ventures Green", SAME_NAME, 1),
        ("Equity Bank", "Equity Bank (Kenya) Limited", LIKE_NAME, SAME_NAME),
        ("Ionia Shipping", "Iona Shipping", LIKE_NAME, SAME_NAME),
        ("Peninsula Transport No. 1 Ltd", "Peninsula Transport No. 2 Ltd", LIKE_NAME, SAME_NAME),
        ("Mama Njeri Kiosk", "Apple Inc.", 0, LIKE_NAME),
        ("Trading Company", "Company", 0, LIKE_NAME),
        ("Limited Company", "Public Company", 0, LIKE_NAME),
        ("", "", 0, LIKE_NAME),
        ("🍎", "🍎", 0, 1),
    ],
)
def test_names_are_compared_without_legal_forms_marks_and_order(
    given: str, registered: str, least: float, most: float
) -> None:
    found = name_likeness(given, registered)
    assert least <= found <= most
    assert found == name_likeness(registered, given)
