"""Printed codes: counter posters and sticker sheets, one PDF from many merchants.

Takes plain values (payload, name, number); the service decides whose posters are printed.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from qr import symbols

MM = 72 / 25.4  # points
PAGE_MM = (210.0, 297.0)
COLUMNS, ROWS = 3, 5
CODE_MM = 42.0


class Sticker(msgspec.Struct, frozen=True, kw_only=True):
    """One code with what is written under it."""

    payload: str
    name: str
    number: str


def grouped(number: str) -> str:
    """A number in groups of four for reading aloud, the first group taking the remainder: 1234 5678."""
    head = len(number) % 4
    parts = ([number[:head]] if head else []) + [number[i : i + 4] for i in range(head, len(number), 4)]
    return " ".join(parts)


def sheet_pdf(stickers: Iterable[Sticker]) -> bytes:
    """A4 sheets of 3 by 5 stickers, name and grouped number under each code."""
    pending = list(stickers)
    per_page = COLUMNS * ROWS
    pages = [pending[i : i + per_page] for i in range(0, len(pending), per_page)]
    bodies = ["1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    bodies.append(f"2 0 obj<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>endobj\n")
    bodies.append("3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n")
    for n, page in enumerate(pages):
        content = "".join(_place(sticker, i) for i, sticker in enumerate(page))
        box = f"[0 0 {PAGE_MM[0] * MM:.2f} {PAGE_MM[1] * MM:.2f}]"
        bodies.append(
            f"{4 + 2 * n} 0 obj<</Type/Page/Parent 2 0 R/MediaBox{box}"
            f"/Resources<</Font<</F 3 0 R>>>>/Contents {5 + 2 * n} 0 R>>endobj\n"
        )
        bodies.append(f"{5 + 2 * n} 0 obj<</Length {len(content)}>>stream\n{content}\nendstream endobj\n")
    return _assemble(bodies)


def _place(sticker: Sticker, index: int) -> str:
    cell_width, cell_height = PAGE_MM[0] / COLUMNS * MM, PAGE_MM[1] / ROWS * MM
    left = (index % COLUMNS) * cell_width
    top = PAGE_MM[1] * MM - (index // COLUMNS) * cell_height
    matrix = symbols.make(sticker.payload).matrix
    module = CODE_MM * MM / (len(matrix) + 8)
    x0, y0 = left + (cell_width - module * len(matrix)) / 2, top - module * 4
    dark = "".join(
        f"{x} {-y - 1} 1 1 re " for y, row in enumerate(matrix) for x, bit in enumerate(row) if bit
    )
    text = "".join(
        f"BT /F {size} Tf {left + 12:.2f} {top - CODE_MM * MM - drop:.2f} Td ({_escaped(line)}) Tj ET\n"
        for line, size, drop in ((sticker.name[:32], 9, 8), (grouped(sticker.number), 12, 22))
    )
    return f"q {module:.4f} 0 0 {module:.4f} {x0:.2f} {y0:.2f} cm {dark}f Q\n{text}"


def _escaped(text: str) -> str:
    plain = text.encode("ascii", "replace").decode()
    return plain.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _assemble(bodies: list[str]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for body in bodies:
        offsets.append(len(out))
        out += body.encode("ascii")
    start, size = len(out), len(bodies) + 1
    entries = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    return bytes(out) + f"xref\n0 {size}\n0000000000 65535 f \n{entries}{trailer}".encode("ascii")
