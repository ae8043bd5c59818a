"""Files of the service: which folders below data_dir, which names, how a file is written, and when it is deleted.

A path is made of a folder's constants and a UUID, never of text from a request. A file is either written whole
(`write`) or grows over several slices of a background job (`open_growing`). Knows neither settings nor the database.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from msgspec import Struct


class FileTooLarge(OSError):
    """A file has outgrown its folder's limit."""


class Folder(Struct, frozen=True):
    """One folder below data_dir: its name, the suffixes of its files, how large each may be, how long it is kept."""

    name: str
    suffixes: tuple[str, ...]
    max_bytes: int
    kept_for: timedelta

    def path(self, data_dir: Path, file_id: UUID, suffix: str) -> Path:
        """The path of a file. Raises ValueError for a suffix that is not the folder's, TypeError without a UUID."""
        if not isinstance(file_id, UUID):
            raise TypeError(f"a file is named by a UUID, not by {file_id!r}")
        if suffix not in self.suffixes:
            raise ValueError(f"{self.name} holds {', '.join(self.suffixes)}, not {suffix!r}")
        return data_dir / self.name / f"{file_id}{suffix}"

    def paths(self, data_dir: Path, file_id: UUID) -> list[Path]:
        """The paths of all files of one id, whether they exist or not."""
        return [self.path(data_dir, file_id, suffix) for suffix in self.suffixes]


def write(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a whole file, readable by its owner only: after a crash there is the old file or the new one.

    Without `replace`, a file that exists is left as it is; of several writers the first wins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=path.name, dir=path.parent)  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        if replace:
            temporary.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def open_growing(path: Path) -> Iterator[BinaryIO]:
    """A file to go on writing, made if missing, and locked against every other process and thread until closed.

    Raises BlockingIOError while someone else has it open.
    """
    import fcntl  # POSIX only; here so that the commands that need no data folder run on other systems too

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other process and thread that asks for this lock file waiting until the block ends."""
    import fcntl  # POSIX only, as above

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check_sizes(folder: Folder, data_dir: Path, file_id: UUID) -> None:
    """Raise FileTooLarge when a file of this id is larger than its folder allows."""
    for path in folder.paths(data_dir, file_id):
        if path.exists() and path.stat().st_size > folder.max_bytes:
            raise FileTooLarge(f"the file is larger than {folder.max_bytes >> 20} MB")


def delete_old(folder: Folder, data_dir: Path, now: datetime) -> int:
    """Delete files last written longer ago than the folder keeps them; how many there were."""
    before_s = (now - folder.kept_for).timestamp()
    old = [path for path in (data_dir / folder.name).glob("*") if path.is_file() and path.stat().st_mtime < before_s]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _sync_folder(folder: Path) -> None:
    # A rename is on the disk only once its folder is.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
