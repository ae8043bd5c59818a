import re
from pathlib import Path

import kyb

README = (Path(kyb.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_printed() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["problems"] == ()
    report = names["report"]
    assert isinstance(report, kyb.Report)
    assert (report.outcome, report.tier) == ("clear", "T1")
    assert isinstance(names["needs"], kyb.Requirements)
    assert isinstance(names["limits"], kyb.Limits)


def test_every_module_has_its_place_in_the_reading_order() -> None:
    package = Path(kyb.__file__).parent
    modules = {path.stem for path in package.rglob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in README} == set()
