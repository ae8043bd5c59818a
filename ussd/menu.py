"""The types of screens: what a screen shows, what it does with an input, and how that is laid out.

`ussd.screens` fills the table; `ussd.dialogue` walks it. A screen never sees languages, sizes or pages.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct

from ussd.backend import Backend, MerchantView
from ussd.fit import Cap, legible, measure, paginate, stretch
from ussd.session import Answers, ScreenName, Step
from ussd.texts import Catalogue, Line

BACK: Final = "0"
HOME: Final = "00"
MORE: Final = "98"
EXIT: Final = "99"
ELASTIC: Final = "shop"  # the one value of a line that is cut when the screen is full
NAVIGATION: Final = {BACK: "nav.back", HOME: "nav.home", MORE: "nav.more", EXIT: "nav.exit"}


class Turn(Struct, frozen=True):
    """What a screen knows while it shows itself or takes an input. `key` names this step for an effect."""

    step: Step
    key: str
    backend: Backend
    answers: Answers = Answers()

    def at(self, answers: Answers) -> "Turn":
        """The same turn with other answers."""
        return Turn(self.step, self.key, self.backend, answers)

    @property
    def shop(self) -> MerchantView:
        """The shop chosen on the way here."""
        assert self.answers.shop is not None
        return self.answers.shop


class Go(Struct, frozen=True):
    """Show another screen. `answers` and `language` change only when given."""

    screen: ScreenName
    answers: Answers | None = None
    language: str | None = None


class Stay(Struct, frozen=True):
    """Show the same screen again, under this line if any; `miss` counts as a wrong entry."""

    line: Line | None = None
    miss: bool = True


class End(Struct, frozen=True):
    """Close the session with this line."""

    line: Line


class Back(Struct, frozen=True):
    """Show the screen before this one, with its answers."""


Move = Go | Stay | End | Back
Handler = Callable[[Turn, str], Awaitable[Move]]


class View(Struct, frozen=True):
    """A screen's content: a line, and on screens without options items, which may fill several pages."""

    line: Line
    items: tuple[str, ...] = ()


class Option(Struct, frozen=True):
    """A numbered choice: its label's key and what it does."""

    label: str
    choose: Handler


NO_OPTIONS: Final[Mapping[str, Option]] = {}


class Screen(Struct, frozen=True):
    """A row of the table. Option numbers are learned by heart: never renumber them.

    `typed` takes what is neither navigation nor option. A screen that `commits` has an effect on the world,
    so only a live answer may leave it. `navigation` lists the keys it takes; the others are input to it. `free_text` is
    what people write themselves, in which a star is no sign of several inputs.
    """

    show: Callable[[Turn], Awaitable[View]]
    options: Mapping[str, Option] = NO_OPTIONS
    typed: Handler | None = None
    commits: bool = False
    free_text: bool = False
    navigation: frozenset[str] = frozenset(NAVIGATION)


class Page(Struct, frozen=True):
    """A laid-out screen: its text, which page of it this is, and whether another follows."""

    text: str
    number: int = 0
    more: bool = False


def lay_out(
    view: View,
    words: Catalogue,
    cap: Cap,
    *,
    notice: Line | None = None,
    options: Mapping[str, Option] = NO_OPTIONS,
    keys: tuple[str, ...] = (),
    page: int = 0,
) -> Page:
    """Write a view in one language within the cap: notice, line, options or items, navigation keys.

    A page beyond the last one shows the last; MORE joins the keys on every page but the last.
    """
    above = (words.write(notice),) if notice else ()
    if view.items:
        return _lay_out_items(view, words, cap, above, keys, page)
    below = (*(f"{digit} {words[option.label]}" for digit, option in options.items()), *_foot(words, keys))

    def build(shop: str) -> str:
        line = Line(view.line.key, {**view.line.fields, ELASTIC: shop})
        return "\n".join((*above, words.write(line), *below))

    return Page(stretch(build, legible(view.line.fields.get(ELASTIC, ""), words.alphabet), cap))


def _lay_out_items(
    view: View, words: Catalogue, cap: Cap, above: tuple[str, ...], keys: tuple[str, ...], page: int
) -> Page:
    """The items of one page under the line. A notice never moves an item to another page: those it leaves no
    room for were on the screen it replaces."""
    head, foot, foot_more = words.write(view.line), _foot(words, keys), _foot(words, (*keys, MORE))
    items = tuple(legible(item, words.alphabet) for item in view.items)
    whole = "\n".join((head, *items, *foot))
    size, limit = measure(whole, cap)
    room = limit - size("\n".join((head, "", *foot_more)))
    pages = [items] if size(whole) <= limit else paginate(items, room, size)
    page = min(page, len(pages) - 1)
    more = page < len(pages) - 1
    shown = pages[page]
    if above:
        shown = paginate(shown, room - size("\n".join((*above, ""))), size)[0]
    return Page("\n".join((*above, head, *shown, *(foot_more if more else foot))), page, more)


def _foot(words: Catalogue, keys: tuple[str, ...]) -> tuple[str, ...]:
    return (" ".join(words[NAVIGATION[key]] for key in keys),) if keys else ()
