"""A walk through the whole menu, whatever the service answers: what leads where, what leads nowhere, and a map of it.

`python -m ussd.walk` writes the map; `python -m ussd.walk --check` writes what is wrong and fails if anything is. What
the service answers is made up from the types of `Backend`, so that a question added there is answered here as well.
"""

import sys
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from inspect import signature
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, UnsetType
from msgspec.structs import fields as fields_of
from msgspec.structs import replace

import ussd
from ussd.backend import Backend
from ussd.screens import SCREENS
from ussd.session import SESSION_LIFE_S, Event, ScreenName, Session, Step
from ussd.texts import DEFAULT_LANGUAGE, catalogue

T = TypeVar("T")
DIALLED: Final = "dialled"
ENDED: Final = "over"
GATEWAY: Final = "hubtel"  # numbers its steps, so that no answer is taken for a copy of another
NUMBER: Final = "74210006"
AMOUNT: Final = "250"
NOW: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
# What is typed where a screen reads for itself: numbers, amounts, telephones, names, dates, places in a list.
TYPED: Final = (NUMBER, AMOUNT, "1", "2", "3", "0711000222", "Mama Amina", "12345678", "01/02/1990", "123456", "x")
KEYS: Final = ("00", "99")  # home, and out from there
DEPTH_MAX: Final = 3  # of structs inside structs
# Made-up values by the names of fields; others of their type are PLAIN.
NAMED: Final[Mapping[str, Any]] = {
    "number": NUMBER,
    "name": "Mama Amina",
    "shop": "Mama Amina",
    "currency": "KES",
    "code": "KES",
    "exponent": 2,
    "language": DEFAULT_LANGUAGE,
    "customer": "+254711000222",
    "msisdn": "+254711000222",
}
PLAIN: Final[Mapping[type, Any]] = {
    str: "x1",
    int: 100_000,
    float: 1.0,
    bytes: b"x",
    datetime: NOW - timedelta(minutes=1),
    date: NOW.date(),
    timedelta: timedelta(minutes=1),
    NoneType: None,
}

Edge = tuple[str, str, str]  # from, by what, to


class Found(Struct):
    """What a walk has found: edges in the order in which they were met, a screen's first line, and what went wrong."""

    edges: dict[Edge, None]
    titles: dict[str, str]
    answered: dict[str, None]
    problems: dict[str, None]

    @property
    def unreached(self) -> list[str]:
        """Screens to which nothing led."""
        return [name for name in SCREENS if name not in self.titles]

    @property
    def dead_ends(self) -> list[str]:
        """Screens that ask for something and take nothing."""
        asking = {name for name, screen in SCREENS.items() if screen.options or screen.typed}
        return [name for name in SCREENS if name in self.titles and name in asking - self.answered.keys()]

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong, a sentence each."""
        return [
            *(f"Nothing leads to the screen {name}." for name in self.unreached),
            *(f"The screen {name} asks and takes nothing." for name in self.dead_ends),
            *self.problems,
        ]


class _Service:
    """A backend that answers every question as a scenario says, and by the first value of its type otherwise."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self.scenario = scenario
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        async def answer(*_args: Any, **_kwargs: Any) -> Any:
            self.asked.add(name)
            return self.scenario[name] if name in self.scenario else _ANSWERS[name][0]

        return answer


