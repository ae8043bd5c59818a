"""The tables of states: every state has its moves and capabilities, ends have none, nothing is unreachable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core import errors
from merchant.registry.applications.models import Application
from merchant.registry.applications.states import (
    APPLICATION_CAPABILITIES,
    APPLICATION_MOVES,
    ApplicationState,
    application_may,
    move_application,
)
from merchant.registry.applications.states import Capability as ApplicationCapability
from merchant.registry.merchants.states import (
    MERCHANT_CAPABILITIES,
    MERCHANT_MOVES,
    Capability,
    MerchantState,
    merchant_may,
)

TARGETS = st.lists(st.sampled_from(ApplicationState), max_size=12)


def application(state: ApplicationState) -> Application:
    return Application(state=state, version_hash="", revision=1)


def test_every_state_is_in_every_table() -> None:
    assert set(APPLICATION_MOVES) == set(APPLICATION_CAPABILITIES) == set(ApplicationState)
    assert set(MERCHANT_MOVES) == set(MERCHANT_CAPABILITIES) == set(MerchantState)


def test_every_state_can_be_reached_from_the_first() -> None:
    for first, moves in ((ApplicationState.DRAFT, APPLICATION_MOVES), (MerchantState.ACTIVE, MERCHANT_MOVES)):
        seen, todo = {first}, [first]
        while todo:
            for target in moves[todo.pop()] - seen:  # type: ignore[index]
                seen.add(target)
                todo.append(target)
        assert seen == set(type(first))


def test_what_cannot_move_any_more_permits_nothing() -> None:
    for moves, capabilities in (
        (APPLICATION_MOVES, APPLICATION_CAPABILITIES),
        (MERCHANT_MOVES, MERCHANT_CAPABILITIES),
    ):
        for state, targets in moves.items():
            if not targets:
                assert capabilities[state] == frozenset(), state  # type: ignore[index]


def test_only_what_is_under_review_can_be_decided_on() -> None:
    assert [state for state in ApplicationState if application_may(state, ApplicationCapability.DECIDE)] == [
        "in_review"
    ]


def test_only_active_and_restricted_merchants_take_money() -> None:
    taking = {state for state in MerchantState if merchant_may(state, Capability.TAKE_PAYMENT)}
    assert taking == {MerchantState.ACTIVE, MerchantState.RESTRICTED}


def test_a_state_that_is_none_is_a_fault_and_not_a_refusal() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        application_may("nonsense", ApplicationCapability.EDIT)


@given(st.sampled_from(ApplicationState), TARGETS)
def test_any_sequence_of_moves_follows_the_table_and_counts_only_what_happened(
    first: ApplicationState, targets: list[ApplicationState]
) -> None:
    row, happened = application(first), 0
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


@given(TARGETS)
def test_nothing_leaves_approved_rejected_withdrawn_or_expired(targets: list[ApplicationState]) -> None:
    for end in ("approved", "rejected", "withdrawn", "expired"):
        row = application(ApplicationState(end))
        for target in targets:
            with pytest.raises(errors.WrongState):
                move_application(row, target)
