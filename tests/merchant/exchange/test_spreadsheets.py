"""Files: what people send becomes rows, and what is no table, or too much of one, is refused in a sentence."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import date

import pytest
from xlsxwriter import Workbook

from merchant.exchange import spreadsheets
from merchant.exchange.problems import BadSpreadsheet
from merchant.exchange.spreadsheets import read_rows
from tests.merchant.exchange.files import as_xlsx


def rows(content: bytes) -> list[list[str] | None]:
    """The cells of every row of a file."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return [row.cells for row in read_rows(file)]


def code_of(content: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(BadSpreadsheet) as refused:
        rows(content)
    return refused.value.errors[0].code


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\r\n1,2\r\n",
        b"a,b\n1,2",
        b"a;b\n1;2\n",
        b"\xef\xbb\xbfa,b\n1,2\n",
        b"sep=;\na;b\n1;2\n",
        b'"a","b"\n"1","2"\n',
    ],
)
def test_csv_in_its_usual_forms_is_read(content: bytes) -> None:
    assert rows(content) == [["a", "b"], ["1", "2"]]


def test_a_cell_may_hold_separators_quotes_and_line_breaks() -> None:
    assert rows(b'a,b\n"x, ""y""\nz",2\n') == [["a", "b"], ['x, "y"\nz', "2"]]


def test_letters_of_every_script_are_kept() -> None:
    assert rows("a,b\nሀበሻ,नमस्ते\n".encode()) == [["a", "b"], ["ሀበሻ", "नमस्ते"]]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("a,b\nCafé,2\n".encode("latin-1"), "bad_encoding"),
        ("a,b\n1,2\n".encode("utf-16"), "bad_encoding"),
        ("a,b\n1,2\n".encode("utf-16-le"), "bad_encoding"),
        (b"caf\xe9,b\n1,2\n", "bad_encoding"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "old_excel"),
        (b"PK\x03\x04 and then nothing", "unreadable"),
        (b"a" * 300_000, "row_too_long"),
        (b"a,b\n" + b'"x\n",' * 300_000, "row_too_long"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_a_lost_quote_costs_rows_and_not_the_file() -> None:
    found = rows(b'a,b\n"1,2\n' + b"x,y\n" * 50_000)
    assert found[0] == ["a", "b"]
    assert None in found
    assert found[-1] == ["x", "y"]


def test_a_workbooks_numbers_and_days_are_read_as_people_see_them() -> None:
    out = io.BytesIO()
    book = Workbook(out, {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["a", "b", "c", "d", "e"])
    sheet.write_row(2, 0, [254722000111, 33.5, date(1980, 2, 3), True, "=1+1"])
    sheet.write_formula(3, 0, "=1+1", None, 2)
    book.close()
    found = rows(out.getvalue())
    assert found[0] == ["a", "b", "c", "d", "e"]
    assert not any(found[1] or [])
    assert (found[2] or [])[:4] == ["254722000111", "33.5", "1980-02-03", "true"]
    assert (found[3] or [])[0] == "2"


def test_rows_are_counted_as_the_spreadsheet_counts_them() -> None:
    out = io.BytesIO()
    book = Workbook(out)
    book.add_worksheet().write_row(1, 0, ["external_ref"])
    book.close()
    with tempfile.TemporaryFile() as file:
        file.write(out.getvalue())
        file.seek(0)
        assert [(row.number, row.cells) for row in read_rows(file)] == [(1, [""]), (2, ["external_ref"])]


@pytest.fixture
def bomb() -> Iterator[bytes]:
    """A workbook that unpacks to a gigabyte."""
    out = io.BytesIO(as_xlsx([["x"]], ["a"]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as package, package.open("xl/big.xml", "w") as part:
        for _ in range(600):
            part.write(b"\0" * (1 << 20))
    yield out.getvalue()


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(bomb: bytes) -> None:
    assert len(bomb) < 2 << 20
    assert code_of(bomb) == "unpacks_too_large"


def test_a_workbook_that_lies_about_its_size_ends_its_reader_and_nothing_else() -> None:
    """A cell at the far corner makes a reader of dense sheets want sixteen thousand million cells."""
    good = io.BytesIO(as_xlsx([["x"]], ["a"]))
    out = io.BytesIO()
    with zipfile.ZipFile(good) as package, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in package.infolist():
            content = package.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", far)
            made.writestr(part.filename, content)
    assert code_of(out.getvalue()) == "unreadable"


def test_another_zip_is_no_workbook() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("notes.txt", "hello")
    assert code_of(out.getvalue()) == "unreadable"


def test_reading_may_stop_half_way() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(as_xlsx([["x"]] * 50, ["a"]))
        file.seek(0)
        found = read_rows(file)
        assert next(found).cells == ["a"]
        found.close()
        assert not file.closed


def test_the_reader_is_bounded_by_what_a_file_may_hold() -> None:
    assert spreadsheets.MAX_ROWS == 100_000
