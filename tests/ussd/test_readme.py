import asyncio
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

import ussd

PACKAGE = Path(ussd.__file__).parent
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert capsys.readouterr().out.startswith("CON Pay 250.00 KES to Mama Amina?")
    take, row, body = names["take"], names["row"], names["body"]
    copied = asyncio.run(take(names["dialled"], row, names["OneShop"](), names["datetime"].now(UTC)))
    assert copied == (row, body)


def test_every_module_has_its_place() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in README} == set()


def test_the_only_reader_is_that_of_cumulative_text() -> None:
    assert {gateway.read.__name__ for gateway in ussd.GATEWAYS.values()} == {"read_cumulative"}
