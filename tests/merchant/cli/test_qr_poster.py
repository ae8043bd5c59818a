"""`merchant qr poster`: a table becomes a PDF, goes on after a fault, and no other file is ever written over."""

from pathlib import Path

import pytest

from tests.merchant.cli.test_qr import PAYLOAD, done, run
from tests.qr.symbols.pictures import of_pdf, texts


def table_of(*names: str) -> str:
    rows = [f"{PAYLOAD},{name},5231876{index}" for index, name in enumerate(names)]
    return "\n".join(["payload,name,number", *rows, ""])


def test_one_code_is_no_codes(tmp_path: Path) -> None:
    path = tmp_path / "codes.pdf"
    result = run("poster", "-o", str(path), stdin=table_of("A"))
    assert result.stderr == f"1 code on 1 page in {path}\n"


def test_a_table_becomes_a_pdf_with_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "codes.pdf"
    result = run("poster", "-o", str(path), "--language", "km", "--language", "en", stdin=table_of("A", "ហាងកាហ្វេ"))
    assert result.exit_code == 0, result.output
    assert result.stderr == f"2 codes on 2 pages in {path}\n"
    assert [texts(page) for page in of_pdf(path.read_bytes(), 100)] == [[PAYLOAD], [PAYLOAD]]
    assert len((tmp_path / "codes.jsonl").read_bytes().splitlines()) == 3


def test_a_sheet_holds_its_grid(tmp_path: Path) -> None:
    table, path = tmp_path / "codes.csv", tmp_path / "codes.pdf"
    table.write_text(table_of(*"ABCDE"), encoding="utf-8-sig")
    done("poster", str(table), "-o", str(path), "--page", "sheet", "--columns", "2", "--rows", "2")
    assert [len(texts(page)) for page in of_pdf(path.read_bytes())] == [4, 1]


def test_after_a_fault_is_mended_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.pdf", tmp_path / "codes.pdf"
    done("poster", "-o", str(whole), stdin=table_of("A", "B", "C"))
    refused = run("poster", "-o", str(path), stdin=table_of("A", "Ꮳ", "C"))
    assert refused.exit_code == 1
    assert "start again" in refused.stderr
    done("poster", "-o", str(path), stdin=table_of("A", "B", "C"))
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "table", "status"),
    [
        (("--page", "A3"), "payload,name,number\n", 1),
        (("--language", "xx"), "payload,name,number\n", 1),
        (("--accent", "blue"), "payload,name,number\n", 1),
        (("--columns", "0"), "payload,name,number\n", 1),
        (("--font", __file__), "payload,name,number\n", 1),
        ((), "", 1),
        ((), "payload,name\n", 1),
        ((), "payload,name,number\n", 1),
        ((), "payload,name,number\nx\n", 1),
        ((), "payload,name,number\nhello,Shop,1\n", 1),
        ((), f"payload,name,number\n{PAYLOAD},  ,1\n", 1),
        ((), f"payload,name,number\n{PAYLOAD},漢,1\n", 1),
        ((), f"payload,name,number\n{PAYLOAD},Café,1\n".encode("latin-1"), 1),
        ((), 'payload,"name,number\n', 1),
        ((), "payload,name,number,colour\n", 1),
        (("--scheme-mark", __file__), f"payload,name,number\n{PAYLOAD},Shop,1\n", 1),
        (("--dfsp-mark", "/dev/null"), f"payload,name,number\n{PAYLOAD},Shop,1\n", 1),
        (("--manifest", "/nowhere/codes.jsonl"), f"payload,name,number\n{PAYLOAD},Shop,1\n", 1),
    ],
)
def test_what_cannot_be_printed_is_told(
    arguments: tuple[str, ...], table: str | bytes, status: int, tmp_path: Path
) -> None:
    refused = run("poster", "-o", str(tmp_path / "codes.pdf"), *arguments, stdin=table)
    assert refused.exit_code == status
    assert isinstance(refused.exception, SystemExit)
    assert refused.stderr
    assert "kept" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_refused_table_leaves_a_finished_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "codes.pdf"
    done("poster", "-o", str(path), stdin=table_of("A", "B"))
    before = path.read_bytes()
    for table in ("payload,name,number\n", "payload,name\n", table_of("漢", "B")):
        assert run("poster", "-o", str(path), stdin=table).exit_code == 1
        assert path.read_bytes() == before
    done("poster", "-o", str(path), stdin=table_of("C"))
    assert len(of_pdf(path.read_bytes())) == 1


def test_a_failed_reprint_leaves_no_finished_file(tmp_path: Path) -> None:
    path = tmp_path / "codes.pdf"
    done("poster", "-o", str(path), stdin=table_of(*"ABCDEF"))
    refused = run("poster", "-o", str(path), stdin=table_of("G", "H", "漢", "I"))
    assert refused.exit_code == 1
    assert "printed and kept: 2." in refused.stderr
    assert b"%%EOF" not in path.read_bytes()


@pytest.mark.parametrize(
    ("output", "manifest"),
    [
        ("table.csv", "new.jsonl"),
        ("new.pdf", "table.csv"),
        ("new.pdf", "new.pdf"),
        ("new.jsonl", None),
        ("letter.pdf", None),
        ("letter.pdf", "new.jsonl"),
        ("letter.pdf", "empty.jsonl"),
        ("new.pdf", "letter.pdf"),
        ("notes.txt", "empty.jsonl"),
        ("alone.pdf", None),
        ("hard.csv", "new.jsonl"),
        ("soft.csv", "new.jsonl"),
    ],
)
def test_no_other_file_is_written_over(output: str, manifest: str | None, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    done("poster", "-o", str(tmp_path / "alone.pdf"), stdin=table_of("A"))
    (tmp_path / "alone.jsonl").unlink()
    table.write_text(table_of("A"))
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "hard.csv").hardlink_to(table)
    (tmp_path / "soft.csv").symlink_to(table)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    named = ("--manifest", str(tmp_path / manifest)) if manifest else ()
    refused = run("poster", str(table), "-o", str(tmp_path / output), *named)
    assert (refused.exit_code, isinstance(refused.exception, SystemExit)) == (1, True)
    assert "choose another name" in refused.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_manifest_left_alone_or_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    path, manifest = tmp_path / "codes.pdf", tmp_path / "codes.jsonl"
    done("poster", "-o", str(path), stdin=table_of("A", "B"))
    whole, lines = path.read_bytes(), manifest.read_bytes()
    for cut_pdf, cut_lines in ((0, 0), (10, 0), (500, 0), (500, 5), (len(whole), 0), (len(whole), 700)):
        path.write_bytes(whole[:cut_pdf])
        manifest.write_bytes(lines[:cut_lines])
        done("poster", "-o", str(path), stdin=table_of("A", "B"))
        assert (path.read_bytes(), manifest.read_bytes()) == (whole, lines)
    path.unlink()
    done("poster", "-o", str(path), stdin=table_of("A", "B"))
    assert path.read_bytes() == whole


def test_an_output_is_needed_and_must_be_possible(tmp_path: Path) -> None:
    assert run("poster", stdin=table_of("A")).exit_code == 2
    assert run("poster", "-o", "/nowhere/codes.pdf", stdin=table_of("A")).exit_code == 1
    assert run("poster", str(tmp_path / "none.csv"), "-o", str(tmp_path / "codes.pdf")).exit_code == 2