def values(kind: Any, name: str = "", depth: int = 0) -> list[Any]:
    """Values of a type, each kind of them once; the first is the usual one."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return list(inside)
    if origin in (Union, UnionType):
        arms = sorted(inside, key=lambda arm: arm in (NoneType, UnsetType))
        return [value for arm in arms if arm is not UnsetType for value in values(arm, name, depth)]
    if kind is bool:
        return [True, False]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _structs(kind, depth) if depth < DEPTH_MAX else []
    if origin is tuple and inside[1:] != (...,):
        return [tuple(values(arm, "", depth)[0] for arm in inside)]
    if origin in (list, tuple, Sequence) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        made = list if origin is not tuple else tuple
        of = values(inside[0], name.rstrip("s"), depth)
        if not of:
            return [made([])]
        return [made([one]) for one in of] + [made(of[:1] * 3), made(_varied(of[0], n) for n in range(3)), made([])]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        keys, of = values(inside[0], "", depth), values(inside[1], "", depth)
        return [{}, *({key: of[0]} for key in keys)]
    return [NAMED[name]] if name in NAMED and isinstance(NAMED[name], kind) else [PLAIN[kind]]


def _varied(value: Any, number: int) -> Any:
    """Another one of a list: its ids are its own."""
    if not isinstance(value, Struct):
        return value
    ids = {one.name: getattr(value, one.name) for one in fields_of(type(value)) if one.name.endswith("_id")}
    return replace(value, **{name: f"{found}{number}" for name, found in ids.items() if isinstance(found, str)})


def _structs(kind: type[Struct], depth: int) -> list[Any]:
    """A struct with the usual values, and one for each other value of each of its fields."""
    hints = get_type_hints(kind)
    of = {one.name: values(hints[one.name], one.name, depth + 1) for one in fields_of(kind)}
    for one in fields_of(kind):
        if one.default is not NODEFAULT and one.default not in of[one.name]:
            of[one.name].append(one.default)
    usual = {name: found[0] for name, found in of.items() if found}
    others = [kind(**{**usual, name: value}) for name, found in of.items() for value in found[1:]]
    return [kind(**usual), *others]


def _questions() -> dict[str, list[Any]]:
    """Every question of the Backend with the answers that it may get."""
    names = [name for name in dir(Backend) if not name.startswith("_")]
    return {name: values(get_type_hints(getattr(Backend, name))["return"], name) for name in names}


_ANSWERS: Final = _questions() | {"preferred_language": [DEFAULT_LANGUAGE]}
# A call that begins may go on with the one before.
_TAKES_EARLIER: Final = "earlier" in signature(ussd.step).parameters


# A phone without a shop is asked other things.
BASES: Final[Sequence[Mapping[str, Any]]] = ({}, {"own_counters": []})


async def walk() -> Found:
    """Walk through what is usual; then from each step that asks something, with every other answer to it."""
    found = Found({}, {}, {}, {})
    for base in BASES:
        usual = _Walk(found, _Service(base))
        await usual.everywhere()
        for name, answers in _ANSWERS.items():
            for answer in answers:
                other = _Walk(found, _Service({**base, name: answer}), usual.seen)
                await other.everywhere(usual.asking.get(name, ()))
    return found


class _Press(Struct, frozen=True):
    """One thing that is typed: where, what, and what the map says of it."""

    session: Session | None
    text: str
    place: str = DIALLED
    by: str = ""
    earlier: Session | None = None  # the phone's call before


class _Walk:
    """Breadth first through one scenario; places that hold the same answers are one.

    `asking` tells which presses asked the service what.
    """

    def __init__(self, found: Found, service: _Service, seen: Set[tuple[Any, ...]] = frozenset()) -> None:
        self._found, self._service = found, service
        self._queue: deque[Session] = deque()
        self.seen = set(seen)
        self.asking: dict[str, list[_Press]] = {}

    async def everywhere(self, presses: Sequence[_Press] | None = None) -> None:
        """Begin with these presses, or with every way to call; go on until no place is new."""
        for press in _calls() if presses is None else presses:
            await self._press(press)
        while self._queue:
            session = self._queue.popleft()
            for press in _answers(session):
                await self._press(press)
            await self._leave(session)
            if _TAKES_EARLIER:
                await self._press(_Press(None, "", DIALLED, "*code# again", session))

    async def _leave(self, session: Session) -> None:
        """Two keys lead out of every place, unless the screen reads them itself."""
        home, out = KEYS
        if home not in SCREENS[session.screen].navigation:
            return
        there = await self._step(_Press(session, home, session.screen, home))
        if there is None or there.ended:
            return
        self._visit(there)
        left = await self._step(_Press(there, out, there.screen, out))
        if left is not None and not left.ended:
            self._found.problems[f"{home} and {out} do not lead out of the screen {session.screen}."] = None

    async def _press(self, press: _Press) -> None:
        after = await self._step(press)
        if after is None:
            return
        before, goal = press.session, ENDED if after.ended else after.screen
        if before is None or after.misses <= before.misses:
            self._found.answered[press.place] = None
        if goal != press.place:
            self._found.edges[press.place, press.by, goal] = None
        if not after.ended:
            self._visit(after)

    def _visit(self, session: Session) -> None:
        self._found.titles.setdefault(session.screen, session.reply.text.split("\n")[0])
        place = (session.screen, _held(session.answers), session.more)
        if place not in self.seen:
            self.seen.add(place)
            self._queue.append(session)

    async def _step(self, press: _Press) -> Session | None:
        session, earlier = press.session, press.earlier
        number = session.seen.length + 1 if session else 1
        event: Event = "reply" if session else "begin"
        step = Step(GATEWAY, "walk", "+254711000111", "*384*123#", event, press.text, seq=number)
        before = session or earlier
        now = before.expires_at - timedelta(seconds=SESSION_LIFE_S - 1) if before else NOW
        self._service.asked.clear()
        take: Any = ussd.step
        try:
            after, _ = await take(session, step, self._service, now, *([earlier] if earlier else []))
        except Exception as error:
            self._found.problems[f"{press.place}: {press.text} raises {type(error).__name__}: {error}"] = None
            return None
        for name in self._service.asked:
            self.asking.setdefault(name, []).append(press)
        found: Session | None = after
        return found


def _calls() -> Iterator[_Press]:
    yield _Press(None, "", DIALLED, "*code#")
    yield _Press(None, NUMBER, DIALLED, "*code*NUMBER#")
    yield _Press(None, f"{NUMBER}*{AMOUNT}", DIALLED, "*code*NUMBER*AMOUNT#")


def _answers(session: Session) -> Iterator[_Press]:
    """What is typed at a place: its options, and where the screen reads for itself all of TYPED."""
    screen, words = SCREENS[session.screen], catalogue(DEFAULT_LANGUAGE).texts
    for digit, option in screen.options.items():
        yield _Press(session, digit, session.screen, f"{digit} {words.get(option.label, '')}".strip())
    for typed in TYPED if screen.typed else ():
        if typed not in screen.options:
            yield _Press(session, typed, session.screen)


def _held(answers: Struct) -> tuple[Any, ...]:
    """Which answers a place holds, whatever their values; yes and no are told apart, and words of a few."""
    held: list[Any] = []
    for one in fields_of(type(answers)):
        value = getattr(answers, one.name)
        if isinstance(value, Struct):
            held.append((one.name, _held(value)))
        elif isinstance(value, bool) or get_origin(one.type) is Literal:
            held.append((one.name, value))
        elif value:
            held.append(one.name)
    return tuple(held)


def document(found: Found) -> str:
    """The map as a page: a drawing of what leads where, and a table of the screens."""
    shown = [name for name in SCREENS if name in found.titles]
    rows = "".join(f"| `{name}` | {_plain(found.titles[name])} | {_takes(name)} |\n" for name in shown)
    return _PAGE.format(drawing="\n".join(_drawing(found)), rows=rows, screens=len(shown))


_PAGE: Final = """\
# The USSD menu

