"""A small world for dialogues: a backend in memory that counts what it is asked, and a phone on a gateway."""

from datetime import timedelta

from msgspec.structs import replace

from tests.ussd.lines import LINES, ROUTE, Press
from tests.ussd.shoppers import AMINA, NOW, WAITING, Shoppers
from tests.ussd.trade import Trading
from ussd import (
    GATEWAYS,
    Answer,
    Call,
    CodeOutcome,
    Reply,
    Session,
    SignUpDfsp,
    SignUpField,
    SignUpForm,
    SignUpOrder,
    SignUpOutcome,
    SignUpStatus,
    decode_session,
    encode_session,
    step,
)

__all__ = ["AMINA", "NOW", "READS_FOR", "SHOPPER", "WAITING", "Phone", "World"]

READS_FOR = timedelta(seconds=21)
SHOPPER = "+254711000111"


class World(Trading, Shoppers):
    """A `ussd.Backend` in memory. Tests change its fields and read `calls` and `orders`."""

    def __init__(self) -> None:
        Trading.__init__(self, NOW)
        Shoppers.__init__(self)
        self.language: str | None = "en"
        self.languages: tuple[str, ...] = ("en",)
        self.dfsps = [SignUpDfsp("d-green", "Green Bank"), SignUpDfsp("d-blue", "Blue Wallet")]
        self.status = SignUpStatus("none")
        self.faults: dict[SignUpField, str] = {}
        self.code: CodeOutcome = "not_needed"
        self.applied: SignUpOutcome = "sent"
        self.codes_sent = 0
        self.applications: list[SignUpOrder] = []

    async def preferred_language(self, msisdn: str) -> str | None:
        self.calls += 1
        return self.language

    async def default_languages(self) -> tuple[str, ...]:
        self.calls += 1
        return self.languages

    async def sign_up_status(self, msisdn: str) -> SignUpStatus:
        self.calls += 1
        return self.status

    async def sign_up_dfsps(self) -> list[SignUpDfsp]:
        self.calls += 1
        return self.dfsps

    async def sign_up_faults(self, form: SignUpForm) -> dict[SignUpField, str]:
        self.calls += 1
        return self.faults

    async def send_sign_up_code(self, msisdn: str, language: str, form: SignUpForm) -> CodeOutcome:
        self.calls += 1
        self.codes_sent += self.code == "sent"
        return self.code

    async def sign_up(self, order: SignUpOrder) -> SignUpOutcome:
        self.calls += 1
        if order.code not in (None, "123456"):
            return "wrong_code"
        if self.applied == "sent":
            self.applications.append(order)
        return self.applied


class Phone:
    """One session of one handset on a gateway, stored as bytes between steps.

    Its owner reads each screen before answering: two equal answers in a row are no retry.
    """

    def __init__(self, world: World, msisdn: str = SHOPPER, gateway: str = "africastalking") -> None:
        self.world = world
        self.gateway = GATEWAYS[gateway]
        self.line = LINES[gateway]
        self.press = Press(msisdn, "ATUid_d8f70b1c", "", count=0)
        self.stored: bytes | None = None
        self.earlier: Session | None = None  # of the call before
        self.now = NOW
        self.answer = Answer(0)

    @property
    def session(self) -> Session:
        assert self.stored is not None
        return decode_session(self.stored)

    @property
    def text(self) -> str:
        """All that was typed so far, as cumulative text."""
        return self.press.all_inputs

    async def send(self, call: Call) -> Reply:
        """The gateway sends this; a notice without a phone is of this one."""
        before = None if self.stored is None else self.session
        taken = self.gateway.decode(call, ROUTE)
        if not taken.msisdn and before is None:
            return Reply("", end=True)
        after, reply = await step(before, taken, self.world, self.now, self.earlier)
        if after is not None and after is not before:
            self.stored = encode_session(after)
        self.answer = self.gateway.encode(taken, reply)
        return reply

    async def dial(self, string: str = "") -> Reply:
        """Dial the service code, with this between it and the hash."""
        self.press = replace(self.press, dialled=string, typed=(), count=1)
        return await self.again()

    async def type(self, text: str) -> Reply:
        """Answer the screen."""
        self.now += READS_FOR
        self.press = replace(self.press, typed=(*self.press.typed, text), count=self.press.count + 1)
        return await self.again()

    async def again(self) -> Reply:
        """The gateway delivers the last step once more."""
        return await self.send(self.line.step(self.press))

    async def late(self, text: str) -> Reply:
        """A gateway of cumulative text delivers this one."""
        assert self.line.is_cumulative
        return await self.send(self.line.step(replace(self.press, dialled="", typed=(text,) if text else ())))

    async def hang_up(self) -> Reply:
        """The gateway tells that the session ended."""
        assert self.line.notice is not None
        return await self.send(self.line.notice(replace(self.press, count=self.press.count + 1)))

    @property
    def shown(self) -> str:
        """The screen as the gateway shows it, with END in front where it closes the session."""
        text, end = self.line.read(self.answer)
        return f"END {text}" if end else f"CON {text}"
