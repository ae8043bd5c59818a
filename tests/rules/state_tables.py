"""docs/states.md, made of the tables in the code: `python -m tests.rules.state_tables` writes it, a test compares."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Any

from merchant.compliance.cases.states import APPLICATION_CAPABILITIES, APPLICATION_MOVES
from merchant.payments import states, transfer_states
from merchant.payments.refunds import states as refund_states
from merchant.registry.merchants.states import HUB_MOVES, MERCHANT_CAPABILITIES, MERCHANT_MOVES
from tests.rules.source_rules import ROOT

PATH = ROOT / "docs" / "states.md"
_HEAD = """\
# States

What each state may become, and what it permits; made from the tables that the code moves by (`make states`). A state
that may become nothing is an end.
"""
_TABLES: tuple[tuple[str, str, Any, Any], ...] = (
    ("Payment requests", "`merchant/payments/states.py`", states.MOVES, states.CAPABILITIES),
    ("Transfers", "`merchant/payments/transfer_states.py`", transfer_states.MOVES, transfer_states.CAPABILITIES),
    ("Refunds", "`merchant/payments/refunds/states.py`", refund_states.MOVES, refund_states.CAPABILITIES),
    (
        "Merchants",
        "`merchant/registry/merchants/states.py`; what only the hub does is among the moves",
        {state: MERCHANT_MOVES[state] | HUB_MOVES.get(state, frozenset()) for state in MERCHANT_MOVES},
        MERCHANT_CAPABILITIES,
    ),
    ("Applications and cases", "`merchant/compliance/cases/states.py`", APPLICATION_MOVES, APPLICATION_CAPABILITIES),
)


def document() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(*table) for table in _TABLES)


def _section(
    title: str, source: str, moves: Mapping[StrEnum, Set[StrEnum]], permits: Mapping[StrEnum, Set[StrEnum]]
) -> str:
    rows = "".join(
        f"| `{state}` | {_words(moves[state], type(state)) or '–'} | {_words(permits[state]) or '–'} |\n"
        for state in type(next(iter(moves)))
    )
    return f"\n## {title}\n\n{source}\n\n| state | may become | permits |\n|---|---|---|\n{rows}"


def _words(found: Set[StrEnum], in_order_of: type[StrEnum] | None = None) -> str:
    """The members in the order in which the code lists them."""
    order = list(in_order_of or type(next(iter(found), None)) or ()) if found else []
    return " ".join(f"`{one}`" for one in order if one in found)


if __name__ == "__main__":
    PATH.write_text(document())
