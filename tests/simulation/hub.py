"""The hub with its ledger, the payers behind it, and a network that drops, doubles, delays, reorders and alters.

The ledger is what is true of the money. Payers' DFSPs repeat what they got no answer to; the hub says its last word
once, and may be asked.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from merchant.core.money import Money
from merchant.hub import port
from merchant.payments.book import OurDfsp, Request
from tests.simulation.service import Arrived, Node
from tests.simulation.world import World

HUB = "hub"
FSPS = ("mobilemoney", "savingsbank", "otherwallet")
# Shares of what the network does to a message.
DROPPED, ANSWER_LOST, DOUBLED, ALTERED, SLOW = 0.02, 0.015, 0.015, 0.003, 0.03
NOTICE_LOST, WRONG_ABORT, HUB_ABORTS = 0.05, 0.002, 0.02


class Entry(Struct):
    """A transfer in the hub's ledger."""

    transfer_id: str
    dfsp: OurDfsp
    payer_fsp_id: str
    amount: Money
    expires_at: Any
    state: str = "RECEIVED"
    request_id: Any = None


class Person(Struct):
    """A payer on the way through one payment."""

    fsp_id: str
    dfsp: OurDfsp
    quote: port.QuoteAsked
    does: str
    tries: int = 0
    transfers: int = 0
    is_answered: bool = False


