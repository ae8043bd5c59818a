"""One run: shops that ask, payers that pay, merchants that are suspended and change tiers, nodes whose clocks step."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

import kyb
from merchant.payments.book import Decision, MerchantFacts, OurDfsp, Request, Rules
from merchant.payments.decide import decide
from merchant.payments.states import RequestState
from merchant.registry.merchants.counters import CounterFacts
from tests.simulation.hub import FSPS, Hub
from tests.simulation.refunds import Refunds
from tests.simulation.service import CHECK, GRACE, Database, Node
from tests.simulation.truth import Everything, Truth
from tests.simulation.world import World

NODES, DFSPS, MERCHANTS = 3, 4, 400
PER_S = 60.0  # payments begun a second
TIERS = ("T3", "T3", "T3", "T2", "T1", "T0")


class Result(Struct, frozen=True):
    """What a run came to."""

    seed: int
    payments: int
    events: int
    log_hash: str
    took_s: float
    committed: int
    ends: Mapping[str, int]
    refunds: Mapping[str, int]


class Run:
    """Everything of one seed."""

    def __init__(
        self,
        seed: int,
        payments: int,
        decide_with: Callable[..., Decision] = decide,
        shops: Sequence[tuple[CounterFacts, MerchantFacts]] = (),
    ) -> None:
        self.seed, self.payments = seed, payments
        self.world = world = World(seed)
        rules = Rules((world.now() + timedelta(hours=3)).date(), CHECK, GRACE, world.new_id)
        self.book = Everything(rules, dict.fromkeys((UUID(int=n + 1) for n in range(DFSPS)), kyb.default_policy()))
        self.hub = Hub(world)
        self.truth = Truth(world, self.hub, self.book)
        self.database = database = Database(world, self.book, decide_with)
        self.refunds = Refunds(world, self.hub, database, self.truth.fail)
        self.hub.refunds = self.truth.refunds = self.refunds
        database.on_saved = self._saved
        self.committed = 0
        self.hub.on_committed = self._committed
        self.nodes: list[Node] = []
        self.nodes += [Node(world, database, self.nodes, self.hub) for _ in range(NODES)]
        self.hub.nodes = self.nodes
        self.counters = [counter for counter, _ in shops]
        for counter, merchant in shops or self._made_up():
            self._open(counter, merchant)
        self._begun = 0

    def _saved(self, decision: Decision) -> None:
        self.truth.saved(decision)
        self.refunds.saved(decision)

    def _committed(self, entry: Any) -> None:
        self.committed += 1
        self.truth.hub_committed(entry)

    def _open(self, counter: CounterFacts, merchant: MerchantFacts) -> None:
        self.book.counters[counter.dfsp_id, "ALIAS", counter.alias] = counter
        self.book.merchants[merchant.id] = merchant
        if merchant.dfsp_id not in self.book.policies:
            self.book.policies[merchant.dfsp_id] = kyb.default_policy()

    def _made_up(self) -> Iterator[tuple[CounterFacts, MerchantFacts]]:
        for number in range(MERCHANTS):
            dfsp_id, merchant_id = UUID(int=number % DFSPS + 1), UUID(int=1000 + number)
            tier = TIERS[number % len(TIERS)]
            # Some owners have two shops at one DFSP, whose limits are one.
            group_id = (
                UUID(int=1000 + number - DFSPS) if number % 10 == 4 + number % DFSPS and number >= DFSPS else None
            )
            counter = CounterFacts(
                counter_id=UUID(int=5000 + number),
                merchant_id=merchant_id,
                dfsp_id=dfsp_id,
                alias_type="ALIAS",
                alias=f"{number:05}",
                state="active",
                tier=tier,
                currencies=["USD", "KES"],
                trading_name=f"Shop {number}",
                mcc="5411",
                fsp_id=f"dfsp{number % DFSPS}",
                group_id=group_id,
            )
            self.counters.append(counter)
            yield counter, MerchantFacts(merchant_id, dfsp_id, "active", tier, group_id or merchant_id)

    # --- what happens ---

    def go(self) -> Result:
        """Live through it. Raises Untrue."""
        began_s = time.process_time()
        self.world.after(0, self._begin)
        self.world.after(1, self._poll)
        self.world.after(7, self._upset)
        self.world.run()
        self.truth.end()
        return Result(
            self.seed,
            self._begun,
            self.world.events,
            self.world.log_hash,
            time.process_time() - began_s,
            self.committed,
            dict(self.truth.ends),
            dict(self.refunds.ends),
        )

    def _begin(self) -> None:
        world = self.world
        if self._begun >= self.payments:
            return
        self._begun += 1
        world.after(world.chance.expovariate(PER_S), self._begin)
        counter, node = world.chance.choice(self.counters), world.chance.choice(self.nodes)
        dfsp = OurDfsp(counter.dfsp_id, counter.fsp_id, counter.fsp_id.endswith("2"))
        how = world.chance.random()
        request = self._request(counter, has_payer=how < 0.7, skew_s=node.skew_s)
        fsp_id = FSPS[self._begun % len(FSPS)]
        if how < 0.95:
            node.create(request)
        if how >= 0.7:  # a scan of the shop's own code, or of the request's
            by = "shop" if how >= 0.95 else world.chance.choice(["code", "code", "hint"])
            does = "other amount" if world.is_so(0.03) else "pay"
            world.after(1 + 20 * world.chance.random(), self.hub.want, dfsp, fsp_id, request, does, by)
        if how < 0.95 and world.is_so(0.03):
            world.after(40 * world.chance.random(), node.cancel, request.id)

    def _request(self, counter: CounterFacts, *, has_payer: bool, skew_s: float) -> Request:
        world = self.world
        now = world.now(skew_s)
        currency = world.chance.choice(["USD", "USD", "KES"])
        minor = int(10 ** (1 + 3 * world.chance.random()))
        return Request(
            id=world.new_id(),
            dfsp_id=counter.dfsp_id,
            fsp_id=counter.fsp_id,
            merchant_id=counter.merchant_id,
            counter_id=counter.counter_id,
            state=RequestState.CREATED if has_payer else RequestState.AWAITING_PAYER,
            amount_minor=minor,
            currency=currency,
            payer=f"2547110{world.chance.randrange(100_000):05}" if has_payer else None,
            payer_masked="2547*****" if has_payer else None,
            payer_fsp_id=None,
            reference=None,
            note=None,
            short_ref=f"R{self._begun}",
            alias_type="ALIAS",
            alias=counter.alias,
            trading_name=counter.trading_name,
            mcc=counter.mcc,
            transaction_request_id=f"request {self._begun}",
            transaction_id=None,
            transfer_id=None,
            created_at=now,
            expires_at=now + timedelta(seconds=60 + 60 * world.chance.random()),
            steps=1,
        )

    def _poll(self) -> None:
        """What has come to rest is checked now and then, until nothing is left."""
        self.truth.rest()
        if self._begun < self.payments or self.book.requests or self.truth.committed or self.book.refunds:
            self.world.after(30, self._poll)

    def _upset(self) -> None:
        """A merchant is suspended or comes back, gets another tier; a node's clock steps."""
        world = self.world
        number = world.chance.randrange(len(self.counters))
        before = self.counters[number]
        state = "suspended" if before.state == "active" and world.is_so(0.3) else "active"
        tier = world.chance.choice(TIERS) if world.is_so(0.1) else before.tier
        if tier != before.tier:  # a smaller tier may have less room than is used
            merchant = self.book.merchants[before.merchant_id]
            self.truth.over |= {(merchant.group_id, period) for period in _periods(world)}
        counter = self.counters[number] = replace(before, state=state, tier=tier)
        self.book.counters[counter.dfsp_id, "ALIAS", counter.alias] = counter
        merchant = self.book.merchants[counter.merchant_id]
        self.book.merchants[counter.merchant_id] = replace(merchant, state=state, tier=tier)
        self.database.record("merchant", world.now(), counter)
        world.chance.choice(self.nodes).skew_s = world.chance.choice([0.0, 0.0, 0.4, -0.4, 2.0])
        if self._begun < self.payments:
            world.after(2, self._upset)


def _periods(world: World) -> set[str]:
    days = [(world.now() + timedelta(hours=3, days=number)).date() for number in range(2)]
    return {day.isoformat() for day in days} | {day.strftime("%Y-%m") for day in days}
