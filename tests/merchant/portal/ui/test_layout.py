"""Where one is: each page below the way that leads to it."""

from uuid import UUID

import pytest

from merchant.core.access import ROLE_PERMISSIONS, Actor, Role
from merchant.portal.ui.layout import layout_of

ZERO = UUID(int=0)


def at(role: Role, path: str) -> str:
    """The way that somebody of a role is on at a path."""
    is_shop = role in (Role.MERCHANT_OWNER, Role.MERCHANT_CASHIER)
    actor = Actor(
        kind="user",
        id=ZERO,
        name="",
        dfsp_id=None if role is Role.HUB_OPERATOR else ZERO,
        merchant_id=ZERO if is_shop else None,
        roles=(role,),
        permissions=ROLE_PERMISSIONS[role],
    )
    return layout_of(actor, path).at


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/shop", "/shop"),
        ("/shop/ask", "/shop/ask"),
        ("/shop/requests/1", "/shop"),
        ("/shop/day", "/shop/payments"),
        ("/shop/payments/1", "/shop/payments"),
        ("/shop/posters/1", "/shop/code"),
        ("/shop/people/1/shut-out", "/shop/more"),
        ("/shop/notifications", "/shop/more"),
        ("/shopping", ""),
        ("/account", ""),
    ],
)
def test_a_merchants_page_stands_below_the_way_that_leads_to_it(path: str, way: str) -> None:
    assert at(Role.MERCHANT_OWNER, path) == way


@pytest.mark.parametrize(("path", "way"), [("/merchants/1/cases/new", "/merchants"), ("/nothing", "")])
def test_a_page_of_staff_stands_below_the_nearest_way(path: str, way: str) -> None:
    assert at(Role.DFSP_MAKER, path) == way
