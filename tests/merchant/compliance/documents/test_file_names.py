"""What a file is called: never a path, never two lines, never turned about, always with the suffix of what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.compliance.documents.file_names import disposition, tidy_name


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("licence.pdf", "licence.pdf"),
        ("licence.PDF.exe", "licence.pdf"),
        ("..\\..\\etc/passwd", "passwd.pdf"),
        ("../", "document.pdf"),
        ("", "document.pdf"),
        (".pdf", "document.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie x=1.pdf"),
        ('a"; filename="b.exe', "a filename= b.pdf"),
        ("\u202efdp.exe", "fdp.pdf"),
        ("Ruhusa ya biashara – Nairobi 2026.pdf", "Ruhusa ya biashara – Nairobi 2026.pdf"),
        ("رخصة.pdf", "رخصة.pdf"),
        ("x" * 300, "x" * 80 + ".pdf"),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_harmless(given_: str, kept: str) -> None:
    assert tidy_name(given_, "application/pdf") == kept


@given(st.text(max_size=200))
def test_a_header_is_one_line_of_ascii_whatever_the_name(name: str) -> None:
    told = disposition(tidy_name(name, "image/jpeg"))
    assert told.isascii()
    assert told.isprintable()
    assert told.count('"') == 2
    assert told.startswith('attachment; filename="')
    assert told.endswith(".jpg")
