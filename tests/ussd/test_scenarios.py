"""Every scenario and every complaint is tried by a test that is there."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.ussd.scenarios import COMPLAINTS, PLAYED, SCENARIOS, Tried

ROOT = Path(__file__).parents[2]
TRIED = {**{f"scenario {number}": one for number, one in SCENARIOS.items()}, **COMPLAINTS}


@cache
def names_in(file: str) -> frozenset[str]:
    """The tests of a file, or the titles of its dialogues."""
    text = (ROOT / file).read_text(encoding="utf-8")
    pattern = r"^# (.+)$" if file.startswith(PLAYED) else r"^\s*(?:async )?def (test_\w+)"
    return frozenset(re.findall(pattern, text, re.MULTILINE))


def test_all_forty_eight_scenarios_are_tried() -> None:
    assert list(SCENARIOS) == list(range(1, 49))
    assert len({one.title for one in SCENARIOS.values()}) == 48
    assert len(COMPLAINTS) == 19


@pytest.mark.parametrize("tried", TRIED.values(), ids=TRIED)
def test_what_is_said_to_try_it_is_there(tried: Tried) -> None:
    assert tried.by
    for place in tried.by:
        file, name = place.split(": " if place.startswith(PLAYED) else "::", 1)
        assert name in names_in(file), place
