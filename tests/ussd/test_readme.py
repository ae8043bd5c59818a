import asyncio
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

import ussd

PACKAGE = Path(ussd.__file__).parent
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_example_runs_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    example, _ = EXAMPLES
    names: dict[str, Any] = {}
    exec(example, names)
    assert capsys.readouterr().out.startswith("CON Pay 250.00 KES to Mama Amina (74210006)?")
    take, row = names["take"], names["row"]
    copied = asyncio.run(take(names["dialled"], row, names["OneShop"](), names["datetime"].now(UTC)))
    assert copied == (row, names["answer"])


def test_the_three_screens_and_their_tests_have_at_most_forty_lines_and_pass() -> None:
    example, tested = EXAMPLES
    assert len(tested.splitlines()) <= 40
    names: dict[str, Any] = {}
    exec(example + tested, names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) >= 2
    for test in tests:
        test()


def test_every_module_has_its_place() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in README} == set()


def test_the_table_tells_of_every_gateway_what_its_row_says() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in README.splitlines() if line[:3] == "| `"]
    told = {name.strip("`"): (text, notices) for name, _, text, _, notices in rows}
    assert list(told) == list(ussd.GATEWAYS)
    for name, gateway in ussd.GATEWAYS.items():
        text, notices = told[name]
        assert (text == "all inputs") == gateway.is_cumulative
        assert (notices == "–") == (not gateway.notices)


@pytest.mark.parametrize("folder", sorted((PACKAGE / "gateways").glob("*/wire.py")), ids=lambda path: path.parent.name)
def test_every_gateway_says_in_ten_lines_what_it_is_and_where_that_is_from(folder: Path) -> None:
    text = (folder.parent / "README.md").read_text(encoding="utf-8")
    assert 8 <= len(text.splitlines()) <= 16
    for heading in ("Wire", "Text", "Screen", "End", "Cancel and time-out", "Retry", "Source"):
        assert f"- **{heading}**: " in text
    assert f"`{folder.parent.name}" in text


def test_screens_are_as_large_as_the_readme_says() -> None:
    assert {(one.cap.septets, one.cap.ucs2_units) for one in ussd.GATEWAYS.values()} == {(160, 70)}
    assert {name for name, one in ussd.GATEWAYS.items() if one.charset != "utf-8"} == {"smpp"}
