"""Countries, birth dates and identity numbers as publishers write them."""

import pytest

from kyb.lists.births import births_of, full_date
from kyb.lists.countries import country_code
from kyb.lists.identifiers import identifier, kind_of


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Democratic Republic of the Congo", "CD"),
        ("Congo, Democratic Republic of the", "CD"),
        ("Congo, Republic of the", "CG"),
        ("Iran (Islamic Republic of)", "IR"),
        ("Korea, North", "KP"),
        ("Democratic People's Republic of Korea", "KP"),
        ("North Macedonia, The Republic of", "MK"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Cote d Ivoire", "CI"),
        ("Côte d'Ivoire", "CI"),
        ("The Gambia", "GM"),
        ("Bahamas, The", "BS"),
        ("United Kingdom of Great Britain and Northern Ireland", "GB"),
        ("State of Palestine", "PS"),
        ("Region: Gaza", "PS"),
        ("KE", "KE"),
        ("na", ""),
        ("00", ""),
        ("", ""),
        ("undetermined", ""),
        ("Region: Kafia Kingi", ""),
    ],
)
def test_a_country_is_known_by_its_name_in_any_order(name: str, code: str) -> None:
    assert country_code(name) == code


@pytest.mark.parametrize(
    ("text", "years", "day"),
    [
        ("10 Dec 1948", (1948, 1948), "1948-12-10"),
        ("1948-12-10", (1948, 1948), "1948-12-10"),
        ("10/12/1948", (1948, 1948), "1948-12-10"),
        ("dd/mm/1948", (1948, 1948), ""),
        ("00/00/1948", (1948, 1948), ""),
        ("31/02/1948", (1948, 1948), ""),
        ("Dec 1948", (1948, 1948), ""),
        ("circa 1948", (1945, 1951), ""),
        ("circa 10 Dec 1948", (1945, 1951), ""),
        ("1948 to 1950", (1948, 1950), ""),
        ("01 Jan 1948 to 31 Dec 1950", (1948, 1950), ""),
    ],
)
def test_a_birth_is_years_and_perhaps_a_day(text: str, years: tuple[int, int], day: str) -> None:
    found = births_of([text])
    assert (found.years, found.dates) == ((years,), (day,) if day else ())
    assert full_date(text) == day


@pytest.mark.parametrize("text", ["", "unknown", "19480", "0948", "2148"])
def test_a_text_without_a_year_says_nothing_of_a_birth(text: str) -> None:
    assert births_of([text]).years == ()


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("OB 0243318", "OB 0243318"),
        ("Libyan passport No. 513519 ", "513519"),
        ("German travel document (“Reiseausweis”) A 0139243", "A 0139243"),
        ("381110042 (Expired 25 Jan. 2016)", "381110042"),
        ("Libya B/002210", "B/002210"),
        ("SSN 156-92-9858", "156-92-9858"),
        ("National Identity Card\nnumber 44103-5251752-5", "44103-5251752-5"),
        ("123", None),
        ("A B C D", None),
        ("Male", None),
        ("", None),
        ("9" * 65, None),
    ],
)
def test_a_number_is_taken_out_of_what_clerks_wrote_around_it(written: str, number: str | None) -> None:
    found = identifier("passport", written)
    assert (found.number if found else None) == number


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Passport", "passport"),
        ("Número de pasaporte", "passport"),
        ("National Identification Number", "national_id"),
        ("Cedula No.", "national_id"),
        ("D.N.I.", "national_id"),
        ("Tax ID No.", "tax_id"),
        ("R.F.C.", "tax_id"),
        ("fiscalcode", "tax_id"),
        ("Registration Number", "registration"),
        ("C.R. No.", "registration"),
        ("Driver's License No.", "other"),
        ("SWIFT/BIC", "other"),
        ("Gender", None),
        ("Website", None),
        ("Vessel Registration Identification", None),
        ("Secondary sanctions risk:", None),
        ("Organization Type:", None),
    ],
)
def test_a_label_says_of_which_kind_a_number_is(label: str, kind: str | None) -> None:
    assert kind_of(label) == kind
