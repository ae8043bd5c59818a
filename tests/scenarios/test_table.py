"""The table of scenarios names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
TABLE = (TESTS / "scenarios/README.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", TABLE)


def test_every_scenario_has_its_line() -> None:
    heads = re.findall(r"^\| (\w+) \|", TABLE, re.MULTILINE)
    assert [head for head in heads if head.isdigit()] == [str(number) for number in range(1, 41)]
    assert {"D1", "D9", "D10", "D11", "D12", "D13", "D14"} <= set(heads)


def test_every_test_that_it_names_is_there() -> None:
    assert len(NAMED) > 40
    for file, name in NAMED:
        text = (TESTS / file).read_text()
        assert not name or f"def {name}(" in text, (file, name)
