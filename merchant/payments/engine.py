"""The engine: messages of the hub, and what became of ours, decided in batches of one transaction each.

Read (hub/adapter.py), load (book_loading.py), decide (requests.py, quotes.py, transfers.py, parties.py), write, save
(book_saving.py), commit; then what was written is handed to this process's worker. An event whose decision raises is
set aside alone. What fails for the whole batch is tried again in halves (programs/batches.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from msgspec import Struct
from prometheus_client import Counter

from merchant.core import clock, evidence, ids, inbox, outbox, spans
from merchant.core.db import Tx, is_unavailable
from merchant.core.distribution import NO_DFSP
from merchant.core.evidence import SecurityEvent
from merchant.core.handover import Handover
from merchant.core.inbox import Message
from merchant.core.outbox import HeldJob, NewJob
from merchant.core.service import Service
from merchant.core.slices import Work
from merchant.core.spans import Span
from merchant.hub.adapter import read, wire_code, write, write_refusal
from merchant.hub.envelopes import Answered, Written
from merchant.hub.port import AnswerQuote, AnswerTransfer, MessageRefused
from merchant.notify import events, receipts, sms
from merchant.payments import ask, outgoing
from merchant.payments.book import Book, Contradiction, Decision, OurDfsp, Outgoing
from merchant.payments.book_loading import load_book
from merchant.payments.book_saving import Stale, save_decisions
from merchant.payments.decide import decide
from merchant.payments.internal import RefundDue, TransferSilent
from merchant.payments.needs import Needs, add_needs
from merchant.payments.outgoing import QueuedMessage
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.refusals import At, Refusals
from merchant.payments.subjects import subject_of_path

_contradicted = Counter(
    "merchant_payer_contradictions",
    "Look-ups of a payer that two DFSPs answered, by whether the payer had been asked.",
    ["asked"],
)
# A row that somebody else holds must not keep a batch for long: its halves are tried, and at last it alone.
_LOCK_S = 0.5
_log = structlog.get_logger()


class Item(Struct):
    """One event of a batch on its way: what it says, what was decided of it, and what we say to that."""

    work: Work | None = None
    event: Any = None
    message: Message | None = None
    connection: HubConnection | None = None
    refused: MessageRefused | None = None
    decision: Decision | None = None
    written: list[tuple[Outgoing | None, Written]] = []
    error: Exception | None = None
    span: Span | None = None  # of a message, where spans are recorded
    dfsp_id: UUID | None = None  # whose job it is

    @property
    def source(self) -> str:
        """Who sent the message."""
        return self.message.source if self.message is not None else ""

    @property
    def traceparent(self) -> str | None:
        """The trace that it belongs to."""
        if self.span is not None:
            return self.span.traceparent
        return self.work.job.traceparent if self.work is not None else None


async def work_off(service: Service, works: Sequence[Work]) -> list[Exception | None]:
    """Decide a batch of jobs; for each what it failed by. Raises what concerns all of them."""
    lanes = _in_lanes(service, [Item(work=work, dfsp_id=work.job.dfsp_id) for work in works])
    errors: dict[int, Exception | None] = {}
    for some in lanes:
        try:
            done = await _again_if_contended(service, some)
        except Exception as error:
            # What other lanes have committed is done: this one's jobs alone come again.
            if len(lanes) == 1 or is_unavailable(error):
                raise
            done = [Item(work=item.work, error=error) for item in some]
        errors |= {item.work.job.id: item.error for item in done if item.work is not None}
    return [errors[work.job.id] for work in works]


def _in_lanes(service: Service, items: list[Item]) -> list[list[Item]]:
    """A batch, or one of each DFSP where each has its machine: a transaction then is of one."""
    if not service.db.is_distributed:
        return [items]
    lanes: dict[Any, list[Item]] = {}
    for item in items:  # of what names no DFSP of ours, each may turn out to be of another
        lanes.setdefault(item.dfsp_id or object(), []).append(item)
    return list(lanes.values())


async def decide_events(service: Service, found: Sequence[tuple[UUID, Any]]) -> None:
    """Decide about events that no job brings, each of a DFSP: time has passed. What fails as a whole is decided in
    halves, so that one event holds up no other. Raises the first error after all others have been decided.
    """
    errors: list[Exception] = []
    waiting = _in_lanes(service, [Item(event=event, dfsp_id=dfsp_id) for dfsp_id, event in found])
    while waiting:
        events_of = waiting.pop(0)
        try:
            items = await _again_if_contended(service, events_of)
        except Exception as error:
            # Without its database no half fares better.
            if is_unavailable(error):
                raise
            half = len(events_of) // 2
            if half:
                waiting += [events_of[:half], events_of[half:]]
            else:
                errors.append(error)
            continue
        errors += [item.error for item in items if item.error is not None]
    if errors:
        raise errors[0]


async def _again_if_contended(service: Service, items: list[Item]) -> list[Item]:
    """Another process may have decided about the same rows at the same time; then this batch sees what it decided."""
    try:
        return await _run(service, items)
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, Stale):
        pass
    again = [
        Item(work=item.work, event=item.event if item.work is None else None, dfsp_id=item.dfsp_id) for item in items
    ]
    return await _run(service, again)


async def _run(service: Service, items: list[Item]) -> list[Item]:
    """Decide about a batch, in a span of its own and one for each message where spans are recorded."""
    if not spans.is_on():
        return await _work(service, items)
    try:
        with spans.at_work(
            "decide a batch", "consumer", {"merchant.batch.events": len(items)}, [item.traceparent for item in items]
        ) as batch:
            await _work(service, items)
            batch.set("merchant.batch.set_aside", sum(item.error is not None for item in items))
    except Exception as error:
        for item in items:
            item.error = item.error or error
        raise
    finally:
        for item in items:
            _end_span(item)
    return items


async def _work(service: Service, items: list[Item]) -> list[Item]:
    now = clock.now()
    handover = service.shared(Handover)
    # PostgreSQL would plan the load of requests anew each time, which costs as much as running it.
    async with service.db.system(lock_s=_LOCK_S if len(items) > 1 else None, plan_once=True) as tx:
        needs = Needs()
        for item in items:
            await _read(tx, service, item)
            if item.event is not None and item.error is None and item.refused is None:
                add_needs(needs, item.event, _our_dfsp(item.connection), item.source)
        tx.enter_lane(_lane_of(items))
        book = await load_book(tx, service, needs, now)
        for item in items:
            if item.error is None:
                _decide(service, book, item, now)
        jobs = await _save(
            tx, service, book, [item for item in items if item.error is None], now, held=handover.is_open
        )
        tx.on_commit(lambda: handover.give(jobs))
    for item in items:
        if item.error is None:
            _tell(service, item)
    return items


def _lane_of(items: Sequence[Item]) -> UUID | None:
    """The DFSP that a batch is about; where tables are distributed, it is one."""
    for item in items:
        if found := item.connection.dfsp_id if item.connection is not None else item.dfsp_id:
            return found
    return None


# --- reading ---------------------------------------------------------------------------------------------------------


async def _read(tx: Tx, service: Service, item: Item) -> None:
    """What an item is about; a message that cannot be read is refused, one for nobody here means nothing."""
    work = item.work
    if work is None or work.outcome is not None:
        item.event = item.event if work is None else work.outcome
        if isinstance(item.event, (TransferSilent, RefundDue)):
            item.connection = await service.shared(HubConnections).connection(tx, item.event.fsp_id)
        return
    try:
        message: Message = work.value or inbox.open_message(service.vault, work.job.payload)
        # Messages that the release before stored may still have their query.
        item.message = message = msgspec.structs.replace(message, path=message.path.partition("?")[0])
        if spans.is_on():
            item.span = _start_span(work, message)
        item.connection = await service.shared(HubConnections).connection(tx, message.destination)
        if item.connection is None:
            return
        item.event = read(message.method, message.path, message.source, message.body, item.connection)
        if item.event is None:
            _log.info("message_without_handler", method=message.method, resource=message.resource)
    except MessageRefused as refused:
        item.refused = refused
    except Exception as error:
        item.error = error


def _start_span(work: Work, message: Message) -> Span:
    kind = f"/{message.resource}{'/error' if message.path.endswith('/error') else ''}"
    told: dict[str, str | int | bool] = {
        "fspiop.method": message.method,
        "fspiop.resource": message.resource,
        "fspiop.source": message.source,
        "fspiop.destination": message.destination,
        "merchant.job.attempt": work.job.attempts,
    }
    return spans.start(f"take {message.method} {kind}", "consumer", work.job.traceparent, told)


def _end_span(item: Item) -> None:
    if item.span is None:
        return
    if item.error is not None:
        item.span.fail(type(item.error).__name__)
    elif item.refused is not None:
        item.span.set("fspiop.error_code", wire_code(item.refused))
    item.span.end()


def _our_dfsp(connection: HubConnection | None) -> OurDfsp | None:
    if connection is None:
        return None
    return OurDfsp(connection.dfsp_id, connection.fsp_id, connection.transfer_mode == "COMMITTED")


# --- deciding --------------------------------------------------------------------------------------------------------


def _decide(service: Service, book: Book, item: Item, now: datetime) -> None:
    """Decide about an item and write what we say to it; the book then knows what has changed."""
    try:
        if item.event is not None and item.refused is None:
            is_hub = service.settings.is_hub(item.source)
            item.decision = decide(book, _our_dfsp(item.connection), item.source, item.event, now, is_hub=is_hub)
            item.refused = item.decision.refused
            item.written = [(say, _written(item, say)) for say in item.decision.says]
    except MessageRefused as refused:
        item.decision, item.written, item.refused = None, [], refused
    except Exception as error:
        item.error = error
        return
    if item.refused is not None and item.message is not None and item.message.method in ("GET", "POST"):
        item.written = [*item.written, (None, write_refusal(item.refused, _answered(item.message)))]
    if item.decision is not None:
        book.apply(item.decision)


def _written(item: Item, say: Outgoing) -> Written:
    """A message that says so; the row that keeps an answer gets it. Raises MessageRefused."""
    connection = item.connection
    assert connection is not None and item.decision is not None
    written = write(say.say, connection, None if item.message is None else _answered(item.message))
    decision = item.decision
    match say.say:
        case AnswerQuote(quote_id=quote_id):
            decision.quotes = [
                msgspec.structs.replace(one, answer=written.body, lock=written.lock)
                if one.quote_id == quote_id
                else one
                for one in decision.quotes
            ]
        case AnswerTransfer(transfer_id=transfer_id):
            transfer = decision.transfers[transfer_id]
            decision.transfers[transfer_id] = msgspec.structs.replace(transfer, answer=written.body)
    return written


def _answered(message: Message) -> Answered:
    return Answered(message.method, message.path, message.body)


# --- saving ----------------------------------------------------------------------------------------------------------


async def _save(
    tx: Tx, service: Service, book: Book, items: Sequence[Item], now: datetime, *, held: bool
) -> list[HeldJob]:
    """Rows, announcements, messages and the end of the jobs; the jobs that this process works off itself."""
    decided = [(item, item.decision) for item in items if item.decision is not None]
    await save_decisions(tx, service, book, [decision for _, decision in decided])
    announced = [
        events.ToAnnounce(one.event_type, one.dfsp_id, one.merchant_id, one.data, item.traceparent)
        for item, decision in decided
        for one in decision.announcements
    ]
    await events.announce_all(tx, announced, now)
    paid = [
        sms.Paid(one.merchant_id, one.amount, one.payer_masked, item.traceparent, one.reference, one.told)
        for item, decision in decided
        for one in decision.texts
    ]
    await sms.notify_all_paid(tx, service, paid)
    payers = [
        receipts.ToPayer(one.dfsp_id, one.merchant_id, f"+{one.phone}", one.told, one.amount, one.reference)
        for _, decision in decided
        for one in decision.payer_texts
    ]
    await receipts.tell_payers(tx, service, payers)
    new = [ask.job(ask.ASK_TOPIC, one, item.traceparent) for item, decision in decided for one in decision.ask]
    kept: list[tuple[Any, ...]] = []
    for item in items:
        for say, written in item.written:
            queued = _queued(item, say, written)
            sealed = outgoing.seal(service, queued)
            dfsp_id = item.connection.dfsp_id if item.connection is not None else None
            new.append(NewJob(outgoing.TOPIC, sealed, dfsp_id, item.traceparent, queued))
            about = say.about if say is not None else _subject(service, item)
            if about is not None:
                kept.append((ids.uuid7(), dfsp_id, about, sealed))
    if kept:
        await tx.execute(outgoing.KEEP, *(list(column) for column in zip(*kept, strict=True)), now)
    done = [item.work.job for item in items if item.work is not None]
    if done and done[0].dfsp_id is None:  # whoever stored it did not know yet whose it is
        tx.enter_lane(NO_DFSP)
    return await outbox.finish(tx, done, new, held=held) if done or new else []


def _queued(item: Item, say: Outgoing | None, written: Written) -> QueuedMessage:
    message, connection = item.message, item.connection
    assert connection is not None
    commits = say.commits if say is not None else None
    return QueuedMessage(
        method=written.method,
        path=written.path,
        source=connection.fsp_id,
        destination=say.to_fsp_id if say is not None else item.source,
        version=message.version if message is not None else None,
        body=written.body,
        useless_after=say.useless_after if say is not None else None,
        transfer=(item.source, commits) if commits is not None else None,
        refund_id=say.refund_id if say is not None else None,
    )


def _subject(service: Service, item: Item) -> str | None:
    """Under what a refusal of ours is kept."""
    message = item.message
    assert message is not None
    return subject_of_path(service.vault, message.method, message.path, message.body)


# --- telling our own people ------------------------------------------------------------------------------------------


def _tell(service: Service, item: Item) -> None:
    """Count and log what was refused, and what two DFSPs contradict each other about."""
    if item.refused is not None and item.message is not None:
        at: At = "request" if item.message.method in ("GET", "POST") else "answer"
        service.shared(Refusals).note(
            at,
            wire_code(item.refused),
            item.refused.description,
            method=item.message.method,
            resource=item.message.resource,
            fsp_source=item.message.source,
            fsp_destination=item.message.destination,
        )
    for one in item.decision.contradictions if item.decision is not None else ():
        _tell_contradiction(service, one)


def _tell_contradiction(service: Service, one: Contradiction) -> None:
    about: dict[str, Any] = {
        "fsp_source": one.fsp_id,
        "found_at": one.request.payer_fsp_id,
        "asked": str(one.was_asked),
    }
    _contradicted.labels("yes" if one.was_asked else "no").inc()
    _log.error("payer_contradicted", request_id=str(one.request.id), **about)
    evidence.note(service, SecurityEvent.MESSAGE_REFUSED, subject=str(one.request.id), **about)
