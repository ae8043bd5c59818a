import re
import textwrap
from pathlib import Path

import pytest

import ussd
from tests.ussd.world import NOW, SHOPPER, World

PACKAGE = Path(ussd.__file__).parent
README = (PACKAGE / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.anyio


async def test_the_example_runs_as_printed() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {"ussd": ussd}
    body = textwrap.indent(f"{example}return row, body", "    ")
    exec(f"async def take(form, row, backend, now):\n{body}", names)
    form = {"sessionId": "s-1", "phoneNumber": SHOPPER, "serviceCode": "*384*123#", "text": ""}
    row, shown = await names["take"](form, None, World(), NOW)  # type: ignore[operator]
    assert shown.startswith(b"CON ")
    assert (await names["take"](form, row, World(), NOW)) == (row, shown)  # type: ignore[operator]


def test_every_module_has_its_place() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in README} == set()


def test_the_only_reader_is_that_of_cumulative_text() -> None:
    assert {gateway.read.__name__ for gateway in ussd.GATEWAYS.values()} == {"read_cumulative"}
