"""The process beside the server: keeps it running while anybody uses it, stops it when nobody does.

Every program that uses the server holds a connection to the keeper's socket, which the kernel closes however the
program ends, kill -9 included: no process ids, heartbeats or clocks. The keeper sends one byte, READY, once the server
takes connections, and closes a program's connection when that program may go: at once if others stay, else after the
server has stopped. Run as a script by its path, with the standard library only, and so without the service's memory.
"""

import ctypes
import os
import select
import selectors
import signal
import socket
import sys
from pathlib import Path

READY = b"r"
SOCKET_NAME = "keeper"
READY_POLL_S = 0.005  # the server tells that it is ready only through a line in its pid file
READY_LINE = 7  # of postmaster.pid, from 0: LOCK_FILE_LINE_PM_STATUS in PostgreSQL's pidfile.h
RESTARTS_MAX = 20  # a server that dies more often has a fault that restarting would hide
STOP_PATIENCE_S = 30.0  # an orderly shutdown writes no more than shared_buffers to disk
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become(uid: int, gid: int) -> None:
    """Give up root for good, so that neither keeper nor server can do more than the server's user."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def spawn(cluster: Path, command: list[str]) -> tuple[int, int]:
    """Start the server; its pid, and a pipe's end that ends when it and all its children are gone.

    The pid file of a server that was killed is removed first: the lock that we inherited proves that no
    server of ours is alive, whatever process or zombie has its number now.
    """
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    lifeline, held_by_server = os.pipe()
    os.set_inheritable(held_by_server, True)
    pid = os.fork()
    if pid == 0:
        try:
            if sys.platform == "linux":  # if the keeper is killed the server still stops, and cleanly
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            os.execv(command[0], command)  # noqa: S606 - no shell is the point
        except OSError as error:
            print(f"cannot run {command[0]}: {error}", file=sys.stderr, flush=True)  # noqa: T201
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


def tell_ready(user: socket.socket) -> None:
    """Tell a program that it may connect; one that has just gone is noticed by its connection's end."""
    try:
        user.send(READY)
    except OSError:
        return


def keep(cluster: Path, command: list[str], listener: socket.socket, users: set[socket.socket]) -> None:
    """Run the server until the last of `users` has gone, or until it cannot be kept running.

    The last user stays in the set and its connection open: our own end closes it.
    """
    restarts = 0
    ready = False
    pid, lifeline = spawn(cluster, command)
    selector = selectors.DefaultSelector()
    selector.register(lifeline, selectors.EVENT_READ)
    for known in (listener, *users):
        selector.register(known, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(None if ready else READY_POLL_S):
            if key.fileobj is listener:
                user = listener.accept()[0]
                users.add(user)
                selector.register(user, selectors.EVENT_READ)
                if ready:
                    tell_ready(user)
            elif isinstance(key.fileobj, socket.socket):
                selector.unregister(key.fileobj)
                if len(users) == 1:
                    listener.close()
                    stop(pid, lifeline)
                    return
                users.remove(key.fileobj)
                key.fileobj.close()
            else:  # the lifeline: the server crashed or was killed
                selector.unregister(lifeline)
                os.close(lifeline)
                os.waitpid(pid, 0)
                restarts += 1
                if not ready or restarts > RESTARTS_MAX:
                    return
                ready = False
                pid, lifeline = spawn(cluster, command)
                selector.register(lifeline, selectors.EVENT_READ)
        if not ready and is_ready(cluster):
            ready = True
            for user in users:
                tell_ready(user)


def stop(pid: int, lifeline: int) -> None:
    """PostgreSQL's fast shutdown: open transactions are rolled back, everything committed is kept.

    Where that hangs, its immediate shutdown, which is as safe as a crash.
    """
    os.kill(pid, signal.SIGINT)
    if not select.select([lifeline], [], [], STOP_PATIENCE_S)[0]:
        os.kill(pid, signal.SIGQUIT)
    os.waitpid(pid, 0)


def main(arguments: list[str]) -> None:
    """Arguments: descriptors of the listener, the first user and the lock; uid and gid (-1 to stay the user
    we are); cluster; run folder; the server's command.
    """
    if os.fork() != 0:  # belong to no program: whichever started us may go before the others
        os._exit(0)
    listener, first_user = (socket.socket(fileno=int(number)) for number in arguments[:2])
    for own in (listener, first_user):
        own.set_inheritable(False)
    lock, uid, gid = map(int, arguments[2:5])
    if uid != -1:
        become(uid, gid)
    cluster, run_folder = map(Path, arguments[5:7])
    users = {first_user}
    try:
        keep(cluster, arguments[7:], listener, users)
    finally:
        for path in run_folder.iterdir():
            path.unlink(missing_ok=True)
        run_folder.rmdir()
        os.close(lock)  # before the users' connections end, so that they may start again at once


if __name__ == "__main__":
    main(sys.argv[1:])
