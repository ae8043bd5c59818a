"""When a listed person was born: the years that a publisher's text allows, and the day where it is a full one.

`10 Dec 1948`, `1948-12-10`, `10/12/1948`, `dd/mm/1948`, `Dec 1948`, `circa 1948`, `1948 to 1950` are all in use.
"""

import re
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

# Publishers' narrative summaries are off by a few years at most where a birth date is called approximate.
APPROXIMATE_YEARS = 3

_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)")
_APPROXIMATE = re.compile(r"\b(?:circa|approx\w*|about|c\.)", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_SLASHED = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})")
_WORDS = re.compile(r"(\d\d?) ([A-Za-z]{3})[a-z]* (\d{4})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Birth(Struct, frozen=True):
    """Inclusive ranges of years, any of which may be the true one, and full dates as YYYY-MM-DD."""

    years: tuple[tuple[int, int], ...] = ()
    dates: tuple[str, ...] = ()


def births_of(texts: Iterable[str]) -> Birth:
    """What several texts say together; one that names no year says nothing."""
    years: dict[tuple[int, int], None] = {}
    dates: dict[str, None] = {}
    for text in texts:
        if found := _YEAR.findall(text):
            slack = APPROXIMATE_YEARS if _APPROXIMATE.search(text) else 0
            numbers = [int(year) for year in found]
            years[min(numbers) - slack, max(numbers) + slack] = None
            if not slack and (day := full_date(text)):
                dates[day] = None
    return Birth(tuple(years), tuple(dates))


def full_date(text: str) -> str:
    """A text that is one whole day, as YYYY-MM-DD; empty for any other."""
    text = text.strip().strip(".")
    if found := _ISO.fullmatch(text):
        return _day(found[1], found[2], found[3])
    if found := _SLASHED.fullmatch(text):
        return _day(found[3], found[2], found[1])
    if found := _WORDS.fullmatch(text):
        month = found[2].casefold()
        return _day(found[3], str(_MONTHS.index(month) + 1), found[1]) if month in _MONTHS else ""
    return ""


def date_of(text: str) -> date | None:
    """A day written in any of the forms above, or None."""
    day = full_date(text)
    return date.fromisoformat(day) if day else None


def _day(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""
