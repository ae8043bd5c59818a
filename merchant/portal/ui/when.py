"""Instants and days as pages tell them: in the scheme's time zone, as the page's language writes them."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from markupsafe import Markup

from merchant.core import clock, texts
from merchant.portal.ui.markup import fill


def as_instant(value: datetime | str) -> datetime:
    """An instant, from itself or from the text of our API."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def tell_time(value: datetime | str | None, zone: ZoneInfo, language: str) -> Markup | str:
    """`29 Nov 2026, 14:05` in a <time>; the hour alone when it is today; a dash for None."""
    if value is None:
        return "–"
    instant = as_instant(value)
    there = instant.astimezone(zone).replace(second=0, microsecond=0)
    today = there.date() == clock.now().astimezone(zone).date()
    return _time(clock.rfc3339(instant), _told(there.replace(tzinfo=None), language, today))


def tell_day(value: date | str | None, language: str) -> str:
    """`29 Nov 2026`; a dash for None."""
    if value is None:
        return "–"
    day = value if isinstance(value, date) else date.fromisoformat(value[:10])
    return _day(day, language)


def _time(instant: str, told: str) -> Markup:
    return fill('<time datetime="{}">{}</time>', instant, told)


@lru_cache(4_096)
def _told(there: datetime, language: str, today: bool) -> str:
    if today:
        return f"{there:%H:%M}"
    return f"{_day(there.date(), language)}, {there:%H:%M}"


@lru_cache(1_024)
def _day(day: date, language: str) -> str:
    if language == texts.SOURCE_LANGUAGE:
        return f"{day.day} {day:%b %Y}"
    from babel.dates import format_date  # 20 ms, which English pages never need

    return format_date(day, "medium", locale=texts.locale_of(language))
