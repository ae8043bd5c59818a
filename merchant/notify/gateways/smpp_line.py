"""One connection to an SMSC, from bind to unbind, as the thread of smpp.Session runs it.

What is wrong with the connection ends it, and every submission without an answer then fails with NotSent: nobody knows
whether the SMSC took it, and SMPP has no id by which it would notice a second copy.
"""

import contextlib
import logging
import queue
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from smpplib import consts, exceptions, smpp
from smpplib.client import Client

from merchant.core.settings import Settings
from merchant.notify.gateways.outcomes import NotSent, Refused, Taken
from merchant.notify.gateways.parts import Encoded

WINDOW = 10  # submissions without an answer, which SMSCs commonly allow
ENQUIRE_S = 30.0  # of silence, after which we ask whether the SMSC is there; firewalls forget connections after minutes
IDLE_S = 600.0  # without a message, after which we unbind
_LENGTH_BYTES = 4  # with which a unit begins
_UNIT_MAX_BYTES = 65_536  # a receipt is some hundred; what names a longer one speaks another protocol
# SMPP 3.4, 5.1.3: that the number or the text is wrong, now and ever. Whatever else an SMSC says may pass: its queue is
# full, we are too quick, our account is being mended.
_NEVER = {
    consts.SMPP_ESME_RINVMSGLEN,
    consts.SMPP_ESME_RINVDSTADR,
    consts.SMPP_ESME_RX_P_APPN,
    consts.SMPP_ESME_RX_R_APPN,
}
_LOST = "The SMSC ended the connection before it answered; the message may arrive twice."
# smpplib logs each unit in hexadecimal at DEBUG: password, number and text.
for _name in ("smpp", "smpplib"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class BindRefused(Exception):
    """The SMSC knows another password, or has no session left for us; the text is its code."""


class Quiet(TimeoutError):
    """No unit has begun: over TLS a connection also brings what is no data, such as new keys."""


class Lost(Exception):
    """The connection is of no use any more."""


@dataclass
class Submission:
    """A message on its way: the parts that are left, and whoever waits for the end of it."""

    message_id: UUID
    digits: str
    encoded: Encoded
    left: set[int]
    future: Future[None]
    deadline: float

    def fail(self, error: NotSent | Refused) -> None:
        """End it, unless it has ended."""
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(error)

    def take(self, part: int) -> None:
        """Note that a part was taken; with the last the message was."""
        self.left.discard(part)
        if not self.left:
            with contextlib.suppress(InvalidStateError):
                self.future.set_result(None)


class _Wire(Client):  # type: ignore[misc]
    """smpplib's client over TLS that knows whom it calls, over IPv6 too, and with an end to what it reads."""

    def connect(self) -> None:
        raw = socket.create_connection((self.host, self.port), timeout=self.timeout)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context: ssl.SSLContext | None = self._ssl_context
            self._socket = raw if context is None else context.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise
        self.state = consts.SMPP_CLIENT_STATE_OPEN

    def _recv_exact(self, exact_size: int) -> bytes:
        if not 0 <= exact_size <= _UNIT_MAX_BYTES:
            raise exceptions.PDUError("a unit of an impossible length")
        received = bytearray()
        while len(received) < exact_size:
            try:
                piece = self._socket.recv(exact_size - len(received))
            except TimeoutError:
                if not received and exact_size == _LENGTH_BYTES:
                    raise Quiet from None
                raise exceptions.ConnectionError("half a unit") from None
            if not piece:
                raise exceptions.ConnectionError("the end of the connection")
            received += piece
        return bytes(received)


def open_line(settings: Settings, password: str) -> "Line":
    """Connect and bind. Raises BindRefused; OSError and smpplib's errors where there is no SMSC or no TLS."""
    parts = urlsplit(settings.sms_url)
    context = ssl.create_default_context() if parts.scheme == "smpps" else None
    wire = _Wire(
        parts.hostname,
        parts.port,
        timeout=settings.sms_timeout_s / 2,  # so that who waits for the message is told what failed
        logger_name="smpp",
        ssl_context=context,
        allow_unknown_opt_params=True,
    )
    try:
        wire.connect()
        bind = wire.bind_transceiver if settings.sms_bind == "transceiver" else wire.bind_transmitter
        bind(system_id=settings.sms_user, password=password)
    except BaseException as error:
        _hang_up(wire)
        if isinstance(error, exceptions.PDUError) and len(error.args) > 1:
            raise BindRefused(f"0x{error.args[1]:02x}") from None
        raise
    return Line(wire, settings)


def address_of(sender: str) -> tuple[int, int, str]:
    """Type of number, numbering plan and text of a sender (SMPP 3.4, 5.2.5 and 5.2.6)."""
    digits = sender.removeprefix("+")
    if not sender:
        return consts.SMPP_TON_UNK, consts.SMPP_NPI_UNK, ""
    if not digits.isdecimal():
        return consts.SMPP_TON_ALNUM, consts.SMPP_NPI_UNK, sender
    if sender != digits or len(digits) > 6:
        return consts.SMPP_TON_INTL, consts.SMPP_NPI_ISDN, digits
    return consts.SMPP_TON_NWSPEC, consts.SMPP_NPI_UNK, digits


class Line:
    """A bound connection; used by one thread."""

    def __init__(self, wire: Any, settings: Settings) -> None:
        self._wire, self._timeout_s = wire, settings.sms_timeout_s
        self._source = address_of(settings.sms_sender)
        # By a unit's number: which part of a message it is, and who waits; more than one after a retry.
        self._waiting: dict[int, tuple[list[Submission], int]] = {}
        self._due: deque[tuple[Submission, int]] = deque()
        self._heard_at = self._busy_at = time.monotonic()
        self._asked_at: float | None = None

    def serve(
        self,
        waiting: "queue.Queue[Submission]",
        taken: Taken,
        wake: socket.socket,
        is_closing: Callable[[], bool],
    ) -> str:
        """Submit what comes until it is quiet for long, the service stops or the connection breaks; why it ended."""
        why = "no more messages"
        selector = selectors.DefaultSelector()
        try:
            selector.register(wake, selectors.EVENT_READ)
            selector.register(self._wire._socket, selectors.EVENT_READ)
            while not is_closing() and time.monotonic() - self._busy_at < IDLE_S:
                self._submit(waiting, taken)
                self._check()
                self._listen(taken, wake, selector)
            self._wire.unbind()
        except Exception as error:
            # The peer's fault, whatever it is: smpplib and the standard library have an error for each.
            why = str(error) if isinstance(error, Lost) else type(error).__name__
        for submission in (*self._submitted(), *(one for one, _ in self._due)):
            submission.fail(NotSent(_LOST))
        selector.close()
        _hang_up(self._wire)
        return why

    def _submitted(self) -> list[Submission]:
        return [one for submissions, _ in self._waiting.values() for one in submissions]

    def _submit(self, waiting: "queue.Queue[Submission]", taken: Taken) -> None:
        """Fill the window with parts, those of one message one after another."""
        while len(self._waiting) < WINDOW:
            if not self._due:
                try:
                    submission = waiting.get_nowait()
                except queue.Empty:
                    return
                if submission.future.set_running_or_notify_cancel():  # else nobody waits any more
                    for part in taken.parts(submission.message_id):  # while this one was queued
                        submission.take(part)
                    self._due.extend((submission, part) for part in sorted(submission.left))
                continue
            submission, part = self._due.popleft()
            if not submission.future.done():  # a part before it may have been refused
                self._submit_part(submission, part)

    def _submit_part(self, submission: Submission, part: int) -> None:
        for earlier, its_part in self._waiting.values():
            if (earlier[0].message_id, its_part) == (submission.message_id, part):
                earlier.append(submission)  # a retry after the deadline: the answer may yet come, and is for both
                return
        ton, npi, source = self._source
        encoded = submission.encoded
        unit = smpp.make_pdu(
            "submit_sm",
            client=self._wire,
            source_addr_ton=ton,
            source_addr_npi=npi,
            source_addr=source,
            dest_addr_ton=consts.SMPP_TON_INTL,
            dest_addr_npi=consts.SMPP_NPI_ISDN,
            destination_addr=submission.digits,
            esm_class=consts.SMPP_GSMFEAT_UDHI if encoded.has_header else consts.SMPP_MSGMODE_DEFAULT,
            data_coding=encoded.data_coding,
            short_message=encoded.parts[part],
        )
        self._waiting[unit.sequence] = ([submission], part)
        self._busy_at = time.monotonic()
        self._wire.send_pdu(unit)

    def _check(self) -> None:
        """Ask whether a silent SMSC is there. Raises Lost when it does not answer that, or a submission."""
        now = time.monotonic()
        if any(now > submission.deadline + self._timeout_s for submission in self._submitted()):
            raise Lost("no answer to a message")
        if self._asked_at is not None and now - self._asked_at > self._timeout_s:
            raise Lost("no answer to enquire_link")
        if self._asked_at is None and now - self._heard_at > ENQUIRE_S:
            self._wire.send_pdu(smpp.make_pdu("enquire_link", client=self._wire))
            self._asked_at = now

    def _listen(self, taken: Taken, wake: socket.socket, selector: selectors.BaseSelector) -> None:
        """Wait for a unit, a new message, or the next look at the clock."""
        is_busy = self._waiting or self._asked_at is not None
        patience_s = min(1.0, self._timeout_s / 2) if is_busy else min(ENQUIRE_S, IDLE_S)
        wire_socket = self._wire._socket
        if not (isinstance(wire_socket, ssl.SSLSocket) and wire_socket.pending()):
            ready = [key.fileobj for key, _ in selector.select(patience_s)]
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    wake.recv(1024)
            if wire_socket not in ready:
                return
        try:
            unit = self._wire.read_pdu()
        except Quiet:
            return
        self._heard_at, self._asked_at = time.monotonic(), None
        self._take(unit, taken)

    def _take(self, unit: Any, taken: Taken) -> None:
        if unit.command in ("submit_sm_resp", "generic_nack"):
            submissions, part = self._waiting.pop(unit.sequence, ([], 0))
            for submission in submissions:
                if unit.command == "submit_sm_resp" and not unit.is_error():
                    taken.add(submission.message_id, part)
                    submission.take(part)
                elif unit.status in _NEVER:
                    submission.fail(Refused(f"The SMSC refuses the message: 0x{unit.status:02x}."))
                else:
                    submission.fail(NotSent(f"The SMSC does not take the message now: 0x{unit.status:02x}."))
        elif unit.command in ("enquire_link", "deliver_sm", "unbind"):
            answer = smpp.make_pdu(f"{unit.command}_resp", client=self._wire)
            answer.sequence = unit.sequence
            self._wire.send_pdu(answer)
            if unit.command == "unbind":
                raise Lost("the SMSC ended the session")


def _hang_up(wire: Any) -> None:
    """Close a connection without waiting for anybody."""
    with contextlib.suppress(Exception):
        wire.state = consts.SMPP_CLIENT_STATE_OPEN  # else smpplib warns that it is bound
        wire.disconnect()
