"""What is new in a gateway's message: nothing, the first inputs of a session, or one more input.

Gateways send either all inputs so far (cumulative text) or only the latest, which the text alone does not show. A
reader for each kind turns a step into an Arrival, so the dialogue does not depend on it. Only the reader of cumulative
text exists; one for the latest input would count steps by the session and detect a retry by the screen last shown.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from ussd.session import Seen, Session, Step
from ussd.texts import Line, say

SEPARATOR: Final = "*"


class Repeat(Struct, frozen=True):
    """Seen before, or older than what was seen: the last reply is the answer."""

    session: Session


class Closed(Struct, frozen=True):
    """Something new in a session that has ended."""

    session: Session


class Begin(Struct, frozen=True):
    """A session we do not know, with all its inputs so far: none, a dial string, or those of a lost session.

    `notice` says why a session that the shopper sees as running starts at home.
    """

    number: int
    seen: Seen
    inputs: tuple[str, ...]
    notice: Line | None = None


class Input(Struct, frozen=True):
    """One more input. `number` grows with every input of a session, also across a lost one."""

    session: Session
    number: int
    seen: Seen
    text: str


Arrival = Repeat | Closed | Begin | Input
Reader = Callable[[Session | None, Step, datetime], Arrival]


def read_cumulative(session: Session | None, step: Step, now: datetime) -> Arrival:
    """Cumulative text: every input so far, joined by `*`, so it is its own step number.

    The new input is what follows the text last seen, so an input may itself contain `*`. A text that is not
    an extension of the last one is late or garbled, and changes nothing.
    """
    text = step.text
    number = text.count(SEPARATOR) + 1 if text else 0
    seen = Seen(len(text), _digest(text, step.session_id))
    if session is None:
        return Begin(number, seen, _split(text))
    if session.unreadable:
        return Begin(number, seen, (), say("notice.updated"))
    if seen == session.seen:
        return Repeat(session)
    if session.ended:
        return Closed(session)
    if now >= session.expires_at:
        return Begin(number, seen, _split(text))
    before, after = text[: session.seen.length], text[session.seen.length :]
    extends = not before or after.startswith(SEPARATOR)
    if not extends or _digest(before, step.session_id) != session.seen.digest:
        return Repeat(session)
    return Input(session, number, seen, after.removeprefix(SEPARATOR))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()


def _digest(text: str, session_id: str) -> str:
    """Salted by the session, so that equal inputs of two people do not look equal at rest."""
    salted = f"{session_id}\n{text}".encode(errors="surrogatepass")
    return blake2b(salted, digest_size=8).hexdigest()
