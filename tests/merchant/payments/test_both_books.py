"""The book in the database and the book in memory behave alike: what the simulation lived through is played on both.

Every batch of a run with faults is loaded, decided and saved on each; the decisions, and in the end all rows, agree.
"""

import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

import kyb
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.hub.port import MessageRefused
from merchant.payments.book import Book, Decision, MerchantFacts, Payment, Request, Rules
from merchant.payments.book_loading import load_book, read_request
from merchant.payments.book_saving import save_decisions
from merchant.payments.decide import decide
from merchant.payments.needs import Needs, add_needs
from merchant.payments.requests import HasEnded, MoneyUnderWay, decide_cancel
from merchant.payments.transfers import NotYet
from merchant.registry.merchants.counters import CounterFacts, counter_by_id
from tests import builders
from tests.builders import World
from tests.simulation.memory import load_needs
from tests.simulation.run import Run
from tests.simulation.service import CHECK, GRACE, _write

pytestmark = pytest.mark.anyio
PAYMENTS = 120
_TIERS = ("T3", "T2", "T1", "T0")


async def shops_of(service: Service, world: World) -> list[tuple[CounterFacts, MerchantFacts]]:
    """Four merchants of two DFSPs, of every tier; two have one owner."""
    shops = []
    for number, tier in enumerate(_TIERS):
        fsp_id = ("greenbankfsp", "lakemfi")[number % 2]
        merchant, counters = await builders.create_merchant(
            service, world, fsp_id, builders.company(number=2000 + number)
        )
        async with service.db.system() as tx:
            group_id = shops[1][0].merchant_id if number == 3 else None
            await tx.execute(
                "UPDATE merchant SET tier = $2, currencies = '{USD,KES}', limit_group = $3 WHERE id = $1",
                merchant.id,
                tier,
                group_id,
            )
            counter = await counter_by_id(tx, merchant.dfsp_id, counters[0].id)
        assert counter is not None
        shops.append(
            (counter, MerchantFacts(merchant.id, merchant.dfsp_id, counter.state, tier, group_id or merchant.id))
        )
    return shops


class Both:
    """One history on both books."""

    def __init__(self, service: Service, shops: list[tuple[CounterFacts, MerchantFacts]]) -> None:
        self.service = service
        self.memory = Book(self.rules(shops[0][0], datetime.fromisoformat("2027-01-31T20:00:00+00:00"), iter(())))
        self.payments: list[Payment] = []
        self.batches = 0
        policy = kyb.default_policy()
        for counter, merchant in shops:
            self.memory.counters[counter.dfsp_id, counter.alias_type, counter.alias] = counter
            self.memory.merchants[merchant.id] = merchant
            self.memory.policies[merchant.dfsp_id] = policy

    def rules(self, _: Any, now: datetime, ids: Iterator[UUID]) -> Rules:
        return Rules((now + timedelta(hours=3)).date(), CHECK, GRACE, lambda: next(ids))

    async def play(self, what: str, now: datetime, about: Any) -> None:
        async with self.service.db.system() as tx:
            match what:
                case "create":
                    self.memory.put_request(about)
                    await insert(tx, self.service, about, now)
                case "looked up":
                    self.memory.put_request(replace(self.memory.requests[about], looked_up_at=now))
                    await tx.execute("UPDATE payment_request SET looked_up_at = $2 WHERE id = $1", about, now)
                case "merchant":
                    await self._change_merchant(tx, about)
                case "cancel":
                    await self._on_both(tx, now, [about], is_cancel=True)
                case "batch":
                    await self._on_both(tx, now, about)

    async def _change_merchant(self, tx: Any, counter: CounterFacts) -> None:
        self.memory.counters[counter.dfsp_id, counter.alias_type, counter.alias] = counter
        merchant = self.memory.merchants[counter.merchant_id]
        self.memory.merchants[merchant.id] = replace(merchant, state=counter.state, tier=counter.tier)
        await tx.execute(
            "UPDATE merchant SET state = $2, tier = $3 WHERE id = $1", merchant.id, counter.state, counter.tier
        )

    async def _on_both(self, tx: Any, now: datetime, events: list[Any], *, is_cancel: bool = False) -> None:
        needs = Needs()
        for event in events:
            if is_cancel:
                needs.request_ids.add(event)
            else:
                add_needs(needs, *event[:3])
        seed = self.batches
        self.batches += 1
        self.memory.rules = self.rules(None, now, ids_of(seed))
        in_memory = load_needs(self.memory, needs, now)
        in_database = await load_book(tx, self.service, needs, now)
        in_database.rules = self.rules(None, now, ids_of(seed))
        decisions = [decide_all(book, events, now, is_cancel=is_cancel) for book in (in_memory, in_database)]
        assert decisions[0] == decisions[1], events
        for decision in decisions[0]:
            self.memory.apply(decision)
            for quote in decision.quotes:
                self.memory.put_quote(replace(quote, payer=None, payer_type=None))  # as the row seals them
            self.payments += decision.payments
        await save_decisions(tx, self.service, in_database, decisions[1])

    async def compare(self) -> None:
        """Every row of the database is the one in memory."""
        async with self.service.db.system() as tx:
            for request in self.memory.requests.values():
                assert await read_request(tx, self.service, request.id) == request
            steps = await tx.fetchval(
                "SELECT count(*) FROM payment_event WHERE request_id = ANY($1)", list(self.memory.requests)
            )
            assert steps == sum(request.steps for request in self.memory.requests.values())
            needs = Needs(quotes=set(self.memory.quotes), transfer_ids=set(self.memory.transfers))
            found = await load_book(tx, self.service, needs, datetime.fromisoformat("2027-03-01T00:00:00+00:00"))
            assert found.quotes == self.memory.quotes
            assert found.transfers == self.memory.transfers
            used = {
                (row["merchant_id"], row["period"], row["currency"]): (row["taken_minor"], row["payments"])
                for row in await tx.fetch("SELECT * FROM limit_usage")
            }
            assert used == {
                (group_id, period, currency): (one.minor, one.payments)
                for (group_id, period), currencies in self.memory.used.items()
                for currency, one in currencies.items()
            }
            rows = await tx.fetch("SELECT id, transfer_id, request_id, amount_minor, currency FROM payment")
            assert {tuple(row) for row in rows} == {
                (one.id, one.transfer.transfer_id, one.request_id, one.transfer.amount_minor, one.transfer.currency)
                for one in self.payments
            }


