import re
from pathlib import Path

import qr
from tests.qr.scheme_table import renewed

README = (Path(qr.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_the_five_uses_run_as_printed(capsys):
    example, posters = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["party"] == ("ALIAS", "52318764", None)
    assert "TANQR" in capsys.readouterr().out
    assert len([line for line in example.splitlines() if line]) <= 20
    exec(posters, names)
    assert bytes(names["pdf"]).startswith(b"%PDF")  # type: ignore[call-overload]


def test_the_number_of_schemes_is_true():
    assert f"{len(qr.list_profiles())} payment schemes" in README


def test_the_table_of_schemes_is_what_the_profiles_say():
    assert renewed(README) == README, "write it anew with: python -m tests.qr.scheme_table"


def test_every_module_has_its_place():
    package = Path(qr.__file__).parent
    parts = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert {name for name in parts - {"__init__"} if f"`{name}`" not in README} == set()
