"""The data folder of our server: made whole or not at all, with its two roles and one database.

Everything is in `DATA_DIR/postgres`, closed to other users: `cluster` (PostgreSQL's own files),
`passwords.json`, `server.log`, `lock` and `run`, a link to the short folder of the sockets.
"""

import json
import os
import secrets
import shutil
from pathlib import Path

from merchant.core.errors import OperatorProblem
from merchant.core.postgres.account import Account, give, reachable, run_as
from merchant.core.postgres.binaries import Binaries

SUPERUSER = "postgres"  # for making the cluster and for tests; the service never uses it
OWNER = "merchant"  # owns the database and runs migrations; not a superuser, so row-level security holds
DATABASE = "merchant"
ACCESS_RULES = "local all all scram-sha-256\n"  # our sockets only, with a password; TCP has no rule
BUILTIN_LOCALE_MAJOR = 17  # from here PostgreSQL brings its own C.UTF-8, the same on every machine


class StartFailed(OperatorProblem):
    """PostgreSQL is here but could not be started or joined; the message says why."""


def home_of(data_dir: Path) -> Path:
    """The folder of everything that is ours, made if missing."""
    home = data_dir.resolve() / "postgres"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(f"Cannot make the folder {home}: {error}") from error
    owner = home.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise StartFailed(
            f"The database in {home} belongs to the user with uid {owner}: run as that user or choose "
            "another MERCHANT_DATA_DIR"
        )
    return home


def is_made(data_dir: Path) -> bool:
    """Whether there is a cluster in a data folder; writes nothing. Raises StartFailed where nobody may look."""
    home = data_dir.resolve() / "postgres"
    try:
        return (home / "cluster").exists()
    except OSError as error:
        raise StartFailed(f"Cannot look into the folder {home}: {error.strerror}") from error


def passwords_of(home: Path) -> dict[str, str]:
    """Role name to password, as made with the cluster."""
    try:
        passwords: dict[str, str] = json.loads((home / "passwords.json").read_bytes())
    except (OSError, ValueError) as error:
        raise StartFailed(f"The database in {home} is there but its passwords are not: {error}") from error
    return passwords


def major_of(cluster: Path) -> int | None:
    """The major version that made this cluster, None when there is none yet."""
    try:
        return int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def create(home: Path, binaries: Binaries, account: Account | None, *, durable: bool, lock: int) -> None:
    """Make the cluster, its roles and its database. Nobody sees it before it is complete.

    The children inherit `lock`, so that it stays held until they end even when we are killed.
    """
    unfinished = home / "cluster.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    give(unfinished, account)
    passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER)}
    with reachable(unfinished, account) as (name, descriptors):
        inherit = (*descriptors, lock)
        made = run_as(account, _initdb(binaries, name, durable=durable), inherit=inherit)
        if made.returncode != 0:
            raise StartFailed(f"initdb failed: {made.stderr.strip()}")
        _write_private(unfinished / "pg_hba.conf", ACCESS_RULES)
        give(unfinished / "pg_hba.conf", account)
        single: list[str | Path] = [
            binaries.bin_dir / "postgres",
            "--single",
            "-D",
            name,
            "-c",
            "exit_on_error=on",
        ]
        single += ["-c", f"fsync={'on' if durable else 'off'}", "postgres"]
        filled = run_as(account, single, lines=_bootstrap_sql(passwords), inherit=inherit)
        if filled.returncode != 0:
            raise StartFailed(f"PostgreSQL could not make its first roles: {filled.stderr.strip()}")
    _write_private(home / "passwords.json", json.dumps(passwords))
    unfinished.rename(home / "cluster")
    _sync_folder(home)


def _initdb(binaries: Binaries, folder: str, *, durable: bool) -> list[str | Path]:
    """The initdb command: UTF-8, checksums, sorting by code point, letters of all scripts known."""
    locale = (
        ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if binaries.major >= BUILTIN_LOCALE_MAJOR
        else ["--locale=C.UTF-8"]
    )
    return [
        binaries.bin_dir / "initdb",
        *("-D", folder, "-U", SUPERUSER, "--encoding=UTF8", *locale, "--data-checksums"),
        *("--auth=reject", "--no-instructions"),  # our own rules replace it before the first start
        *([] if durable else ["--no-sync"]),
    ]


def _bootstrap_sql(passwords: dict[str, str]) -> str:
    """One statement a line, as the single-user server reads them; passwords hold no quotes."""
    return (
        f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}';\n"
        f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{passwords[OWNER]}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n"
    )


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, replacing an old one in one step."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
