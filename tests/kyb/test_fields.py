"""Each field has a rule; a wrong value is named by its path and never repeated in the message."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from kyb.fields import MAX_COUNTERS, MAX_COUNTERS_OF_MERCHANT, MAX_LOCATIONS, MAX_OWNERS
from tests.kyb.samples import COMPANY, INDIVIDUAL, NOW, sections

RESERVED = frozenset({"parties", "transactionrequests"})


def codes_at(document: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    problems = kyb.field_problems(sections(document, **changes), NOW, RESERVED)
    return [(problem.path, problem.code) for problem in problems]


@pytest.mark.parametrize("document", [INDIVIDUAL, COMPANY, {}])
def test_right_answers_have_no_problems(document: dict[str, Any]) -> None:
    assert codes_at(document) == []


WRONG = [
    ("business.trading_name", "", "blank"),
    ("business.trading_name", "   ", "blank"),
    ("business.trading_name", "x" * 129, "too_long"),
    ("business.trading_name", "Shop\nTwo", "control_character"),
    ("business.trading_name", "Shop\x00", "control_character"),
    ("business.trading_name", "Shop \u202egnp.exe", "control_character"),
    ("business.legal_name", "x" * 257, "too_long"),
    ("business.kind", "Company", "not_allowed"),
    ("business.kind", "", "not_allowed"),
    ("business.mcc", "0000", "unknown_code"),
    ("business.mcc", "742", "unknown_code"),
    ("business.mcc", "5 499", "unknown_code"),
    ("business.lei", "5493001KJTIIGC8Y1R13", "bad_check_digits"),
    ("business.lei", "5493001KJTIIGC8Y1R1", "bad_check_digits"),
    ("business.registration_number", "x" * 65, "too_long"),
    ("business.registration_number", "x", "not_a_number"),
    ("business.registration_number", "12", "not_a_number"),
    ("business.registration_number", "PENDING", "not_a_number"),
    ("business.tax_id", "\t", "blank"),
    ("business.tax_id", "P05123\u200b4567X", "invisible_character"),
    ("business.trading_name", "\u00ad", "blank"),
    ("business.trading_name", "\u3164", "blank"),
    ("business.trading_name", "🍎🍌", "not_legible"),
    ("business.trading_name", ".", "not_legible"),
    ("business.trading_name", "x", "too_short"),
    ("business.trading_name", "Duka\u200f", "invisible_character"),
    ("business.trading_name", "М-РЕSА Аgеnt", "mixed_scripts"),
    ("business.legal_name", "Du\u200bka", "invisible_character"),
    ("business.ussd_name", "@£", "like_a_formula"),
    ("business.ussd_name", "£ $", "not_legible"),
    ("business.ussd_name", "ΣHOP", "mixed_scripts"),
    ("business.ussd_name", "x", "too_short"),
    ("contact.name", "\u2060", "blank"),
    ("business.monthly_turnover_minor", -1, "out_of_range"),
    ("business.monthly_turnover_minor", 10**400, "out_of_range"),
    ("business.employees_band", "12", "not_allowed"),
    ("business.ussd_name", "x" * 21, "too_long"),
    ("business.ussd_name", "[" * 9 + "Duka", "too_long"),
    ("business.ussd_name", "မြန်မာ", "not_gsm7"),
    ("business.ussd_name", "Café ☕", "not_gsm7"),
    ("contact.owner_index", 2, "unknown_owner"),
    ("contact.owner_index", -1, "unknown_owner"),
    ("settlement_account.currency", "KSH", "unknown_code"),
    ("settlement_account.account_id", " ", "blank"),
    ("external_ref", "x" * 65, "too_long"),
]


@pytest.mark.parametrize(("path", "value", "code"), WRONG)
def test_a_wrong_answer_is_named_by_its_path(path: str, value: object, code: str) -> None:
    assert codes_at(COMPANY, **{path: value}) == [(path, code)]


WRONG_IN_LISTS = [
    ("owners.0.given_name", "\u2028", "owners[0].given_name", "blank"),
    ("owners.1.birth_date", "1975-13-01", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "1975-1-1", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "1975-W01-1", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "19750101", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "1975-02-29", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "٢٠٠٠-٠١-٠١", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "2026-11-23", "owners[1].birth_date", "implausible_date"),
    ("owners.1.birth_date", "1890-01-01", "owners[1].birth_date", "implausible_date"),
    ("owners.1.birth_date", "2020-01-01", "owners[1].birth_date", "too_young"),
    ("owners.0.family_name", ".", "owners[0].family_name", "not_legible"),
    ("owners.0.family_name", "Оuma", "owners[0].family_name", "mixed_scripts"),
    ("owners.0.given_name", "x" * 201, "owners[0].given_name", "too_long"),
    ("owners.1.birth_date", "1890", "owners[1].birth_date", "implausible_date"),
    ("owners.1.birth_date", "2027", "owners[1].birth_date", "implausible_date"),
    ("owners.1.birth_date", "2012", "owners[1].birth_date", "too_young"),
    ("owners.1.birth_date", "0000", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "75", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "1975-05", "owners[1].birth_date", "bad_date"),
    ("owners.1.birth_date", "１９７５", "owners[1].birth_date", "bad_date"),
    ("locations.0.city", "\u00ad", "locations[0].city", "blank"),
    ("locations.0.city", "-", "locations[0].city", "like_a_formula"),
    ("locations.0.city", "x" * 71, "locations[0].city", "too_long"),
    ("locations.0.name", "\u3164", "locations[0].name", "blank"),
    ("locations.0.counters.0.name", "🛒", "locations[0].counters[0].name", "not_legible"),
    ("locations.0.address_lines.0", "\u2800", "locations[0].address_lines[0]", "blank"),
    ("owners.0.nationality", "KEN", "owners[0].nationality", "unknown_code"),
    ("owners.0.nationality", "XX", "owners[0].nationality", "unknown_code"),
    ("owners.0.phone", "12", "owners[0].phone", "bad_phone"),
    ("owners.0.phone", "+999123456789", "owners[0].phone", "bad_phone"),
    ("owners.0.phone", "+254712345678 ext 9", "owners[0].phone", "bad_phone"),
    ("owners.0.phone", "9" * 300, "owners[0].phone", "bad_phone"),
    ("owners.0.email", "nobody", "owners[0].email", "bad_email"),
    ("owners.0.email", "a@b@c.com", "owners[0].email", "bad_email"),
    ("owners.0.email", "a@localhost", "owners[0].email", "bad_email"),
    ("owners.0.email", "a b@c.com", "owners[0].email", "bad_email"),
    ("owners.0.email", "a@" + "b" * 280 + ".com", "owners[0].email", "bad_email"),
    ("owners.0.ownership_percent", -0.1, "owners[0].ownership_percent", "out_of_range"),
    ("owners.0.ownership_percent", float("nan"), "owners[0].ownership_percent", "out_of_range"),
    ("business.currencies.1", "XXX", "business.currencies[1]", "unknown_code"),
    ("business.currencies.1", "XAU", "business.currencies[1]", "unknown_code"),
    ("business.currencies.1", "ZWL", "business.currencies[1]", "unknown_code"),
    ("business.currencies.1", "KES", "business.currencies", "duplicate"),
    ("locations.0.kind", "market", "locations[0].kind", "not_allowed"),
    ("locations.0.subdivision", "KE-99", "locations[0].subdivision", "unknown_code"),
    ("locations.0.subdivision", "UG-102", "locations[0].subdivision", "other_country"),
    ("locations.0.address_lines.0", "x" * 71, "locations[0].address_lines[0]", "too_long"),
    ("locations.0.address_lines", ["a"] * 8, "locations[0].address_lines", "too_many"),
    ("locations.0.latitude", 90.01, "locations[0].latitude", "out_of_range"),
    ("locations.0.longitude", -181, "locations[0].longitude", "out_of_range"),
    ("locations.0.longitude", None, "locations[0]", "half_a_position"),
    ("locations.0.website", "ftp://shop.example", "locations[0].website", "bad_url"),
    ("locations.0.website", "javascript:alert(1)", "locations[0].website", "bad_url"),
    ("locations.0.website", "https://", "locations[0].website", "bad_url"),
    ("locations.0.website", "https://[::1", "locations[0].website", "bad_url"),
    ("locations.0.website", "https://shop example.com", "locations[0].website", "bad_url"),
    ("locations.0.counters.1.own_alias", "", "locations[0].counters[1].own_alias", "bad_alias"),
    ("locations.0.counters.1.own_alias", "a" * 33, "locations[0].counters[1].own_alias", "bad_alias"),
    ("locations.0.counters.1.own_alias", "../etc", "locations[0].counters[1].own_alias", "bad_alias"),
    ("locations.0.counters.1.own_alias", "duka\n", "locations[0].counters[1].own_alias", "bad_alias"),
    ("locations.0.counters.1.own_alias", "..", "locations[0].counters[1].own_alias", "reserved_alias"),
    ("locations.0.counters.1.own_alias", "Parties", "locations[0].counters[1].own_alias", "reserved_alias"),
    (
        "locations.0.counters.1.own_alias",
        "transactionRequests",
        "locations[0].counters[1].own_alias",
        "reserved_alias",
    ),
]


@pytest.mark.parametrize(("path", "value", "shown", "code"), WRONG_IN_LISTS)
def test_a_wrong_answer_in_a_list_is_named_by_its_position(path: str, value: object, shown: str, code: str) -> None:
    assert codes_at(COMPANY, **{path: value}) == [(shown, code)]


def test_no_word_is_reserved_unless_the_caller_says_so() -> None:
    answers = sections(COMPANY, **{"locations.0.counters.1.own_alias": "Parties"})
    assert kyb.field_problems(answers, NOW) == ()


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "a\n", "ä", "a" * 33, "PARTIES"])
def test_reserved_words_and_texts_unsafe_in_a_uri_are_invalid_aliases(text: str) -> None:
    assert not kyb.is_alias(text, RESERVED)


@pytest.mark.parametrize(("section", "item", "limit"), [("owners", {}, MAX_OWNERS), ("locations", {}, MAX_LOCATIONS)])
def test_lists_have_a_longest_length(section: str, item: dict[str, Any], limit: int) -> None:
    assert codes_at({section: [item] * limit}) == []
    assert codes_at({section: [item] * (limit + 1)}) == [(section, "too_many")]


def test_a_location_has_at_most_so_many_counters() -> None:
    too_many = {"locations": [{"counters": [{"name": "Till"}] * (MAX_COUNTERS + 1)}]}
    assert codes_at(too_many) == [("locations[0].counters", "too_many")]
    full = [{"counters": [{"name": "Till"}] * MAX_COUNTERS}] * (MAX_COUNTERS_OF_MERCHANT // MAX_COUNTERS)
    assert codes_at({"locations": full}) == []
    assert codes_at({"locations": [*full, {"counters": [{"name": "Till"}]}]}) == [("locations", "too_many")]


def test_one_alias_may_not_stand_at_two_counters() -> None:
    document = {"locations": [{"counters": [{"own_alias": "duka"}]}, {"counters": [{"own_alias": "duka"}]}]}
    assert codes_at(document) == [
        ("locations[0].counters[0].own_alias", "duplicate"),
        ("locations[1].counters[0].own_alias", "duplicate"),
    ]


@pytest.mark.parametrize(("shares", "right"), [((33.3, 33.3, 33.4), True), ((60, 40.01), False), ((100, 0), True)])
def test_shares_add_up_to_at_most_100_without_rounding_errors(shares: tuple[float, ...], right: bool) -> None:
    owners = {"owners": [{"ownership_percent": share} for share in shares]}
    assert codes_at(owners) == ([] if right else [("owners", "ownership_above_100")])


@pytest.mark.parametrize(
    ("phone", "country", "right"),
    [
        ("0712345678", "KE", True),
        ("0712345678", None, False),
        ("+254 712 345 678", None, True),
        ("09 765 432 10", "MM", True),
        ("+95 9 765 432 10", "KE", True),
        ("call me", "KE", False),
        ("00254722000111", "KE", True),
        ("00254722000111", None, True),
        ("00 254 722 000 111", "UG", True),
        ("000254722000111", None, False),
        ("00", "KE", False),
        ("00999123456789", "KE", False),
    ],
)
def test_a_phone_needs_a_plus_or_the_country_of_the_first_location(
    phone: str, country: str | None, right: bool
) -> None:
    document = {"contact": {"phone": phone}, "locations": [{"country": country}] if country else []}
    assert codes_at(document) == ([] if right else [("contact.phone", "bad_phone")])


def test_age_is_counted_in_whole_years() -> None:
    born = {"owners": [{"birth_date": "2011-11-22"}]}
    day_before = datetime(2026, 11, 21, tzinfo=UTC)
    assert codes_at(born) == []
    assert [problem.code for problem in kyb.field_problems(sections(born), day_before)] == ["too_young"]


def test_messages_do_not_repeat_the_answer() -> None:
    for path, value, _ in WRONG:
        for problem in kyb.field_problems(sections(COMPANY, **{path: value}), NOW):
            assert len(str(value)) < 3 or str(value) not in problem.message


IDENTITY = {"id_type": "national_id", "id_number": "12345678"}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("id_type", "library_card", "not_allowed"),
        ("id_number", "", "blank"),
        ("id_number", "x", "not_a_number"),
        ("id_number", ".", "not_a_number"),
        ("id_number", "123", "not_a_number"),
        ("id_number", "NONE", "not_a_number"),
        ("id_number", "1234\u00ad5678", "invisible_character"),
        ("id_number", "1" * 65, "too_long"),
    ],
)
def test_a_document_that_can_be_none_is_refused(name: str, value: str, code: str) -> None:
    assert codes_at({"owners": [IDENTITY | {name: value}]}) == [(f"owners[0].{name}", code)]


RIGHT = [
    ("business.trading_name", "🍎🍌 Fruits"),
    ("business.trading_name", "龍"),
    ("business.legal_name", "SAINT MICHAEL SHIPPING COΜPANY LIMITED"),
    ("owners.0.given_name", "O"),
    ("owners.0.given_name", "Adébáyọ̀ " * 22),
    ("owners.1.birth_date", "1960"),
    ("owners.1.birth_date", "2011"),  # fifteen at some day of this year
    ("owners.1.birth_date", "1906"),
    ("locations.0.city", "Krung Thep Maha Nakhon Amon Rattanakosin"),
    ("locations.0.counters.0.name", "1"),
    ("locations.0.counters.0.name", "A"),
    ("settlement_account.account_name", "Αsha Ltd"),
]


@pytest.mark.parametrize(("path", "value"), RIGHT)
def test_answers_as_people_give_them_are_right(path: str, value: str) -> None:
    assert codes_at(COMPANY, **{path: value}) == []


def every_text(value: str) -> dict[str, Any]:
    """An application in which every text is this one."""

    def filled(struct: type[msgspec.Struct]) -> dict[str, Any]:
        fields = {field.name: field.type for field in msgspec.structs.fields(struct)}
        return {name: value for name, kind in fields.items() if "int" not in str(kind) and "float" not in str(kind)}

    business = filled(kyb.Business) | {"currencies": [value]}
    owner = filled(kyb.Owner)
    del owner["is_director"]
    counter = filled(kyb.Counter)
    place = filled(kyb.Location) | {"address_lines": [value], "counters": [counter]}
    return {
        "business": business,
        "owners": [owner, owner],
        "contact": filled(kyb.Contact),
        "locations": [place],
        "settlement_account": filled(kyb.SettlementAccount),
        "external_ref": value,
    }


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_makes_the_rules_fail(text: str) -> None:
    document = every_text(text)
    assert kyb.normalise(kyb.normalise(sections(document))) == kyb.normalise(sections(document))
    for problem in kyb.field_problems(sections(document), NOW):
        assert problem.path and problem.code and problem.message


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", " ="])
@pytest.mark.parametrize(
    "path",
    ["business.trading_name", "business.legal_name", "owners.0.given_name", "contact.name", "locations.0.name"],
)
def test_a_name_that_a_spreadsheet_takes_for_a_formula_is_refused(path: str, begin: str) -> None:
    assert [code for _path, code in codes_at(COMPANY, **{path: f"{begin}HYPERLINK(1)"})] == ["like_a_formula"]
    assert codes_at(COMPANY, **{path: f"Smith {begin} Sons"}) == []
