"""The values that callers see: a gateway's `Step` in, a `Reply` out, the `Session` stored in between.

A session is everything remembered between two steps. It is frozen, plain and small, so the caller can keep
it in one database row and any process can take the next step. It holds no phone number and no raw input.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from ussd.fit import Cap
from ussd.shopping import MerchantView, RequestState, ShopperScreen
from ussd.signing_up import SignUpForm, SignUpScreen
from ussd.trade import NEEDS as TRADE_NEEDS
from ussd.trade import Trade, TradeScreen

# One row stays small and is written on every step. Three names of a sign-up in a script of three bytes a character are
# 540 bytes, twice that where it broke off; the screen is 210. Other dialogues need a third of it.
SESSION_BYTES_MAX: Final = 3072
STACK_MAX: Final = 12  # screens that 0 can walk back through; the deepest dialogue, the sign-up, has eleven
SESSION_LIFE_S: Final = 600  # gateways close after 180 s (Africa's Talking); duplicates of an END come later still

Event = Literal["begin", "reply", "cancel", "timeout", "ended", "status", "unknown"]
ScreenName = Literal["home", ShopperScreen, "language", "resume", TradeScreen, SignUpScreen]


class BadStep(ValueError):
    """A gateway's message that cannot be understood. The text names the field, never its value."""


class Step(Struct, frozen=True):
    """One message from a gateway in the form all gateways reduce to.

    `msisdn` is E.164 with its plus, `service_code` as dialled (`*384*123#`), `text` as the gateway sent it:
    the whole cumulative input or only the latest, which the gateway's entry in `ussd.gateways` tells. The `text`
    of a beginning is what was dialled behind the code (`74210006*250`).

    Some gateways leave fields empty. Without `session_id` the caller keys the session by the phone; an `ended` or a
    `status` without `msisdn` is that of the phone which the session belongs to. `status` asks whether the session
    goes on and is no step: `session_goes_on` answers it. Nor is `unknown`, a message of a kind that we do not know:
    `misunderstood` is its answer.
    """

    gateway: str
    session_id: str
    msisdn: str
    service_code: str
    event: Event
    text: str
    network: str = ""
    opens: str | None = None  # what a reply's text means should the session be new, where a beginning is not marked
    seq: int | None = None  # the message's number in its session; a retry has the same, a late one a lower
    message_id: str = ""  # the message's name; a retry has the same
    of_phone: bool = False  # `session_id` is known with the phone alone: others may have the same meanwhile
    echo: Mapping[str, str] = {}  # of the call, for the answer
    cap: Cap | None = None  # the line's own, where the gateway's does not hold
    gsm7_only: bool = False  # the line shows nothing outside the 7-bit alphabet

    @property
    def is_notice(self) -> bool:
        """Whether it only tells or asks something, and no phone waits for a screen."""
        return self.event not in {"begin", "reply", "unknown"}


class Reply(Struct, frozen=True):
    """What the handset shows. `end` closes the session."""

    text: str
    end: bool


class Seen(Struct, frozen=True):
    """The last input taken, as length and digest: enough to know it again, without keeping what was typed."""

    length: int
    digest: str


class Answers(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The answers given so far."""

    shop: MerchantView | None = None
    amount_minor: int | None = None
    asked_about: RequestState | None = None  # the state of the same payment, of which the shopper was told
    request_id: str | None = None
    trade: Trade | None = None  # those of a shop's own people
    form: SignUpForm | None = None


class Aside(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A dialogue that broke off: its screens, the last one being where it stood, and its answers."""

    screens: tuple[ScreenName, ...]
    answers: Answers


class Session(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The state of one dialogue after its last step."""

    screen: ScreenName
    language: str
    expires_at: datetime
    reply: Reply
    step: int
    seen: Seen = Seen(0, "")
    stack: tuple[ScreenName, ...] = ()
    pages: tuple[int, ...] = ()  # of the stack: where each screen was left
    answers: Answers = Answers()
    aside: Aside | None = None  # of the call before, until it is gone on with or given up
    page: int = 0
    more: bool = False  # the last reply offered a further page
    misses: int = 0  # inputs in a row that this screen could not take
    ended: bool = False
    interrupted: bool = False  # ended by the gateway in the middle, so that it may be resumed in a further call
    began: bool = False  # the last step opened it
    chose: bool = False  # the last step chose its language
    guesses: int = 0  # wrong shop numbers of this phone, in this session and those before
    guesses_until: datetime | None = None  # when they are forgotten
    unreadable: bool = False  # stands for a stored form this version cannot read


# The answers a screen cannot be shown without; a stored session that lacks them is unreadable.
NEEDS: Final[dict[ScreenName, tuple[str, ...]]] = {
    "currency": ("shop",),
    "amount": ("shop",),
    "confirm": ("shop", "amount_minor"),
    "waiting": ("request_id",),
    "status": ("request_id",),
    "ended": ("request_id",),
    "paid": ("request_id",),
    "decline": ("request_id",),
    "report_why": ("shop",),
    **dict(TRADE_NEEDS.items()),
    "sign_up_name": ("form",),
    "sign_up_business": ("form",),
    "sign_up_kind": ("form",),
    "sign_up_town": ("form",),
    "sign_up_id": ("form",),
    "sign_up_birth": ("form",),
    "sign_up_dfsp": ("form",),
    "sign_up_consent": ("form",),
    "sign_up_code": ("form",),
}
UNREADABLE: Final = Session(
    screen="home",
    language="",
    expires_at=datetime.fromtimestamp(0, UTC),
    reply=Reply("", False),
    step=0,
    unreadable=True,
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Session)

assert set(NEEDS) <= set(get_args(ScreenName))


def taken_at(session: Session) -> datetime:
    """When its last step was taken."""
    return session.expires_at - timedelta(seconds=SESSION_LIFE_S)


def session_goes_on(session: Session | None, now: datetime) -> bool:
    """Whether the session takes further inputs: the answer to a `status`."""
    return session is not None and not (session.ended or session.unreadable) and now < session.expires_at


def encode_session(session: Session) -> bytes:
    """The session as JSON of at most `SESSION_BYTES_MAX` bytes."""
    stored = _encoder.encode(session)
    assert len(stored) <= SESSION_BYTES_MAX, f"session of {len(stored)} bytes on screen {session.screen}"
    return stored


def decode_session(stored: bytes | str) -> Session:
    """Read a stored session; never fails.

    A form that this version cannot read (another version wrote it) becomes a session that restarts at home
    and says so at its next step.
    """
    try:
        session = _decoder.decode(stored)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return UNREADABLE
    aside = session.aside
    is_whole = _has_all((session.screen, *session.stack), session.answers)
    return session if is_whole and (aside is None or _has_all(aside.screens, aside.answers)) else UNREADABLE


def _has_all(screens: tuple[ScreenName, ...], answers: Answers) -> bool:
    needed = (field for screen in screens for field in NEEDS.get(screen, ()))
    return all(answered(answers, field) is not None for field in needed)


def answered(answers: Answers, field: str) -> object:
    """An answer by its name, or by its place and name: `trade.customer`; None where it was not given."""
    of, _, name = field.rpartition(".")
    return getattr(getattr(answers, of) if of else answers, name, None)
