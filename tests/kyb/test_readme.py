import gzip
import re
from pathlib import Path

import msgspec

import kyb
from tests.kyb.conftest import UN_LIST
from tests.kyb.samples import COMPANY, NOW

README = (Path(kyb.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_printed() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    xml_bytes = gzip.decompress(UN_LIST.read_bytes())
    names: dict[str, object] = {"kyb": kyb, "msgspec": msgspec, "answers": COMPANY, "now": NOW, "xml_bytes": xml_bytes}
    exec(example, names)
    assert names["problems"] == ()
    assert isinstance(names["report"], kyb.Report)
    assert names["report"].outcome == "clear"
    assert isinstance(names["limits"], kyb.Limits)


def test_every_module_has_its_place_in_the_reading_order() -> None:
    package = Path(kyb.__file__).parent
    modules = {path.stem for path in package.rglob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in README} == set()
