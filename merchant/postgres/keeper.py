"""The process beside the server: keeps it running while anybody uses it, stops it when nobody does.

Every program that uses the server holds one connection to the keeper's socket for as long as it lives.
The kernel closes that connection however the program ends, kill -9 included, so the keeper needs no
process ids, heartbeats or clocks. It answers one byte, READY, once the server takes connections, and
closes a connection when its program may go: at once if others stay, after the server stopped if none do.
Run as a script by its path, with the standard library only, and therefore without the service's memory.
"""

import ctypes
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import NamedTuple

READY = b"r"
SOCKET_NAME = "keeper"
READY_POLL_S = 0.005  # the server tells that it is ready only through a line in its pid file
READY_LINE = 7  # of postmaster.pid, counted from 0 (PostgreSQL source, miscadmin.h, LOCK_FILE_LINE_PM_STATUS)
RESTARTS_MAX = 20  # a server that dies more often than this has a fault that restarting hides
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Plan(NamedTuple):
    """What to run: `uid` and `gid` are -1 to stay the user we are."""

    cluster: Path
    run_folder: Path
    uid: int
    gid: int
    command: list[str]


def spawn(plan: Plan) -> tuple[int, int]:
    """Start the server; its pid, and a pipe's end that ends when it and all its children are gone.

    The pid file of a server that was killed is removed first: the lock that we inherited proves that no
    server of ours is alive, whatever process or zombie has its number now.
    """
    (plan.cluster / "postmaster.pid").unlink(missing_ok=True)
    lifeline, held_by_server = os.pipe()
    os.set_inheritable(held_by_server, True)
    pid = os.fork()
    if pid == 0:
        try:
            if plan.uid >= 0:
                os.setgroups([])
                os.setgid(plan.gid)
                os.setuid(plan.uid)
            if sys.platform == "linux":  # if the keeper is killed the server still stops, and cleanly
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            os.execv(plan.command[0], plan.command)  # noqa: S606 - no shell is the point
        except OSError as error:
            print(f"cannot run {plan.command[0]}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        finally:
            os._exit(127)
    os.close(held_by_server)
    return pid, lifeline


def is_ready(cluster: Path) -> bool:
    """Whether the server says in its pid file that it takes connections."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready"


def keep(plan: Plan, listener: socket.socket, first_user: socket.socket) -> None:
    """Run the server until the last user has gone, or until it cannot be kept running."""
    users = {first_user}
    restarts = 0
    ready = False
    pid, lifeline = spawn(plan)
    with selectors.DefaultSelector() as selector:
        for source in (listener, first_user, lifeline):
            selector.register(source, selectors.EVENT_READ)
        while users:
            for key, _ in selector.select(None if ready else READY_POLL_S):
                if key.fileobj is listener:
                    user = listener.accept()[0]
                    users.add(user)
                    selector.register(user, selectors.EVENT_READ)
                    if ready:
                        tell_ready(user)
                elif key.fd == lifeline:
                    os.waitpid(pid, 0)
                    selector.unregister(lifeline)
                    os.close(lifeline)
                    restarts += 1
                    if not ready or restarts > RESTARTS_MAX:
                        return
                    ready = False
                    pid, lifeline = spawn(plan)
                    selector.register(lifeline, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    selector.unregister(key.fileobj)
                    users.remove(key.fileobj)
                    if users:
                        key.fileobj.close()
            if not ready and is_ready(plan.cluster):
                ready = True
                for user in users:
                    tell_ready(user)
    listener.close()
    os.kill(pid, signal.SIGINT)  # "fast" shutdown: open transactions are rolled back, all else is kept
    os.waitpid(pid, 0)


def tell_ready(user: socket.socket) -> None:
    """Tell a program that it may connect; one that has just gone is noticed by its connection's end."""
    try:
        user.send(READY)
    except OSError:
        return


def remove_run_folder(folder: Path) -> None:
    """Remove the sockets' folder, which holds plain files only."""
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()


def main(arguments: list[str]) -> None:
    """Arguments: listener's and first user's descriptors, uid, gid, cluster, run folder, the command."""
    if os.fork() != 0:  # belong to no program: whichever started us may go before the others
        os._exit(0)
    listener, first_user = (socket.socket(fileno=int(number)) for number in arguments[:2])
    for own in (listener, first_user):
        own.set_inheritable(False)
    uid, gid = map(int, arguments[2:4])
    plan = Plan(Path(arguments[4]), Path(arguments[5]), uid, gid, arguments[6:])
    try:
        keep(plan, listener, first_user)
    finally:
        remove_run_folder(plan.run_folder)


if __name__ == "__main__":
    main(sys.argv[1:])
