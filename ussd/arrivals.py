"""What is new in a gateway's message: nothing, the first inputs of a session, or one more input.

Gateways send either all inputs so far (cumulative text) or only the latest, which the text alone does not show. A
reader for each kind turns a step into an Arrival, so the dialogue does not depend on it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from ussd.screens import SCREENS
from ussd.session import Seen, Session, Step, taken_at
from ussd.texts import Line, say

SEPARATOR: Final = "*"
# The same input again so soon is a retry of the gateway: nobody reads a screen and answers it in less.
RETRY_S: Final = 2
# Where an answer has an effect, and for a beginning, longer than gateways wait for us before they try again (15 s).
# What comes later and is not the next input is a further call, under an id that comes again.
RETRY_OF_EFFECT_S: Final = 20
SILENCE_S: Final = 300  # gateways close a session in which nothing was said for that long


class Repeat(Struct, frozen=True):
    """Seen before, or older than what was seen: the last reply is the answer."""

    session: Session


class Closed(Struct, frozen=True):
    """Something new in a session that has ended."""

    session: Session


class Begin(Struct, frozen=True):
    """A session we do not know, with all its inputs so far: none, a dial string, or those of a lost session.

    `before` is the session that had the same id until now; `notice` says why one that the shopper sees as running
    starts at home.
    """

    number: int
    seen: Seen
    inputs: tuple[str, ...]
    notice: Line | None = None
    before: Session | None = None


class Input(Struct, frozen=True):
    """One more input. `number` grows with every input of a session, also across a lost one.

    `text` may be several inputs joined by SEPARATOR, of which the last overtook the others, or one that has it inside.
    """

    session: Session
    number: int
    seen: Seen
    text: str


Arrival = Repeat | Closed | Begin | Input
Reader = Callable[[Session | None, Step, datetime], Arrival]


def read_cumulative(session: Session | None, step: Step, now: datetime) -> Arrival:
    """Cumulative text: every input so far, joined by `*`, so it is its own step number.

    The new input is what follows the text last seen, so an input may itself contain `*`. A text that is not
    an extension of the last one is late or garbled, and changes nothing; some time after the last step, it is the
    beginning of a further call under the same id, and so is any text once the session has expired.
    """
    text = step.text
    count = text.count(SEPARATOR) + 1 if text else 0
    seen = Seen(len(text), _digest(text, step.session_id))
    if session is None:
        return Begin(count, seen, _split(text))
    number = session.step + count
    if session.unreadable:
        return Begin(number, seen, (), say("notice.updated"))
    anew = Begin(number, seen, _split(text), before=session)
    if now >= session.expires_at:
        return anew
    is_soon = _age(session, now) < timedelta(seconds=RETRY_OF_EFFECT_S)
    if seen == session.seen:
        return Repeat(session) if is_soon or not session.began else anew
    before, after = text[: session.seen.length], text[session.seen.length :]
    extends = not before or after.startswith(SEPARATOR)
    if not extends or _digest(before, step.session_id) != session.seen.digest:
        if not is_soon:
            return anew
        return Closed(session) if session.ended else Repeat(session)
    if session.ended:
        return Closed(session)
    after = after.removeprefix(SEPARATOR)
    return Input(session, session.step + 1 + after.count(SEPARATOR), seen, after)


def read_latest(session: Session | None, step: Step, now: datetime) -> Arrival:
    """The latest input alone: the session counts the steps, and a retry looks like the same words typed twice.

    A number or a name of the message settles that where the gateway sends one. Else the same input is a retry within
    RETRY_S; within RETRY_OF_EFFECT_S where the answer pays; always once the session has ended. A reply of a session
    that we lost cannot be placed, and starts at home with a notice.
    """
    opening = step.text if step.event == "begin" else step.opens
    if session is not None and session.unreadable:
        return _first(session, step, None)
    if session is None or now >= session.expires_at:
        return _first(session, step, opening)
    if opening is not None and _is_copied_opening(session, step, now):
        return Repeat(session)
    if step.event == "begin" or _looks_like_an_opening(session, step, now):
        return _first(session, step, opening)  # a further call, under an id that comes again
    seen = _seen(step, "reply", step.text)
    if _is_copied_reply(session, step, seen, now):
        return Repeat(session)
    if session.ended:
        return Closed(session)
    further = 1 if step.seq is None else step.seq - session.seen.length
    return Input(session, session.step + further, seen, step.text)


def _looks_like_an_opening(session: Session, step: Step, now: datetime) -> bool:
    """Whether a text that nothing marks as the first of its session, and no retry, can hardly be an answer: it is the
    code, or nothing at all and no handset waits for words any more."""
    age = _age(session, now)
    if step.opens is None or step.seq is not None or age < timedelta(seconds=RETRY_OF_EFFECT_S):
        return False
    digits = step.text.strip("*# ")
    if not digits:
        return session.ended or age >= timedelta(seconds=SILENCE_S)
    return bool(step.opens) or digits == step.service_code.strip("*#")


def _first(session: Session | None, step: Step, dialled: str | None) -> Begin:
    """The beginning of a session with what was dialled, or of one that shows a running one anew."""
    inputs = _split(dialled or "")
    number = (session.step if session else 0) + (len(inputs) if step.seq is None else step.seq)
    before = None if session is None or session.unreadable else session
    if dialled is None:
        return Begin(number, _seen(step, "reply", step.text), inputs, say("notice.updated"), before)
    return Begin(number, _seen(step, "opening", step.text), inputs, None, before)


def _seen(step: Step, kind: str, text: str) -> Seen:
    """By what a copy of the step will be known: its number, its name, or what it said."""
    known_by = f"named\n{step.message_id}" if step.message_id else f"{kind}\n{text}"
    return Seen(step.seq or 0, _digest(known_by, step.session_id))


def _is_copied_opening(session: Session, step: Step, now: datetime) -> bool:
    is_soon = _age(session, now) < timedelta(seconds=RETRY_OF_EFFECT_S)
    if step.seq is not None:
        return step.seq <= session.seen.length and (is_soon or not session.ended)
    if _seen(step, "opening", step.text) != session.seen:
        return False
    return bool(step.message_id) or is_soon


def _is_copied_reply(session: Session, step: Step, seen: Seen, now: datetime) -> bool:
    if step.seq is not None:
        return step.seq <= session.seen.length
    if seen != session.seen:
        return False
    if step.message_id or session.ended:
        return True
    has_effect = SCREENS[session.screen].commits
    return _age(session, now) < timedelta(seconds=RETRY_OF_EFFECT_S if has_effect else RETRY_S)


def _age(session: Session, now: datetime) -> timedelta:
    """How long ago the last step was taken."""
    return now - taken_at(session)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()


def _digest(text: str, session_id: str) -> str:
    """Salted by the session, so that equal inputs of two people do not look equal at rest."""
    salted = f"{session_id}\n{text}".encode(errors="surrogatepass")
    return blake2b(salted, digest_size=8).hexdigest()