class Hub:
    """The hub, the payers' DFSPs and the lines between them and the service."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.nodes: list[Node] = []
        self.ledger: dict[str, Entry] = {}
        self.people: dict[str, Person] = {}
        self.refunds: Any = None  # who takes money back (refunds.py)
        self.on_committed: Callable[[Entry], None] = lambda _entry: None
        self._numbers = 0

    # --- lines ---

    def say(self, dfsp: OurDfsp, source: str, event: Any, *, tries: int = 6) -> None:
        """Bring a message to the service; who gets no acknowledgement sends it again."""
        world, chance = self.world, self.world.chance.random()
        if chance < DROPPED:
            if tries > 1:
                world.after(1 + 4 * world.chance.random(), self._again, dfsp, source, event, tries - 1)
            return
        if chance < DROPPED + DOUBLED:
            world.after(5 * world.chance.random(), self._arrive, dfsp, source, event)
        if world.is_so(ALTERED):
            event = self._altered(event)
        world.after(self._delay_s(), self._arrive, dfsp, source, event)

    def _again(self, dfsp: OurDfsp, source: str, event: Any, tries: int) -> None:
        self.say(dfsp, source, event, tries=tries)

    def _arrive(self, dfsp: OurDfsp, source: str, event: Any) -> None:
        node = self.nodes[0] if len(self.nodes) == 1 else self.world.chance.choice(self.nodes)
        node.store(Arrived(dfsp, source, event, source == HUB))

    def _delay_s(self) -> float:
        world = self.world
        return 10 * world.chance.random() if world.is_so(SLOW) else 0.01 + 0.05 * world.chance.random()

    def _altered(self, event: Any) -> Any:
        match event:
            case port.TransferPrepared():
                return replace(event, amount=Money(event.amount.minor + 1, event.amount.currency), content=b"altered")
            case port.QuoteAsked():
                return replace(event, amount=Money(event.amount.minor + 1, event.amount.currency), content=b"altered")
            case _:
                return event

    def _reaches(self) -> tuple[bool, bool]:
        """Whether a message of the service arrives here, and whether the service learns that it did."""
        chance = self.world.chance.random()
        return chance >= DROPPED, chance >= DROPPED + ANSWER_LOST

    def new_id(self, kind: str) -> str:
        """An id of a payer's DFSP."""
        self._numbers += 1
        return f"{kind}-{self._numbers}"

    # --- what the service says ---

    def ask(self, request: Request, *, is_look_up: bool) -> bool:
        """A look-up, or a request to pay."""
        arrives, is_known = self._reaches()
        if arrives:
            self.world.after(self._delay_s(), self._look_up if is_look_up else self._question, request)
        return is_known

    def take(self, say: port.Say, dfsp: OurDfsp | None, to_fsp_id: str | None, about: Any) -> bool:
        """Anything else."""
        arrives, is_known = self._reaches()
        if arrives and say_commits(say, dfsp):
            # Such a hub acknowledges what it has committed, and refuses what came too late.
            assert isinstance(say, (port.AnswerTransfer, port.RepeatTransfer))
            self._answered(say.transfer_id)
            return is_known and self.ledger[say.transfer_id].state == "COMMITTED"
        if arrives:
            self.world.after(self._delay_s(), self._hear, say, dfsp, about)
        return is_known

    def _hear(self, say: port.Say, dfsp: OurDfsp, about: Any) -> None:
        if self.refunds.is_about(say):
            self.refunds.hear(say)
            return
        match say:
            case port.AnswerQuote(quote_id=quote_id, amount=amount):
                self._quoted(quote_id, str(amount).encode())
            case port.RepeatQuote(quote_id=quote_id, answer=answer):
                self._quoted(quote_id, answer)
            case port.AnswerTransfer(transfer_id=transfer_id) | port.RepeatTransfer(transfer_id=transfer_id):
                self._answered(transfer_id)
            case port.AskOutcome(transfer_id=transfer_id):
                self._tell_outcome(transfer_id)
            case port.Refuse() if isinstance(about, port.TransferPrepared):
                entry = self.ledger.get(about.transfer_id)
                if entry is not None and entry.state == "RECEIVED" and about.content == b"transfer":
                    entry.state = "ABORTED"
            case port.Refuse() if isinstance(about, port.QuoteAsked) and about.content == b"quote":
                self.people.pop(about.quote_id, None)
            case _:
                pass

    # --- payers ---

    def _look_up(self, request: Request) -> None:
        world = self.world
        dfsp = _dfsp(request)
        assert request.payer is not None
        fsp_id = FSPS[int(request.payer[-2:]) % len(FSPS)]
        chance = world.chance.random()
        if chance < 0.02:
            news = world.chance.choice([port.BadNews.PAYER_NOT_FOUND, port.BadNews.PAYER_DFSP_UNREACHABLE])
            self.say(dfsp, HUB, port.PayerNotFound(request.payer, news, "3204"))
        elif chance < 0.97:
            self.say(dfsp, fsp_id, port.PayerFound(request.payer, fsp_id))
            if chance < 0.025:  # another DFSP says that it has this payer
                self.say(dfsp, FSPS[0], port.PayerFound(request.payer, FSPS[0]))

    def _question(self, request: Request) -> None:
        """The payer's DFSP has a request: what its customer does with it."""
        world, dfsp = self.world, _dfsp(request)
        fsp_id = request.payer_fsp_id or FSPS[0]
        said = port.RequestAnswered(
            request.transaction_request_id, port.PayerAnswer.WAITING, "received", f"tx of {request.short_ref}"
        )
        self.say(dfsp, fsp_id, said)
        chance = world.chance.random()
        think_s = 1 + 30 * world.chance.random()
        if chance < 0.06:
            no = replace(said, answer=port.PayerAnswer.REJECTED, said="rejected", transaction_id=None)
            world.after(think_s, self.say, dfsp, fsp_id, no)
        elif chance < 0.09:
            news = world.chance.choice(list(port.BadNews))
            failed = port.RequestFailed(request.transaction_request_id, news, news.value)
            world.after(think_s, self.say, dfsp, world.chance.choice([HUB, fsp_id]), failed)
        elif chance < 0.95:
            late_s = 200 * world.chance.random() if chance < 0.12 else 0
            does = "other amount" if 0.12 <= chance < 0.14 else "twice" if chance < 0.17 else "pay"
            world.after(think_s + late_s, self.want, dfsp, fsp_id, request, does)

    def want(self, dfsp: OurDfsp, fsp_id: str, request: Request, does: str, how: str = "id") -> None:
        """A payer wants to pay a request: by its id, by its code, by a hint, or only the shop."""
        amount = request.amount
        if does == "other amount":
            amount = Money(amount.minor + 1, amount.currency)
        for _ in range(2 if does == "twice" else 1):
            quote = port.QuoteAsked(
                quote_id=self.new_id("quote"),
                transaction_id=f"tx of {request.short_ref}" if how == "transaction" else self.new_id("tx"),
                kind=port.PaymentKind.PAYMENT,
                hub_request_id=request.transaction_request_id if how == "id" else None,
                alias_type=request.alias_type,
                alias=request.alias,
                sub_id=request.short_ref if how == "code" else None,
                payee_fsp_id=dfsp.fsp_id,
                payer_type="MSISDN",
                payer=request.payer or "254711999999",
                amount=amount,
                hints=(f"for {request.short_ref}.",) if how == "hint" else (),
                note=None,
                answer_by=None,
                content=b"quote",
            )
            self.people[quote.quote_id] = Person(fsp_id, dfsp, quote, does)
            self._ask_quote(quote.quote_id)

    def _ask_quote(self, quote_id: str) -> None:
        person = self.people.get(quote_id)
        if person is None or person.is_answered or person.tries >= 4:
            return
        person.tries += 1
        self.say(person.dfsp, person.fsp_id, person.quote)
        self.world.after(12, self._ask_quote, quote_id)

    def _quoted(self, quote_id: str, amount: bytes) -> None:
        person = self.people.get(quote_id)
        # A payer's DFSP holds the answer against what it asked for: the question may have been altered on its way.
        if person is None or person.is_answered or amount != str(person.quote.amount).encode():
            return
        person.is_answered = True
        world = self.world
        if world.is_so(0.03):
            return  # the customer does not agree
        for number in range(2 if person.does == "twice" and world.is_so(0.5) else 1):
            wait_s = 200 * world.chance.random() if world.is_so(0.01) else 0.5 + 8 * world.chance.random()
            world.after(wait_s + number, self._prepare, person)

    def _prepare(self, person: Person) -> None:
        world, quote = self.world, person.quote
        transfer_id = self.new_id("transfer")
        expires_at = world.now() + timedelta(seconds=8 + 22 * world.chance.random())
        entry = Entry(transfer_id, person.dfsp, person.fsp_id, quote.amount, expires_at)
        self.ledger[transfer_id] = entry
        prepared = port.TransferPrepared(
            transfer_id=transfer_id,
            payer_fsp_id=person.fsp_id,
            payee_fsp_id=person.dfsp.fsp_id,
            amount=quote.amount,
            lock=f"lock of {quote.quote_id}",
            problem=None,
            expires_at=expires_at,
            content=b"transfer",
        )
        self._bring(prepared, entry, 3)
        world.after((expires_at - world.now()).total_seconds(), self._expire, entry)

    def _bring(self, prepared: port.TransferPrepared, entry: Entry, tries: int) -> None:
        if entry.state == "RECEIVED" and tries:
            self.say(entry.dfsp, entry.payer_fsp_id, prepared)
            self.world.after(6, self._bring, prepared, entry, tries - 1)

    # --- the ledger ---

    def _answered(self, transfer_id: str) -> None:
        entry = self.ledger.get(transfer_id)
        if entry is None or entry.state != "RECEIVED":
            return
        world = self.world
        if entry.expires_at <= world.now():
            self._expire(entry)
            return
        entry.state = "RESERVED"
        if entry.dfsp.commits_at_once:
            self._commit(entry)
        elif world.is_so(HUB_ABORTS):
            world.after(world.chance.random(), self._abort, entry)
        elif world.is_so(WRONG_ABORT):
            self._notice(entry, port.Outcome.ABORTED)
            world.after(5 + 50 * world.chance.random(), self._correct, entry)
        else:
            world.after(2 * world.chance.random() ** 4, self._commit, entry)

    def _commit(self, entry: Entry) -> None:
        entry.state = "COMMITTED"
        self.on_committed(entry)
        self._notice(entry, port.Outcome.COMMITTED)

    def _correct(self, entry: Entry) -> None:
        """A hub that has told the wrong end makes sure that the right one is heard: nobody asks any more."""
        entry.state = "COMMITTED"
        self.on_committed(entry)
        self.say(entry.dfsp, HUB, port.TransferEnded(entry.transfer_id, port.Outcome.COMMITTED, "patch"), tries=50)

    def _abort(self, entry: Entry) -> None:
        entry.state = "ABORTED"
        self._notice(entry, port.Outcome.ABORTED)

    def _expire(self, entry: Entry) -> None:
        if entry.state == "RECEIVED":
            entry.state = "ABORTED"
            if self.world.is_so(0.5):
                self._notice(entry, port.Outcome.ABORTED)

    def _notice(self, entry: Entry, outcome: port.Outcome) -> None:
        """The last word, said once. A hub that commits what it has taken says none."""
        if not entry.dfsp.commits_at_once and not self.world.is_so(NOTICE_LOST):
            self.say(entry.dfsp, HUB, port.TransferEnded(entry.transfer_id, outcome, "patch"), tries=1)

    def _tell_outcome(self, transfer_id: str) -> None:
        entry = self.ledger.get(transfer_id)
        if entry is None:
            return
        if entry.state == "ABORTED" and self.world.is_so(0.5):
            self.say(entry.dfsp, HUB, port.TransferFailed(transfer_id, True, "3208"))
            return
        outcome = {"COMMITTED": port.Outcome.COMMITTED, "ABORTED": port.Outcome.ABORTED}.get(
            entry.state, port.Outcome.OPEN
        )
        self.say(entry.dfsp, HUB, port.TransferEnded(transfer_id, outcome, "put"))


def say_commits(say: port.Say, dfsp: OurDfsp | None) -> bool:
    """Whether the hub commits what it takes here, and says no last word."""
    return dfsp is not None and dfsp.commits_at_once and isinstance(say, (port.AnswerTransfer, port.RepeatTransfer))


def _dfsp(request: Request) -> OurDfsp:
    return OurDfsp(request.dfsp_id, request.fsp_id, request.fsp_id.endswith("2"))
