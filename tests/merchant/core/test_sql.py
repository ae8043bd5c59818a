"""SQL by name: columns come from the struct, rows and parameters are matched by name, faults are loud."""

import pytest
from msgspec import Struct

from merchant.core import sql
from merchant.core.service import Service
from merchant.core.sql import Named, WrongColumns

pytestmark = pytest.mark.anyio


class Pair(Struct, frozen=True):
    first: str
    second: str = "default"


def test_a_select_lists_the_fields_of_its_struct() -> None:
    text = sql.select(Pair, from_="a JOIN b ON true", columns={"second": "b.name"}, where="a.id = $1", tail="LIMIT 1")
    assert text == "SELECT first, b.name AS second FROM a JOIN b ON true WHERE a.id = $1 LIMIT 1"


def test_an_expression_for_a_field_that_the_struct_lacks_is_refused() -> None:
    with pytest.raises(WrongColumns, match="Pair has no field third"):
        sql.column_list(Pair, {"third": "b.third"})


async def test_a_row_fills_its_struct_by_name_whatever_the_order_of_its_columns(service: Service) -> None:
    async with service.db.system_reads() as tx:
        record = await tx.fetchrow("SELECT 'b' AS second, 'a' AS first")
        assert record is not None
        assert sql.row(Pair, record) == Pair("a", "b")
        assert sql.rows(Pair, [record, record]) == [Pair("a", "b")] * 2


@pytest.mark.parametrize(
    "columns",
    [
        "'a' AS first",
        "'a' AS first, 'b' AS second, 'c' AS third",
        "'a' AS first, 'b' AS other",
        "1 AS first, 2 AS first",
    ],
    ids=["one that has a default is missing", "one too many", "another name", "one twice"],
)
async def test_a_row_with_other_columns_is_refused(service: Service, columns: str) -> None:
    async with service.db.system_reads() as tx:
        record = await tx.fetchrow(f"SELECT {columns}")
    assert record is not None
    with pytest.raises(WrongColumns, match="Pair has"):
        sql.row(Pair, record)


async def test_parameters_are_given_by_name_and_may_stand_twice(service: Service) -> None:
    statement = Named("SELECT :first::text || :second::text || :first::text AS joined, '12:30'::time IS NULL AS cast")
    async with service.db.system_reads() as tx:
        assert await tx.fetchval(*statement(second="b", first="a")) == "aba"


@pytest.mark.parametrize("given", [{}, {"first": 1}, {"first": 1, "second": 2, "third": 3}, {"first": 1, "third": 2}])
def test_a_missing_or_an_unknown_parameter_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(WrongColumns, match="the statement takes"):
        Named("SELECT :first, :second")(**given)


def test_constants_become_a_list() -> None:
    assert sql.literals(["created", "in_doubt"]) == "('created', 'in_doubt')"


@pytest.mark.parametrize("words", [[], ["it's"], ["a", ""], ["a b"]])
def test_a_list_of_anything_but_words_is_refused(words: list[str]) -> None:
    with pytest.raises(WrongColumns, match="not a list of words"):
        sql.literals(words)


def test_an_insert_names_each_column_once() -> None:
    statement = sql.insert("pair", ("first", "second"), "ON CONFLICT DO NOTHING")
    assert statement(second=2, first=1) == (
        "INSERT INTO pair (first, second) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        1,
        2,
    )
