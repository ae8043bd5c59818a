"""Thousands of small cases as one test: pytest's own work on a test, 5 ms, is more than most of them take.

`@every_case` takes what `@pytest.mark.parametrize` takes. All cases run, whichever fail, and each that does is named
and shown. They share the test's fixtures, so it is for tests that leave nothing behind.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

_SHOWN_MAX = 20
_FAILURES = (Exception, pytest.fail.Exception)  # the second is what pytest.raises raises
Case = tuple[str, dict[str, Any]]


def every_case(
    names: str | Sequence[str], values: Iterable[Any], ids: Iterable[Any] | Callable[[Any], Any] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make one test of a test and its cases."""
    fields = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    cases = list(_named(fields, list(values), ids))
    assert cases, "a test without cases tests nothing"

    def merge(test: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **fixtures: Any) -> None:
            failed: list[tuple[str, BaseException]] = []
            for name, case in cases:
                try:
                    test(*given, **fixtures, **case)
                except _FAILURES as error:
                    failed.append((name, error))
            _tell(failed, len(cases))

        async def run_async(*given: Any, **fixtures: Any) -> None:
            failed: list[tuple[str, BaseException]] = []
            for name, case in cases:
                try:
                    await test(*given, **fixtures, **case)
                except _FAILURES as error:
                    failed.append((name, error))
            _tell(failed, len(cases))

        merged = functools.wraps(test)(run_async if inspect.iscoroutinefunction(test) else run)
        signature = inspect.signature(test)
        left = [one for name, one in signature.parameters.items() if name not in fields]
        assert len(left) == len(signature.parameters) - len(fields), f"{test.__name__} does not take {fields}"
        merged.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return merged

    return merge


def _named(fields: list[str], values: list[Any], ids: Any) -> Iterable[Case]:
    """Each case with its name, as pytest would name it or by what it holds."""
    told = list(ids) if ids is not None and not callable(ids) else [None] * len(values)
    assert len(told) == len(values)
    for number, (value, own) in enumerate(zip(values, told, strict=True)):
        parts = value.values if hasattr(value, "values") and hasattr(value, "marks") else None
        if parts is not None:
            assert not value.marks, "a case of many has no marks of its own"
            own = value.id or own
        if parts is None:
            parts = (value,) if len(fields) == 1 else tuple(value)
        if own is None:
            own = "-".join(str(ids(part)) if callable(ids) else repr(part)[:60] for part in parts)
        yield f"[{number}] {own}", dict(zip(fields, parts, strict=True))


def _tell(failed: list[tuple[str, BaseException]], count: int) -> None:
    if not failed:
        return
    shown = [
        f"{name}\n{pytest.ExceptionInfo.from_exception(error).getrepr(style='short')}"
        for name, error in failed[:_SHOWN_MAX]
    ]
    others = [name for name, _ in failed[_SHOWN_MAX:]]
    pytest.fail("\n\n".join([f"{len(failed)} of {count} cases failed:", *shown, *others]), pytrace=False)
