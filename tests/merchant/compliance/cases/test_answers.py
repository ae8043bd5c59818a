"""Answers at rest: sealed and back, hashed by version, their identifiers indexed."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import kyb
import qr
from merchant.compliance.cases import answers
from merchant.core import errors, ids, keyring
from merchant.core.vault import BadSecretKey, Vault
from tests import builders
from tests.builders import SECRET_KEY

VAULT = Vault(SECRET_KEY)


def company(**business: str) -> kyb.Sections:
    return builders.sections(builders.company(**business))


@given(st.text(max_size=50), st.text(max_size=50), st.integers(0, 10**15))
def test_what_is_sealed_is_read_back_the_same(name: str, number: str, turnover: int) -> None:
    given_answers = kyb.Sections(
        business=kyb.Business(trading_name=name, monthly_turnover_minor=turnover), owners=(kyb.Owner(id_number=number),)
    )
    application_id = ids.uuid7()
    sealed = answers.seal(VAULT, application_id, given_answers)
    assert answers.unseal(VAULT, application_id, sealed) == given_answers
    with pytest.raises(BadSecretKey):
        answers.unseal(VAULT, ids.uuid7(), sealed)


def test_a_hash_names_one_version_of_one_set_of_answers() -> None:
    one, other = company(trading_name="A"), company(trading_name="B")

    def hashed(version: int, given: kyb.Sections, vault: Vault = VAULT) -> str:
        return answers.version_hash(vault, version, given)

    assert hashed(1, one) == hashed(1, one)
    assert len({hashed(1, one), hashed(2, one), hashed(1, other), hashed(1, one, Vault(keyring.new()))}) == 4


def test_every_wrong_answer_is_named_at_once() -> None:
    bad = kyb.Sections(business=kyb.Business(mcc="0000", currencies=("XXX",)), contact=kyb.Contact(email="x"))
    with pytest.raises(errors.InvalidFields) as refused:
        answers.tidy(bad)
    assert {error.path for error in refused.value.errors} == {
        "business.mcc",
        "business.currencies[0]",
        "contact.email",
    }


def test_a_refusal_repeats_no_answer() -> None:
    bad = kyb.Sections(owners=(kyb.Owner(phone="call 0711-SECRET", birth_date="1980-13-99"),))
    with pytest.raises(errors.InvalidFields) as refused:
        answers.tidy(bad)
    told = str(refused.value.errors)
    assert "SECRET" not in told
    assert "1980" not in told


@given(st.text(max_size=40), st.text(max_size=40))
@example("\u00ad", "\u3164")
@example("🍎🍌", "Nairobi")
@example("ا", "Nairobi")
def test_every_name_that_is_accepted_can_be_written_into_a_code(name: str, city: str) -> None:
    place = kyb.Location(city=city, country="KE")
    try:
        tidied = answers.tidy(kyb.Sections(business=kyb.Business(trading_name=name), locations=(place,)))
    except errors.InvalidFields:
        return
    written = {"name": tidied.business.trading_name or "", "city": tidied.locations[0].city or ""}
    code = qr.mojaloop_code(
        domain="pay.hub.example",
        identifier="12345674",
        country="KE",
        currency="KES",
        mcc="5411",
        local_language=qr.language_of(written["name"], "KE"),
        **written,
    )
    assert qr.decode(qr.encode(code, profile="mojaloop")).name


def test_identifiers_are_found_where_they_stand_and_absent_ones_are_not() -> None:
    found = answers.identifiers(company(tax_id="T1"))
    assert [(path, kind) for path, kind, _ in found] == [
        ("owners[0].id_number", "id_number"),
        ("contact.phone", "phone"),
        ("business.tax_id", "tax_id"),
        ("business.registration_number", "registration_number"),
        ("settlement_account.account_id", "account"),
    ]
    assert answers.identifiers(kyb.Sections()) == []


@pytest.mark.parametrize(
    ("contact", "owner_phone", "reached"),
    [
        (kyb.Contact(phone="+254711000001"), None, "+254711000001"),
        (kyb.Contact(phone="+254711000001", owner_index=0), "+254722000002", "+254711000001"),
        (kyb.Contact(owner_index=0), "+254722000002", "+254722000002"),
        (kyb.Contact(owner_index=0), None, None),
        (kyb.Contact(), "+254722000002", "+254722000002"),
        (kyb.Contact(), None, None),
    ],
)
def test_the_merchants_phone_is_the_contacts_or_the_owners_it_points_to(
    contact: kyb.Contact, owner_phone: str | None, reached: str | None
) -> None:
    given_answers = kyb.Sections(owners=(kyb.Owner(phone=owner_phone),), contact=contact)
    assert kyb.merchant_phone(given_answers) == reached
