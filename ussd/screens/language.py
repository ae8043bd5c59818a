"""The screen on which a phone's language is chosen."""

from typing import Final

from ussd.menu import Go, Handler, Move, Option, Screen, Turn, View
from ussd.session import ScreenName
from ussd.texts import KNOWN, LANGUAGES, READ, say

# The places of languages that a line of 7-bit letters alone cannot show.
_IN_OTHER_LETTERS: Final = frozenset(
    str(place) for place, language in enumerate(KNOWN, start=1) if READ[language].alphabet != "gsm7"
)


async def show_language(turn: Turn) -> View:
    """Ask for the language; each is offered under its own name, where the line can show it."""
    return View(say("language.ask"), hides=_IN_OTHER_LETTERS if turn.step.gsm7_only else frozenset())


def choose_language(language: str) -> Handler:
    """An answer that starts over in this language."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go("home", language=language)

    return choose


SCREENS: Final[dict[ScreenName, Screen]] = {
    "language": Screen(
        show_language,
        options={
            str(place): Option(f"language.{language}", choose_language(language))
            for place, language in enumerate(KNOWN, start=1)
            if language in LANGUAGES
        },
        varies=True,
    ),
}
