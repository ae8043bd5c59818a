"""Every name and number of an application is screened, and what could not be compared is said."""

from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from tests.kyb.samples import COMPANY, INDIVIDUAL, sections

PERSON = kyb.ListEntry(
    "CDi.001", "person", (kyb.ListedName("ERIC BADEGE"),), ((1971, 1971),), "DRC",
    countries=("CD",), identifiers=(kyb.Identifier("passport", "OB 0243318", "CD"),),
)  # fmt: skip
FRONT = kyb.ListEntry(
    "KPe.004", "entity", (kyb.ListedName("NAMCHONGANG TRADING CORPORATION"),), (), "DPRK",
    identifiers=(kyb.Identifier("registration", "KP-7788991", "KP"), kyb.Identifier("lei", "5493001KJTIIGC8Y1R12")),
)  # fmt: skip
INDEX = kyb.build_index([kyb.ScreeningList("un", date(2026, 2, 27), "ab" * 32, (PERSON, FRONT))])
NO_LEI = {"business.lei": None}


def found(screening: kyb.Screening) -> list[tuple[str, str, str]]:
    return [(each.path, each.hit.entry_id, each.hit.band) for each in screening.hits]


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("business.ussd_name", "Eric Badege", "business.ussd_name"),
        ("business.legal_name", "Namchongang Trading Ltd", "business.legal_name"),
        ("business.trading_name", "ООО Намчонганг Трейд", "business.trading_name"),
        ("settlement_account.account_name", "BADEGE ERIC", "settlement_account.account_name"),
        ("contact", {"name": "Erik Badege"}, "contact.name"),
        ("locations.0.name", "Eric Badege", "locations[0].name"),
        ("locations.0.counters.1.name", "Namchongang Trading", "locations[0].counters[1].name"),
    ],
)
def test_every_name_is_screened(path: str, value: object, shown: str) -> None:
    screening = kyb.screen_sections(sections(COMPANY, **NO_LEI, **{path: value}), INDEX)
    assert screening.outcome == "review"
    assert {each[0] for each in found(screening)} == {shown}


def test_a_company_that_owns_is_screened_as_a_company() -> None:
    owner = {
        "kind": "company",
        "legal_name": "Namchongang Trading",
        "registration_number": "kp 7788991",
        "country": "KP",
    }
    screening = kyb.screen_sections(sections(COMPANY, **NO_LEI, **{"owners.0": owner}), INDEX)
    assert found(screening) == [("owners[0]", "KPe.004", "likely")]
    assert next(each.message for each in screening.checks if each.outcome == "failed") == (
        "An identity number is that of a listed one."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"owners.0.id_type": "passport", "owners.0.id_number": "ob-0243318"},
        {"business.tax_id": "KP7788991"},
        {"business.lei": "5493001KJTIIGC8Y1R12"},
    ],
)
def test_a_listed_number_needs_a_review_whatever_the_name(changes: dict[str, object]) -> None:
    screening = kyb.screen_sections(sections(COMPANY, **{**NO_LEI, **changes}), INDEX)
    assert (screening.outcome, [each[2] for each in found(screening)]) == ("review", ["likely"])


@pytest.mark.parametrize(
    ("birth_date", "band", "outcome"),
    [
        ("1971-05-01", "likely", "review"),
        ("1973", "likely", "review"),
        ("1976-01-01", "possible", "review"),
        ("1977-01-01", "set_aside", "clear"),  # twenty years apart, or six
        (None, "possible", "review"),
    ],
)
def test_the_birth_date_decides_on_an_equal_name(birth_date: str | None, band: str, outcome: str) -> None:
    changes = {"owners.0.given_name": "Eric", "owners.0.family_name": "Badege", "owners.0.birth_date": birth_date}
    screening = kyb.screen_sections(sections(INDIVIDUAL, **changes), INDEX)
    assert (found(screening), screening.outcome) == ([("owners[0]", "CDi.001", band)], outcome)
    assert screening.hits[0].hit.entry_sha256 == PERSON.sha256


@pytest.mark.parametrize("name", [".", "🍎🍌", "\u3164", "\u00ad", "Q", "\u200b"])
def test_a_name_of_nothing_comparable_is_not_checked(name: str) -> None:
    screening = kyb.screen_sections(sections(INDIVIDUAL, **{"business.trading_name": name}), INDEX)
    assert screening.outcome == "not_checked"
    assert [each.path for each in screening.checks if each.outcome == "not_checked"] == ["business.trading_name"]


