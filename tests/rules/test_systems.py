"""The pages below docs/systems: one form, tests that exist, and a table that names them all."""

import re
from pathlib import Path

import pytest

from tests.rules.source_rules import ROOT

FOLDER = ROOT / "docs" / "systems"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "index.md")
SECTIONS = ["What it is", "How it works here", "What proves it", "Limits"]
STATES = ("works", "partly", "not built")
_FILE_AND_NAMES = re.compile(r"`(tests/[\w/]+\.py)`((?:,? `test_\w+`)*)")
_TRIED_BY = re.compile(r"tried by (tests/[\w/]+\.py)::(\w+)")

of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def cited_tests(text: str) -> list[tuple[str, str]]:
    """File and name of every test that a page names."""
    named = [(file, name) for file, names in _FILE_AND_NAMES.findall(text) for name in re.findall(r"test_\w+", names)]
    return named + _TRIED_BY.findall(text)


def missing(text: str) -> list[str]:
    """The tests that a page names and that are not there."""
    return [
        f"{file}::{name}"
        for file, name in cited_tests(text)
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text()
    ]


@of_each_page
def test_a_page_has_the_four_sections_and_is_short(page: Path) -> None:
    text = page.read_text()
    assert re.match(r"---\ntitle: .+\norder: \d+\n---\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert 30 <= len(text.splitlines()) <= 90


@of_each_page
def test_every_proof_of_a_page_is_a_test_that_exists(page: Path) -> None:
    text = page.read_text()
    proofs = re.findall(r"^\| .+ \|$", text.partition("## What proves it")[2], re.MULTILINE)[1:]
    assert len(proofs) >= 3
    assert [line for line in proofs if not cited_tests(line)] == []
    assert missing(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "`tests/rules/test_systems.py` `test_nobody_wrote_this`",
        "`tests/rules/gone.py` `test_x`",
        "tried by tests/rules/test_systems.py::test_gone",
    ],
)
def test_a_test_that_does_not_exist_is_found(text: str) -> None:
    assert len(missing(text)) == 1


def test_the_table_names_every_page_once_with_its_state_and_a_proof() -> None:
    rows = re.findall(
        r"^\| \[.+?\]\((.+?)\) \| .+ \| (.+?) \| `(.+?)` \|$", (FOLDER / "index.md").read_text(), re.MULTILINE
    )
    assert sorted(link for link, _, _ in rows) == [page.name for page in PAGES]
    assert [link for link, state, _ in rows if not state.startswith(STATES)] == []
    assert [proof for _, _, proof in rows if not (ROOT / proof).is_file()] == []
