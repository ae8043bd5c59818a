"""The walk through the menu finds every screen and nothing without a way out; docs/ussd.md is what it draws."""

import asyncio
from pathlib import Path

import pytest

import ussd
from ussd.menu import Go, Move, Option, Screen, Stay, Turn, View
from ussd.screens import SCREENS
from ussd.texts import say
from ussd.walk import Found, document, main, walk

pytestmark = pytest.mark.anyio
PAGE = Path(ussd.__file__).parent.parent / "docs" / "ussd.md"


async def show(turn: Turn) -> View:
    return View(say("language.ask"))


async def take_nothing(turn: Turn, text: str) -> Move:
    return Stay(say("status.none"))


async def fail(turn: Turn, text: str) -> Move:
    raise KeyError(text)


async def come_home(turn: Turn, text: str) -> Move:
    return Go("home")


@pytest.fixture(scope="module")
def found() -> Found:
    return asyncio.run(walk())


def test_every_screen_is_reached_and_left(found: Found) -> None:
    assert found.faults == []
    assert set(found.titles) == set(SCREENS)


def test_the_page_of_the_menu_is_made_of_the_code(found: Found) -> None:
    assert PAGE.read_text(encoding="utf-8") == document(found), "make states"


def test_the_map_tells_how_to_pay(found: Found) -> None:
    for edge in (
        ("dialled", "*code*NUMBER*AMOUNT#", "confirm"),
        ("home", "1 Pay a shop", "number"),
        ("number", "", "amount"),
        ("confirm", "1 Pay", "over"),
    ):
        assert edge in found.edges
    assert '    home -->|"1 Pay a shop"| number\n' in document(found)


async def test_a_screen_that_takes_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCREENS, "language", Screen(show, typed=take_nothing))
    assert "The screen language asks and takes nothing." in (await walk()).faults


async def test_a_screen_to_which_nothing_leads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCREENS, "home", Screen(show, options={"1": Option("home.pay", come_home)}))
    assert "Nothing leads to the screen language." in (await walk()).faults


async def test_a_handler_that_fails_is_found_with_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCREENS, "language", Screen(show, options={"1": Option("home.pay", fail)}))
    assert "language: 1 raises KeyError: '1'" in (await walk()).faults


def test_the_command_writes_the_page_and_checks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (main(["--check"]), capsys.readouterr().out) == (0, "")
    assert main([]) == 0
    written = tmp_path / "page.md"
    assert main([str(written)]) == 0
    assert written.read_text(encoding="utf-8") == capsys.readouterr().out
    monkeypatch.setitem(SCREENS, "language", Screen(show, typed=take_nothing))
    assert main(["--check"]) == 1
