"""Spans of time as a policy writes them, such as 30d, 6m or 2y, and the day on which one ends."""

import calendar
import re
from datetime import date, timedelta

from msgspec import Struct

_SPAN = re.compile(r"([1-9][0-9]{0,3})([dmy])")
MONTHS_OF_YEAR = 12
MOST_YEARS = 100  # longer than anything lasts; what ends after the year 9999 is no date


class Span(Struct, frozen=True, order=True):
    """Whole calendar months, then days."""

    months: int
    days: int

    @property
    def about_days(self) -> int:
        """Its length for comparisons, a month being 30 days."""
        return self.months * 30 + self.days

    def after(self, day: date) -> date:
        """The day on which a span that begins on `day` ends; the last of a month stays the last of a shorter one."""
        month = day.year * MONTHS_OF_YEAR + day.month - 1 + self.months
        year, month = divmod(month, MONTHS_OF_YEAR)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=self.days)


def span(text: str) -> Span:
    """Read a span: a number and d, m or y. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no span of time such as 30d, 6m or 2y")
    count = int(found[1])
    if found[2] == "d":
        return Span(0, count)
    months = count if found[2] == "m" else count * MONTHS_OF_YEAR
    if months > MOST_YEARS * MONTHS_OF_YEAR:
        raise ValueError(f"{text!r} is longer than {MOST_YEARS} years")
    return Span(months, 0)
