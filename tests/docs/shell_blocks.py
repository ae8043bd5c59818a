"""The shell blocks of documents: which there are, which of them are run, and what is wrong with how they are marked.

A block ```sh is run by test_shell_blocks.py, or says directly above it why not and which test tries the same:

    <!-- not run: reason; tried by tests/…::name -->

A page whose blocks need a running demo says so once, anywhere: `<!-- needs: demo -->`. A block ```console only shows
what a command printed.
"""

import re
import textwrap
from collections.abc import Iterator

from msgspec import Struct

from tests.rules.source_rules import ROOT

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<kind>\w*) *$")
_NOTE = re.compile(r"<!-- not run: (?P<reason>[^;]+);[^;]* tried by (?P<file>tests/[\w/]+\.py)::(?P<name>\w+) -->")
_NEEDS_DEMO = "<!-- needs: demo -->"
_OTHER_SHELLS = {"bash", "shell", "zsh", "shell-session"}
# What a test may not do to the machine, or to the packages that all tests share.
_FORBIDDEN = re.compile(r"^\s*(sudo|make|apt|apt-get|systemctl|docker|podman|helm|kubectl)\b", re.MULTILINE)
_ENDLESS = re.compile(r"^\s*(?:\S*/)?merchant (?:serve|worker|demo)\b(?!.*&\s*$)", re.MULTILINE)


class Block(Struct, frozen=True):
    """A fenced block: the file, its line there, its kind, its words, and the comment directly above it."""

    path: str
    line: int
    kind: str
    text: str
    above: str

    @property
    def is_run(self) -> bool:
        """Whether the harness runs it."""
        return self.kind == "sh" and not self.above.startswith("<!-- not run")


def documents() -> list[str]:
    """The documents whose blocks are looked at, by path."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks_of(path: str, text: str) -> list[Block]:
    """Every fenced block of a document."""
    found: list[Block] = []
    lines = text.splitlines()
    start, above = -1, ""
    indent = ticks = kind = ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if start < 0 and fence:
            start, indent, ticks, kind = number, fence["indent"], fence["ticks"], fence["kind"]
            above = lines[number - 1].strip() if number else ""
        elif start >= 0 and line.strip() == ticks and len(line) - len(line.lstrip()) <= len(indent):
            words = textwrap.dedent("\n".join(lines[start + 1 : number])) + "\n"
            found.append(Block(path, start + 1, kind, words, above))
            start = -1
    return found


def every_block() -> list[Block]:
    """Every block of every document."""
    return [block for path in documents() for block in blocks_of(path, (ROOT / path).read_text())]


def needs_demo(path: str) -> bool:
    """Whether a document's blocks are run beside a demo."""
    return _NEEDS_DEMO in (ROOT / path).read_text()


def faults(block: Block) -> Iterator[str]:
    """What is wrong with how a block is marked."""
    if block.kind in _OTHER_SHELLS:
        yield f"write ```sh for what is run and ```console for what is shown, not ```{block.kind}"
    if block.kind == "console" and re.search(r"^\s*[$#>] ", block.text, re.MULTILINE):
        yield "a ```console block shows output only: put the command into a ```sh block of its own"
    if block.kind == "sh" and re.search(r"^\$ ", block.text, re.MULTILINE):
        yield "leave the prompt out, so that the block can be copied"
    if block.above.startswith("<!-- not run"):
        yield from _faults_of_note(block)
    elif block.is_run:
        if found := _FORBIDDEN.search(block.text):
            yield f"{found[1]} changes the machine or the packages of the tests: say `not run` and which test tries it"
        if _ENDLESS.search(block.text):
            yield "this does not end by itself: say `not run` and which test tries it"


def _faults_of_note(block: Block) -> Iterator[str]:
    note = _NOTE.fullmatch(block.above)
    if note is None:
        yield "write `<!-- not run: reason; tried by tests/…::name -->` on one line"
    elif not (ROOT / note["file"]).exists():
        yield f"{note['file']} is no file"
    elif not re.search(rf"^ *(?:async )?def {note['name']}\(", (ROOT / note["file"]).read_text(), re.MULTILINE):
        yield f"{note['file']} has no {note['name']}"
