"""The tables of states against the code: each move is made by an operation, and no operation makes another."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.compliance.cases.expiry import expire_stale
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import (
    APPLICATION_CAPABILITIES,
    APPLICATION_MOVES,
    ApplicationState,
    application_may,
    move_application,
)
from merchant.compliance.cases.states import Capability as ApplicationCapability
from merchant.core import clock, errors
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.registry.merchants.states import (
    HUB_MOVES,
    MERCHANT_CAPABILITIES,
    MERCHANT_MOVES,
    Capability,
    MerchantState,
    may_become,
    merchant_may,
)
from tests import builders
from tests.builders import World

A, M = ApplicationState, MerchantState
# Everybody's moves and the hub's.
ALL_MOVES = {state: moves | HUB_MOVES.get(state, frozenset()) for state, moves in MERCHANT_MOVES.items()}
TARGETS = st.lists(st.sampled_from(ApplicationState), max_size=12)
RETURNED = {"items": [{"path": "owners", "reason": "Who?"}]}
WHY = {"reason": "Because."}


class Desk:
    """One application or merchant of greenbankfsp, and everything that may be done to it."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World, table: str, row_id: UUID) -> None:
        self.client, self.service, self.world = client, service, world
        self.table, self.row_id = table, row_id
        self.path = f"/api/v1/{table}s/{row_id}"

    async def post(self, name: str, body: Any = None, who: str = "checker") -> None:
        headers = self.world["greenbankfsp"][who].headers
        await self.client.post(f"{self.path}/{name}", json=body, headers=headers)

    async def by_hub(self, name: str, who: str, body: Any) -> None:
        email = f"{who}@hub.example"
        async with self.service.db.system_reads() as tx:
            known = await tx.fetchval("SELECT true FROM app_user WHERE email = $1", email)
        if not known:
            await builders.add_person(self.service, email, [Role.HUB_CHECKER])
        headers = (await builders.signed_in(self.service, email)).headers
        await self.client.post(f"{self.path}/{name}", json=body, headers=headers)

    async def row(self) -> Any:
        async with self.service.db.system_reads() as tx:
            return await tx.fetchrow(f"SELECT * FROM {self.table} WHERE id = $1", self.row_id)

    async def change(self) -> None:
        headers = {**self.world.maker.headers, "if-match": f'"{(await self.row())["revision"]}"'}
        await self.client.patch(self.path, json={"external_ref": f"R{self.row_id}"}, headers=headers)

    async def approve(self) -> None:
        await self.post("approve", {"version_hash": (await self.row())["version_hash"]})

    async def expire(self) -> None:
        async with self.service.db.system() as tx:
            await expire_stale(tx, clock.now() + timedelta(seconds=1))


Operations = Mapping[str, Callable[[Desk], Awaitable[None]]]
Outcomes = Mapping[tuple[Any, str], Any]

APPLICATION_OPERATIONS: Operations = {
    "change": Desk.change,
    "submit": lambda desk: desk.post("submit", who="maker"),
    "withdraw": lambda desk: desk.post("withdraw", who="maker"),
    "expire": Desk.expire,
    "screen": lambda desk: builders.work(desk.service),
    "claim": lambda desk: desk.post("claim"),
    "release": lambda desk: desk.post("release"),
    "screen again": lambda desk: desk.post("screen"),
    "return": lambda desk: desk.post("return", RETURNED),
    "reject": lambda desk: desk.post("reject", WHY),
    "approve": Desk.approve,
    "appeal": lambda desk: desk.post("appeal", WHY, who="maker2"),
}
# What an operation makes of a state; every other pair leaves the state as it is.
APPLICATION_OUTCOMES: Outcomes = {
    (A.DRAFT, "submit"): A.SUBMITTED,
    (A.DRAFT, "withdraw"): A.WITHDRAWN,
    (A.DRAFT, "expire"): A.EXPIRED,
    (A.SUBMITTED, "screen"): A.IN_REVIEW,
    (A.SUBMITTED, "withdraw"): A.WITHDRAWN,
    (A.IN_REVIEW, "approve"): A.APPROVED,
    (A.IN_REVIEW, "reject"): A.REJECTED,
    (A.IN_REVIEW, "return"): A.RETURNED,
    (A.IN_REVIEW, "withdraw"): A.WITHDRAWN,
    (A.RETURNED, "change"): A.DRAFT,
    (A.RETURNED, "withdraw"): A.WITHDRAWN,
    (A.RETURNED, "expire"): A.EXPIRED,
    (A.REJECTED, "appeal"): A.SUBMITTED,
}


