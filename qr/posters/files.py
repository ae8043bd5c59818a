"""The two files of a print run: never overwrites other files, and opens those of an interrupted run to continue them.

For command lines, where a name is easily mistyped; batch.py writes to whatever files it is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from qr.drawing.pdf import FIRST_FREE_NUMBER, HEADER
from qr.symbols.errors import PictureError

PDF_START = HEADER + b"%d 0 obj\n" % FIRST_FREE_NUMBER
MANIFEST_START = b'{"page'  # of a page's record, and of the last one


class FileInTheWay(PictureError):
    """A file to be written is the table, or not of an earlier run, or its folder is missing."""


def check_files(pdf: Path, manifest: Path, table: Path) -> None:
    """Whether a print run may write these files: they are new, or both an earlier run's. Raises FileInTheWay."""
    if _same(pdf, manifest):
        raise FileInTheWay(f"{pdf} cannot be the PDF and the manifest; choose another name for one")
    for path, start in ((pdf, PDF_START), (manifest, MANIFEST_START)):
        if _same(path, table):
            raise FileInTheWay(f"{path} is the table; choose another name")
        if not path.parent.is_dir():
            raise FileInTheWay(f"the folder {path.parent} does not exist")
        if path.exists() and not _begins(path, start):
            raise FileInTheWay(f"{path} exists already, but is not of an earlier run; choose another name or remove it")
    if pdf.exists() and not manifest.exists():
        raise FileInTheWay(f"{pdf} exists already, without {manifest}; choose another name or remove it")


def open_grown(path: Path) -> BinaryIO:
    """A file to read and write, made if need be and kept as it is."""
    path.touch()
    return path.open("r+b")


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _begins(path: Path, start: bytes) -> bool:
    """Whether a file has this beginning, or as much of it as a run wrote that was stopped at once."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return start.startswith(file.read(len(start)))
