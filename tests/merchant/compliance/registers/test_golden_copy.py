"""Files of the register as operators hand them in: CSV or ZIP is told by the bytes, and a damaged one is refused."""

from pathlib import Path

import pytest

import kyb
from merchant.compliance.registers.golden_copy import file_sha256, read_file
from tests.merchant.compliance.registers.stage import entity, golden_copy, numbered, zipped

GOOD = golden_copy(*numbered(40))
CUT = GOOD[: len(GOOD) - 30]


def read(folder: Path, content: bytes) -> list[kyb.LeiRecord]:
    path = folder / "file"
    path.write_bytes(content)
    return list(read_file(path))


def test_csv_and_zip_give_the_same_records_whatever_the_file_is_called(tmp_path: Path) -> None:
    plain = read(tmp_path, GOOD)
    assert len(plain) == 40
    assert read(tmp_path, zipped(GOOD)) == read(tmp_path, zipped(GOOD, "readme.txt", "A.CSV")) == plain
    assert file_sha256(tmp_path / "file") != file_sha256(Path(__file__))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column LEI"),
        (b"%PDF-1.7 a document", "no column LEI"),
        (CUT, "unexpected end of data|fields where"),
        (GOOD.replace(b"Firm 39", b"\xff\xfe"), "line 41"),
        (GOOD.replace(b"Firm 7", b"x" * (1 << 20)), "longer than 1 MiB"),
        (golden_copy(entity("213800INVENTED000001")), "line 2"),
        (zipped(CUT), "unexpected end of data|fields where"),
        (zipped(GOOD)[:-40], "cannot be unpacked"),
        (zipped(GOOD)[:200] + bytes(40) + zipped(GOOD)[240:], "cannot be unpacked"),
        (zipped(b""), "no column LEI"),
        (zipped(GOOD, "a.csv", "b.csv"), "holds 2 CSV files"),
        (zipped(GOOD, "a.xml"), "holds 0 CSV files"),
    ],
)
def test_what_is_no_golden_copy_is_refused_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(kyb.BadGoldenCopy, match=says):
        read(tmp_path, content)