def ids_of(seed: int) -> Iterator[UUID]:
    """The same ids for both books."""
    chance = random.Random(seed)
    while True:
        yield UUID(int=chance.getrandbits(128))


def decide_all(book: Book, events: list[Any], now: datetime, *, is_cancel: bool) -> list[Decision]:
    decided = []
    for event in events:
        with suppress(MessageRefused, NotYet, HasEnded, MoneyUnderWay):
            if is_cancel:
                decision = decide_cancel(book, book.requests[event], now)
            else:
                what, dfsp, source, is_hub = event
                decision = decide(book, dfsp, source, what, now, is_hub=is_hub)
            decision.refused = None  # an exception, which equals nothing but itself
            _write(decision)
            book.apply(decision)
            decided.append(decision)
    return decided


_INSERT = """
WITH request AS (
  INSERT INTO payment_request (id, dfsp_id, merchant_id, counter_id, alias_type, alias, state, amount_minor, currency,
    payer_type, payer_sealed, payer_digest, payer_masked, short_ref, transaction_request_id, late, channel, steps,
    created_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, false, 'api', 1, $16, $17)),
event AS (
  INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause) VALUES ($1, 1, $2, $16, $7, 'api'))
INSERT INTO open_reference (alias_type, alias, sub_id, dfsp_id, counter_id, request_id, currency, expires_at)
VALUES ($5, $6, $14, $2, $4, $1, $9, $17)
"""


async def insert(tx: Any, service: Service, request: Request, now: datetime) -> None:
    payer = Msisdn(request.payer) if request.payer else None
    await tx.execute(
        _INSERT,
        request.id,
        request.dfsp_id,
        request.merchant_id,
        request.counter_id,
        request.alias_type,
        request.alias,
        request.state,
        request.amount_minor,
        request.currency,
        "MSISDN" if payer else None,
        service.vault.seal(payer.digits.encode(), f"payment_request:{request.id}") if payer else None,
        payer.digest(service.vault) if payer else None,
        request.payer_masked,
        request.short_ref,
        request.transaction_request_id,
        now,
        request.expires_at,
    )


@pytest.mark.parametrize("seed", [1, random.SystemRandom().randrange(10**9)], ids=["fixed", "fresh"])
async def test_what_is_decided_and_kept_is_the_same_in_the_database_and_in_memory(
    service: Service, world: World, seed: int
) -> None:
    sys.stdout.write(f"seed {seed}\n")
    shops = await shops_of(service, world)
    history: list[tuple[str, datetime, Any]] = []
    run = Run(seed, PAYMENTS, shops=shops)
    run.database.record = lambda *what: history.append(what)
    run.go()
    both = Both(service, shops)
    for what in history:
        await both.play(*what)
    await both.compare()
    assert both.payments
    assert Money(1, "USD").currency in {one.transfer.currency for one in both.payments}
