"""The log: JSON lines on standard error, without personal data.

Callers log ids and codes. What an unexpected error says of itself may hold anything (a driver quotes the row that it
could not write), so the log and a failed job's `last_error` tell its class and the places it passed, not its text.
"""

import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict

from merchant.core import trace
from merchant.core.errors import MerchantError, OperatorProblem

_ROOT = f"{Path(__file__).parents[2]}/"
_OURS = ("merchant/", "kyb/", "qr/", "ussd/")
_ID_CHARS = 36  # of a UUID
_CHAIN_MAX = 5  # errors caused by errors, of which a log line tells


def configure(level: str, file: TextIO | None = None) -> None:
    """Write the log of this process as JSON lines, on standard error unless a file is given."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            tell_context,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            tell_exceptions,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file or sys.stderr),
        cache_logger_on_first_use=True,
    )


def tell_context(_: Any, __: str, event: EventDict) -> EventDict:
    """A processor of structlog: the request's id and the trace's, where there are any."""
    context = trace.current()
    if context is not None:
        if context.request_id is not None:
            event.setdefault("request_id", context.request_id)
        event.setdefault("trace_id", context.trace_id)
    return event


def describe(error: BaseException, known: tuple[type[BaseException], ...] = ()) -> str:
    """An error in one line, without personal data.

    Errors whose text we write ourselves (MerchantError, OperatorProblem and those in `known`) are quoted; of all others
    the class is told, the database's code and constraint, and the last place of ours that they passed.
    """
    name = type(error).__name__
    if isinstance(error, (MerchantError, OperatorProblem, *known)):
        return f"{name}: {error}"
    cause = getattr(error, "orig", None) or error
    codes = [str(code) for field in ("sqlstate", "constraint_name") if (code := getattr(cause, field, None))]
    place = next((place for place in reversed(_places(error)) if place.startswith(_OURS)), None)
    return " ".join([name, *codes, *([f"at {place}"] if place else [])])


def tell_exceptions(_: Any, __: str, event: EventDict) -> EventDict:
    """A processor of structlog: `exc_info` becomes `exception`, the errors and the places they passed, without text."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    told: list[str] = []
    while error is not None and len(told) < _CHAIN_MAX:
        told.append("\n  ".join([describe(error), *_places(error)]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if told:
        event["exception"] = "\ncaused by ".join(told)
    return event


def shown_path(path: str) -> str:
    """A request's path for the log: a segment longer than an id may be a secret, such as that of a link by mail."""
    return "/".join(part if len(part) <= _ID_CHARS else "…" for part in path.split("/"))


def _places(error: BaseException) -> list[str]:
    """`merchant/core/db.py:12 in fetch` of every frame that the error passed, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]


def _short(path: str) -> str:
    """A file's path, from the repository or the installed packages on."""
    return path.removeprefix(_ROOT).rpartition("/site-packages/")[2]
