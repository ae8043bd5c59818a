"""The vocabulary of screens: what a screen shows, what it does with an input, and how that is laid out.

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


Move = Go | Stay | End
Handler = Callable[[Turn, str], Awaitable[Move]]


class View(Struct, frozen=True):
    """A screen's content: a line, whose value `shop` is elastic, and items that may fill several pages."""

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
    so only a live answer may leave it. `navigation` lists the keys it obeys; the others are input to it.
    """

    show: Callable[[Turn], Awaitable[View]]
    options: Mapping[str, Option] = NO_OPTIONS
    typed: Handler | None = None
    commits: bool = False
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
    """Write a view in one language within the cap: notice, line, options, items, navigation keys.

    A page beyond the last one shows the last. MORE joins the keys on every page but the last. A notice never
    moves items to another page: those it leaves no room for were on the screen it replaces.
    """
    above = (words.write(notice),) if notice else ()
    choices = tuple(f"{digit} {words[option.label]}" for digit, option in options.items())
    items = tuple(legible(item, words.alphabet) for item in view.items)
    shop = legible(view.line.fields.get("shop", ""), words.alphabet)

    def build(above: tuple[str, ...], shop: str, items: tuple[str, ...], more: bool) -> str:
        line = Line(view.line.key, {**view.line.fields, "shop": shop})
        shown = (*keys, MORE) if more else keys
        foot = (" ".join(words[NAVIGATION[key]] for key in shown),) if shown else ()
        return "\n".join((*above, words.write(line), *choices, *items, *foot))

    if not items:
        return Page(stretch(lambda shop: build(above, shop, (), more=False), shop, cap))

    whole = build((), "", items, more=False)
    size, limit = measure(whole, cap)

    def share(items: tuple[str, ...], above: tuple[str, ...]) -> list[tuple[str, ...]]:
        return paginate(items, limit - size(build(above, "", ("",), more=True)), size)

    pages = [items] if size(whole) <= limit else share(items, ())
    page = min(page, len(pages) - 1)
    shown = share(pages[page], above)[0] if notice else pages[page]
    more = page < len(pages) - 1
    return Page(build(above, "", shown, more), page, more)
