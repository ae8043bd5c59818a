"""The menu: a table of screens, in the order in which they are met.

Each screen has a `show_…` that may read the backend and handlers that turn one input into a Move.
"""

from typing import Final

from ussd.menu import Screen
from ussd.screens import helping, home, language, merchant, results, resume, shopper, sign_up
from ussd.session import ScreenName

SCREENS: Final[dict[ScreenName, Screen]] = {
    **home.SCREENS,
    **shopper.SCREENS,
    **results.SCREENS,
    **helping.SCREENS,
    **merchant.SCREENS,
    **sign_up.SCREENS,
    **language.SCREENS,
    **resume.SCREENS,
}
