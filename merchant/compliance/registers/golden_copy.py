"""A golden copy as an operator has it: CSV, or the ZIP archive in which GLEIF publishes one, read as it is unpacked."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import kyb

# A record of the full file has 340 columns and 2 to 10 kB.
MAX_LINE_BYTES: Final = 1 << 20
_BUFFER_BYTES = 1 << 20
_ZIP = b"PK\x03\x04"
_BAD_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def file_sha256(path: Path) -> str:
    """The hash of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_file(path: Path) -> Iterator[kyb.LeiRecord]:
    """The records of a CSV file, or of a ZIP archive with one in it, one at a time.

    Raises kyb.BadGoldenCopy, also for an archive that is damaged; OSError.
    """
    try:
        with _opened(path) as file:
            yield from kyb.read_golden_copy(_lines(file))
    except _BAD_ARCHIVE as error:
        raise kyb.BadGoldenCopy(f"the archive cannot be unpacked: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
        file.seek(0)
        if start != _ZIP:
            yield file
            return
        with zipfile.ZipFile(file) as archive:
            tables = [one for one in archive.infolist() if one.filename.lower().endswith(".csv")]
            if len(tables) != 1:
                raise kyb.BadGoldenCopy(f"the archive holds {len(tables)} CSV files where one was expected")
            with archive.open(tables[0]) as packed, io.BufferedReader(packed, _BUFFER_BYTES) as lines:  # type: ignore[type-var]
                yield lines


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES:
            raise kyb.BadGoldenCopy(f"a line is longer than {MAX_LINE_BYTES >> 20} MiB")
        yield line
