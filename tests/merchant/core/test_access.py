"""Actors: what they hold, whose they are, and how selects are narrowed to them."""

import pytest
from sqlmodel import select

from merchant.core import errors, ids
from merchant.core.access import ROLE_PERMISSIONS, SERVICE, Actor, Permission, Role, permissions_of, scope_to
from merchant.registry.merchants.models import Counter, Merchant

DFSP, SHOP = ids.uuid7(), ids.uuid7()


def actor(**place: object) -> Actor:
    return Actor(kind="user", id=ids.uuid7(), name="x", **{"dfsp_id": None, **place})  # type: ignore[arg-type]


def test_several_roles_hold_what_each_of_them_holds() -> None:
    held = permissions_of([Role.DFSP_MAKER, Role.DFSP_CHECKER])
    assert held == ROLE_PERMISSIONS[Role.DFSP_MAKER] | ROLE_PERMISSIONS[Role.DFSP_CHECKER]
    assert permissions_of([]) == frozenset()


def test_a_role_that_does_not_exist_is_a_fault() -> None:
    with pytest.raises(ValueError, match="superuser"):
        permissions_of(["superuser"])


def test_a_missing_permission_is_named() -> None:
    with pytest.raises(errors.NotAllowed, match="audit:read"):
        actor().require(Permission.AUDIT_READ)


def test_the_service_itself_holds_no_permission_of_people() -> None:
    assert SERVICE.permissions == frozenset()
    with pytest.raises(errors.NotAllowed):
        SERVICE.require(Permission.MERCHANTS_READ)


def test_hub_staff_own_no_merchants() -> None:
    with pytest.raises(errors.NotAllowed, match="hub staff"):
        actor().own_dfsp()
    assert actor(dfsp_id=DFSP).own_dfsp() == DFSP


@pytest.mark.parametrize(
    ("place", "table", "conditions"),
    [
        ({}, Merchant, []),
        ({"dfsp_id": DFSP}, Merchant, ["merchant.dfsp_id ="]),
        ({"dfsp_id": DFSP, "merchant_id": SHOP}, Merchant, ["merchant.dfsp_id =", "merchant.id ="]),
        ({"dfsp_id": DFSP, "merchant_id": SHOP}, Counter, ["counter.dfsp_id =", "counter.merchant_id ="]),
    ],
)
def test_selects_are_narrowed_to_the_actors_dfsp_and_merchant(
    place: dict[str, object], table: type, conditions: list[str]
) -> None:
    sql = str(scope_to(actor(**place), select(table.id), table))  # type: ignore[attr-defined]
    _, _, where = sql.partition("WHERE")
    assert where.count("=") == len(conditions)
    assert all(condition in where for condition in conditions)
