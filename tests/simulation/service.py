"""The service without wire and database: nodes that store, decide, save and send, and die between any two steps.

A batch is saved whole or not at all, as a transaction is; a job belongs to the node that wrote it, and to another one
ten seconds after that node has died. What was not saved is lost, what was not forgotten is sent again.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from merchant.hub import port
from merchant.hub.port import MessageRefused
from merchant.payments import internal
from merchant.payments.book import Book, Decision, OurDfsp, Outgoing, Request, Rules
from merchant.payments.decide import decide
from merchant.payments.refunds.values import Refund
from merchant.payments.requests import HasEnded, MoneyUnderWay, decide_cancel
from merchant.payments.states import RequestCapability, may
from merchant.payments.transfers import NotYet
from tests.simulation.memory import load
from tests.simulation.world import World

LEASE_S, RETRY_S, GATHER_S, POLL_S = 10.0, 2.0, 0.02, 1.0
BATCH_MAX = 64
LOOK_UP_AGAIN_S = 15.0
# How a node's end is spread over the steps of a batch, and how often it comes.
KILLED = 0.0005
CHECK, GRACE = timedelta(seconds=30), timedelta(seconds=10)

_AGAIN = (
    port.PartyAsked,
    port.QuoteAsked,
    port.QuoteAskedAgain,
    port.TransferPrepared,
    port.TransferAskedAgain,
    port.PayerFound,
    port.PayerNotFound,
    port.TransferFailed,
    port.TransferEnded,  # hubs date their words, so a repetition is another message
)


class Arrived(Struct, frozen=True):
    """A message as the inbox keeps it."""

    dfsp: OurDfsp
    source: str
    event: Any
    is_hub: bool


class Job(Struct):
    """Work that outlives its node: a message to decide about, or something to tell the hub."""

    id: int
    work: Any  # Arrived, an internal event, Outgoing, or what to ask
    dfsp: OurDfsp | None = None
    source: str = ""
    attempts: int = 0
    is_done: bool = False


class ToAsk(Struct, frozen=True):
    """A request's look-up, or its question."""

    request_id: UUID
    is_look_up: bool


class Database:
    """What all nodes share, and what outlives them."""

    def __init__(self, world: World, book: Book, decide_with: Callable[..., Decision] = decide) -> None:
        self.world, self.book = world, book
        self.seen: set[tuple[str, Any]] = set()
        self.on_saved: Callable[[Decision], None] = lambda _decision: None
        self.record: Callable[..., None] = lambda *_what: None  # what happened, for whoever plays it again
        self.decide = decide_with
        self._ids = 0

    def job(self, work: Any, dfsp: OurDfsp | None = None, source: str = "") -> Job:
        """A new row of the outbox."""
        self._ids += 1
        return Job(self._ids, work, dfsp, source)

    def rules(self, now: Any) -> None:
        """The day that the clock shows."""
        day: date = (now + timedelta(hours=3)).date()  # the scheme's time zone is three hours ahead
        if day != self.book.rules.day:
            self.book.rules = Rules(day, CHECK, GRACE, self.world.new_id)


