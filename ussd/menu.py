"""The types of screens: what a screen shows, and what it does with an input.

`ussd.screens` fills the table; `ussd.dialogue` walks it, and `ussd.layout` writes it. A screen never sees languages,
sizes or pages.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct

from ussd.backend import Backend
from ussd.session import Answers, ScreenName, Step
from ussd.shopping import MerchantView
from ussd.signing_up import SignUpForm
from ussd.texts import Line

BACK: Final = "0"
HOME: Final = "00"
MORE: Final = "98"
EXIT: Final = "99"
NAVIGATION: Final[Mapping[str, str]] = {BACK: "nav.back", HOME: "nav.home", MORE: "nav.more", EXIT: "nav.exit"}


class Turn(Struct, frozen=True):
    """What a screen knows while it shows itself or takes an input. `key` names this step for an effect."""

    step: Step
    key: str
    backend: Backend
    answers: Answers = Answers()
    language: str = ""  # in which the person is told what happens outside of the dialogue

    def at(self, answers: Answers, language: str) -> "Turn":
        """The same turn with other answers."""
        return Turn(self.step, self.key, self.backend, answers, language)

    @property
    def shop(self) -> MerchantView:
        """The shop chosen on the way here."""
        assert self.answers.shop is not None
        return self.answers.shop

    @property
    def form(self) -> SignUpForm:
        """What was typed so far of a sign-up."""
        assert self.answers.form is not None
        return self.answers.form


class Go(Struct, frozen=True):
    """Show another screen, under this notice if any. `answers` and `language` change only when given.

    A screen on the way back is gone back to.
    """

    screen: ScreenName
    answers: Answers | None = None
    language: str | None = None
    notice: Line | None = None


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
    """A screen's content: a line, and on screens without options items, which may fill several pages.

    An item is a line of a catalogue, or the same in every language. `hides` are options that are not offered now, of
    a screen that `varies`.
    """

    line: Line
    items: tuple[str | Line, ...] = ()
    hides: frozenset[str] = frozenset()


class Option(Struct, frozen=True):
    """A numbered choice: its label's key and what it does."""

    label: str
    choose: Handler


# What a list answers to a wrong entry, at its longest.
_NOTICES: Final = (("error.range", {"last": "99"}), ("error.option", {"options": "0, 00"}))
NO_OPTIONS: Final[Mapping[str, Option]] = {}


class Screen(Struct, frozen=True):
    """A row of the table. Option numbers are learned by heart: never renumber them.

    `typed` takes what is neither navigation nor option. A screen that `commits` has an effect on the world,
    so only a live answer may leave it. `navigation` lists the keys it takes; the others are input to it. One that
    `varies` may hide some of its options, which then keep their numbers. `free_text` is what people write themselves,
    in which a star is no sign of several inputs.
    """

    show: Callable[[Turn], Awaitable[View]]
    options: Mapping[str, Option] = NO_OPTIONS
    typed: Handler | None = None
    commits: bool = False
    free_text: bool = False
    navigation: frozenset[str] = frozenset(NAVIGATION)
    varies: bool = False
