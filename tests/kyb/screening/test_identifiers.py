"""One identity number is found however it is written, whatever the name; others are not taken for it."""

from datetime import date

import pytest

import kyb
from kyb.lists.entry import IdentifierKind
from kyb.screening.identifiers import normal_number, same_number

LISTED = kyb.ListEntry(
    "QDi.1", "person", (kyb.ListedName("Ayman Rabi"),), ((1951, 1951),), "QD",
    countries=("EG",),
    identifiers=(kyb.Identifier("passport", "OB 0243318", "EG"), kyb.Identifier("national_id", "12345678", "EG")),
)  # fmt: skip
FIRM = kyb.ListEntry(
    "QDe.1", "entity", (kyb.ListedName("Rahba Lines"),), identifiers=(kyb.Identifier("lei", "5493001KJTIIGC8Y1R12"),)
)
INDEX = kyb.build_index([kyb.ScreeningList("un", date(2026, 2, 27), "ab" * 32, (LISTED, FIRM))])


def hits(kind: IdentifierKind, number: str, country: str = "", name: str = "Wanjiru Njeri") -> tuple[kyb.Hit, ...]:
    given = (kyb.Identifier(kind, number, country),)
    return kyb.screen_subject(kyb.Subject("owners[0]", name, ("person", "entity"), None, (), given), INDEX).hits


@pytest.mark.parametrize(
    "number",
    [
        *("OB 0243318", "ob0243318", "OB-024 3318", "ＯＢ０２４３３１８", "Passport No. OB 0243318", "OB ٠٢٤٣٣١٨"),
        *("OB ۰۲۴۳۳۱۸", "OB ०२४३३१८", "ОВ 0243318"),
    ],
)
def test_a_listed_number_is_found_whatever_the_name(number: str) -> None:
    (hit,) = hits("passport", number)
    assert (hit.entry_id, hit.band, hit.identifier, hit.set_aside) == ("QDi.1", "likely", "agrees", False)
    assert hit.score < 0.85  # the name is shown as unlike as it is


def test_a_listed_number_outweighs_another_birth_date() -> None:
    given = (kyb.Identifier("passport", "OB0243318"),)
    subject = kyb.Subject("owners[0]", "Ayman Rabi", ("person",), "1999-01-01", ("KE",), given)
    (hit,) = kyb.screen_subject(subject, INDEX).hits
    assert (hit.band, hit.birth_date, hit.country, hit.score) == ("likely", "differs", "differs", 1)


def test_a_legal_entity_identifier_is_found() -> None:
    assert [hit.entry_id for hit in hits("lei", "5493 001K JTII GC8Y 1R12")] == ["QDe.1"]


def test_a_number_without_its_letters_is_only_possible() -> None:
    (hit,) = hits("passport", "0243318", "EG")
    assert (hit.band, hit.identifier) == ("possible", "unknown")


@pytest.mark.parametrize("number", ["0B 0243318", "OB02433l8", "0BO2433I8", "O8 0243318", "OB0243318X", "0B0243318X"])
def test_a_number_read_or_typed_wrongly_is_only_possible(number: str) -> None:
    assert [hit.band for hit in hits("passport", number)] == ["possible"]
    assert hits("passport", number, "KE") == ()
    assert hits("tax_id", number) == ()


def test_two_numbers_that_end_in_different_letters_are_two() -> None:
    one, other = kyb.Identifier("tax_id", "A012345678X"), kyb.Identifier("tax_id", "A012345678Y")
    assert same_number(one, other) is None


@pytest.mark.parametrize(
    ("kind", "number", "country"),
    [
        ("passport", "OB0243318XY", ""),
        ("passport", "XOB0243318", ""),
        ("passport", "0243318", "KE"),  # another country's, and no letters
        ("passport", "OA 0243318", "EG"),
        ("passport", "OB 0243319", "EG"),
        ("national_id", "", ""),
        ("national_id", ".", ""),
        ("national_id", "1111111", ""),
        ("passport", "OB", ""),
    ],
)
def test_another_number_is_not(kind: IdentifierKind, number: str, country: str) -> None:
    assert hits(kind, number, country) == ()


def test_one_number_in_two_countries_is_only_possible() -> None:
    assert [hit.band for hit in hits("national_id", "12345678", "KE")] == ["possible"]
    assert [hit.band for hit in hits("national_id", "12345678", "EG")] == ["likely"]


@pytest.mark.parametrize(("number", "normal"), [("ID no: ab-12/3", "AB123"), ("  ", ""), ("x", "X"), ("№ 77", "77")])
def test_numbers_have_one_form(number: str, normal: str) -> None:
    assert normal_number(number) == normal


def test_different_numbers_are_not_the_same() -> None:
    assert same_number(kyb.Identifier("passport", "A1234567"), kyb.Identifier("passport", "B1234567")) is None
