"""How long something took is told as people say it."""

import pytest

from merchant.portal.ui.figures import percent, took


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "–"),
        (0.0, "0.0 s"),
        (3.14, "3.1 s"),
        (42.4, "42 s"),
        (391, "6 min 31 s"),
        (1_800, "30 min"),
        (7_200, "2 h"),
        (864_000, "10 days"),
    ],
)
def test_seconds_are_told_in_the_unit_that_fits(seconds: float | None, told: str) -> None:
    assert took(seconds) == told


def test_a_share_has_no_decimals_it_does_not_need() -> None:
    assert (percent(None), percent(50.0), percent(63.3)) == ("–", "50 %", "63.3 %")
