"""The folder where registers drop files of answers: a timer of the worker takes each, reports on it, and moves it away.

A file is taken once nobody has touched it for some seconds: write it under another name and rename it to NAME.csv. It
ends in done/, or in failed/ where somebody has to look at a row, with NAME.report.csv beside it. A worker that dies
half-way leaves the file where it is; the rows that were taken are then found unchanged.
"""

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from merchant.compliance.providers.answer_files import (
    MAX_BYTES,
    BadAnswerFile,
    RowOutcome,
    import_answers,
    report_text,
)
from merchant.core import clock, files
from merchant.core.service import Service

TAKE_EVERY_S = 15.0
# How long nobody may have written to a file, or renamed it, before it is taken.
QUIET_S = 10.0
_log = structlog.get_logger()


async def take_inbox(service: Service) -> int:
    """Take every file of answers that lies ready; how many there were. Does nothing where no folder is set.

    Raises OSError where the folder cannot be read or written.
    """
    if not service.settings.evidence_inbox:
        return 0
    folder = Path(service.settings.evidence_inbox)
    names = await asyncio.to_thread(_prepare, folder)
    return sum([await _take_file(service, folder, name) for name in names])


async def run_inbox(service: Service) -> None:
    """The timer's run."""
    await take_inbox(service)


async def _take_file(service: Service, folder: Path, name: str) -> bool:
    with _held(folder / name) as descriptor:
        data = None if descriptor is None else await asyncio.to_thread(_read, descriptor)
        if data is None:
            return False
        problem, outcomes = "", list[RowOutcome]()
        try:
            outcomes = await import_answers(service, data, name)
        except BadAnswerFile as fault:
            problem = str(fault)
        refused = sum(not one.is_done for one in outcomes)
        target = folder / ("failed" if problem or refused else "done")
        report = report_text(outcomes or [RowOutcome(0, "malformed", problem or "The file has no rows.")])
        await asyncio.to_thread(_file_away, folder / name, target, report)
    _log.info("evidence_file_taken", rows=len(outcomes), refused=refused, readable=not problem)
    return True


def _prepare(folder: Path) -> list[str]:
    """The names that may be taken, once what is needed to file them away is there. Raises OSError."""
    for name in ("done", "failed"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
        if not os.access(folder / name, os.W_OK):
            raise PermissionError(f"{folder / name} cannot be written")
    with os.scandir(folder) as entries:
        return sorted(one.name for one in entries if _is_answers(one.name) and _is_quiet(one))


def _is_answers(name: str) -> bool:
    """Whether a file is meant for us by its name; other systems write X.CSV."""
    return name.lower().endswith(".csv") and not name.startswith(".")


def _is_quiet(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a file of its own that nobody has touched just now. The time of its node cannot be set by hand."""
    if not entry.is_file(follow_symlinks=False):
        return False
    return clock.now().timestamp() - entry.stat(follow_symlinks=False).st_ctime >= QUIET_S


@contextmanager
def _held(path: Path) -> Iterator[int | None]:
    """A file, kept from every other worker until the block ends; None for what is no longer there, or held by one."""
    import fcntl  # POSIX only; here so that other commands run on other systems too

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another worker may have filed it away before we had the lock.
        yield descriptor if _is_same(descriptor, path) else None
    except BlockingIOError:
        yield None
    finally:
        os.close(descriptor)


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        now, held = path.lstat(), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(held.st_mode) and (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)


def _read(descriptor: int) -> bytes:
    """The file, no further than any may be long."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read(MAX_BYTES + 1)


def _file_away(path: Path, target: Path, report: str) -> None:
    """Move a file, with its report beside it. A name that was used before gets the moment after it."""
    stem = path.stem
    if (target / path.name).exists():
        stem = f"{stem}-{clock.now():%Y%m%dT%H%M%S%f}"
    files.write(target / f"{stem}.report.csv", report.encode())
    path.rename(target / f"{stem}.csv")