async def block(desk: Desk) -> None:
    """Two people of the hub; a third who does the same changes nothing."""
    for who in ("blocks1", "blocks2"):
        await desk.by_hub("block", who, {"reason_code": "collusion", "reason": "Because."})


async def unblock(desk: Desk) -> None:
    for who in ("frees1", "frees2"):
        await desk.by_hub("unblock", who, WHY)


MERCHANT_OPERATIONS: Operations = {
    "suspend": lambda desk: desk.post("suspend", WHY),
    "restrict": lambda desk: desk.post("restrict", WHY),
    "reinstate": lambda desk: desk.post("reinstate"),
    "close": lambda desk: desk.post("close", WHY),
    "block": block,
    "unblock": unblock,
}
MERCHANT_OUTCOMES: Outcomes = {
    (M.ACTIVE, "suspend"): M.SUSPENDED,
    (M.ACTIVE, "restrict"): M.RESTRICTED,
    (M.ACTIVE, "close"): M.CLOSED,
    (M.RESTRICTED, "suspend"): M.SUSPENDED,
    (M.RESTRICTED, "reinstate"): M.ACTIVE,
    (M.RESTRICTED, "close"): M.CLOSED,
    (M.SUSPENDED, "reinstate"): M.ACTIVE,
    (M.SUSPENDED, "close"): M.CLOSED,
    (M.ACTIVE, "block"): M.BLOCKED,
    (M.RESTRICTED, "block"): M.BLOCKED,
    (M.SUSPENDED, "block"): M.BLOCKED,
    (M.BLOCKED, "unblock"): M.SUSPENDED,
}
# Where a block begins, the first of its two people suspends.
SUSPENDS_FIRST = {(M.ACTIVE, M.BLOCKED), (M.RESTRICTED, M.BLOCKED)}


def way_to(state: Any, first: Any, outcomes: Outcomes) -> list[str]:
    """The shortest row of operations that leads from the first state to another."""
    ways: dict[Any, list[str]] = {first: []}
    todo = deque([first])
    while todo:
        here = todo.popleft()
        for (before, operation), after in outcomes.items():
            if before is here and after not in ways:
                ways[after] = [*ways[here], operation]
                todo.append(after)
    return ways[state]


async def check_operations(
    fresh: Callable[[], Awaitable[Desk]], state: Any, first: Any, operations: Operations, outcomes: Outcomes
) -> None:
    """Hold every operation, in this state, against what it should make of it."""

    async def brought() -> Desk:
        desk = await fresh()
        for name in way_to(state, first, outcomes):
            await operations[name](desk)
        assert (await desk.row())["state"] == state
        return desk

    desk = await brought()
    for name, operation in operations.items():
        if (state, name) not in outcomes:
            await operation(desk)
            assert (await desk.row())["state"] == state, name
    for name, operation in operations.items():
        if (state, name) in outcomes:
            desk = await brought()
            await operation(desk)
            assert (await desk.row())["state"] == outcomes[state, name], name


@pytest.mark.anyio
@pytest.mark.parametrize("state", ApplicationState)
async def test_an_operation_makes_of_an_application_what_the_table_of_moves_says(
    client: httpx.AsyncClient, service: Service, world: World, state: ApplicationState
) -> None:
    async def fresh() -> Desk:
        made = await builders.create_application(service, world.maker)
        return Desk(client, service, world, "application", made.id)

    await check_operations(fresh, state, A.DRAFT, APPLICATION_OPERATIONS, APPLICATION_OUTCOMES)


