"""Backups: one file with the rows of the database, and what must be known to restore them.

A tar of `manifest.json` and `rows.dump` (pg_dump's custom format, rows only). The schema is not in it: a restore makes
it by the migrations, up to the revision of the backup, so that neither the names of roles nor the server's version
matter. The secret keys are not in it either: a stolen backup is worth nothing without them, and they are kept apart.
"""

import base64
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from merchant.core import clock, files
from merchant.core.errors import OperatorProblem
from merchant.core.postgres import clients
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.programs.rotation import key_ids_in_use

FORMAT = 1
MANIFEST, ROWS = "manifest.json", "rows.dump"
_STAMP = "backup.json"  # in the data folder: when the last backup was taken
# What the operator compares by eye after a restore.
COUNTED = ("merchant", "counter", "application", "app_user", "payment_request", "transfer", "payment", "audit_entry")
_MAX_MANIFEST_BYTES = 1 << 20


class BadBackup(OperatorProblem):
    """A file is not a backup that this program can restore, or cannot be written."""


class Manifest(msgspec.Struct, frozen=True):
    """What stands beside the rows."""

    format: int
    taken_at: datetime
    revision: str
    key_ids: list[str]  # under which something is sealed
    canary: str  # sealed, in base64: opens under the right keys only
    scheme: str
    rows: dict[str, int]


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


async def write_backup(service: Service, owner_url: str, path: Path) -> Manifest:
    """Write a backup of everything as of one moment; the service goes on meanwhile.

    Raises BadBackup when the file exists or cannot be written, NoClients, ClientFailed.
    """
    _check_free(path)
    keys = sorted(await key_ids_in_use(service))
    connection = await asyncpg.connect(owner_url)
    try:
        found = clients.find_clients(connection.get_server_version().major)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            manifest = await _manifest(connection, keys)
            with tempfile.NamedTemporaryFile(prefix=".", suffix=path.name, dir=_folder_of(path)) as rows:
                _dump(found, owner_url, snapshot, rows.name)
                _pack(path, manifest, Path(rows.name))
    except asyncpg.InsufficientPrivilegeError:
        raise BadBackup(
            "The login of MERCHANT_DATABASE_URL may not read everything: back up as the database's owner, who migrates."
        ) from None
    except OSError as error:
        raise BadBackup(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        await connection.close()
    stamp(service.settings)
    return manifest


def _check_free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise BadBackup(f"{path} exists already; choose another name.")


def _folder_of(path: Path) -> Path:
    return path.resolve().parent


async def _manifest(connection: "asyncpg.Connection[asyncpg.Record]", keys: list[str]) -> Manifest:
    row = await connection.fetchrow(
        "SELECT (SELECT version_num FROM alembic_version) AS revision, (SELECT sealed FROM vault_canary) AS canary,"
        " (SELECT name FROM scheme) AS scheme"
    )
    assert row is not None
    if row["canary"] is None or row["scheme"] is None:
        raise BadBackup("There is nothing to back up yet: run `merchant seed`.")
    counts = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in COUNTED}  # noqa: S608
    canary = base64.b64encode(row["canary"]).decode()
    return Manifest(FORMAT, clock.now(), row["revision"], keys, canary, row["scheme"], counts)


def _dump(found: clients.Clients, url: str, snapshot: str, target: str) -> None:
    place, environment = clients.client_environment(url)
    command = [
        *(str(found.bin_dir / "pg_dump"), "--format=custom", "--data-only", "--exclude-table=alembic_version"),
        *(f"--snapshot={snapshot}", f"--file={target}", f"--dbname={place}"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    clients.check("pg_dump", done)


def _pack(path: Path, manifest: Manifest, rows: Path) -> None:
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.touch(mode=0o600)
    try:
        with tarfile.open(unfinished, "w") as out:
            about = tarfile.TarInfo(MANIFEST)
            about.size, about.mode, about.mtime = len(text), 0o600, int(manifest.taken_at.timestamp())
            out.addfile(about, io.BytesIO(text))
            out.add(rows, ROWS, filter=_anonymous)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _anonymous(about: tarfile.TarInfo) -> tarfile.TarInfo:
    about.uid = about.gid = 0
    about.uname = about.gname = ""
    about.mode = 0o600
    return about


def read_manifest(path: Path) -> Manifest:
    """The manifest of a backup. Raises BadBackup."""
    try:
        with tarfile.open(path, "r:") as packed:
            first = packed.next()
            if first is None or first.name != MANIFEST or first.size > _MAX_MANIFEST_BYTES:
                raise BadBackup(f"{path} is not a backup of `merchant backup`.")
            text = packed.extractfile(first)
            assert text is not None
            manifest = msgspec.json.decode(text.read(), type=Manifest)
    except OSError as error:
        raise BadBackup(f"{path} cannot be read: {error.strerror or error}.") from None
    except (tarfile.TarError, msgspec.DecodeError):
        raise BadBackup(f"{path} is not a backup of `merchant backup`.") from None
    if manifest.format != FORMAT:
        raise BadBackup(f"{path} has format {manifest.format}, and this program knows {FORMAT}: use the newer release.")
    return manifest


def summary(rows: Mapping[str, int]) -> str:
    """The counts in one line."""
    return ", ".join(f"{count} {name}" for name, count in rows.items())
