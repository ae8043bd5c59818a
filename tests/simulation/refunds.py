"""Shops that give money back, the payers' DFSPs that take it or do not, and what must hold of it.

The hub's ledger decides again: a refund is `refunded` when its transfer is committed there and at no other time, no
payment is given back more than it was, and limits are free again by just what went back.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core.money import Money
from merchant.hub import port
from merchant.payments.book import Decision, OurDfsp, Payment
from merchant.payments.refunds import rules
from merchant.payments.refunds.states import CLOSED, RefundState
from merchant.payments.refunds.values import Refund
from tests.simulation.world import World

HUB = "hub"
GIVEN_BACK, REST = 0.06, timedelta(minutes=20)
# What becomes of a quote and of a transfer of ours, in shares.
SILENT, REFUSED, BUSY, CHARGED = 0.03, 0.03, 0.02, 0.02
PAYEE_SAYS_NO, HUB_ABORTS, WRONG_ABORT, NOTICE_LOST = 0.04, 0.02, 0.01, 0.05


class Sent(Struct):
    """A transfer of ours in the hub's ledger."""

    say: port.SendTransfer
    dfsp: OurDfsp
    state: str = "ABORTED"


class Refunds:
    """Who gives back, who takes it, and the books of both."""

    def __init__(self, world: World, hub: Any, database: Any, fail: Callable[[str], None]) -> None:
        self.world, self.hub, self.database, self.fail = world, hub, database, fail
        self.ledger: dict[str, Sent] = {}
        self.given: Counter[UUID] = Counter()  # by payment, as the hub's ledger has it
        self.sums: Counter[str] = Counter()  # by currency: what went back
        self.ends: Counter[str] = Counter()
        self._dfsps: dict[str, OurDfsp] = {}  # by the ids of quotes and transfers
        self._paid: dict[UUID, int] = {}
        self._settled: Counter[UUID] = Counter()  # what went back by refunds that are forgotten
        self._corrected: set[UUID] = set()  # payments of which a hub took its word back
        self._begun = 0

    # --- shops ---

    def saved(self, decision: Decision) -> None:
        """Of some payments a part, or several parts, goes back a little later."""
        for payment in decision.payments:
            if self.world.is_so(GIVEN_BACK):
                self._paid[payment.id] = payment.transfer.amount_minor
                for _ in range(self.world.chance.choice([1, 1, 2, 4])):
                    self.world.after(100 * self.world.chance.random(), self._give, payment)
        for step in decision.refund_steps:
            self.world.tell(f"{step.refund_id} {step.state}")
            refund = decision.refunds[step.refund_id]
            entry = self.ledger.get(refund.transfer_id)
            is_corrected = refund.payment_id in self._corrected
            if step.state == RefundState.FAILED and entry and entry.state == "COMMITTED" and not is_corrected:
                self.fail(f"{refund.transfer_id} has failed here, and the payer has the money")

    def _give(self, payment: Payment) -> None:
        world, book = self.world, self.database.book
        node = world.chance.choice(self.hub.nodes)
        paid = payment.transfer.amount
        wanted = Money(max(1, int(paid.minor * world.chance.random())), paid.currency) if world.is_so(0.6) else None
        others = [(one.state, one.amount_minor) for one in book.refunds.values() if one.payment_id == payment.id]
        others += [("refunded", self._settled[payment.id])]  # what the book does not hold any more
        try:
            amount = rules.refundable(paid, others, wanted)
        except rules.OverRefundable:
            return
        self._begun += 1
        now = world.now(node.skew_s)
        refund = self._new(payment, amount, now)
        for one in (refund.quote_id, refund.transfer_id):
            self._dfsps[one] = OurDfsp(refund.dfsp_id, refund.fsp_id)
        node.give_back(rules.decide_begin(refund, "simulated", now), refund, self._dfsps[refund.quote_id])

    def _new(self, payment: Payment, amount: Money, now: Any) -> Refund:
        transfer, number = payment.transfer, self._begun
        return Refund(
            id=self.world.new_id(),
            dfsp_id=transfer.dfsp_id,
            fsp_id=transfer.fsp_id,
            merchant_id=transfer.merchant_id,
            counter_id=payment.quote.counter_id,
            payment_id=payment.id,
            state=RefundState.CREATED,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason="CUST",
            words=None,
            payee_type="MSISDN",
            payee="254711999999",
            payee_masked=None,
            payee_fsp_id=transfer.payer_fsp_id,
            alias_type="ALIAS",
            alias="",
            trading_name="",
            mcc="",
            original_transaction_id=payment.quote.transaction_id,
            transaction_id=f"refund tx {number}",
            quote_id=f"refund quote {number}",
            transfer_id=f"refund {number}",
            usage_day=transfer.usage_day,
            gives_back=True,
            created_at=now,
            expires_at=now + rules.QUOTE_LASTS,
            steps=1,
        )

    # --- the payers' DFSPs and the hub ---

    def hear(self, say: port.Say) -> None:
        """What we say about a refund arrives."""
        match say:
            case port.AskQuote():
                self._quote(say)
            case port.SendTransfer():
                self._transfer(say)
            case port.AskOutcome(transfer_id=transfer_id):
                self._tell_outcome(transfer_id)

    def is_about(self, say: port.Say) -> bool:
        """Whether something we say is about a refund."""
        is_outcome = isinstance(say, port.AskOutcome) and say.transfer_id in self._dfsps
        return is_outcome or isinstance(say, (port.AskQuote, port.SendTransfer))

    def _quote(self, asked: port.AskQuote) -> None:
        world, dfsp, payee = self.world, self._dfsps[asked.quote_id], asked.payee_fsp_id
        chance = world.chance.random()
        if chance < SILENT:
            return
        if chance < SILENT + REFUSED:
            news = world.chance.choice([port.BadNews.PAYEE_REFUSED, port.BadNews.PAYER_NOT_FOUND])
            self.hub.say(dfsp, payee, port.QuoteFailed(asked.quote_id, news, ""))
            return
        if chance < SILENT + REFUSED + BUSY:
            self.hub.say(dfsp, HUB, port.QuoteFailed(asked.quote_id, port.BadNews.HUB_BUSY, ""))
            return
        amount = asked.amount
        is_charged = chance < SILENT + REFUSED + BUSY + CHARGED
        answer = port.QuoteAnswered(
            quote_id=asked.quote_id,
            leaves=Money(amount.minor + 1, amount.currency) if is_charged else amount,
            arrives=amount,
            promise=f"promise of {asked.quote_id}",
            lock=f"lock of {asked.quote_id}",
            problem=None,
            expires_at=world.now() + timedelta(seconds=20 + 60 * world.chance.random()),
        )
        world.after(world.chance.random(), self.hub.say, dfsp, payee, answer)

    def _transfer(self, say: port.SendTransfer) -> None:
        """A transfer of ours arrives, perhaps again; the ledger takes it once."""
        world = self.world
        known = self.ledger.get(say.transfer_id)
        if known is not None:
            self._notice(known)
            return
        entry = self.ledger[say.transfer_id] = Sent(say, self._dfsps[say.transfer_id])
        chance = world.chance.random()
        if say.expires_at <= world.now():
            self._notice(entry)
        elif chance < PAYEE_SAYS_NO:
            no = port.TransferFailed(say.transfer_id, False, "5104", port.BadNews.PAYEE_REFUSED)
            self.hub.say(entry.dfsp, say.payee_fsp_id, no)
        elif chance < PAYEE_SAYS_NO + HUB_ABORTS:
            self._notice(entry)
        elif chance < PAYEE_SAYS_NO + HUB_ABORTS + WRONG_ABORT:
            self._notice(entry)
            world.after(5 + 50 * world.chance.random(), self._correct, entry)
        else:
            self._commit(entry)
            self._notice(entry)

    def _commit(self, entry: Sent) -> None:
        entry.state = "COMMITTED"
        payment_id, amount = self._payment_of(entry), entry.say.amount
        self.given[payment_id] += amount.minor
        self.sums[amount.currency] += amount.minor
        if self.given[payment_id] > self._paid[payment_id] and payment_id not in self._corrected:
            self.fail(f"{payment_id}: {self.given[payment_id]} of {self._paid[payment_id]} went back")

    def _payment_of(self, entry: Sent) -> UUID:
        refund = self.database.book.refund_by_hub_id(entry.say.transfer_id, entry.dfsp.dfsp_id)
        if refund is None or refund.amount != entry.say.amount:
            self.fail(f"{entry.say.transfer_id} moves {entry.say.amount} for {refund}")
        assert refund is not None
        return refund.payment_id

    def _correct(self, entry: Sent) -> None:
        """A hub that has told the wrong end makes sure that the right one is heard."""
        self._corrected.add(self._payment_of(entry))
        self._commit(entry)
        said = port.TransferEnded(entry.say.transfer_id, port.Outcome.COMMITTED, "put")
        self.hub.say(entry.dfsp, HUB, said, tries=50)

    def _notice(self, entry: Sent) -> None:
        if self.world.is_so(NOTICE_LOST):
            return
        is_done = entry.state == "COMMITTED"
        outcome = port.Outcome.COMMITTED if is_done else port.Outcome.ABORTED
        said = port.TransferEnded(entry.say.transfer_id, outcome, "put", entry.say.lock if is_done else None)
        self.hub.say(entry.dfsp, entry.say.payee_fsp_id if is_done else HUB, said, tries=1)

    def _tell_outcome(self, transfer_id: str) -> None:
        entry, dfsp = self.ledger.get(transfer_id), self._dfsps[transfer_id]
        if entry is None or (entry.state == "ABORTED" and self.world.is_so(0.5)):
            self.hub.say(dfsp, HUB, port.TransferFailed(transfer_id, True, "3208"))
        else:
            outcome = port.Outcome.COMMITTED if entry.state == "COMMITTED" else port.Outcome.ABORTED
            self.hub.say(dfsp, HUB, port.TransferEnded(transfer_id, outcome, "put"))

    # --- when it has come to rest ---

    def rest(self, *, is_end: bool = False) -> None:
        """Check and forget what ended long enough ago, or all of it."""
        book = self.database.book
        for refund in list(book.refunds.values()):
            if refund.created_at + REST >= self.world.now() and not is_end:
                continue
            entry = self.ledger.get(refund.transfer_id)
            if refund.state not in CLOSED:
                if is_end or refund.created_at + 3 * REST < self.world.now():
                    self.fail(f"{refund.transfer_id} is {refund.state} long after it began")
                continue
            has_moved = entry is not None and entry.state == "COMMITTED"
            if has_moved != (refund.state == RefundState.REFUNDED):
                self.fail(f"{refund.transfer_id} is {refund.state}, and {entry and entry.state} in the ledger")
            self.ends[refund.state] += 1
            self._settled[refund.payment_id] += refund.amount_minor if has_moved else 0
            book.forget_refund(refund.id)
