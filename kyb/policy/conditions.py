"""Conditions under which a policy asks for something: a closed set of operators on named facts, and no code.

A condition is a table such as { fact = "mcc_class", in = ["enhanced"] } or { all = [ … ] }, { any = [ … ] },
{ not = { … } }. `check_condition` refuses what is malformed when the policy is read; `holds` never raises afterwards.
"""

from collections.abc import Callable, Mapping
from typing import Any

# What a condition may look at (kyb/case.py fills them).
FACTS = (
    "kind",
    "mcc",
    "mcc_class",
    "country",
    "currency",
    "monthly_turnover_units",
    "owner_count",
    "location_count",
    "has_lei",
    "risk",
    "channel",
)
MAX_DEPTH = 5

Condition = dict[str, Any]
_Scalar = str | int | float | bool


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _is_scalars(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_scalar, value))


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _number(fact: object) -> float | None:
    return fact if isinstance(fact, int | float) and not isinstance(fact, bool) else None


# operator -> (whether its operand has the right form, whether a fact fulfils it)
_OPERATORS: dict[str, tuple[Callable[[object], bool], Callable[[Any, Any], bool]]] = {
    "eq": (_is_scalar, lambda fact, operand: bool(fact == operand)),
    "in": (_is_scalars, lambda fact, operand: fact in operand),
    "not_in": (_is_scalars, lambda fact, operand: fact not in operand),
    "gte": (_is_number, lambda fact, operand: (n := _number(fact)) is not None and n >= operand),
    "lte": (_is_number, lambda fact, operand: (n := _number(fact)) is not None and n <= operand),
    "between": (_is_pair, lambda fact, operand: (n := _number(fact)) is not None and operand[0] <= n <= operand[1]),
    "exists": (lambda value: isinstance(value, bool), lambda fact, operand: (fact not in (None, "")) is operand),
}


def condition_fault(condition: object, depth: int = 0) -> str | None:
    """What is wrong with a condition, or None."""
    if not isinstance(condition, dict) or depth > MAX_DEPTH:
        return f"a condition is a table, at most {MAX_DEPTH} deep"
    for name in ("all", "any"):
        if set(condition) == {name}:
            parts = condition[name]
            if not isinstance(parts, list) or not parts:
                return f"{name} takes a list of conditions"
            return next((fault for part in parts if (fault := condition_fault(part, depth + 1))), None)
    if set(condition) == {"not"}:
        return condition_fault(condition["not"], depth + 1)
    operators = set(condition) - {"fact"}
    if condition.get("fact") not in FACTS:
        return f"fact must be one of {', '.join(FACTS)}"
    if len(operators) != 1 or (operator := operators.pop()) not in _OPERATORS:
        return f"one operator is needed: {', '.join(_OPERATORS)}"
    return None if _OPERATORS[operator][0](condition[operator]) else f"{operator} does not take this value"


def holds(condition: Condition | None, facts: Mapping[str, object]) -> bool:
    """Whether the facts fulfil a condition that was checked; None always holds."""
    if condition is None:
        return True
    if "all" in condition:
        return all(holds(part, facts) for part in condition["all"])
    if "any" in condition:
        return any(holds(part, facts) for part in condition["any"])
    if "not" in condition:
        return not holds(condition["not"], facts)
    ((operator, operand),) = ((name, value) for name, value in condition.items() if name != "fact")
    return _OPERATORS[operator][1](facts.get(condition["fact"]), operand)
