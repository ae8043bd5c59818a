"""Start the server of a data folder, or join the one that already runs there.

One lock file decides who starts. The server and its keeper inherit the lock and hold it until the last of
their processes is gone, so whoever gets it knows that nothing runs, whatever stale pid files say.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import quote

from merchant.core.postgres import keeper
from merchant.core.postgres.account import ENVIRONMENT, give, reachable, server_account
from merchant.core.postgres.binaries import Binaries, NoPostgres, find_binaries, runnable_by
from merchant.core.postgres.cluster import (
    DATABASE,
    OWNER,
    SUPERUSER,
    StartFailed,
    create,
    home_of,
    major_of,
    passwords_of,
)

START_TIMEOUT_S = 120.0  # recovery after a crash replays at most max_wal_size below
STOP_TIMEOUT_S = 60.0
RETRY_S = 0.01
LOG_TAIL_LINES = 15
PORT = 5432  # names the socket's file only; said aloud because drivers would else obey PGPORT
RUN_PREFIX = "merchant-pg-"
HOME_NAME = "home"  # the file beside the sockets that says whose they are
# Socket paths end at 107 bytes (unix(7)), so sockets live in a short folder, never in the data folder.
RUN_PARENTS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - each run makes a new private folder in one
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

# For a small machine beside one app and one worker; `start` callers override any of them.
DEFAULT_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "32MB",
        "max_connections": "60",
        "max_wal_size": "256MB",
        "huge_pages": "off",
        "jit": "off",  # our statements are short; compiling costs more than it saves
        "max_logical_replication_workers": "0",  # one idle process less
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "log",  # the server's own life and crashes; failed statements are the app's
        "log_checkpoints": "off",
    }
)


class Running:
    """A server in use by this program; `joined` tells that another program had started it.

    Keep it for as long as the server is needed: `stop`, the end of a `with` block, or the end of the
    program lets go of it, and the server stops when the last program has let go.
    """

    def __init__(self, home: Path, user: socket.socket, *, joined: bool) -> None:
        self.joined = joined
        self._run_folder = str((home / "run").readlink())
        self._passwords = passwords_of(home)
        self._user = user

    def url(self, database: str = DATABASE) -> str:
        """`postgresql://merchant:…@/DATABASE?host=/short/folder&port=5432`, for asyncpg as it is and for
        SQLAlchemy as `postgresql+asyncpg:`. The role may create roles and databases but is no superuser.
        """
        return self._url(OWNER, database)

    def superuser_url(self, database: str = SUPERUSER) -> str:
        """The same for the superuser: for tests and for an operator in need, never for the service."""
        return self._url(SUPERUSER, database)

    def stop(self) -> None:
        """Let go of the server; returns when it has stopped, or at once while other programs use it."""
        if self._user.fileno() == -1:
            return
        with self._user as user:
            user.settimeout(STOP_TIMEOUT_S)
            try:
                user.shutdown(socket.SHUT_WR)
                while user.recv(1):
                    pass
            except TimeoutError as error:
                raise TimeoutError(f"PostgreSQL has not stopped within {STOP_TIMEOUT_S:.0f} s") from error
            except OSError:  # the keeper was killed; the server stops by itself
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _url(self, role: str, database: str) -> str:
        place = f"host={quote(self._run_folder)}&port={PORT}"
        return f"postgresql://{role}:{self._passwords[role]}@/{quote(database)}?{place}"


def start(data_dir: Path, *, settings: Mapping[str, str] = NO_SETTINGS, binaries: Binaries | None = None) -> Running:
    """Start the server of `data_dir`, making its cluster at the first time, or join the running one.

    Blocks until the server takes connections. `settings` are PostgreSQL's, by name, over
    DEFAULT_SETTINGS; like `binaries` they have no effect on a server that is joined.
    Raises NoPostgres without usable programs, StartFailed with the reason for anything else.
    """
    if sys.platform == "win32":
        raise NoPostgres(["the launcher needs a POSIX system"])
    home = home_of(data_dir)
    try:
        return _join_or_launch(home, settings, binaries)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailed(f"PostgreSQL in {home} could not be started: {error}") from error


def _join_or_launch(home: Path, settings: Mapping[str, str], binaries: Binaries | None) -> Running:
    """Join the running server, or launch one when the lock shows that nothing runs."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if user := _join(home, deadline - time.monotonic()):
            return Running(home, user, joined=True)
        with _lock(home) as lock:
            if lock is not None:
                return Running(home, _launch(home, lock, settings, binaries), joined=False)
        time.sleep(RETRY_S)  # somebody is starting or stopping it this moment
    raise StartFailed(
        f"Another program holds the database in {home} but does not answer: stop every program that was started before"
        " an upgrade, or when the folder was elsewhere"
    )


def _join(home: Path, patience_s: float) -> socket.socket | None:
    """A connection to the keeper of a server that takes connections, None when there is none."""
    user = socket.socket(socket.AF_UNIX)
    try:
        run_folder = (home / "run").readlink()
        if _is_our_run_folder(run_folder, home):
            user.settimeout(patience_s)
            user.connect(str(run_folder / keeper.SOCKET_NAME))
            if user.recv(1) == keeper.READY:
                user.settimeout(None)
                return user
    except OSError:
        pass
    user.close()
    return None


