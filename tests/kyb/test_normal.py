"""normalise takes away harmless differences, once and for all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from tests.kyb.samples import COMPANY, sections

TIDIED = [
    ("business.trading_name", "  Duka \u00a0 la  Mama ", "Duka la Mama"),
    ("business.trading_name", "Cafe\u0301", "Café"),
    ("business.kind", " COMPANY ", "company"),
    ("business.mcc", "742", "0742"),
    ("business.lei", " 5493001kjtiigc8y1r12", "5493001KJTIIGC8Y1R12"),
    ("settlement_account.currency", "kes", "KES"),
    ("business.tax_id", "p051234567x", "P051234567X"),
    ("locations.0.subdivision", "ke-17", "KE-17"),
    ("external_ref", " A1 ", "A1"),
]
LEFT_ALONE = [
    ("business.trading_name", "DUKA la mama"),
    ("business.trading_name", "line\nbreak"),
    ("business.mcc", "74x"),
    ("business.registration_number", "cpr/2019/1"),
    ("business.ussd_name", ""),
]


@pytest.mark.parametrize(("path", "given", "tidied"), TIDIED)
def test_harmless_differences_go(path: str, given: str, tidied: str) -> None:
    assert kyb.normalise(sections(COMPANY, **{path: given})) == sections(COMPANY, **{path: tidied})


@pytest.mark.parametrize(("path", "value"), LEFT_ALONE)
def test_what_means_something_stays(path: str, value: str) -> None:
    assert kyb.normalise(sections(COMPANY, **{path: value})) == sections(COMPANY, **{path: value})


@pytest.mark.parametrize(
    ("phone", "country", "tidied"),
    [
        ("0712 345 678", "ke", "+254712345678"),
        ("000254712345678", "KE", "+254712345678"),
        ("254712345678", "KE", "+254712345678"),
        ("00254722000111", "KE", "+254722000111"),
        ("(00) 254-722-000111", None, "+254722000111"),
        ("0025261 2345678", "KE", "+252612345678"),
        (" +254 (712) 345-678", None, "+254712345678"),
        ("0712345678", None, "0712345678"),
        ("nonsense", "KE", "nonsense"),
    ],
)
def test_phones_become_e164_when_they_can_be_read(phone: str, country: str | None, tidied: str) -> None:
    document = {"contact": {"phone": phone}, "locations": [{"country": country}] if country else []}
    assert kyb.normalise(sections(document)).contact.phone == tidied


def test_numbers_of_documents_keep_their_dashes_in_capitals() -> None:
    document = {"owners": [{"id_type": "national_id", "id_number": " gha-123456789-0 "}]}
    assert kyb.normalise(sections(document)).owners[0].id_number == "GHA-123456789-0"


def test_only_the_domain_of_an_email_is_lowered() -> None:
    assert kyb.normalise(sections({"contact": {"email": "A.B@Example.ORG"}})).contact.email == "A.B@example.org"


def test_lists_and_deep_answers_are_tidied_too() -> None:
    document = {"business": {"currencies": ["kes ", "usd"]}, "locations": [{"counters": [{"own_alias": " duka "}]}]}
    tidied = kyb.normalise(sections(document))
    assert tidied.business.currencies == ("KES", "USD")
    assert tidied.locations[0].counters[0].own_alias == "duka"


@settings(deadline=None)
@given(
    st.builds(
        kyb.Sections,
        business=st.builds(
            kyb.Business,
            trading_name=st.text(max_size=12),
            kind=st.text(max_size=12),
            mcc=st.text(max_size=5) | st.integers(0, 99999).map(str),
            lei=st.text(max_size=20),
            currencies=st.lists(st.text(max_size=4), max_size=2).map(tuple),
        ),
        contact=st.builds(
            kyb.Contact,
            phone=st.text("0123456789+() -", max_size=16) | st.text(max_size=8),
            email=st.text("aB@.", max_size=8),
        ),
        locations=st.lists(
            st.builds(kyb.Location, country=st.sampled_from(["KE", "us", "MM ", "", "xx"]) | st.text(max_size=3)),
            max_size=2,
        ).map(tuple),
    )
)
def test_normalising_twice_changes_nothing_more(answers: kyb.Sections) -> None:
    once = kyb.normalise(answers)
    assert kyb.normalise(once) == once
