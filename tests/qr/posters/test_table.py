"""Posters from CSV."""

from __future__ import annotations

import pytest

from qr.posters import BadTable, Poster, read_csv

HEADER = "payload,name,number,second_name,ussd\n"


def test_a_row_becomes_a_poster() -> None:
    (poster,) = read_csv([HEADER, '0002,"ហាង, សុខា",52318764,Sokha,*384#\n'], dfsp_mark=b"mark")
    assert poster == Poster(
        payload="0002", name="ហាង, សុខា", number="52318764", second_name="Sokha", ussd="*384#", dfsp_mark=b"mark"
    )


def test_columns_may_stand_in_any_order_and_optional_ones_be_left_out() -> None:
    (poster,) = read_csv(["number,name,payload\n", "1,Shop,0002\n"])
    assert (poster.number, poster.ussd) == ("1", "")


def test_rows_are_read_as_they_are_asked_for() -> None:
    def lines():
        yield HEADER
        yield "0002,Shop,1,,\n"
        raise AssertionError("read too far")

    assert next(read_csv(lines())).name == "Shop"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "missing"),
        (["payload,name\n"], "number"),
        (["payload,name,number,colour\n"], "colour"),
        ([HEADER, "0002,Shop\n"], "line 2"),
        ([HEADER, "0002,Shop,1,,,extra\n"], "line 2"),
        ([HEADER, "0002,,1,,\n"], "line 2"),
        ([HEADER, "0002,Shop,1,,\n", ",Shop,1,,\n"], "line 3"),
        ([HEADER, '0002,"Shop,1,,\n'], "after line 1"),
    ],
    ids=["empty", "too few", "unknown", "short", "long", "no name", "no payload", "open quote"],
)
def test_a_table_that_is_not_fit_is_refused_with_its_line(lines: list[str], complaint: str) -> None:
    with pytest.raises(BadTable, match=complaint):
        list(read_csv(lines))
