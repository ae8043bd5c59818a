"""The walk through the menu: one gateway step in, the next session and one reply out.

`step` learns what is new, `_open` or `_answer` moves the session, `layout` writes the screen. The caller
stores the session with the effect, and each only once, so a step happens once or not at all.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from ussd.amounts import western_digits
from ussd.arrivals import SEPARATOR, Begin, Closed, Repeat
from ussd.backend import Backend
from ussd.fit import Cap
from ussd.gateways import GATEWAYS
from ussd.layout import Page, lay_out
from ussd.menu import BACK, EXIT, HOME, MORE, Back, End, Go, Move, Screen, Stay, Turn, View
from ussd.screens import SCREENS
from ussd.screens.common import FIRST
from ussd.screens.results import first_screen
from ussd.session import SESSION_LIFE_S, STACK_MAX, Answers, Aside, Reply, ScreenName, Session, Step, taken_at
from ussd.texts import DEFAULT_LANGUAGE, Line, catalogue, other_languages, say, spoken_on

MISSES_MAX: Final = 3  # wrong entries in a row on one screen
FEW_CHOICES: Final = 4  # are named one by one
INPUT_CHARS_MAX: Final = 200  # of one answer; the longest that means something is a shop's number
REPLAY_INPUTS_MAX: Final = 32  # of a lost session; a dialogue of 180 s has far fewer
RESUMED_FOR_S: Final = 300  # after the last step; later, people have begun something else
# Who tries numbers one after the other looks for shops that are not theirs to know; who mistypes asks the shop.
GUESSED: Final = frozenset[ScreenName]({"number", "report"})
GUESSES_MAX: Final = 10
GUESSES_KEPT_S: Final = 3600

# A session and a line: the notice above its screen or, once it has ended, its last words.
Moved = tuple[Session, Line | None]


async def step(
    session: Session | None, step: Step, backend: Backend, now: datetime, earlier: Session | None = None
) -> tuple[Session | None, Reply]:
    """Take one step of a dialogue.

    `session` is the one stored under the step's gateway, session id and phone number, or None; `earlier`, which counts
    only where a call begins, the one of the phone's call before, by whatever gateway. Store the returned one in the
    transaction in which `backend` acted; nothing where it is the same or None. The same step delivered again gives the
    same bytes and does not call the backend; the reply to an event without text (`cancel`, `timeout`, `ended`) is
    empty. Exceptions of the backend pass through: roll back and answer `busy(session)`.
    """
    assert step.event not in {"status", "unknown"}, "no step: session_goes_on and misunderstood answer it"
    if step.is_notice:
        return _interrupt(session, now), Reply("", end=True)
    arrival = GATEWAYS[step.gateway].read(session, step, now)
    match arrival:
        case Repeat(session):
            return session, session.reply
        case Closed(session):
            return session, _last_words("end.closed", session.language)
    turn = Turn(step, _effect_key(step, arrival.number), backend)
    expires_at = now + timedelta(seconds=SESSION_LIFE_S)
    if isinstance(arrival, Begin):
        before = earlier if earlier is not None and not earlier.unreadable else arrival.before
        known = await backend.preferred_language(step.msisdn)
        defaults = () if known else await backend.default_languages()
        # A line of 7-bit letters alone speaks another language than the phone's, which stays the phone's elsewhere.
        spoken = spoken_on(step.gsm7_only, (known,) if known else defaults)
        blank = _blank(arrival, next(iter(spoken), None), before, now)
        moved, line = await _open(replace(blank, expires_at=expires_at), arrival, turn, before, now)
        if not known and line is None and moved.screen == "home" and not arrival.inputs:
            line = other_languages(moved.language, defaults, line_is_gsm7=step.gsm7_only)
    else:
        session = replace(arrival.session, chose=False) if arrival.session.chose else arrival.session
        moved, line = await _answer_all(session, arrival.text, turn)
    if moved.guesses:
        moved = _count_guesses(moved, now)
    page = await _lay_out(moved, line, turn)
    reply = Reply(page.text, moved.ended)
    moved = replace(
        moved,
        step=arrival.number,
        seen=arrival.seen,
        expires_at=expires_at,
        began=isinstance(arrival, Begin),
        reply=reply,
        page=page.number,
        more=page.more,
    )
    return moved, reply


def may_act(session: Session | None, step: Step) -> bool:
    """Whether the step may have an effect, to the best of what the stored session tells: only an answer to a screen
    that commits has one. Such a step needs the session locked; others may be taken twice, if one of both is stored."""
    return session is not None and not session.ended and not step.is_notice and SCREENS[session.screen].commits


def busy(session: Session | None) -> Reply:
    """The apology for a step that failed and was rolled back, so that nothing was asked of any bank."""
    return _last_words("end.busy", session.language if session else DEFAULT_LANGUAGE)


def misunderstood() -> Reply:
    """The answer to a message of a kind that we do not know: the call ends, and nothing changes."""
    return _last_words("end.closed", DEFAULT_LANGUAGE)


def later(session: Session | None) -> Reply:
    """The apology for a step that could not be taken and asks for nothing; it claims nothing of payments before."""
    return _last_words("end.later", session.language if session else DEFAULT_LANGUAGE)


def unsure(session: Session | None) -> Reply:
    """The last words of a step of which nobody knows whether it was taken."""
    return _last_words("end.unsure", session.language if session else DEFAULT_LANGUAGE)


def _last_words(key: str, language: str) -> Reply:
    return Reply(lay_out(View(say(key)), catalogue(language), Cap(), has_pages=False).text, end=True)


def _effect_key(step: Step, number: int) -> str:
    """One step, one effect: the key a request for payment is known by, however often the step arrives."""
    return f"ussd:{step.gateway}:{step.session_id}:{number}"


def _interrupt(session: Session | None, now: datetime) -> Session | None:
    """The gateway closed the session: later inputs are refused, and all else stays; a session unknown stays so."""
    if session is None or session.unreadable or session.ended or now >= session.expires_at:
        return session
    return replace(session, ended=True, interrupted=True)


def _blank(arrival: Begin, language: str | None, before: Session | None, now: datetime) -> Session:
    """A session at home, in the phone's language, with the wrong numbers it has tried of late."""
    session = Session("home", language or DEFAULT_LANGUAGE, now, Reply("", end=False), step=arrival.number)
    if before is None or before.guesses_until is None or now >= before.guesses_until:
        return session
    return replace(session, guesses=before.guesses, guesses_until=before.guesses_until)


