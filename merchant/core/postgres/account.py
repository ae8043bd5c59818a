"""Which user runs the server: PostgreSQL refuses root, so a program run as root starts it under another uid.

No user is created. The uid is the owner of an existing cluster, else `postgres` where the machine has
one, else `nobody`. That uid can reach neither a project under a home of mode 700 nor our own folder,
and no folder's mode is changed for it: see `reachable`.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

ACCOUNT_NAMES = ("postgres", "nobody")
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}  # nothing of the caller's leaks into the server


class Account(msgspec.Struct, frozen=True):
    """A user that is not root."""

    uid: int
    gid: int


def server_account(cluster: Path) -> Account | None:
    """The user to run the server as; None means the user we are, because that is not root."""
    if os.geteuid() != 0:
        return None
    import pwd  # POSIX only; here so that other systems reach the message of `start`

    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNT_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise OSError(f"PostgreSQL does not run as root, and none of the users {', '.join(ACCOUNT_NAMES)} exists")


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner of one file or folder."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


@contextmanager
def reachable(folder: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A name by which a child run as `account` can use `folder`, and the descriptors it must inherit.

    Root opens the folder and the child enters it by that descriptor, `/proc/self/fd/N`: the kernel then
    asks nothing of the folders above, which may stay closed (mode 700). The server changes into its data
    folder once and uses relative paths from there on.
    """
    if account is None:
        yield str(folder), ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def run_as(
    account: Account | None, command: Sequence[str | Path], *, lines: str = "", inherit: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs to its end as `account`, with `lines` on its standard input.

    Raises OSError when the program cannot be executed by that user.
    """
    return subprocess.run(  # noqa: S603 - fixed programs, no shell
        command,
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        pass_fds=tuple(inherit),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
