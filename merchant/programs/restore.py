"""Restoring a backup onto an empty database: the schema of its time, its rows, then the schema of today.

All rows come in one transaction. The installation is then marked as restored: what the hub did since the backup is not
in it, so no payment is taken before the transfers that were under way have been asked for (payments/reconcile.py).
"""

import base64
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from merchant import migrations
from merchant.core import audit, canary, clock, secret_key
from merchant.core.errors import OperatorProblem
from merchant.core.pools import UNHURRIED_S
from merchant.core.postgres import clients
from merchant.core.service import open_service
from merchant.core.settings import Settings
from merchant.core.vault import Vault
from merchant.programs.backup import ROWS, BadBackup, Manifest, read_manifest
from merchant.programs.reconciling import MARK_AS_RESTORED
from merchant.programs.runtime import roles_of

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
# Rows come table by table, and rows of two tables may name each other: the constraints are put back at the end, which
# looks at every row.
_FOREIGN_KEYS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', conrelid::regclass, conname) AS off,
  format('ALTER TABLE %s ADD CONSTRAINT %I %s;', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS on
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0 ORDER BY oid
"""
# An older server does not know it.
_NOT_KNOWN_BEFORE_17 = b"SET transaction_timeout"


class NotEmpty(OperatorProblem):
    """The database to restore to holds something."""


class Damaged(OperatorProblem):
    """What was restored does not hold together."""


def check_backup(settings: Settings, path: Path) -> Manifest:
    """Look whether a backup can be restored here before anything is written.

    Raises BadBackup, NoSecretKey, BadSecretKey, which names the key that is missing.
    """
    manifest = read_manifest(path)
    if manifest.revision > migrations.newest():
        raise BadBackup(
            f"{path} is of a newer release (revision {manifest.revision}, this program knows {migrations.newest()})."
        )
    try:
        vault = secret_key.open_vault(settings)
    except secret_key.NoSecretKey as problem:
        told = f"The backup is sealed under the key {', '.join(manifest.key_ids)}. {problem}"
        raise secret_key.NoSecretKey(told) from None
    _check_keys(vault, manifest)
    return manifest


def _check_keys(vault: Vault, manifest: Manifest) -> None:
    vault.open(base64.b64decode(manifest.canary), canary.CONTEXT)
    if missing := sorted(set(manifest.key_ids) - set(vault.key_ids)):
        raise BadBackup(
            f"{vault.source} lacks the key {', '.join(missing)}, under which rows of the backup are sealed."
        )


async def restore(settings: Settings, url: str, path: Path, manifest: Manifest) -> dict[str, int]:
    """Restore a backup; how many rows the counted tables then have.

    Raises NotEmpty, Damaged, ClientFailed, NoClients, and what migrations raise.
    """
    roles = roles_of(settings)
    schema = await migrations.read_schema(url, roles)
    if schema.revision is not None and (schema.revision != manifest.revision or await migrations.is_seeded(url, roles)):
        raise NotEmpty("The database is not empty: restore to a new one, or to a data folder that does not exist yet.")
    await migrations.upgrade(url, roles, to=manifest.revision)
    await _load(url, path)
    await migrations.upgrade(url, roles)
    async with open_service(settings, url) as service, service.db.system(longest_s=UNHURRIED_S) as tx:
        for chain in await audit.chains(tx):
            _, fault = await audit.verify(tx, chain)
            if fault is not None:
                raise Damaged(f"The audit chain {chain} does not hold together at {fault.seq}: {fault.problem}.")
        found = {name: await tx.fetchval(f"SELECT count(*) FROM {name}") for name in manifest.rows}  # noqa: S608
    if found != manifest.rows:
        raise Damaged(f"The backup has other numbers of rows than were restored: {manifest.rows}, {found}.")
    _set_aside(settings.anchor_path)
    return found


def _set_aside(anchors: Path) -> None:
    """Keep the anchors of the lost machine under another name: they tell of entries that the backup has not."""
    if anchors.exists():
        anchors.rename(
            anchors.with_name(f"{anchors.stem}.before-restore-{int(clock.now().timestamp())}{anchors.suffix}")
        )


async def _load(url: str, path: Path) -> None:
    connection = await asyncpg.connect(url)
    try:
        found = clients.find_clients(connection.get_server_version().major)
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        constraints = await connection.fetch(_FOREIGN_KEYS)
        # Rows that the migrations wrote; those of the backup come in their place.
        filled = [name for name in tables if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})")]  # noqa: S608
    finally:
        await connection.close()
    before = "\n".join(row["off"] for row in constraints) + "".join(f"\nDELETE FROM {name};\n" for name in filled)
    mark = MARK_AS_RESTORED if "installation" in tables else ""
    # pg_dump empties the search path for its own statements.
    after = "SET search_path = public;\n" + "\n".join(row["on"] for row in constraints) + f"\n{mark}"
    with _unpacked(path) as rows:
        _run(found, url, rows, before, after)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile() as out:
        try:
            with tarfile.open(path, "r:") as packed:
                source = packed.extractfile(ROWS)
                assert source is not None
                shutil.copyfileobj(source, out)
        except (tarfile.TarError, KeyError, OSError) as error:
            raise BadBackup(f"{path} is damaged: {error}.") from None
        out.flush()
        yield Path(out.name)


def _run(found: clients.Clients, url: str, rows: Path, before: str, after: str) -> None:
    place, environment = clients.client_environment(url)
    read = [str(found.bin_dir / "pg_restore"), "--data-only", "--file=-", str(rows)]
    write = [str(found.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "--file=-"]
    write.append(f"--dbname={place}")
    with (
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen(read, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading,  # noqa: S603
        subprocess.Popen(  # noqa: S603
            write, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=told, env=environment
        ) as writing,
    ):
        assert reading.stdout is not None and reading.stderr is not None and writing.stdin is not None
        is_whole = False
        try:
            writing.stdin.write(before.encode())
            for line in reading.stdout:
                if not line.startswith(_NOT_KNOWN_BEFORE_17):
                    writing.stdin.write(line)
            is_whole = reading.wait() == 0
            # Half of the rows must not be committed, wherever among them the reading ended.
            writing.stdin.write(after.encode() if is_whole else b"\n\\.\nSELECT 1 / 0;\n")
            writing.stdin.close()
        except BrokenPipeError:
            reading.kill()
        status = writing.wait()
        if reading.poll() not in (None, 0, -signal.SIGKILL):
            why = reading.stderr.read().decode(errors="replace").strip().splitlines()
            raise BadBackup(f"The rows of the backup cannot be read: {(why or ['pg_restore failed'])[0]}")
        told.seek(0)
        clients.check("psql", subprocess.CompletedProcess(write, status, "", told.read()))
