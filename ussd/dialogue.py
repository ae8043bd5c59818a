"""The walk through the menu: one gateway step in, the next session and one reply out.

`step` learns what is new, `_open` or `_answer` moves the session, `_lay_out` writes the screen. The caller
holds the session's row locked and commits it with the effect, so a step happens once or not at all.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from ussd.amounts import western_digits
from ussd.arrivals import Begin, Closed, Repeat
from ussd.backend import Backend
from ussd.gateways import GATEWAYS
from ussd.menu import BACK, EXIT, HOME, MORE, End, Go, Move, Page, Screen, Stay, Turn, View, lay_out
from ussd.screens import SCREENS
from ussd.screens.common import FIRST
from ussd.screens.results import first_screen
from ussd.session import SESSION_LIFE_S, STACK_MAX, Answers, Reply, ScreenName, Session, Step
from ussd.texts import DEFAULT_LANGUAGE, Line, catalogue, say

MISSES_MAX: Final = 3  # wrong entries in a row on one screen
INPUT_CHARS_MAX: Final = 200  # of one answer; the longest that means something is a shop's number
REPLAY_INPUTS_MAX: Final = 32  # of a lost session; a dialogue of 180 s has far fewer

# A session and a line: the notice above its screen or, once it has ended, its last words.
Moved = tuple[Session, Line | None]


async def step(session: Session | None, step: Step, backend: Backend, now: datetime) -> tuple[Session, Reply]:
    """Take one step of a dialogue.

    `session` is the one stored under the step's gateway, session id and phone number, or None. Store the
    returned one in the transaction in which `backend` acted. The same step delivered again gives the same
    bytes and does not call the backend; the reply to an event without text (`cancel`, `timeout`, `ended`) is
    empty. Exceptions of the backend pass through: roll back and answer `busy(session)`.
    """
    assert step.event != "status", "no step: session_goes_on answers it"
    expires_at = now + timedelta(seconds=SESSION_LIFE_S)
    if step.is_notice:
        return _interrupt(session, expires_at)
    arrival = GATEWAYS[step.gateway].read(session, step, now)
    match arrival:
        case Repeat(session):
            return session, session.reply
        case Closed(session):
            return session, _last_words("end.closed", session.language)
    turn = Turn(step, _effect_key(step, arrival.number), backend)
    if isinstance(arrival, Begin):
        session, line = await _open(arrival, turn, expires_at)
    else:
        session, line = await _answer(arrival.session, arrival.text, turn)
    session = replace(session, step=arrival.number, seen=arrival.seen, expires_at=expires_at)
    page = await _lay_out(session, line, turn)
    reply = Reply(page.text, session.ended)
    return replace(session, reply=reply, page=page.number, more=page.more), reply


def busy(session: Session | None) -> Reply:
    """The apology for a step that failed and was rolled back, so that nothing was asked of any bank."""
    return _last_words("end.busy", session.language if session else DEFAULT_LANGUAGE)


def _last_words(key: str, language: str) -> Reply:
    return Reply(catalogue(language).write(say(key)), end=True)


def _effect_key(step: Step, number: int) -> str:
    """One step, one effect: the key a request for payment is known by, however often the step arrives."""
    return f"ussd:{step.gateway}:{step.session_id}:{number}"


def _interrupt(session: Session | None, expires_at: datetime) -> tuple[Session, Reply]:
    """The gateway closed the session: effects stay, and later inputs are refused."""
    if session is None:
        reply = _last_words("end.closed", DEFAULT_LANGUAGE)
        session = Session("home", DEFAULT_LANGUAGE, expires_at, reply, step=0)
    return replace(session, ended=True, expires_at=expires_at), Reply("", end=True)


async def _open(arrival: Begin, turn: Turn, expires_at: datetime) -> Moved:
    """Start a session: at home, at an open request, or as far along its inputs as is safe.

    A dial string (`*code*NUMBER*AMOUNT#`) and the text of a session we lost look alike, except that the
    latter begins with a choice from home.
    """
    language = await turn.backend.preferred_language(turn.step.msisdn) or DEFAULT_LANGUAGE
    session = Session("home", language, expires_at, Reply("", end=False), step=arrival.number)
    if arrival.notice:
        return session, arrival.notice
    if _is_dial_string(arrival.inputs):
        return await _dial(replace(session, screen="number", stack=("home",)), *arrival.inputs, turn=turn)
    requests = await turn.backend.own_recent(turn.step.msisdn)
    if requests and (not arrival.inputs or any(request.is_open for request in requests)):
        return _follow(session, first_screen(requests))
    return await _replay((session, None), arrival.inputs, turn)


def _is_dial_string(inputs: tuple[str, ...]) -> bool:
    home = SCREENS["home"]
    return bool(inputs) and _typed(inputs[0]) not in {"", *home.options, *home.navigation}


async def _dial(session: Session, number: str, amount: str = "", *rest: str, turn: Turn) -> Moved:
    """Take a dialled number and amount, neither of them a navigation key, as far as they are accepted."""
    session, line = await _take(session, number, turn)
    if amount and session.screen == "currency":  # an amount that stands alone is in the shop's own first one
        session, line = await _take(session, FIRST, turn)
    if amount and session.screen == "amount":
        session, line = await _take(session, amount, turn)
    return await _replay((session, line), rest, turn)


async def _replay(moved: Moved, inputs: tuple[str, ...], turn: Turn) -> Moved:
    """Answer screen after screen, but never one whose answer has an effect: that takes a live input."""
    for text in inputs[:REPLAY_INPUTS_MAX]:
        session, _ = moved
        if session.ended or SCREENS[session.screen].commits:
            break
        moved = await _answer(session, text, turn)
    return moved


async def _answer(session: Session, raw: str, turn: Turn) -> Moved:
    """Move by one input: a navigation key where it means something, else an answer to the screen."""
    text = _typed(raw)
    moved = NAVIGATE[text](session) if text in SCREENS[session.screen].navigation else None
    return moved or await _take(session, raw, turn)


async def _take(session: Session, raw: str, turn: Turn) -> Moved:
    """Answer the screen: with one of its options, else with what it reads itself."""
    screen = SCREENS[session.screen]
    text = _typed(raw)
    option = screen.options.get(text)
    handler = option.choose if option else screen.typed
    if handler and text:
        return _follow(session, await handler(turn.at(session.answers), text))
    return _follow(session, Stay(None if screen.typed else _choices(session, screen)))


def _typed(raw: str) -> str:
    """A normalised input: digits of any script, without the spaces and the hash that people add, and of some length."""
    return western_digits(raw[:INPUT_CHARS_MAX]).strip().rstrip("#").rstrip()


def _choices(session: Session, screen: Screen) -> Line:
    """What may be typed here: `Choose 1, 2 or 9.`"""
    *others, last = screen.options or _keys(session)
    either = catalogue(session.language)["error.or"]
    return say("error.option", options=f"{', '.join(others)}{either}{last}" if others else last)


def _follow(session: Session, move: Move) -> Moved:
    match move:
        case End(line):
            return replace(session, ended=True), line
        case Stay(line, miss):
            misses = session.misses + miss
            if misses >= MISSES_MAX:
                return replace(session, ended=True), say("end.help")
            return replace(session, misses=misses), line
        case Go("home", _, language, notice):
            return _home(replace(session, language=language or session.language))[0], notice
        case Go(name, answers, _, notice):
            stack = _stack_to(session, name)
            answers = answers or session.answers
            return replace(session, screen=name, stack=stack, answers=answers, page=0, misses=0), notice


def _stack_to(session: Session, name: ScreenName) -> tuple[ScreenName, ...]:
    """The screens behind one that is gone to. One that lies behind is gone back to, so nobody walks in circles."""
    if name in session.stack:
        return session.stack[: session.stack.index(name)]
    onto = () if name == session.screen else (session.screen,)
    return (*session.stack, *onto)[-STACK_MAX:]


def _back(session: Session) -> Moved | None:
    if session.page:
        return replace(session, page=session.page - 1, misses=0), None
    if not session.stack:
        return None
    *stack, screen = session.stack
    return (replace(session, screen=screen, stack=tuple(stack), misses=0), None) if stack else _home(session)


def _home(session: Session) -> Moved:
    return replace(session, screen="home", stack=(), answers=Answers(), page=0, misses=0), None


def _more(session: Session) -> Moved | None:
    return (replace(session, page=session.page + 1, misses=0), None) if session.more else None


def _exit(session: Session) -> Moved:
    return replace(session, ended=True), say("end.goodbye")


# None where the key means nothing at this place; it is then an input like any other.
NAVIGATE: Final[dict[str, Callable[[Session], Moved | None]]] = {
    BACK: _back,
    HOME: _home,
    MORE: _more,
    EXIT: _exit,
}


async def _lay_out(session: Session, line: Line | None, turn: Turn) -> Page:
    """Write the screen under its notice or, once the session has ended, the last words."""
    words, cap = catalogue(session.language), GATEWAYS[turn.step.gateway].cap
    if session.ended:
        assert line is not None, "a session ends with words"
        return lay_out(View(line), words, cap)
    screen = SCREENS[session.screen]
    view = await screen.show(turn.at(session.answers))
    keys = _keys(session)
    return lay_out(view, words, cap, notice=line, options=screen.options, keys=keys, page=session.page)


def _keys(session: Session) -> tuple[str, ...]:
    """The navigation keys worth showing here; the others work all the same."""
    if session.screen == "home":
        return (EXIT,)
    return (BACK, HOME) if session.stack or session.page else (HOME,)
