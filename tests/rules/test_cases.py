"""A test of many cases fails when one of them does, names it, and runs the others all the same."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cases import every_case

SEEN: list[tuple[int, int]] = []


def a_sum(a: int, b: int) -> None:
    SEEN.append((a, b))
    assert a + b == 4


def refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        int(text)


def test_every_case_runs_and_each_that_fails_is_named_with_what_was_wrong() -> None:
    SEEN.clear()
    cases = [(1, 3), (2, 3), pytest.param(0, 0, id="nothing"), (4, 0)]
    with pytest.raises(pytest.fail.Exception, match="2 of 4 cases failed") as raised:
        every_case(("a", "b"), cases)(a_sum)()
    assert SEEN == [(1, 3), (2, 3), (0, 0), (4, 0)]
    told = str(raised.value)
    assert "[1] 2-3\n" in told
    assert "[2] nothing\n" in told
    assert "assert (2 + 3) == 4" in told
    assert "[0]" not in told


def test_what_is_not_refused_fails_too() -> None:
    with pytest.raises(pytest.fail.Exception, match="1 of 2 cases failed"):
        every_case("text", ["x", "7"])(refused)()
    every_case("text", ["x", "y"])(refused)()


@pytest.mark.parametrize("broken", [lambda: every_case("a", []), lambda: every_case("c", [1])(a_sum)])
def test_without_cases_or_with_a_name_that_is_none_there_is_no_test(broken: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError):
        broken()


@every_case("number", range(3))
async def test_a_coroutine_is_awaited_and_has_its_fixtures(number: int, tmp_path: Any) -> None:
    (tmp_path / str(number)).touch()
    assert len(list(tmp_path.iterdir())) == number + 1


async def test_a_coroutine_that_fails_is_told() -> None:
    @every_case("number", range(3), ids=str)
    async def odd(number: int) -> None:
        assert number % 2

    with pytest.raises(pytest.fail.Exception, match=r"2 of 3 cases failed:\n\n\[0\] 0\n"):
        await odd()
