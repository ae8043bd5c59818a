"""Which answers are looked up, in which spelling, and what a name alone does."""

from datetime import UTC, date, datetime

import pytest

import kyb
from kyb.lists.blocklist import load_blocklist
from merchant.compliance.cases.blocking.lookups import identifiers, listed_among
from merchant.compliance.cases.blocking.refusals import problem_of
from merchant.compliance.lists.content import blocklist_digest
from merchant.core.vault import Vault
from tests.builders import SECRET_KEY

VAULT = Vault(SECRET_KEY)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ANSWERS = kyb.Sections(
    business=kyb.Business(
        tax_id="P051234567X",
        registration_number="PVT-4711",
        legal_name="Sample Trading Ltd",
        trading_name="Sample Shop",
    ),
    owners=(
        kyb.Owner(given_name="Tarik", family_name="al-Sample", id_type="national_id", id_number="27 004 711"),
        kyb.Owner(id_type="tax_id", id_number="A009988776Z", phone="+254722000112"),
        kyb.Owner(kind="company", legal_name="Parent Ltd", registration_number="CPR/2009/1"),
    ),
    contact=kyb.Contact(phone="+254722000111"),
    settlement_account=kyb.SettlementAccount(account_id="0100-200300", account_name="Sample Account"),
)


def found(*rows: str, sections: kyb.Sections = ANSWERS, now: datetime = NOW) -> list[str]:
    """Paths of the answers that a block list of these rows holds."""
    content = "\n".join(["kind,value,reason,added_on,expires_on", *(f"{row},2026-01-01,2027-01-01" for row in rows)])
    blocklist = load_blocklist(f"{content}\n".encode(), blocklist_digest(VAULT), date(2026, 1, 1))
    return [one.path for one in listed_among(identifiers(VAULT, sections), blocklist, now)]


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ("phone,+254 722 000 111,13", "contact.phone"),
        ("msisdn,254722000112,13", "owners[1].phone"),
        ("id_number,27004711,3", "owners[0].id_number"),
        ("id_number,a009988776z,3", "owners[1].id_number"),
        ("tax_id,A009988776Z,3", "owners[1].id_number"),
        ("tax_id,p051234567x,3", "business.tax_id"),
        ("registration_number,pvt4711,10", "business.registration_number"),
        ("registration_number,CPR-2009-1,10", "owners[2].registration_number"),
        ("account,0100200300,5", "settlement_account.account_id"),
        ("name,AL-SAMPLE tarik,14", "owners[0].family_name"),
        ("name,parent ltd,14", "owners[2].legal_name"),
        ("name,Sample Trading Ltd,14", "business.legal_name"),
        ("name,Sample Shop,14", "business.trading_name"),
        ("name,sample-account,14", "settlement_account.account_name"),
        ("id_number,٢٧٠٠٤٧١١,3", "owners[0].id_number"),
    ],
)
def test_an_answer_is_found_as_its_kind_and_in_any_spelling(row: str, path: str) -> None:
    assert found(row) == [path]


@pytest.mark.parametrize(
    "row", ["account,254722000111,5", "phone,+254722000113,13", "tax_id,27004711,3", "device,0100200300,5"]
)
def test_an_answer_of_another_kind_or_value_is_not(row: str) -> None:
    assert found(row) == []


def test_an_entry_that_ended_finds_nothing() -> None:
    assert found("phone,+254722000111,13", now=datetime(2027, 1, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize("value", [".", "-- --", "12", "x-1"])
def test_a_value_too_short_to_tell_anybody_by_is_never_looked_up(value: str) -> None:
    owner = kyb.Owner(id_number=value, registration_number=value)
    account = kyb.SettlementAccount(account_id=value)
    assert identifiers(VAULT, kyb.Sections(owners=(owner,), settlement_account=account)) == []


def test_nothing_is_looked_up_of_answers_that_are_not_given() -> None:
    assert identifiers(VAULT, kyb.Sections(owners=(kyb.Owner(),))) == []


def test_a_name_alone_refuses_nothing_and_a_number_is_told_once_without_its_reason() -> None:
    rows = b"kind,value,reason\nname,al-Sample Tarik,14\nid_number,A009988776Z,3\ntax_id,A009988776Z,10\n"
    blocklist = load_blocklist(rows, blocklist_digest(VAULT), date(2026, 1, 1))
    listed = list(listed_among(identifiers(VAULT, ANSWERS), blocklist, NOW))
    assert [(one.path, one.reason_codes) for one in listed] == [
        ("owners[0].family_name", ("14",)),
        ("owners[1].id_number", ("03",)),
        ("owners[1].id_number", ("10",)),
    ]
    assert problem_of(listed[:1]) is None
    problem = problem_of(listed)
    assert problem is not None
    [error] = problem.errors
    assert (problem.status, problem.code, error.path, error.code) == (
        422,
        "block_listed",
        "owners[1].id_number",
        "block_listed",
    )
    told = f"{problem.title} {problem.detail} {error.message}".lower()
    assert not [word for word in ("fraud", "launder", "03", "10", "tax", "a009988776z", "list") if word in told]
