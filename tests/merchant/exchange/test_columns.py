"""Columns: each cell goes where its name says, and what is wrong is named by its column."""

import pytest

import kyb
from merchant.core import errors
from merchant.exchange.columns import Plan, all_columns, read_header
from merchant.exchange.problems import BadSpreadsheet


def sections(cells: dict[str, str]) -> kyb.Sections:
    """The answers of one row."""
    return read_header(["external_ref", *cells]).sections(["R", *cells.values()])


def faults(cells: dict[str, str]) -> list[tuple[str, str]]:
    """Paths and codes of what is wrong with a row."""
    with pytest.raises(errors.InvalidFields) as refused:
        sections(cells)
    return [(one.path, one.code) for one in refused.value.errors]


def refused(header: list[str]) -> list[tuple[str, str]]:
    """Columns and codes of what is wrong with a header."""
    with pytest.raises(BadSpreadsheet) as error:
        read_header(header)
    return [(one.path, one.code) for one in error.value.errors]


def test_every_path_of_an_application_is_a_column() -> None:
    names = list(all_columns())
    plan = read_header(names)
    assert [column.name for column in plan.columns] == names
    assert {"external_ref", "business.trading_name", "locations[0].counters[0].own_alias"} <= set(names)
    assert not any(name.endswith(".id") for name in names)


def test_cells_become_what_their_field_is() -> None:
    found = sections(
        {
            "business.currencies": "KES; USD|JPY",
            "business.monthly_turnover_minor": "150000",
            "owners[0].ownership_percent": "33.5",
            "owners[0].is_director": "Yes",
            "locations[0].address_lines": "Moi Avenue 12|Shop 3",
            "contact.owner_index": "0",
        }
    )
    assert found.external_ref == "R"
    assert found.business.currencies == ("KES", "USD", "JPY")
    assert found.business.monthly_turnover_minor == 150_000
    assert (found.owners[0].ownership_percent, found.owners[0].is_director) == (33.5, True)
    assert found.locations[0].address_lines == ("Moi Avenue 12", "Shop 3")
    assert found.contact.owner_index == 0


def test_a_position_without_cells_stays_empty_so_that_paths_are_columns() -> None:
    found = sections({"owners[0].given_name": "", "owners[1].given_name": "Amina"})
    assert [owner.given_name for owner in found.owners] == [None, "Amina"]


def test_empty_cells_answer_nothing() -> None:
    assert sections({"business.trading_name": "  ", "owners[0].phone": ""}) == kyb.Sections(external_ref="R")


def test_the_apostrophe_that_guards_against_formulas_is_no_part_of_the_answer() -> None:
    assert sections({"contact.phone": "'+254722000111"}).contact.phone == "+254722000111"
    assert sections({"business.trading_name": "'Ndizi' Bar"}).business.trading_name == "'Ndizi' Bar"


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("business.monthly_turnover_minor", "1,500"),
        ("business.monthly_turnover_minor", "15.5"),
        ("business.monthly_turnover_minor", "1" * 30),
        ("business.monthly_turnover_minor", "١٢"),
        ("owners[0].ownership_percent", "half"),
        ("owners[0].ownership_percent", "nan"),
        ("owners[0].ownership_percent", "1e308"),
        ("owners[0].is_director", "perhaps"),
        ("contact.owner_index", "first"),
        ("business.trading_name", "x" * 301),
        ("business.trading_name", "x" * 100_000),
        ("business.currencies", ";".join(["KES"] * 21)),
    ],
)
def test_a_cell_that_is_not_of_its_kind_is_named(column: str, cell: str) -> None:
    assert faults({column: cell}) == [(column, "invalid")]


def test_more_cells_than_columns_are_told_so() -> None:
    plan = Plan(read_header(["external_ref"]).columns)
    with pytest.raises(errors.InvalidFields) as refusal:
        plan.sections(["R", "stray"])
    assert refusal.value.errors[0].code == "too_many_cells"
    assert plan.sections(["R", "", " "]).external_ref == "R"


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "business",
        "business.",
        "business.trading_name[0]",
        "owners.given_name",
        "owners[x].given_name",
        "owners[200].given_name",
        "owners[-1].given_name",
        "owners[0].__class__",
        "locations[0].id",
        "business.currencies[0][1]",
        "=cmd()",
    ],
)
def test_an_unknown_column_is_named(name: str) -> None:
    assert refused(["external_ref", name]) == [(name, "unknown_column")]


def test_a_column_stands_there_once() -> None:
    assert refused(["external_ref", "external_ref"]) == [("external_ref", "duplicate_column")]
    twice = ["external_ref", "business.currencies", "business.currencies[0]"]
    assert refused(twice) == [("business.currencies[0]", "duplicate_column")]


def test_without_a_reference_nothing_could_be_repeated() -> None:
    assert refused(["business.trading_name"]) == [("external_ref", "missing_column")]
    assert refused([]) == [("external_ref", "missing_column")]


def test_columns_are_bounded() -> None:
    assert refused([f"owners[{n}].given_name" for n in range(501)]) == [("file", "too_many_columns")]