async def _open(session: Session, arrival: Begin, turn: Turn, before: Session | None, now: datetime) -> Moved:
    """Start a session: at home, at an open request, at a dialogue that broke off, or as far along as is safe.

    A dial string (`*code*NUMBER*AMOUNT#`) and the text of a session we lost look alike, except that the
    latter begins with a choice from home.
    """
    if arrival.notice:
        return session, arrival.notice
    if _is_dial_string(arrival.inputs):
        return await _dial(replace(session, screen="number", stack=("home",)), *arrival.inputs, turn=turn)
    if not arrival.inputs and before is not None:
        session = _take_up(session, before, now)
    requests = await turn.backend.own_recent(turn.step.msisdn)
    if requests and (not arrival.inputs or any(request.is_open for request in requests)):
        return _follow(session, first_screen(requests))
    return await _replay((session, None), arrival.inputs, turn)


def _take_up(session: Session, before: Session, now: datetime) -> Session:
    """Offer to go on with the call before, if it broke off just now at a question and with answers worth keeping."""
    if (before.ended and not before.interrupted) or now >= taken_at(before) + timedelta(seconds=RESUMED_FOR_S):
        return session
    # Where it broke off again before that was answered; whoever went home left it.
    aside = None if before.screen == "home" else before.aside
    if aside is None:
        aside = _unfinished(before)
        if aside is None:
            return session
    return replace(session, screen="resume", answers=aside.answers, aside=aside)


def _unfinished(session: Session) -> Aside | None:
    """Where a session stands, if it is at a question and with answers worth keeping."""
    screen = SCREENS[session.screen]
    if session.answers == Answers() or not (screen.typed or screen.commits):
        return None
    return Aside((*session.stack, session.screen)[-STACK_MAX:], session.answers)


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


async def _answer_all(session: Session, raw: str, turn: Turn) -> Moved:
    """Move by what is new: mostly one input. Several, where the last one overtook those before it, lead as far as they
    are accepted, and never through a screen whose answer has an effect; else they are one input with stars in it."""
    first, *rest = raw.split(SEPARATOR)
    screen = SCREENS[session.screen]
    if not rest or not GATEWAYS[turn.step.gateway].is_cumulative or screen.free_text or screen.commits:
        return await _answer(session, raw, turn)
    moved, line = await _answer(session, first, turn)
    if moved.ended or line is not None:
        return await _answer(session, raw, turn)
    return await _replay((moved, line), tuple(rest), turn)


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
    hidden = (await screen.show(turn.at(session.answers, session.language))).hides if screen.varies else frozenset()
    handler = option.choose if option and text not in hidden else screen.typed
    if handler and text:
        if session.screen in GUESSED and session.guesses >= GUESSES_MAX:
            return _ended(session), say("end.guessed")
        move = await handler(turn.at(session.answers, session.language), text)
        if session.screen in GUESSED and isinstance(move, Stay) and move.miss:
            session = replace(session, guesses=session.guesses + 1)
        return _follow(session, move)
    return _follow(session, Stay(None if screen.typed else _choices(session, screen, hidden)))


def _typed(raw: str) -> str:
    """A normalised input: digits of any script, without the spaces and the hash that people add, and of some length."""
    return western_digits(raw[:INPUT_CHARS_MAX]).strip().rstrip("#").rstrip()


