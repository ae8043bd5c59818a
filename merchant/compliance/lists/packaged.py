"""The file of the UN's list that the setting screening_list names, indexed once per file version.

It counts until the UN's list is put (queries.packaged_counts). One that cannot be read is None, and what was to be
screened is then 'not checked', never 'clear'.
"""

import gzip
import re
import zlib
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import structlog

import kyb
from merchant.core import logs
from merchant.core.settings import Settings

_FIRST_BYTES = 4096
_DATED = re.compile(rb"dateGenerated=.([0-9]{4}-[0-9]{2}-[0-9]{2})")
# After so long `merchant check` and /health/ready warn. The UN changes its list several times a month, and most changes
# touch a few names: a month leaves an operator time to fetch one, and a warning that is always there is not read.
LIST_STALE = timedelta(days=30)
# The UN's list is under 3 MiB. What unpacks to more than this would cost gigabytes to read, and is another file.
MAX_LIST_BYTES = 64 << 20


class ListTooLarge(ValueError):
    """A file is larger than any list, packed or unpacked."""


def screening_index(path: Path) -> kyb.ScreeningIndex | None:
    """The sanctions lists, indexed once per file version; None when they cannot be read."""
    try:
        return _index(path, path.stat().st_mtime_ns)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        _log.error("screening_list_unreadable", path=str(path), error=logs.describe(error, (OSError, ListTooLarge)))
        return None


def screening_list(path: Path) -> kyb.ScreeningList:
    """The list of a file, to be compared with another or indexed together with others.

    Raises OSError, EOFError, ValueError, zlib.error.
    """
    return kyb.load_un_list(_read(path))


def written_on(path: Path) -> date | None:
    """The day on which an operator put this file in place; None of the copy that comes with the program."""
    if path == Settings().screening_list:
        return None
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def published_on(path: Path) -> date | None:
    """The day of a list, read from its first lines, since reading all of it takes a second; None when it has none."""
    try:
        return _published_on(path, path.stat().st_mtime_ns)
    except (OSError, EOFError, ValueError, zlib.error):
        return None


_log = structlog.get_logger()


@lru_cache(maxsize=2)
def _published_on(path: Path, _: int) -> date | None:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        found = _DATED.search(file.read(_FIRST_BYTES))
    return date.fromisoformat(found[1].decode()) if found else None


@lru_cache(maxsize=2)
def _index(path: Path, _: int) -> kyb.ScreeningIndex:
    return kyb.build_index([screening_list(path)])


def _read(path: Path) -> bytes:
    """The list's XML, unpacked no further than the limit. Raises ListTooLarge."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        content: bytes = file.read(MAX_LIST_BYTES + 1)
    if len(content) > MAX_LIST_BYTES:
        raise ListTooLarge(f"The list is larger than {MAX_LIST_BYTES >> 20} MiB; is it the UN's?")
    return content
