"""What the tests of the launcher share: programs of their own and questions to servers and folders."""

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.paths import ROOT

FAST = {"fsync": "off"}
WAIT_S = 15.0

REPOSITORY = ROOT
OLDEST = Path("/usr/lib/postgresql/15/bin")
AS_ROOT = os.geteuid() == 0

only_root = pytest.mark.skipif(not AS_ROOT, reason="needs root, to be refused what another user is refused")

# Starts the server, then adds row after row, telling each number once it is committed.
WRITER = """
import asyncio, sys, asyncpg
from pathlib import Path
from merchant.core import postgres
running = postgres.start(Path(sys.argv[1]), settings={"fsync": "off"})
async def write():
    connection = await asyncpg.connect(running.url())
    await connection.execute("CREATE TABLE kept (number bigint PRIMARY KEY)")
    number = 0
    while True:
        await connection.execute("INSERT INTO kept VALUES ($1)", number)
        print(number, flush=True)
        number += 1
asyncio.run(write())
"""

# Starts the server and tells how, then waits for a line and tells whether the server still answers. Ctrl-C is heard
# also where the tests run in the background of a shell, which has it ignored.
HOLDER = """
import asyncio, os, signal, sys, asyncpg
from pathlib import Path
from merchant.core import postgres
signal.signal(signal.SIGINT, signal.default_int_handler)
async def answer(url):
    connection = await asyncpg.connect(url)
    return await connection.fetchval("SELECT 42")
try:
    running = postgres.start(Path(sys.argv[1]), settings={"fsync": "off"})
except postgres.StartFailed as error:
    sys.exit(str(error))
try:
    print("joined" if running.joined else "started", os.geteuid(), flush=True)
    sys.stdin.readline()
except KeyboardInterrupt:
    pass
print(asyncio.run(answer(running.url())), flush=True)
running.stop()
"""


def query(url: str, sql: str) -> Any:
    """The first value that `sql` answers."""

    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def is_free(data_dir: Path) -> bool:
    """Whether no server and no keeper of this folder is alive: each holds the lock until it ends."""
    with (data_dir / "postgres" / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def postmaster_of(data_dir: Path) -> int:
    return int((data_dir / "postgres/cluster/postmaster.pid").read_text().split()[0])


def keeper_of(data_dir: Path) -> int:
    """The server's parent."""
    status = Path(f"/proc/{postmaster_of(data_dir)}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("PPid")).split()[1])


def program(script: str, data_dir: Path, **options: Any) -> subprocess.Popen[str]:
    """A program of its own that uses the launcher."""
    options = {
        "python": sys.executable,
        "env": {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])},
    } | options
    return subprocess.Popen(
        [options.pop("python"), "-c", script, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        **options,
    )