@pytest.mark.anyio
@pytest.mark.parametrize("state", MerchantState)
async def test_an_operation_makes_of_a_merchant_what_the_table_of_moves_says(
    client: httpx.AsyncClient, service: Service, world: World, state: MerchantState
) -> None:
    async def fresh() -> Desk:
        merchant, _ = await builders.create_merchant(service, world)
        return Desk(client, service, world, "merchant", merchant.id)

    await check_operations(fresh, state, M.ACTIVE, MERCHANT_OPERATIONS, MERCHANT_OUTCOMES)


@pytest.mark.parametrize(
    ("moves", "outcomes"), [(APPLICATION_MOVES, APPLICATION_OUTCOMES), (ALL_MOVES, MERCHANT_OUTCOMES)]
)
def test_every_move_of_a_table_is_made_by_an_operation_and_no_operation_makes_another(
    moves: Mapping[Any, frozenset[Any]], outcomes: Outcomes
) -> None:
    made = {(before, after) for (before, _), after in outcomes.items()} - SUSPENDS_FIRST
    assert made == {(before, after) for before, targets in moves.items() for after in targets}


@pytest.mark.parametrize(
    ("states", "first", "outcomes"),
    [(ApplicationState, A.DRAFT, APPLICATION_OUTCOMES), (MerchantState, M.ACTIVE, MERCHANT_OUTCOMES)],
)
def test_operations_lead_to_every_state(states: Any, first: Any, outcomes: Outcomes) -> None:
    assert all(way_to(state, first, outcomes) or state is first for state in states)


def test_nobody_but_the_hub_moves_a_merchant_into_its_block_or_out_of_it() -> None:
    for state in MerchantState:
        assert not may_become(state, M.BLOCKED)
        assert not may_become(M.BLOCKED, state)


def test_every_state_is_in_every_table() -> None:
    assert set(APPLICATION_MOVES) == set(APPLICATION_CAPABILITIES) == set(ApplicationState)
    assert set(MERCHANT_MOVES) == set(MERCHANT_CAPABILITIES) == set(MerchantState)


def test_every_capability_is_some_states() -> None:
    assert frozenset().union(*APPLICATION_CAPABILITIES.values()) == set(ApplicationCapability)
    assert frozenset().union(*MERCHANT_CAPABILITIES.values()) == set(Capability)


def test_what_cannot_move_any_more_permits_nothing() -> None:
    for moves, capabilities in (
        (APPLICATION_MOVES, APPLICATION_CAPABILITIES),
        (ALL_MOVES, MERCHANT_CAPABILITIES),
    ):
        for state, targets in moves.items():
            if not targets:
                assert capabilities[state] == frozenset(), state  # type: ignore[index]


def test_only_what_is_under_review_can_be_decided_on() -> None:
    for capability in ("DECIDE", "DECIDE_HIT", "SCREEN_AGAIN"):
        allowed = [state for state in A if application_may(state, ApplicationCapability[capability])]
        assert allowed == [A.IN_REVIEW], capability


def test_only_active_and_restricted_merchants_take_money() -> None:
    taking = {state for state in MerchantState if merchant_may(state, Capability.TAKE_PAYMENT)}
    assert taking == {MerchantState.ACTIVE, MerchantState.RESTRICTED}


def test_an_unknown_state_is_a_fault_and_not_a_refusal() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        application_may("nonsense", ApplicationCapability.EDIT)


@given(st.sampled_from(ApplicationState), TARGETS)
def test_any_sequence_of_moves_follows_the_table_and_counts_only_what_happened(
    first: ApplicationState, targets: list[ApplicationState]
) -> None:
    row, happened = Application(state=first, version_hash="", revision=1), 0
    for target in targets:
        before = ApplicationState(row.state)
        try:
            move_application(row, target)
        except errors.WrongState:
            assert target not in APPLICATION_MOVES[before]
            assert row.state == before
        else:
            assert target in APPLICATION_MOVES[before]
            happened += 1
    assert row.revision == 1 + happened
