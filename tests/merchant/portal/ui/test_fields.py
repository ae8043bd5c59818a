"""From a form that was sent to the body of a call: numbers are numbers, and what is none is the API's to refuse."""

from typing import Any

import pytest

from merchant.core.http.forms import MAX_FORM_BYTES
from merchant.portal.staff import policies, screening_lists
from merchant.portal.ui.fields import AREA_CHARS_MAX, Field, collect


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("1.25", 1.25),
        (".5", 0.5),
        ("-0.5", -0.5),
        ("1" * 16, "1" * 16),
        *((text, text) for text in ("nan", "NaN", "inf", "-Infinity", "1e400", "1_000.5", "²", "1.2.3", ".", "-", "x")),
    ],
)
def test_only_plain_numbers_are_numbers(text: str, value: Any) -> None:
    for kind in ("number", "decimal"):
        assert collect({"a": text}, [Field("a", "A", kind)]) == {"a": value}  # type: ignore[arg-type]


def test_what_a_page_lets_one_type_fits_into_its_form() -> None:
    assert AREA_CHARS_MAX * 3 + 4_096 < MAX_FORM_BYTES
    assert policies.AREA_CHARS_MAX == screening_lists.AREA_CHARS_MAX == AREA_CHARS_MAX
