"""Writing direction: which characters of a line run right to left, and in what order runs are drawn.

The Unicode bidirectional algorithm (UAX #9) without embeddings, isolates and paired brackets: the controls for
those are refused in poster text, and a name or an instruction does not nest directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from unicodedata import bidirectional

NEUTRAL = frozenset(("B", "S", "WS", "ON", "ES", "ET", "CS", "BN"))
CONTROLS = frozenset(("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


def levels(text: str) -> list[int]:
    """The embedding level of each character: even runs left to right, odd right to left."""
    classes = [_class(character) for character in text]
    base = _base_level(classes)
    if base == 0 and not {"R", "AL", "AN"}.intersection(classes):
        return [0] * len(text)
    classes = _resolve_numbers(classes, base)
    classes = _resolve_neutrals(classes, base)
    raised = {0: {"L": 0, "R": 1, "AN": 2, "EN": 2}, 1: {"R": 1, "L": 2, "AN": 2, "EN": 2}}[base]  # I1, I2
    return [raised[kind] for kind in classes]


def _class(character: str) -> str:
    """The bidirectional class: unassigned characters count as letters, formatting controls as boundaries (rule X9)."""
    kind = bidirectional(character) or "L"
    return "BN" if kind in CONTROLS else kind


def visual_order(run_levels: Sequence[int]) -> list[int]:
    """The indexes of runs from left to right (rule L2)."""
    order = list(range(len(run_levels)))
    for level in range(max(run_levels, default=0), 0, -1):
        start = 0
        for high, group in groupby(order, key=lambda index: run_levels[index] >= level):
            length = len(list(group))
            if high:
                order[start : start + length] = reversed(order[start : start + length])
            start += length
    return order


def _base_level(classes: Sequence[str]) -> int:
    """Rules P2 and P3: the first strong character decides."""
    strong = next((kind for kind in classes if kind in ("L", "R", "AL")), "L")
    return 0 if strong == "L" else 1


def _resolve_numbers(classes: Sequence[str], base: int) -> list[str]:
    """Rules W1 to W7: marks, digits and what joins them."""
    start = "R" if base else "L"
    resolved = list(classes)
    before, strong = start, start
    for index, kind in enumerate(resolved):
        if kind == "NSM":  # W1
            kind = before
        elif kind == "EN" and strong == "AL":  # W2
            kind = "AN"
        resolved[index] = before = kind
        if kind in ("L", "R", "AL"):
            strong = kind
    resolved = ["R" if kind == "AL" else kind for kind in resolved]  # W3
    for index in range(1, len(resolved) - 1):  # W4
        kind, left, right = resolved[index], resolved[index - 1], resolved[index + 1]
        if left == right and left in {"CS": ("EN", "AN"), "ES": ("EN",)}.get(kind, ()):
            resolved[index] = left
    return _resolve_terminators(resolved, start)


def _resolve_terminators(classes: list[str], start: str) -> list[str]:
    """Rules W5 to W7."""
    resolved = []
    for index, kind in enumerate(classes):
        if kind == "ET" and _touches_number(classes, index):  # W5
            kind = "EN"
        resolved.append("ON" if kind in ("ES", "ET", "CS") else kind)  # W6
    strong = start
    for index, kind in enumerate(resolved):  # W7
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            resolved[index] = "L"
    return resolved


def _touches_number(classes: Sequence[str], index: int) -> bool:
    """Whether a sequence of terminators around an index has a European number at either end."""
    left, right = index, index
    while left >= 0 and classes[left] == "ET":
        left -= 1
    while right < len(classes) and classes[right] == "ET":
        right += 1
    return "EN" in (classes[left] if left >= 0 else "", classes[right] if right < len(classes) else "")


def _resolve_neutrals(classes: Sequence[str], base: int) -> list[str]:
    """Rules N1 and N2: neutrals follow their neighbours where these agree, else the line."""
    along = "R" if base else "L"
    resolved = list(classes)
    index = 0
    for neutral, group in groupby(classes, key=NEUTRAL.__contains__):
        end = index + len(list(group))
        if neutral:
            left = _direction(resolved[index - 1]) if index else along
            right = _direction(classes[end]) if end < len(classes) else along
            resolved[index:end] = [left if left == right else along] * (end - index)
        index = end
    return resolved


def _direction(kind: str) -> str:
    return "R" if kind in ("R", "AN", "EN") else "L"
