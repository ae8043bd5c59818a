"""The screen on which a phone's language is chosen."""

from typing import Final

from ussd.menu import Go, Handler, Move, Option, Screen, Turn, View
from ussd.session import ScreenName
from ussd.texts import KNOWN, LANGUAGES, say


async def show_language(turn: Turn) -> View:
    """Ask for the language; each is offered under its own name."""
    return View(say("language.ask"))


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
    ),
}
