"""What comments, docstrings and documents refer to: files, decisions, sections of the contract. Each must exist.

A file is cited by its name where that leads to one file only (in the same folder, or the only one of its name), else by
enough of its path. A decision is cited as `DECISIONS 6`, a section of the contract as `docs/contract.md, Payments`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tests.rules.decisions import entries
from tests.rules.source_rules import ROOT

CODE = ("merchant", "kyb", "qr", "ussd", "tests")
NOT_OURS = {".venv", ".data", ".git", "node_modules", "build"}

_PROSE = re.compile(r'"""(?:.|\n)*?"""|(?:(?<=\s)|^)#.*$', re.MULTILINE)
_FILE = re.compile(r"(?<![\w./*{}<>:-])(?:[\w-]+/)*[\w-]+\.(?:py|md|toml|sql\.gz|sql)\b(?!\()")
_ANY_NUMBER = "NNNN"  # stands for the number of a migration
_FOLDER = re.compile(r"`((?:[\w-]+/)+)`|(?<![\w./:-])((?:merchant|kyb|ussd|tests)(?:/\w+)+)(?![\w./*{-])")
_LINK = re.compile(r"\]\((?!https?://|#|/)([^)#]+)(?:#[^)]*)?\)")  # what begins with / is a page of the service
_MADE = {"tutorial/index.md", "how-to/index.md"}  # lists of their folders, which the guide makes where nobody wrote one
_DECISION = re.compile(r"\bDECISIONS\b(?!\.md)(?:,? (\d+)(?: (?:to|and) (\d+))?)?")
_SECTION = re.compile(r"docs/contract\.md, ([A-Z][\w ]*\w)")
_UNNAMED = re.compile(r"\b(?:CONTRACT|GLOSSARY|CONTRIBUTING|DESIGN)\b(?!\.md)(?! [=:])")


class Text(NamedTuple):
    """A piece of prose: the file it stands in, its line there, and its words."""

    path: str
    line: int
    words: str


def every_text() -> Iterator[Text]:
    """Every comment and docstring of the code, every document, SQL and TOML file, and mkdocs.yml line by line."""
    for path in every_file():
        if path.endswith(".py") and path.split("/")[0] in CODE:
            yield from texts_of(path, (ROOT / path).read_text())
        elif path.endswith((".md", ".toml", ".sql", "Makefile", "mkdocs.yml")):
            for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
                yield Text(path, number, line)


def texts_of(path: str, source: str) -> Iterator[Text]:
    """The comments and docstrings of one Python file; parsing them all would take seconds."""
    for found in _PROSE.finditer(source):
        yield Text(path, source.count("\n", 0, found.start()) + 1, found.group())


def dangling(text: Text) -> Iterator[str]:
    """What a text cites and nobody can find."""
    for cited in _FILE.findall(text.words):
        if not _file_exists(cited, text.path):
            yield f"{cited} is no file, or more than one: give enough of its path"
    for ticked, plain in _FOLDER.findall(text.words):
        cited = ticked or f"{plain}/"
        if not _folder_exists(cited):
            yield f"{cited} is no folder"
    for cited in _LINK.findall(text.words):
        if not (ROOT / text.path).parent.joinpath(cited).exists() and cited not in _MADE:
            yield f"the link {cited} leads nowhere"
    for found in _DECISION.finditer(text.words):
        numbers = [int(number) for number in found.groups() if number]
        if not numbers or not set(numbers) <= decisions():
            yield f"{found.group()} is no decision: cite one by its number"
    for cited in _SECTION.findall(text.words):
        if cited not in contract_sections():
            yield f"docs/contract.md has no section {cited}"
    for cited in _UNNAMED.findall(text.words):
        yield f"{cited} is cited without its file's name"


def _file_exists(cited: str, citing: str) -> bool:
    if cited in _MADE:
        return True
    if _ANY_NUMBER in cited:
        return _folder_exists(f"{PurePosixPath(cited).parent}/")
    if "/" not in cited and str(PurePosixPath(citing).parent / cited).removeprefix("./") in every_file():
        return True
    return cited in every_file() or _ends()[cited] == 1


@cache
def _folder_exists(cited: str) -> bool:
    """Whether a folder is there, or is one that a target makes and the repository leaves out."""
    if cited in (ROOT / ".gitignore").read_text().splitlines():
        return True
    return any(f"/{cited}" in f"/{path}" for path in every_file())


@cache
def _ends() -> Counter[str]:
    """How many files' paths end in a name, or in a folder and a name, and so on."""
    paths = [path.split("/") for path in every_file()]
    return Counter("/".join(parts[start:]) for parts in paths for start in range(len(parts)))


@cache
def every_file() -> frozenset[str]:
    """The path of every file of the project."""
    found = set()
    folders = [ROOT]
    while folders:
        for entry in folders.pop().iterdir():
            if entry.is_dir() and entry.name not in NOT_OURS and not entry.name.startswith((".", "__")):
                folders.append(entry)
            elif entry.is_file():
                found.add(Path(entry).relative_to(ROOT).as_posix())
    return frozenset(found)


@cache
def decisions() -> frozenset[int]:
    """The numbers of the decisions."""
    return frozenset(entry.number for entry in entries())


@cache
def contract_sections() -> frozenset[str]:
    """The headings of docs/contract.md."""
    return frozenset(re.findall(r"^## (.+)$", (ROOT / "docs" / "contract.md").read_text(), re.M))
