"""PostgreSQL's programs for backups: pg_dump, pg_restore and psql of one version, on any server's database.

A password is handed over in the environment, where other users of the machine do not see it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from merchant.core.errors import OperatorProblem
from merchant.core.postgres.binaries import server_folders

_NEEDED = ("pg_dump", "pg_restore", "psql")
# What the programs may know of ours: how TLS to the server is checked must hold for a backup too.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "TMPDIR"),
    *("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCERT", "PGSSLKEY", "PGSSLNEGOTIATION"),
)


class NoClients(OperatorProblem):
    """This machine has no client programs that fit the server."""


class ClientFailed(OperatorProblem):
    """One of the programs ended with an error."""


class Clients(Struct, frozen=True):
    """One folder of client programs."""

    bin_dir: Path
    major: int


def find_clients(server_major: int) -> Clients:
    """The first programs that are at least as new as the server, as pg_dump demands. Raises NoClients."""
    tried = []
    for bin_dir in _folders():
        major = _major(bin_dir)
        if major is not None and major >= server_major:
            return Clients(bin_dir, major)
        tried.append(f"{bin_dir} has {f'version {major}' if major else 'none'}")
    raise NoClients(
        f"Backups need pg_dump, pg_restore and psql of PostgreSQL {server_major} or later (looked at: "
        f"{'; '.join(tried) or 'nothing'}): install the package postgresql-client."
    )


def client_environment(url: str) -> tuple[str, dict[str, str]]:
    """A database's address without its password, and the environment that has it."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    environment |= {"PGPASSWORD": unquote(password)} if password else {}
    return parts._replace(netloc=f"{name}{at}{place}").geturl(), environment | {"PGCONNECT_TIMEOUT": "10"}


def check(program: str, process: "subprocess.CompletedProcess[str]") -> None:
    """Raise ClientFailed with the program's own words when it failed."""
    if process.returncode:
        lines = [line for line in process.stderr.strip().splitlines() if line]
        raise ClientFailed(f"{program} failed: {(lines or ['without a word'])[0]}")


def _folders() -> Iterator[Path]:
    yield from server_folders()
    if found := shutil.which("pg_dump"):
        yield Path(found).parent


def _major(bin_dir: Path) -> int | None:
    if not all((bin_dir / name).exists() for name in _NEEDED):
        return None
    try:
        told = subprocess.run(  # noqa: S603 - a fixed program
            [bin_dir / "pg_dump", "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\d+", told)
    return int(number.group()) if number else None
