"""The catalogues of merchant/core/texts.py beside the sentences in the code: gathered, brought up to date, compared.

`make texts` runs this; test_catalogues.py compares.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from merchant.core import texts
from tests.rules.source_rules import ROOT

TRANSLATED = tuple(language for language in texts.OFFERED if language != texts.SOURCE_LANGUAGE)
_METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "_n": (1, 2)}
_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"

"""
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def gathered() -> Catalog:
    """Every sentence that the service marks, with the files that say it."""
    catalogue = Catalog(charset="utf-8")
    for file, _line, sentence, _comments, _context in extract_from_dir(
        ROOT / "merchant", _METHODS, keywords=_KEYWORDS, comment_tags=()
    ):
        catalogue.add(sentence, locations=[(f"merchant/{file}", 1)])
    return catalogue


def read(language: str) -> Catalog:
    """A language's catalogue as it is in the repository."""
    with _path(language).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> None:
    """Bring a catalogue up to date: new sentences stand in it empty, those no longer said are gone."""
    path = _path(language)
    catalogue = read(language) if path.exists() else Catalog(locale=language)
    catalogue.update(gathered(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    path.parent.mkdir(parents=True, exist_ok=True)
    remarks = _remarks(path)
    with path.open("wb") as file:
        file.write(remarks.encode())
        # Neither dates nor line numbers, which would differ in every branch.
        file.write(_HEADER.format(language=language, plural=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=120, sort_by_file=True, include_lineno=False, omit_header=True)


def _remarks(path: Path) -> str:
    """What a catalogue's first lines say to translators, such as that nobody who speaks the language has read it."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return "".join(itertools.takewhile(lambda line: line.startswith("# "), lines))


def faults(language: str, catalogue: Catalog, wanted: Catalog) -> Iterator[str]:
    """What makes a catalogue incomplete or wrong, one sentence each."""
    for message in wanted:
        if not message.id:
            continue
        said = catalogue.get(message.id)
        if said is None:
            yield f"{language} lacks {message.id!r}"
        else:
            yield from _faults_of(language, said)
    for message in catalogue:
        if message.id and wanted.get(message.id) is None:
            yield f"{language} has {message.id!r}, which nobody says"


def _faults_of(language: str, message: Message) -> Iterator[str]:
    forms = _forms(message.string)
    if message.fuzzy:
        yield f"{language} is unsure of {message.id!r}"
    if not all(forms):
        yield f"{language} does not say {message.id!r}"
    elif any(_placeholders(form) != _placeholders(_forms(message.id)[-1]) for form in forms):
        yield f"{language} has other placeholders for {message.id!r}"


def _forms(text: Any) -> list[str]:
    return [text or ""] if isinstance(text, str | None) else list(text)


def _placeholders(sentence: str) -> set[str]:
    return set(_PLACEHOLDER.findall(sentence))


def _path(language: str) -> Any:
    return texts.LOCALE_DIR / language / "LC_MESSAGES" / "merchant.po"


if __name__ == "__main__":
    for one in TRANSLATED:
        update(one)
