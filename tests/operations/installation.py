"""What the scripts of this folder stand on: programs of one machine on free ports in a temporary folder, and a seeded
installation of the service among them.

Servers run as an unprivileged user when the script runs as root. Everything ends with the script, and the folder goes
unless something failed: then it stays, with a log of each program.
"""

import asyncio
import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec

from tests.builders import SECRET_KEY
from tests.operations.report import Report

CHECKOUT = Path(__file__).parents[2]
GATEWAY_SECRET = "operations-gateway-secret-0123"
OWNER_PASSWORD, LOGIN_PASSWORD = "owner-of-a-rehearsal", "login-of-a-rehearsal"
START_S = 90.0
STOP_S = 20.0
MISSING = 2  # exit status: a program is not installed, so nothing was tried
_DEBIAN = {
    "haproxy": "haproxy",
    "pgbouncer": "pgbouncer",
    "patroni": "patroni",
    "etcd": "etcd-server python3-etcd",
    "pgbackrest": "pgbackrest",
    "initdb": "postgresql-15",
}


class Seeded(msgspec.Struct, frozen=True):
    """A shop that may ask for money, as seeding.py made it."""

    counter_id: str
    alias: str
    headers: dict[str, str]


class Machine:
    """A folder, the user that servers run as, and the programs that were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = _unprivileged_user()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.own(folder)
        (folder / "logs").mkdir()

    def own(self, path: Path) -> Path:
        """Give a path to the user that servers run as."""
        if self.user is not None:
            shutil.chown(path, self.user)
        return path

    def new_folder(self, name: str) -> Path:
        """A folder that servers may write to, and nobody else may read."""
        path = self.folder / name
        path.mkdir(mode=0o700)
        return self.own(path)

    def write(self, name: str, text: str) -> Path:
        """A file that servers may read."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return self.own(path)

    def log_of(self, name: str) -> Path:
        """Where a program's words go."""
        return self.folder / "logs" / f"{name}.log"

    def start(
        self, name: str, command: Sequence[object], *, as_server: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own."""
        with self.log_of(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [str(one) for one in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(env),
                start_new_session=True,
                **self._as(as_server),
            )
        return self.running[name]

    def run(
        self, command: Sequence[object], *, as_server: bool = True, env: Mapping[str, str] | None = None, text: str = ""
    ) -> str:
        """Run a program to its end; what it wrote. Raises SystemExit with its words when it fails."""
        done = subprocess.run(
            [str(one) for one in command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=_environment(env),
            **self._as(as_server),
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-3000:]
            raise SystemExit(f"{' '.join(map(str, command))}\n{said}")
        return done.stdout

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> float:
        """End a program and wait for it; how many seconds it took."""
        process = self.running.pop(name)
        began_s = time.monotonic()
        process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            click.echo(f"  {name} did not end within {STOP_S:.0f} s and is killed")
            _kill_group(process)
        return time.monotonic() - began_s

    def kill(self, name: str) -> None:
        """kill -9 a program and what it started."""
        _kill_group(self.running.pop(name))

    def close(self) -> None:
        """End everything, what was started last first."""
        for name in reversed(list(self.running)):
            with contextlib.suppress(ProcessLookupError):
                self.stop(name, signal.SIGINT if name.startswith("postgres") else signal.SIGTERM)

    def _as(self, server: bool) -> dict[str, Any]:
        if not server or self.user is None:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}


@contextmanager
def rehearsal(report: Report) -> Iterator[Machine]:
    """A machine for the length of a script, which then ends: with 1 when a promise was broken or something failed."""
    before = signal.signal(signal.SIGTERM, _end)  # so that what was started is ended, too
    folder = Path(tempfile.mkdtemp(prefix="merchant-operations-"))
    folder.chmod(0o711)
    machine = Machine(folder)
    is_whole = False
    try:
        yield machine
        is_whole = True
    finally:
        is_good = is_whole and not report.broken
        machine.close()
        signal.signal(signal.SIGTERM, before)
        report.show(is_whole=is_whole)
        if is_good:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            click.echo(f"what the programs said is in {folder}/logs")
    if not is_good:
        sys.exit(1)


def _end(*_: object) -> None:
    sys.exit("ended by SIGTERM")


def needs(*programs: str) -> dict[str, str]:
    """Where these programs are; ends the script with status 2 and what to install when one is missing."""
    where = os.pathsep.join([*_postgres_folders(), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = {name: shutil.which(name, path=where) for name in programs}
    if missing := [name for name, path in found.items() if path is None]:
        packages = " ".join(_DEBIAN[name] for name in missing)
        click.echo(
            f"Not installed: {', '.join(missing)}. On Debian 12: apt-get install --no-install-recommends {packages}"
        )
        sys.exit(MISSING)
    return {name: str(path) for name, path in found.items()}


def _postgres_folders() -> list[str]:
    def version(folder: Path) -> int:
        return int(folder.parent.name) if folder.parent.name.isdigit() else 0

    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    return [str(folder) for folder in found if version(folder) >= 15]


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MERCHANT_", "PG"))}
    return kept | dict(more or {})


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A free port below the range from which the kernel takes those of outgoing connections."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise SystemExit("no free port")


class Postgres:
    """A PostgreSQL server on a port of its own."""

    def __init__(self, machine: Machine, name: str, found: Mapping[str, str]) -> None:
        self.machine, self.name, self.port = machine, name, free_port()
        self.bin = Path(found["initdb"]).parent
        self.folder = machine.folder / name

    def make(self, *settings: str) -> None:
        """Make the cluster, with lines for its settings."""
        self.machine.new_folder(self.name)
        self.machine.run([self.bin / "initdb", "-D", self.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8"])
        self.configure(*settings)

    def configure(self, *settings: str) -> None:
        """Add settings."""
        with (self.folder / "postgresql.auto.conf").open("a") as file:
            file.write(
                "\n".join(
                    [
                        "",
                        f"port = {self.port}",
                        "listen_addresses = '127.0.0.1'",
                        f"unix_socket_directories = '{self.machine.folder}'",
                        *settings,
                        "",
                    ]
                )
            )

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.machine.start(self.name, [self.bin / "postgres", "-D", self.folder])
        wait_until(lambda: self.answers(), f"{self.name} did not start")

    def stop(self) -> None:
        """Stop it as an operator would."""
        self.machine.stop(self.name, signal.SIGINT)

    def answers(self) -> bool:
        """Whether it takes statements that write."""
        done = subprocess.run(
            [self.bin / "psql", "-X", "-Atqc", "SELECT pg_is_in_recovery()", self.url("postgres", "postgres")],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() == "f"

    def psql(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as the server's administrator."""
        url = self.url("postgres", database)
        return self.machine.run([self.bin / "psql", "-X", "-Atq", "-v", "ON_ERROR_STOP=1", url], text=sql).strip()

    def url(self, user: str = "merchant_login", database: str = "merchant") -> str:
        """The address for a user."""
        return database_url(self.port, user, database)


def database_url(port: int, user: str = "merchant_login", database: str = "merchant") -> str:
    """The address of a database of this machine for a user."""
    password = {"merchant_owner": OWNER_PASSWORD, "merchant_login": LOGIN_PASSWORD}.get(user, "none")
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def make_roles(machine: Machine, psql: str, admin_url: str) -> None:
    """Run what `merchant database roles` prints, as an administrator does."""
    sql = merchant(machine, "database", "roles", env={})
    passwords = ["-v", f"owner_password={OWNER_PASSWORD}", "-v", f"login_password={LOGIN_PASSWORD}"]
    machine.run([psql, "-X", "-q", *passwords, "-f", "-", admin_url], text=sql)


def merchant(machine: Machine, *arguments: object, env: Mapping[str, str], tree: Path = CHECKOUT) -> str:
    """Run a `merchant` command of a tree to its end; what it wrote."""
    return machine.run([sys.executable, "-m", "merchant", *arguments], as_server=False, env=_of_tree(env, tree))


def start_merchant(
    machine: Machine, name: str, *arguments: object, env: Mapping[str, str], tree: Path = CHECKOUT
) -> subprocess.Popen[bytes]:
    """Start a `merchant` program of a tree."""
    command = [sys.executable, "-m", "merchant", *arguments]
    return machine.start(name, command, as_server=False, env=_of_tree(env, tree))


def _of_tree(env: Mapping[str, str], tree: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(tree), **env}


def node_environment(
    machine: Machine, name: str, port: int, database: str, hub_port: int, public_port: int
) -> dict[str, str]:
    """The settings of one node. Several on one machine have data folders of their own, as on several machines."""
    folder = machine.folder / name
    folder.mkdir(exist_ok=True)
    return {
        "MERCHANT_DATABASE_URL": database,
        "MERCHANT_DATA_DIR": str(folder),
        "MERCHANT_PORT": str(port),
        "MERCHANT_SECRET_KEY": SECRET_KEY,
        "MERCHANT_GATEWAY_SECRET": GATEWAY_SECRET,
        "MERCHANT_HUB_URL": f"http://127.0.0.1:{hub_port}",
        "MERCHANT_PUBLIC_URL": f"http://127.0.0.1:{public_port}",
        "MERCHANT_TRUSTED_PROXIES": "127.0.0.1",
        "MERCHANT_LOG_LEVEL": "WARNING",
        "MERCHANT_SETTLE_CHECK_S": "2",
    }


def start_hub(machine: Machine, port: int, service_port: int) -> None:
    """The simulated hub with payers, which keeps the ledger that the books are held against."""
    command = [
        sys.executable,
        "-m",
        "merchant.demo.simulator",
        "--port",
        port,
        "--journal",
        machine.folder / "hub.jsonl",
        "--service-url",
        f"http://127.0.0.1:{service_port}",
        "--gateway-secret",
        GATEWAY_SECRET,
    ]
    machine.start("hub", command, as_server=False, env=_of_tree({}, CHECKOUT))
    wait_until(lambda: http_status(f"http://127.0.0.1:{port}/control/keys") == 200, "the hub did not start")


def seed(machine: Machine, env: Mapping[str, str], owner_url: str, tree: Path = CHECKOUT) -> Seeded:
    """Migrate and fill a database by the code of a tree, and exchange keys with the hub."""
    merchant(machine, "migrate", env={**env, "MERCHANT_DATABASE_URL": owner_url}, tree=tree)
    script = Path(__file__).with_name("seeding.py")
    command = [sys.executable, "-c", f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"]
    said = machine.run(command, as_server=False, env=_of_tree({**env, "MERCHANT_REQUIRE_TOTP": "false"}, tree))
    return msgspec.convert(json.loads(said.splitlines()[-1]), Seeded)


def http_status(url: str) -> int:
    """What an address answers; 0 when nothing does."""

    async def ask() -> int:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http:
            try:
                async with http.get(url) as response:
                    return response.status
            except (aiohttp.ClientError, OSError, TimeoutError):
                return 0

    return asyncio.run(ask())


def wait_until(is_so: Callable[[], bool], otherwise: str, patience_s: float = START_S) -> float:
    """Wait for something; how long it took. Raises SystemExit with what is said otherwise."""
    began_s = time.monotonic()
    while not is_so():
        if time.monotonic() - began_s > patience_s:
            raise SystemExit(otherwise)
        time.sleep(0.1)
    return time.monotonic() - began_s