class Node:
    """One process of the service."""

    def __init__(self, world: World, database: Database, others: "list[Node]", hub: Any) -> None:
        self.world, self.database, self.others, self.hub = world, database, others, hub
        self.skew_s = 0.0
        self.waiting: deque[Job] = deque()
        self._is_awake = False

    # --- what comes ---

    def store(self, arrived: Arrived) -> None:
        """Keep a message, and a job for it, unless it is an answer that came before. It is acknowledged then."""
        key = (arrived.source, arrived.event)
        if key in self.database.seen and not isinstance(arrived.event, _AGAIN):
            return
        self.database.seen.add(key)
        self.take(self.database.job(arrived, arrived.dfsp, arrived.source))

    def take(self, job: Job) -> None:
        """Work on a job soon, with others."""
        self.waiting.append(job)
        if not self._is_awake:
            self._is_awake = True
            self.world.after(GATHER_S, self._work)

    def _die(self) -> None:
        """What was in memory is gone; what was saved is another's after the lease."""
        orphans, self.waiting = list(self.waiting), deque()
        self.world.tell("killed")
        self.world.after(LEASE_S, self._adopt, orphans)

    def _adopt(self, orphans: list[Job]) -> None:
        heir = self.world.chance.choice(self.others)
        for job in orphans:
            if not job.is_done:
                heir.take(job)

    # --- a batch ---

    def _work(self) -> None:
        self._is_awake = False
        batch = [self.waiting.popleft() for _ in range(min(BATCH_MAX, len(self.waiting)))]
        if self.waiting:
            self._is_awake = True
            self.world.after(GATHER_S, self._work)
        messages = [job for job in batch if isinstance(job.work, (Arrived, internal.Inside))]
        if self.world.is_so(KILLED):  # before it is saved: nothing has happened
            self.waiting.extend(batch)
            self._die()
            return
        new = self._decide(messages)
        if self.world.is_so(KILLED):  # after it is saved, before anything is sent
            self.waiting.extend([*new, *(job for job in batch if job not in messages)])
            self._die()
            return
        for job in [*new, *(job for job in batch if job not in messages)]:
            if isinstance(job.work, (Arrived, internal.Inside)):
                self.take(job)
            else:
                self._send(job)

    def _decide(self, jobs: list[Job]) -> list[Job]:
        """Decide about a batch on a book of its own, and save; the jobs that this causes."""
        now = self.world.now(self.skew_s)
        self.database.rules(now)
        found = [(job, *_told(job)) for job in jobs if not job.is_done]
        self.database.record("batch", now, [one[1:] for one in found])
        book = load(self.database.book, found, now)
        new: list[Job] = []
        for job, event, dfsp, source, is_hub in found:
            try:
                decision = self.database.decide(book, dfsp, source, event, now, is_hub=is_hub)
            except NotYet:
                job.attempts += 1
                if job.attempts < 20:
                    self.world.after(RETRY_S * 2 ** min(job.attempts, 6), self.take, job)
                continue
            except MessageRefused as refused:
                decision = Decision(refused=refused)
            job.is_done = True
            _write(decision)
            book.apply(decision)
            self._save(decision)
            new += self._caused(decision, event, dfsp, source)
        return new

    def _save(self, decision: Decision) -> None:
        for transfer_id in decision.transfers:
            if transfer_id not in self.database.book.transfers:
                self.world.after(CHECK.total_seconds(), self.look_at_transfer, transfer_id)
        self.database.book.apply(decision)
        self.database.on_saved(decision)

    def _caused(self, decision: Decision, event: Any, dfsp: OurDfsp | None, source: str) -> list[Job]:
        new = [self.database.job(ToAsk(one.id, False)) for one in decision.ask]
        new += [self.database.job((say, event), dfsp, source) for say in decision.says]
        if decision.refused is not None and isinstance(event, (port.QuoteAsked, port.TransferPrepared)):
            refuse = Outgoing(say=port.Refuse(decision.refused.refusal, decision.refused.description), to_fsp_id=source)
            new.append(self.database.job((refuse, event), dfsp, source))
        return new

    # --- what leaves ---

    def _send(self, job: Job) -> None:
        """Send what a job says. No answer: again later. Taken: the job ends, unless the node dies first."""
        if job.is_done:
            return
        if isinstance(job.work, ToAsk):
            self._send_question(job, job.work)
            return
        say, event = job.work
        if say.useless_after is not None and say.useless_after <= self.world.now(self.skew_s):
            job.is_done = True
            return
        taken = self.hub.take(say.say, job.dfsp, say.to_fsp_id, event)
        inside: Any = internal.AnswerTaken(say.commits) if say.commits is not None else None
        if say.refund_id is not None:
            inside = internal.RefundTaken(say.refund_id)
        self._sent(job, taken, inside)

    def _send_question(self, job: Job, ask: ToAsk) -> None:
        request = self.database.book.requests.get(ask.request_id)
        now = self.world.now(self.skew_s)
        capability = RequestCapability.LOOK_UP_PAYER if ask.is_look_up else RequestCapability.ASK_PAYER
        if request is None or request.expires_at <= now or not may(request.state, capability):
            job.is_done = True
            return
        if ask.is_look_up:
            self.database.book.put_request(replace(request, looked_up_at=now))
            self.database.record("looked up", now, request.id)
        taken = self.hub.ask(request, is_look_up=ask.is_look_up)
        self._sent(job, taken, None if ask.is_look_up else internal.QuestionTaken(request.id))

    def _sent(self, job: Job, taken: bool, inside: Any) -> None:
        if not taken:
            job.attempts += 1
            if job.attempts < 20:
                self.world.after(RETRY_S * 2 ** min(job.attempts, 6), self.take, job)
            return
        if self.world.is_so(KILLED):  # it was taken, and nobody knows
            self.waiting.append(job)
            self._die()
            return
        job.is_done = True
        if inside is not None:
            self.take(self.database.job(inside))

    # --- timers and people ---

    def look_at_request(self, request_id: UUID) -> None:
        """A request is due, as this node's clock shows it, or is looked at again a little later."""
        request = self.database.book.requests.get(request_id)
        if request is None or not may(request.state, RequestCapability.EXPIRE):
            return
        if request.expires_at <= self.world.now(self.skew_s):
            self.take(self.database.job(internal.RequestDue(request_id)))
        self.world.after(POLL_S, self.world.chance.choice(self.others).look_at_request, request_id)

    def look_at_transfer(self, transfer_id: str) -> None:
        """A transfer that the hub should have ended by now."""
        transfer = self.database.book.transfers.get(transfer_id)
        if transfer is None or transfer.check_at is None:
            return
        wait_s = (transfer.check_at - self.world.now(self.skew_s)).total_seconds()
        if wait_s <= 0:
            self.take(self.database.job(internal.TransferSilent(transfer_id, transfer.fsp_id)))
        heir = self.world.chance.choice(self.others)
        self.world.after(max(POLL_S, wait_s), heir.look_at_transfer, transfer_id)

    def look_at_refund(self, refund_id: UUID) -> None:
        """A refund whose time has come."""
        refund = self.database.book.refunds.get(refund_id)
        if refund is None or refund.check_at is None:
            return
        wait_s = (refund.check_at - self.world.now(self.skew_s)).total_seconds()
        if wait_s <= 0:
            self.take(self.database.job(internal.RefundDue(refund_id, refund.fsp_id)))
        heir = self.world.chance.choice(self.others)
        self.world.after(max(POLL_S, wait_s), heir.look_at_refund, refund_id)

    def give_back(self, decision: Decision, refund: Refund, dfsp: OurDfsp) -> None:
        """A shop gives money back."""
        self._save(decision)
        for job in self._caused(decision, None, dfsp, ""):
            self.take(job)
        self.look_at_refund(refund.id)

    def create(self, request: Request) -> None:
        """A shop asks for money."""
        self.database.book.put_request(request)
        self.database.record("create", self.world.now(self.skew_s), request)
        self.world.after(
            (request.expires_at - self.world.now(self.skew_s)).total_seconds(), self.look_at_request, request.id
        )
        if request.payer is not None:
            self.take(self.database.job(ToAsk(request.id, True)))
            self.world.after(LOOK_UP_AGAIN_S, self._look_up_again, request.id)

    def _look_up_again(self, request_id: UUID) -> None:
        request = self.database.book.requests.get(request_id)
        if request is not None and request.payer_fsp_id is None:
            self.take(self.database.job(ToAsk(request_id, True)))

    def cancel(self, request_id: UUID) -> None:
        """A shop takes a request back."""
        book, now = self.database.book, self.world.now(self.skew_s)
        request = book.requests.get(request_id)
        if request is not None:
            self.database.record("cancel", now, request_id)
            with suppress(HasEnded, MoneyUnderWay):
                self._save(decide_cancel(book, request, now))


def _told(job: Job) -> tuple[Any, OurDfsp | None, str, bool]:
    if isinstance(job.work, Arrived):
        return job.work.event, job.work.dfsp, job.work.source, job.work.is_hub
    return job.work, None, "", False


def _write(decision: Decision) -> None:
    """What an adapter adds to a decision: the answers as they are sent, and a quote's lock."""
    decision.quotes = [
        replace(one, answer=str(one.amount).encode(), lock=f"lock of {one.quote_id}") for one in decision.quotes
    ]
    for key, transfer in decision.transfers.items():
        if transfer.answer is None:
            decision.transfers[key] = replace(transfer, answer=b"answer")