What leads where in the menu, found by walking through it with every kind of answer of the service (`make states`; the
walk is `ussd/walk.py`). 0 goes back, 00 home, 98 to the next page and 99 out; they are not drawn. An arrow without a
word is an answer that is typed.

```mermaid
{drawing}
```

The {screens} screens, each by its first line as it was met first:

| screen | begins | takes |
|---|---|---|
{rows}"""


def _drawing(found: Found) -> Iterator[str]:
    yield "flowchart LR"
    yield f'    {DIALLED}(["dialled"])'
    for name in SCREENS:
        if name in found.titles:
            yield f'    {name}{"{{" if SCREENS[name].commits else "["}"{name}"{"}}" if SCREENS[name].commits else "]"}'
    yield f'    {ENDED}(["over"])'
    by_pair: dict[tuple[str, str], list[str]] = {}
    for start, by, goal in found.edges:
        by_pair.setdefault((start, goal), []).append(by)
    for (start, goal), ways in by_pair.items():
        label = ", ".join(dict.fromkeys(way for way in ways if way))
        yield f'    {start} -->|"{_drawn(label)}"| {goal}' if label else f"    {start} --> {goal}"


def _drawn(label: str) -> str:
    return label.replace("#", "#35;").replace('"', "#quot;")


def _takes(name: ScreenName) -> str:
    screen = SCREENS[name]
    takes = [*(f"`{digit}`" for digit in screen.options), *(["an entry"] if screen.typed else [])]
    return ("commits: " if screen.commits else "") + (" ".join(takes) or "–")


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _done(work: Coroutine[Any, Any, T]) -> T:
    """What the work answers; it waits for nothing, since every answer is made up at once."""
    try:
        work.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("it waits")


def main(arguments: Sequence[str]) -> int:
    """Write the map, into a file if one is named; or with `--check` what is wrong. The exit status."""
    found = _done(walk())
    if "--check" in arguments:
        sys.stdout.writelines(f"{fault}\n" for fault in found.faults)
        return bool(found.faults)
    if arguments:
        Path(arguments[0]).write_text(document(found), encoding="utf-8")
    else:
        sys.stdout.write(document(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
