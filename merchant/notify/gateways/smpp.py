"""Text messages to an SMSC by SMPP 3.4: a thread of the process owns the connection and submits what a queue holds.

It binds when a message comes, keeps up to WINDOW submissions unanswered, answers what the SMSC asks, and unbinds after
IDLE_S without messages. Every submission ends by its answer, by the end of its connection, or by its deadline. smpplib
makes and reads the units; it blocks, so nothing of it runs in the event loop. Receipts are acknowledged and not read.
"""

import asyncio
import contextlib
import queue
import socket
import threading
import time
from concurrent.futures import Future
from uuid import UUID

import structlog

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.notify.gateways.outcomes import NotSent, Refused, Taken, read_secret
from merchant.notify.gateways.parts import Encoded, encode
from merchant.notify.gateways.smpp_line import BindRefused, Submission, open_line

QUEUE_MAX = 500  # messages in memory, more than a worker has jobs; what does not fit is tried again by the outbox
HOLD_OFF_S = 5.0  # after a connection that failed, so that a hundred waiting jobs are no hundred attempts
REFUSED_HOLD_OFF_S = 60.0  # after a wrong password: SMSCs lock accounts that keep trying
PASSWORD_MAX = 8  # characters (SMPP 3.4, 4.1.1); smpplib would cut a longer one silently
_log = structlog.get_logger()


class Session:
    """The way to the SMSC of one process; its thread runs while there is a connection or something to send."""

    def __init__(self, settings: Settings, taken: Taken) -> None:
        self._settings, self._taken = settings, taken
        self._queue: queue.Queue[Submission] = queue.Queue(QUEUE_MAX)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._closing = False
        self._secret = ""
        self._held_off: tuple[float, str] = (0.0, "")

    async def send(self, message_id: UUID, phone: str, text: str) -> None:
        """Submit a message, but for parts that were taken before, and wait for the answer. Raises Refused, NotSent."""
        encoded = _encoded(text, message_id)
        left = {*range(len(encoded.parts))} - self._taken.parts(message_id)
        if not left:
            return
        secret = await read_secret(self._settings)
        if len(secret) > PASSWORD_MAX:
            raise NotSent(f"The password for the SMSC is longer than {PASSWORD_MAX} characters.")
        future: Future[None] = Future()
        self._put(Submission(message_id, phone.removeprefix("+"), encoded, left, future, self._deadline()), secret)
        try:
            await asyncio.wait_for(asyncio.wrap_future(future), self._settings.sms_timeout_s)
        except TimeoutError:
            if future.cancelled():
                raise NotSent("The message was not handed to the SMSC in time.") from None
            raise NotSent("The SMSC gave no answer in time; the message may arrive twice.") from None

    def close(self) -> None:
        """Unbind and end the thread. The end of the process does as well, without a word to the SMSC."""
        with self._lock:
            self._closing, thread = True, self._thread
            self._poke()
        if thread is not None:
            thread.join(self._settings.sms_timeout_s * 2)

    def _deadline(self) -> float:
        return time.monotonic() + self._settings.sms_timeout_s

    def _put(self, submission: Submission, secret: str) -> None:
        with self._lock:
            until, why = self._held_off
            if time.monotonic() < until:
                raise NotSent(why)
            try:
                self._queue.put_nowait(submission)
            except queue.Full:
                raise NotSent("Too many messages wait for the SMSC.") from None
            self._secret = secret
            if self._thread is None:
                self._wake = socket.socketpair()
                for end in self._wake:
                    end.setblocking(False)
                self._thread = threading.Thread(target=self._run, name="smpp", daemon=True)
                self._thread.start()
            else:
                self._poke()

    def _poke(self) -> None:
        if self._wake is not None:
            with contextlib.suppress(BlockingIOError):  # it will wake up as it is
                self._wake[1].send(b"!")

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._has_work():
            try:
                self._serve()
            except Exception as error:
                self._give_up(f"The way to the SMSC failed: {type(error).__name__}.", HOLD_OFF_S)

    def _has_work(self) -> bool:
        """Whether a message waits; else the thread ends, and the next message starts another."""
        with self._lock:
            if not self._queue.empty() and not self._closing:
                return True
            assert self._wake is not None
            for end in self._wake:
                end.close()
            self._thread = self._wake = None
        self._fail_queued("The service stops.")
        return False

    def _serve(self) -> None:
        assert self._wake is not None
        try:
            line = open_line(self._settings, self._secret)
        except BindRefused as error:
            self._give_up(f"The SMSC refuses to bind us: {error}.", REFUSED_HOLD_OFF_S)
            return
        except Exception as error:
            # Whatever a peer answers that is no bind_transceiver_resp: smpplib has an error for each kind.
            self._give_up(f"The SMSC cannot be reached: {type(error).__name__}.", HOLD_OFF_S)
            return
        _log.info("smpp_bound")
        why = line.serve(self._queue, self._taken, self._wake[0], lambda: self._closing)
        _log.info("smpp_unbound", why=why)

    def _give_up(self, why: str, hold_off_s: float) -> None:
        _log.warning("smpp_not_bound", why=why)
        with self._lock:
            self._held_off = (time.monotonic() + hold_off_s, why)
        self._fail_queued(why)

    def _fail_queued(self, why: str) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait().fail(NotSent(why))


def session_of(service: Service) -> Session:
    """The process's session, for `service.shared`."""
    return Session(service.settings, service.shared(Taken))


def _encoded(text: str, message_id: UUID) -> Encoded:
    try:
        return encode(text, message_id)
    except ValueError as error:
        raise Refused(f"The message is too long for a phone: {error}.") from None
