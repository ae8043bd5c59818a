"""The sanctions lists to screen against, indexed once per file version.

A list that cannot be read is None, and what was to be screened is then 'not checked', never 'clear'.
"""

import gzip
import zlib
from functools import lru_cache
from pathlib import Path

import structlog

import kyb
from merchant.core import logs


def screening_index(path: Path) -> kyb.ScreeningIndex | None:
    """The sanctions lists, indexed once per file version; None when they cannot be read."""
    try:
        return _index(path, path.stat().st_mtime_ns)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        _log.error("screening_list_unreadable", path=str(path), error=logs.describe(error, (OSError,)))
        return None


_log = structlog.get_logger()


@lru_cache(maxsize=2)
def _index(path: Path, _: int) -> kyb.ScreeningIndex:
    raw = path.read_bytes()
    return kyb.build_index([kyb.load_un_list(gzip.decompress(raw) if path.suffix == ".gz" else raw)])
