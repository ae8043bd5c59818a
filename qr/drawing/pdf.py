"""A PDF written front to back: pages as they come, what they share at the end, no date and no random id.

The same calls give the same bytes. Nothing but offsets is kept, so a hundred thousand pages take no more memory
than their count, and a file cut off after a page can be continued from there (see posters/batch.py).
Format: ISO 32000-1:2008, sections 7.3 to 7.5.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import BinaryIO

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
CATALOG, PAGES, RESOURCES, INFORMATION = 1, 2, 3, 4  # object numbers every file uses
FIRST_FREE_NUMBER = 5
EM = 1000  # units of glyph space to the em (9.2.4)
COMPRESSION_LEVEL = 4  # a quarter of the time of 6 for an eighth more bytes


class PdfFile:
    """A PDF under way. `pages` and `resources` are written by `finish`."""

    def __init__(self, out: BinaryIO) -> None:
        out.seek(0)
        self.out = out
        self.size = 0
        self.digest = hashlib.sha256()
        self.offsets: dict[int, int] = {}
        self.page_numbers: list[int] = []
        self.next_number = FIRST_FREE_NUMBER
        self._append(HEADER)

    def add(self, body: bytes) -> int:
        """Writes an object and returns its number."""
        number = self.next_number
        self.next_number += 1
        self._write(number, body)
        return number

    def add_stream(self, data: bytes, entries: str = "") -> int:
        """Writes a compressed stream with further dictionary entries and returns its number."""
        packed = zlib.compress(data, COMPRESSION_LEVEL)
        head = f"<</Length {len(packed)}/Filter/FlateDecode{entries}>>stream\n".encode("ascii")
        return self.add(head + packed + b"\nendstream")

    def add_page(self, width_pt: float, height_pt: float, content: bytes) -> dict[int, int]:
        """Writes a page, sizes in points, and returns the offsets of its objects by number."""
        stream = self.add_stream(content)
        page = self.add(
            f"<</Type/Page/Parent {PAGES} 0 R/MediaBox[0 0 {width_pt:.2f} {height_pt:.2f}]"
            f"/Resources {RESOURCES} 0 R/Contents {stream} 0 R>>".encode("ascii")
        )
        self.page_numbers.append(page)
        return {number: self.offsets[number] for number in (stream, page)}

    def keep(self, objects: dict[int, int], end: int, digest: str) -> bool:
        """Keeps a page that the file already holds, up to `end`; False if the file has another hash there."""
        data = self.out.read(end - self.size)
        kept = self.digest.copy()
        kept.update(data)
        if kept.hexdigest() != digest:
            return False
        self.digest, self.size = kept, end
        self.offsets |= objects
        self.page_numbers.append(max(objects))
        self.next_number = max(objects) + 1
        return True

    def cut(self) -> None:
        """Ends the file here, so that nothing of an earlier run stands after the pages written or kept."""
        self.out.seek(self.size)
        self.out.truncate()

    def finish(self, resources: str, title: str) -> None:
        """Writes what all pages share, the catalog and the cross-reference table.

        `resources` is the content of the resource dictionary; the file's id is the hash of what went before.
        """
        kids = " ".join(f"{number} 0 R" for number in self.page_numbers)
        self._write(RESOURCES, f"<<{resources}>>".encode("ascii"))
        self._write(PAGES, f"<</Type/Pages/Count {len(self.page_numbers)}/Kids[{kids}]>>".encode("ascii"))
        self._write(INFORMATION, f"<</Title {text_string(title)}>>".encode("ascii"))
        self._write(
            CATALOG,
            # Scaling would shrink the modules: a viewer that listens prints at 100 %.
            f"<</Type/Catalog/Pages {PAGES} 0 R/ViewerPreferences<</PrintScaling/None/DisplayDocTitle true>>>>".encode(
                "ascii"
            ),
        )
        identifier = self.digest.hexdigest()[:32]
        start = self.size
        entries = "".join(f"{self.offsets[number]:010d} 00000 n \n" for number in range(1, self.next_number))
        self._append(
            f"xref\n0 {self.next_number}\n0000000000 65535 f \n{entries}"
            f"trailer<</Size {self.next_number}/Root {CATALOG} 0 R/Info {INFORMATION} 0 R"
            f"/ID[<{identifier}><{identifier}>]>>\nstartxref\n{start}\n%%EOF\n".encode("ascii")
        )
        self.out.flush()

    def _write(self, number: int, body: bytes) -> None:
        self.offsets[number] = self.size
        self._append(b"%d 0 obj\n" % number + body + b"\nendobj\n")

    def _append(self, data: bytes) -> None:
        self.out.write(data)
        self.digest.update(data)
        self.size += len(data)


def text_string(text: str) -> str:
    """A PDF text string in hexadecimal: UTF-16 with a byte order mark (7.9.2.2)."""
    return f"<feff{text.encode('utf-16-be').hex()}>"


def number(value: float) -> str:
    """A number below a million with at most three decimals and no exponent, as content streams want it."""
    return f"{round(value, 3) + 0.0:g}"  # adding zero turns -0 into 0


def numbers(values: Sequence[float]) -> str:
    """Several numbers, separated by spaces."""
    return " ".join(map(number, values))
