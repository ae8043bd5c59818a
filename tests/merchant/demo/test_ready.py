"""The demo's last words: what to open and whom to sign in as, in colour on a terminal and plain elsewhere."""

import os
import pty
import subprocess
import sys

import pytest

from merchant.demo.pages import cast

TELL = f"""
from merchant.core.settings import Settings
from merchant.demo.run import tell_ready
from merchant.demo.world import DemoUser, DemoWorld
known = DemoWorld("http://127.0.0.1:8000", "", {{}})
known.users = [DemoUser({cast.CHECKER!r}, "a long password", ["dfsp_checker"], "greenbankfsp", "Checker of Green Bank")]
tell_ready(Settings(), known, 1.0)
"""


def on_a_terminal(**env: str) -> list[str]:
    """What it says on a terminal, line by line."""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    subprocess.run([sys.executable, "-c", TELL], stdout=theirs, env=plain | env, check=True, timeout=120)
    os.close(theirs)
    told = os.read(ours, 65_536).decode()
    os.close(ours)
    return told.splitlines()


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_whose_owner_wants_it(env: dict[str, str], coloured: bool) -> None:
    told = on_a_terminal(**env)
    assert ("\x1b[" in "".join(told)) == coloured
    assert told[-1] == "ready http://127.0.0.1:8000"


def test_in_a_file_it_is_plain_text_that_names_pages_and_people() -> None:
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True, timeout=120).stdout
    assert "\x1b" not in told
    assert "http://127.0.0.1:8000/demo  " in told
    assert f"Checker of Green Bank  {cast.CHECKER}  a long password\n" in told
    assert told.endswith("\n\nready http://127.0.0.1:8000\n")