@contextmanager
def _lock(home: Path) -> Iterator[int | None]:
    """The lock's descriptor when nothing runs on this folder, None when something does.

    It is only ever closed, never unlocked: children that inherited it must go on holding it.
    """
    descriptor = os.open(home / "lock", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        yield descriptor if _try_flock(descriptor) else None
    finally:
        os.close(descriptor)


def _try_flock(descriptor: int) -> bool:
    """Take the lock if it is free."""
    import fcntl  # POSIX only; here so that other systems reach the message of `start`

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _launch(home: Path, lock: int, settings: Mapping[str, str], binaries: Binaries | None) -> socket.socket:
    """Start server and keeper with the lock held; our connection to the keeper once the server is ready."""
    cluster = home / "cluster"
    account = server_account(cluster)
    made_by = major_of(cluster)
    binaries = runnable_by(binaries or find_binaries(made_by), account)
    chosen = {**DEFAULT_SETTINGS, **settings}
    if made_by is None:
        create(home, binaries, account, durable=chosen.get("fsync") != "off", lock=lock)
    elif made_by != binaries.major:
        raise StartFailed(f"The database in {home} is of PostgreSQL {made_by}; {binaries.version} cannot open it")
    _refuse_strangers_server(cluster)
    run_folder = _new_run_folder(home)
    command = [str(binaries.bin_dir / "postgres"), "-k", str(run_folder), "-c", "listen_addresses="]
    for setting, value in {**chosen, "port": str(PORT)}.items():
        command += ["-c", f"{setting}={value}"]
    with socket.socket(socket.AF_UNIX) as listener, ExitStack() as undo:
        listener.bind(str(run_folder / keeper.SOCKET_NAME))
        listener.listen()
        give(run_folder, account)  # last: from here that user may rename it
        ours, theirs = socket.socketpair()
        undo.callback(ours.close)
        with theirs, reachable(cluster, account) as (name, descriptors):
            held = [listener.fileno(), theirs.fileno(), lock]
            user = [account.uid, account.gid] if account else [-1, -1]
            _run_keeper(
                home,
                [*map(str, held + user), name, str(run_folder), *command, "-D", name],
                inherit=[*held, *descriptors],
            )
        ours.settimeout(START_TIMEOUT_S)
        if ours.recv(1) != keeper.READY:
            raise StartFailed("\n".join([f"PostgreSQL in {home} did not start:", *_log_tail(home)]))
        ours.settimeout(None)
        undo.pop_all()
    return ours


def _log_tail(home: Path) -> list[str]:
    """The last lines of this run's log, where the server says why it did not start."""
    return (home / "server.log").read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]


def _run_keeper(home: Path, arguments: Sequence[str], *, inherit: Sequence[int]) -> None:
    """Run the keeper's script, which leaves the keeper behind and ends. Its log is the server's."""
    log_path = home / "server.log"
    if log_path.exists():
        log_path.rename(home / "server.log.1")
    with log_path.open("a") as log:
        subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", keeper.__file__, *arguments],
            check=True,
            cwd="/",
            env=ENVIRONMENT,
            pass_fds=tuple(inherit),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the program, which then lets go of us in order
        )


def _refuse_strangers_server(cluster: Path) -> None:
    """Refuse when a server that we did not start, for example by pg_ctl, runs on this cluster."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().split()[0])
        busy = Path(f"/proc/{pid}/cwd").samefile(cluster)
    except (OSError, ValueError, IndexError):
        return  # no pid file, or a number that is dead or belongs to somebody else
    if busy:
        raise StartFailed(f"Process {pid}, which we did not start, runs PostgreSQL on {cluster}: stop it first")


def _new_run_folder(home: Path) -> Path:
    """A new private folder with a short name for the sockets, with `home/run` linked to it."""
    link, new_link = home / "run", home / "run.new"
    if link.is_symlink() and _is_our_run_folder(old := link.readlink(), home):
        shutil.rmtree(old, ignore_errors=True)  # keeper and server were both killed
    parent = next(folder for folder in (*RUN_PARENTS, tempfile.gettempdir()) if os.access(folder, os.W_OK))
    run_folder = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=parent))
    (run_folder / HOME_NAME).write_text(_identity(home))
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(run_folder)
    new_link.rename(link)
    return run_folder


def _is_our_run_folder(folder: Path, home: Path) -> bool:
    """Whether the name still means our folder, which every user could have taken since.

    In a copy of a data folder, it means the folder of the original, whose server must be neither joined nor disturbed.
    """
    try:
        return (
            folder.name.startswith(RUN_PREFIX)
            and folder.lstat().st_uid == (home / "cluster").stat().st_uid
            and (folder / HOME_NAME).read_text() == _identity(home)
        )
    except OSError:
        return False


def _identity(home: Path) -> str:
    """What no copy of the folder has: its place on its disk."""
    found = home.stat()
    return f"{found.st_dev}:{found.st_ino}"
