import pkgutil
import re
from pathlib import Path

import zxingcpp

import qr
import qr.extras
import qr.render
from qr.emv import PAYLOAD_CHARS_MAX
from qr.reader import INPUT_CHARS_MAX
from qr.signature import signature_chars
from tests.qr.scheme_table import renewed
from tests.qr.symbols.pictures import of_png, of_text

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


def test_every_name_of_the_library_in_the_readme_exists():
    for name in re.findall(r"`(qr(?:\.\w+)+)", README):
        assert pkgutil.resolve_name(name), name
    for name in {*re.findall(r"`(\w+)\(", README)} - {"help"}:
        assert any(hasattr(module, name) for module in (qr, qr.render)), name


def test_the_extras_in_the_readme_are_those_declared():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\w, -]+) \|$", README, re.MULTILINE)
    assert {extra: set(held.split(", ")) for extra, held in rows} == {
        extra: set(held.values()) for extra, held in qr.extras.EXTRAS.items()
    }


def test_the_limits_in_the_readme_are_those_of_the_code():
    assert f"bounded at {INPUT_CHARS_MAX:,} characters" in README
    assert f"more than {PAYLOAD_CHARS_MAX} characters" in README
    assert f"{signature_chars('x' * 15, 'k' * 4)} of the {PAYLOAD_CHARS_MAX} for a GUID of 15" in README


def test_every_picture_but_that_of_a_terminal_announces_its_encoding():
    payload = "é" * 7  # as many bytes as a symbol of version 1 holds at level M, when no ECI header takes room
    pictures = of_text(qr.render_text(payload)), of_png(qr.render_png(payload))
    assert [zxingcpp.read_barcode(picture).extra["Version"] for picture in pictures] == ["1", "2"]


def test_every_module_has_its_place():
    package = Path(qr.__file__).parent
    parts = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert {name for name in parts - {"__init__"} if f"`{name}`" not in README} == set()
