"""Numbers of documents and registers: one form, certain mistakes refused, doubts told."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from kyb.identity_numbers import _CERTAIN, _FORMS, implausible_number, wrong_check_digit
from tests.kyb.samples import COMPANY, INDIVIDUAL, sections


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("GHA-123456789-0", "GHA1234567890"),
        ("gha 123456789 0", "GHA1234567890"),
        ("１２/ABC(N)１２３", "12ABCN123"),
        ("٢٣٤-٥", "2345"),
        ("၁၂၃၄", "1234"),
        ("12\u200b34", "1234"),
        ("ОВ 0243318", "OB0243318"),
        ("۰۲۴۳", "0243"),
        ("...", ""),
        ("", ""),
    ],
)
def test_numbers_are_compared_without_blanks_dashes_and_case(text: str, form: str) -> None:
    assert kyb.identity_form(text) == form


@pytest.mark.parametrize(
    "text", ["12345678", "1234 5678", "123-456.78", "ID/12345678", "ID No. 12 345 678", "№ 12345678", "１２٣٤5678"]
)
def test_words_for_what_a_number_is_make_no_other_number(text: str) -> None:
    assert kyb.number_form(text) == "12345678"


@pytest.mark.parametrize("text", ["IDA 12345", "NOVA-1", "REG12345"])
def test_letters_of_a_number_stay(text: str) -> None:
    assert kyb.number_form(text) == kyb.identity_form(text)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_form_is_its_own_form(text: str) -> None:
    assert kyb.identity_form(kyb.identity_form(text)) == kyb.identity_form(text)


@pytest.mark.parametrize("text", ["x", ".", "12", "1-2-3", "ABCD", "----", "", "A٣", "NONE", "unknown"])
def test_what_holds_too_little_or_no_digit_is_no_number(text: str) -> None:
    assert implausible_number(text, 4) is not None


@pytest.mark.parametrize("text", ["1234", "A-1-2-3", "၁၂၃၄", "12/ဥကမ(နိုင်)123456", "MADE-UP-0001"])
def test_a_few_letters_and_a_digit_are_enough(text: str) -> None:
    assert implausible_number(text, 4) is None


RIGHT = [
    ("national_id", "IN", "2341 2341 2346"),
    ("national_id", "ZA", "750330 5044 08 9"),
    ("national_id", "TH", "1-2345-45678-78-1"),
    ("national_id", "CN", "360426199101010071"),
    ("national_id", "BR", "390.533.447-05"),
    ("tax_id", "BR", "390.533.447-05"),
    ("voter_id", "IN", "WKH1186253"),
]


@pytest.mark.parametrize(("kind", "country", "number"), RIGHT)
def test_a_wrong_digit_is_certain_where_a_check_digit_is_published(kind: str, country: str, number: str) -> None:
    assert not wrong_check_digit(kind, number, country)
    assert kyb.number_doubt(kind, number, country) is None
    place = max(place for place, char in enumerate(number) if char.isdigit())
    slipped = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert wrong_check_digit(kind, slipped, country)


@pytest.mark.parametrize(
    ("kind", "country", "number"),
    [
        ("national_id", "IN", "12341234"),  # of another length: an older document, or another one
        ("national_id", "IN", "WKH1186263"),
        ("national_id", "ZA", "A1234567"),
        ("national_id", "KE", "12345678"),
        ("passport", "IN", "234123412347"),
        ("other", "IN", "234123412347"),
        ("national_id", None, "234123412347"),
        ("national_id", "ZZ", "234123412347"),
        ("tax_id", "GH", "C0000803562"),
        ("tax_id", "SN", "3067222"),
    ],
)
def test_nothing_else_is_refused_for_its_form(kind: str, country: str | None, number: str) -> None:
    assert not wrong_check_digit(kind, number, country)


USUAL = [
    ("national_id", "NG", "12345678901"),
    ("national_id", "TZ", "19900101-12345-00001-23"),
    ("national_id", "UG", "CM900231020ABC"),
    ("national_id", "RW", "1 1990 8 0012345 6 78"),
    ("national_id", "GH", "GHA-123456789-0"),
    ("national_id", "KE", "12345678"),
    ("national_id", "BD", "1234567890"),
    ("national_id", "BD", "12345678901234567"),
    ("national_id", "PK", "34201-0891231-8"),
    ("national_id", "MX", "BOXW310820HNERXN09"),
    ("national_id", "ID", "3171011708450001"),
    ("national_id", "ZM", "123456/78/1"),
    ("national_id", "MZ", "110100123456A"),
    ("tax_id", "KE", "P051365947M"),
    ("tax_id", "GH", "C0000803561"),
    ("tax_id", "GH", "GHA-123456789-0"),
    ("tax_id", "SN", "3067221 2G2"),
    ("tax_id", "MZ", "400 005 834"),
    ("passport", "KE", "AK0123456"),
    ("passport", None, "AK0123456"),
    ("driving_licence", "KE", "whatever 1"),
    ("national_id", "FR", "880692310285"),
    ("other", "KE", "MADE-UP-0001"),
]


@pytest.mark.parametrize(("kind", "country", "number"), USUAL)
def test_numbers_as_countries_write_them_raise_no_doubt(kind: str, country: str | None, number: str) -> None:
    assert kyb.number_doubt(kind, number, country) is None


@pytest.mark.parametrize(
    ("kind", "country", "number"),
    [
        ("national_id", "NG", "1234567890"),
        ("national_id", "TZ", "12345678"),
        ("national_id", "UG", "12345678901234"),
        ("national_id", "GH", "123456789"),
        ("national_id", "KE", "ID0000001"),
        ("national_id", "PK", "34201"),
        ("national_id", "ID", "9971011708450001"),
        ("tax_id", "KE", "12345678"),
        ("tax_id", "GH", "C0000803562"),
        ("tax_id", "SN", "3067222"),
        ("passport", "KE", "1234"),
        ("passport", None, "AK-0123456789"),
    ],
)
def test_other_numbers_raise_a_doubt_that_does_not_repeat_them(kind: str, country: str | None, number: str) -> None:
    doubt = kyb.number_doubt(kind, number, country)
    assert doubt is not None
    assert number not in doubt


def test_the_doubts_of_an_application_name_their_paths() -> None:
    changes = {"owners.0.id_number": "ID-77-KE", "business.tax_id": "12345"}
    doubts = list(kyb.number_doubts(sections(INDIVIDUAL, **changes)))
    assert [(one.path, one.code) for one in doubts] == [
        ("owners[0].id_number", "unusual_number"),
        ("business.tax_id", "unusual_number"),
    ]
    assert list(kyb.number_doubts(sections(INDIVIDUAL))) == []
    assert list(kyb.number_doubts(sections(COMPANY))) == []
    assert list(kyb.number_doubts(kyb.Sections(business=kyb.Business(tax_id="x")))) == []


def test_a_foreigners_number_is_held_against_their_own_country() -> None:
    changes = {"owners.0.id_number": "GHA-123456789-0", "owners.0.nationality": "GH"}
    assert list(kyb.number_doubts(sections(INDIVIDUAL, **changes))) == []


@settings(deadline=None)
@given(st.sampled_from(sorted(_FORMS | _CERTAIN)), st.text(max_size=24) | st.from_regex(r"[A-Z]{0,3}\d{3,18}[A-Z]?"))
def test_any_text_can_be_held_against_every_form(key: tuple[str, str], text: str) -> None:
    kind, country = key
    assert wrong_check_digit(kind, text, country) in (True, False)
    doubt = kyb.number_doubt(kind, text, country)
    assert doubt is None or re.search(rf"\b{country}\b", doubt)
