"""Data folders, programs and users for the tests of the launcher."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from merchant.core import postgres
from tests.merchant.core.postgres.support import AS_ROOT, FAST, OLDEST


@pytest.fixture(params=["embedded", "oldest"], scope="session")
def programs(request: pytest.FixtureRequest) -> postgres.Binaries:
    """Each PostgreSQL that the launcher must work with."""
    if request.param == "embedded":
        return postgres.find_binaries()
    if not (OLDEST / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    return postgres.Binaries(OLDEST, "15", "test")


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder closed to other users, in memory where the machine allows, and gone afterwards: a cluster
    is 60 MB, too much to keep after every test.
    """
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(dir=parent, prefix="merchant-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A data folder made once and stopped in order."""
    with private_folder() as folder:
        postgres.start(folder, settings=FAST).stop()
        yield folder


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder for the clusters of one test."""
    with private_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_place() -> Iterator[Path]:
    """The same for one test module."""
    with private_folder() as folder:
        yield folder


@pytest.fixture
def data_dir(made: Path, place: Path) -> Path:
    """A data folder of one's own with a cluster in it, so that its start is a warm one."""
    subprocess.run(["cp", "-a", made, place / "data"], check=True)
    return place / "data"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="merchant-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def ordinary_user() -> dict[str, Any]:
    """Options that make `program` run as a user who is not root, with a Python that user can execute."""
    if not AS_ROOT:
        return {}
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    # It must also be let into this checkout's packages: root's own temporary folders are closed to others.
    check = [
        "-c",
        f"import os, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])}"
        f" or not os.access({asyncpg.__file__!r}, os.R_OK))",
    ]
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, *check], **user).returncode == 0:
                return {"python": python, **user}
        except OSError:
            continue
    pytest.skip("no Python of this version that another user can execute")