def _choices(session: Session, screen: Screen, hidden: frozenset[str] = frozenset()) -> Line:
    """What may be typed here: `Choose 1, 2 or 9.`, and `Choose 1 to 6.` where it would grow long."""
    *others, last = offered = [digit for digit in screen.options if digit not in hidden] or list(_keys(session))
    if len(offered) > FEW_CHOICES and offered == [str(digit) for digit in range(1, len(offered) + 1)]:
        return say("error.range", last=last)
    either = catalogue(session.language)["error.or"]
    return say("error.option", options=f"{', '.join(others)}{either}{last}" if others else last)


def _count_guesses(session: Session, now: datetime) -> Session:
    """Wrong numbers are remembered for a time that begins with the first."""
    if session.guesses_until is None:
        return replace(session, guesses_until=now + timedelta(seconds=GUESSES_KEPT_S))
    return session if now < session.guesses_until else replace(session, guesses=0, guesses_until=None)


def _follow(session: Session, move: Move) -> Moved:
    match move:
        case Back():
            return _back(session) or _home(session)
        case End(line):
            return _ended(session), line
        case Stay(line, miss):
            misses = session.misses + miss
            if misses >= MISSES_MAX:
                return _ended(session), say("end.help")
            return replace(session, misses=misses), line
        case Go("home", _, None, notice):
            return _home(session)[0], notice
        case Go("home", _, language, notice):
            session = replace(session, language=language, chose=True)
            if session.aside is None:
                return _home(session)[0], notice
            return replace(_home(session)[0], screen="resume", answers=session.aside.answers, aside=session.aside), None
        case Go(name, answers, _, notice):
            session = replace(session, answers=answers or session.answers, misses=0)
            if session.screen == "home" and name != "language":
                session = replace(session, aside=None)
            if name == session.screen:
                return replace(session, page=0), notice
            stack, pages = session.stack, _pages(session)
            if name in stack:
                depth = stack.index(name)
                back = replace(session, screen=name, stack=stack[:depth], pages=pages[:depth], page=pages[depth])
                return back, notice
            stack, pages = (*stack, session.screen)[-STACK_MAX:], (*pages, session.page)[-STACK_MAX:]
            return replace(session, screen=name, stack=stack, pages=pages, page=0), notice


def _pages(session: Session) -> tuple[int, ...]:
    """On which page each screen of the stack was left; an earlier release did not keep it."""
    return (*(0,) * len(session.stack), *session.pages)[-len(session.stack) :] if session.stack else ()


def _ended(session: Session) -> Session:
    """Over: what was typed has served its purpose, and goes."""
    return replace(session, screen="home", stack=(), pages=(), answers=Answers(), ended=True)


def _back(session: Session) -> Moved | None:
    if session.page > 0:
        return replace(session, page=session.page - 1, misses=0), None
    if session.screen == "resume" and session.aside is not None:
        *stack, screen = session.aside.screens
        gone_on = replace(session, screen=screen, stack=tuple(stack), answers=session.aside.answers, aside=None)
        return replace(gone_on, misses=0), None
    if not session.stack:
        return None
    *stack, screen = session.stack
    *pages, page = _pages(session)
    if screen == "resume" and session.aside is not None:
        return replace(session, screen=screen, stack=(), pages=(), answers=session.aside.answers, misses=0), None
    back = replace(session, screen=screen, stack=tuple(stack), pages=tuple(pages), page=page, misses=0)
    return (back, None) if stack else _home(session)


def _home(session: Session) -> Moved:
    return replace(session, screen="home", stack=(), pages=(), answers=Answers(), aside=None, page=0, misses=0), None


def _leave(session: Session) -> Moved:
    """Home by its key. What was begun stays aside until something else is chosen there: perhaps only the language was
    the wrong one."""
    unfinished = session.aside if session.screen in ("home", "language") else _unfinished(session)
    return replace(_home(session)[0], aside=unfinished), None


def _more(session: Session) -> Moved | None:
    return (replace(session, page=session.page + 1, misses=0), None) if session.more else None


def _exit(session: Session) -> Moved:
    return _ended(session), say("end.goodbye")


# None where the key means nothing at this place; it is then an input like any other.
NAVIGATE: Final[dict[str, Callable[[Session], Moved | None]]] = {
    BACK: _back,
    HOME: _leave,
    MORE: _more,
    EXIT: _exit,
}


async def _lay_out(session: Session, line: Line | None, turn: Turn) -> Page:
    """Write the screen under its notice or, once the session has ended, the last words."""
    words, cap = catalogue(session.language), turn.step.cap or GATEWAYS[turn.step.gateway].cap
    if session.ended:
        assert line is not None, "a session ends with words"
        return lay_out(View(line), words, cap, has_pages=False)
    screen = SCREENS[session.screen]
    view = await screen.show(turn.at(session.answers, session.language))
    keys = _keys(session)
    return lay_out(
        view,
        words,
        cap,
        notice=line,
        options=screen.options,
        keys=keys,
        page=session.page,
        has_pages=MORE in screen.navigation,
    )


def _keys(session: Session) -> tuple[str, ...]:
    """The navigation keys worth showing here; the others work all the same."""
    if session.screen in ("home", "resume"):
        return (EXIT,)
    return (BACK, HOME) if session.stack or session.page > 0 else (HOME,)
