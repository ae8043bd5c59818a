"""Posters from CSV."""

from __future__ import annotations

from pathlib import Path

import pytest

import qr
from qr.posters import BadTable, Poster, read_csv

SHOP = {"name": "Mama Njeri Shop", "city": "Nairobi", "country": "KE", "currency": "KES", "mcc": "5411"}
PAYLOAD = qr.encode(qr.mojaloop_code(domain="pay.example.org", identifier="52318764", **SHOP), profile="mojaloop")
HEADER = "payload,name,number,second_name,ussd\n"


def test_a_row_becomes_a_poster() -> None:
    (poster,) = read_csv([HEADER, f'{PAYLOAD},"ហាង, សុខា",52318764,Sokha,*384#\n'], dfsp_mark=b"mark")
    assert poster == Poster(
        payload=PAYLOAD, name="ហាង, សុខា", number="52318764", second_name="Sokha", ussd="*384#", dfsp_mark=b"mark"
    )


def test_columns_may_stand_in_any_order_and_optional_ones_be_left_out() -> None:
    (poster,) = read_csv(["number,name,payload\n", f"1,Shop,{PAYLOAD}\n"])
    assert (poster.number, poster.ussd) == ("1", "")


def test_rows_are_read_as_they_are_asked_for() -> None:
    def lines():
        yield HEADER
        yield f"{PAYLOAD},Shop,1,,\n"
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
        ([HEADER, f"{PAYLOAD},Shop,1,,\n", ",Shop,1,,\n"], "line 3"),
        ([HEADER, '0002,"Shop,1,,\n'], "after line 1"),
        ([HEADER], "no rows"),
        (["payload,name,number,name\n"], "repeated"),
        (['payload,"name,number\n'], "head"),
        ([f"payload,name,number,{'x' * 131_073}\n"], "head"),
        ([HEADER, f"{PAYLOAD},   ,1,,\n"], "line 2"),
        ([HEADER, "hello,Shop,1,,\n"], "line 2: .*payload"),
        ([HEADER, f"{PAYLOAD},Shop,1,,\n", f"{PAYLOAD[:-4]}0000,Shop,1,,\n"], "line 3: .*checksum"),
    ],
    ids=[
        "empty",
        "too few",
        "unknown",
        "short",
        "long",
        "no name",
        "no payload",
        "open quote",
        "no rows",
        "twice",
        "open quote in head",
        "long head",
        "blank name",
        "no code",
        "wrong checksum",
    ],
)
def test_an_invalid_table_is_refused_with_its_line(lines: list[str], complaint: str) -> None:
    with pytest.raises(BadTable, match=complaint):
        list(read_csv(lines))


def test_a_table_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "latin.csv"
    table.write_bytes(f"{HEADER}{PAYLOAD},Café,1,,\n".encode("latin-1"))
    with table.open(encoding="utf-8") as lines, pytest.raises(BadTable, match="UTF-8"):
        list(read_csv(lines))


def test_the_version_of_a_code_is_read_as_a_number() -> None:
    rows = [f"{PAYLOAD},Shop,1,2", f"{PAYLOAD},Shop,1,"]
    posters = read_csv(["payload,name,number,version", *rows])
    assert [poster.version for poster in posters] == [2, 0]


@pytest.mark.parametrize("version", ["two", "-1", "1.5", "٢", "1234567"])
def test_a_version_that_is_no_number_is_refused_with_its_line(version: str) -> None:
    with pytest.raises(BadTable, match="line 2"):
        list(read_csv(["payload,name,number,version", f"{PAYLOAD},Shop,1,{version}"]))
