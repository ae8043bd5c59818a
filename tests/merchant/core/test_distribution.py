"""The plan by which an installation is distributed: every table once, and every key fit for it."""

from sqlalchemy import Column, UniqueConstraint

from merchant.core.distribution import PLAN, Kind
from merchant.migrations.schema import metadata


def test_every_table_is_in_the_plan_once() -> None:
    assert sorted(PLAN) == sorted(metadata.tables)


def test_every_unique_index_of_a_distributed_table_holds_its_column_or_is_given_it() -> None:
    for name, place in PLAN.items():
        if place.kind is not Kind.DISTRIBUTED:
            continue
        lacking = {key for key, columns in _unique_keys(name).items() if place.column not in columns}
        assert lacking == set(place.rekeyed), name


def test_a_distributed_table_has_its_column_and_no_other_table_names_one() -> None:
    for name, place in PLAN.items():
        assert (place.kind is Kind.DISTRIBUTED) == bool(place.column), name
        assert not place.column or place.column in metadata.tables[name].columns, name


def test_no_foreign_key_leaves_its_machine_unless_it_is_given_up() -> None:
    """What a distributed table refers to is beside it or everywhere; what is everywhere refers to what is, too."""
    for name, place in PLAN.items():
        links = {_name_of(name, key.parent): PLAN[key.column.table.name] for key in metadata.tables[name].foreign_keys}
        leaving = set()
        for link, target in links.items():
            beside = target.kind is Kind.DISTRIBUTED and (target.kind, target.column) == (place.kind, place.column)
            if place.kind is Kind.LOCAL:
                assert target.kind is not Kind.DISTRIBUTED, link
            elif target.kind is not Kind.REFERENCE and not beside:
                leaving.add(link)
        assert leaving == set(place.unlinked), name


def _unique_keys(name: str) -> dict[str, set[str]]:
    table = metadata.tables[name]
    keys = {f"{name}_pkey": {column.name for column in table.primary_key.columns}}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            columns = [column.name for column in constraint.columns]
            keys["_".join([name, *columns, "key"])] = set(columns)
    for index in table.indexes:
        if index.unique:
            keys[str(index.name)] = {column.name for column in index.columns}
    return keys


def _name_of(table: str, column: Column[object]) -> str:
    return f"{table}_{column.name}_fkey"