@pytest.mark.parametrize("name", ["A", "1", "🍎"])
def test_a_counter_may_be_called_anything(name: str) -> None:
    screening = kyb.screen_sections(sections(INDIVIDUAL, **{"locations.0.counters.0.name": name}), INDEX)
    assert screening.outcome == "clear"


def test_a_name_too_long_to_compare_is_not_checked() -> None:
    long = kyb.Subject("owners[0]", " ".join(f"word{number}x" for number in range(90)))
    assert kyb.screen_subject(long, INDEX).not_compared is not None
    screening = kyb.screen_sections(sections(INDIVIDUAL), INDEX, (long,))
    assert screening.outcome == "not_checked"


def test_extra_subjects_are_screened_too() -> None:
    extra = (kyb.Subject("merchant.owners[3]", "Eric Badege", ("person",), "1971"),)
    assert found(kyb.screen_sections(sections(INDIVIDUAL), INDEX, extra)) == [
        ("merchant.owners[3]", "CDi.001", "likely")
    ]


@pytest.mark.parametrize("index", [None, kyb.build_index([])])
def test_without_a_list_nothing_is_clear(index: kyb.ScreeningIndex | None) -> None:
    assert kyb.screen_sections(sections(COMPANY), index).outcome == "not_checked"


TITLES = ["Mr", "Dr", "Prof", "Sir", "Sheikh", "Alhaji", "Hajiya", "Mullah", "Eng.", "Hon.", "General", "Ustaz", "OBE"]


@settings(deadline=None, max_examples=60)
@given(
    before=st.lists(st.sampled_from(TITLES), max_size=40),
    after=st.lists(st.sampled_from(TITLES), max_size=40),
    at=st.integers(0, 729),
)
def test_titles_never_hide_a_listed_name(
    un_list: kyb.ScreeningList, un_index: kyb.ScreeningIndex, before: list[str], after: list[str], at: int
) -> None:
    entry = [entry for entry in un_list.entries if entry.kind == "person"][at % 700]
    name = " ".join([*before, entry.names[0].text, *after])
    plain = {hit.entry_id: hit.score for hit in kyb.screen(entry.names[0].text, un_index)}
    assert entry.entry_id in plain
    assert plain == {hit.entry_id: hit.score for hit in kyb.screen(name, un_index)}


@settings(deadline=None, max_examples=60)
@given(
    padding=st.lists(
        st.from_regex(r"[BDGKLMNT][aou][bdgklmnt]{1,2}[aou][bdgk]u", fullmatch=True), min_size=1, max_size=40
    ),
    first=st.booleans(),
)
def test_other_words_never_hide_a_listed_name(un_index: kyb.ScreeningIndex, padding: list[str], first: bool) -> None:
    padded = ["Eric", "Badege", *padding] if first else [*padding, "Eric", "Badege"]
    screened = kyb.screen_subject(kyb.Subject("", " ".join(padded)), un_index)
    assert "CDi.001" in {hit.entry_id for hit in screened.hits} or screened.not_compared


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="\u200b\u00ad\u200d\u2060\ufeff\u034f", max_size=4), st.integers(1, 10), st.booleans())
def test_invisible_characters_and_letter_case_never_lower_a_score(hidden: str, at: int, upper: bool) -> None:
    name = "Eric" + " " + "Badege"
    written = name[:at] + hidden + name[at:]
    assert kyb.name_score(written.upper() if upper else written.swapcase(), name) == 1


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(["person", "entity", None]))
def test_any_two_texts_have_a_score(a: str, b: str, kind: str | None) -> None:
    assert 0 <= kyb.name_score(a, b, kind) <= 1
    assert abs(kyb.name_score(a, b, kind) - kyb.name_score(b, a, kind)) < 0.05


@settings(deadline=None)
@given(st.text(max_size=40))
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    given_sections = sections(INDIVIDUAL, **{"owners.0.given_name": name})
    one, other = (msgspec.json.encode(kyb.screen_sections(given_sections, INDEX)) for _ in range(2))
    assert one == other
    assert msgspec.json.decode(one, type=kyb.Screening) == kyb.screen_sections(given_sections, INDEX)
