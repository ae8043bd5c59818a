import doctest
import pydoc
import re
import subprocess
import sys

import pytest

import qr


def modules_after(statement: str) -> set[str]:
    """Top-level modules loaded by a statement in a fresh interpreter."""
    script = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_neither_image_nor_serialisation_libraries():
    loaded = modules_after("import qr")
    assert not loaded & {"PIL", "segno", "qrcode", "zxingcpp", "fontTools", "uharfbuzz", "msgspec", "cryptography"}


def test_the_codec_needs_no_image_library():
    loaded = modules_after("import qr; qr.explain(''); qr.list_profiles(); qr.mojaloop_code")
    assert not loaded & {"PIL", "segno", "qrcode", "zxingcpp", "fontTools", "uharfbuzz", "cryptography"}
    assert not loaded & {"pycountry", "iso18245", "iso4217"}


def test_decoding_by_emvcos_rules_loads_no_profiles():
    payload = "00020101021126150011com.example5204541153034045802KE5906Shop 16001X6304C958"
    assert "tomllib" not in modules_after(f"import qr; qr.clean('{payload}'); qr.decode('{payload}')")
    assert "tomllib" in modules_after(f"import qr; qr.explain('{payload}')")


def test_every_public_name_exists_and_is_documented():
    for name in qr.__all__:
        assert getattr(qr, name).__doc__, name
    assert set(qr.__all__) == set(qr._HOME_OF)
    assert dir(qr) == sorted(qr.__all__)


def test_help_lists_every_public_name():
    shown = pydoc.render_doc(qr, renderer=pydoc.plaintext)
    assert [name for name in qr.__all__ if not re.search(rf"\b{name}\b", shown)] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        qr.nothing  # noqa: B018


def test_the_example_in_the_docstring_holds():
    assert doctest.testmod(qr).failed == 0
    assert doctest.testmod(qr).attempted
