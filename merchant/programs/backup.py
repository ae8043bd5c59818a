"""Backups of an installation: one file with the database, and what must be known to restore it."""

from datetime import datetime

import msgspec

from merchant.core import clock, files
from merchant.core.settings import Settings

_STAMP = "backup.json"  # in the data folder: when the last backup was taken


class Stamp(msgspec.Struct, frozen=True):
    """When a backup was last taken here."""

    taken_at: datetime


def last_taken_at(settings: Settings) -> datetime | None:
    """When `merchant backup` last ran to its end on this data folder; None if never."""
    try:
        return msgspec.json.decode((settings.data_dir / _STAMP).read_bytes(), type=Stamp).taken_at
    except (OSError, msgspec.DecodeError):
        return None


def stamp(settings: Settings) -> None:
    """Note that a backup was taken now."""
    files.write(settings.data_dir / _STAMP, msgspec.json.encode(Stamp(clock.now())))
