"""The content of a printed code and the design of a print run: the values that callers pass in.

A Design that cannot be printed is refused when it is made. The words come from instructions.toml, a language each.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from qr.drawing.bidi import levels
from qr.drawing.fonts import Font, added_font, installed_path
from qr.extras import DISTRIBUTION
from qr.symbols.errors import PictureError
from qr.symbols.style import PLAIN, Style, luminance

GROUP_DIGITS_MAX = 4  # longer groups are misheard and mistyped
LANGUAGES_MAX = 2
MILLIMETRES = {"A4": (210.0, 297.0), "A5": (148.0, 210.0), "A6": (105.0, 148.0)}  # ISO 216
FOLDED = {"tent": "A4", "table": "A5"}  # printed on, to be folded in two
GRID_MAX = 10  # stickers along either side of a sheet
ACCEPTED_MAX = 8  # more cannot be told apart in one row
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")  # ISO 13616, written in groups of four
# Families of the extra `fonts` that the words of a language are written with.
NEEDED_FAMILIES = {
    "ka": "NotoSansGeorgian",
    "he": "NotoSansHebrew",
    "zh": "NotoSansSC",
    "ja": "NotoSansJP",
    "ko": "NotoSansKR",
}
INSTRUCTIONS_FILE = Path(__file__).with_name("instructions.toml")

Page = Literal["A4", "A5", "A6", "tent", "table", "sheet"]


class BadDesign(PictureError):
    """The design asks for a page, language or grid that does not exist."""


class Sticker(msgspec.Struct, frozen=True, kw_only=True):
    """One code with its name and number; `name` in the merchant's own script, `counter` which of its counters.

    `address` is that of the shop's page, short enough to be typed: `pay.example/q/40217756`. `version` counts the
    codes printed for the counter; 0 is not printed.
    """

    payload: str
    name: str
    number: str
    counter: str = ""
    address: str = ""
    version: int = 0


class Poster(Sticker, frozen=True, kw_only=True):
    """A sticker with more details; `dfsp_mark` is a PNG or JPEG, `ussd` the whole string to dial."""

    second_name: str = ""
    ussd: str = ""
    dfsp: str = ""
    dfsp_mark: bytes = b""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet, bank or scheme whose customers can pay here: its `mark`, a PNG or JPEG, or else its name."""

    name: str
    mark: bytes = b""


class Instruction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The instructions in one language. Steps without words are shown as pictograms only."""

    scan: str
    number: str
    dial: str
    step_scan: str = ""
    step_check: str = ""
    step_pay: str = ""
    accepted: str = ""

    @property
    def steps(self) -> tuple[str, str, str]:
        """What to do, in order."""
        return self.step_scan, self.step_check, self.step_pay

    @property
    def rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return levels(self.scan)[:1] == [1]


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """The look of a print run.

    `page`: A4, A5 or A6, one poster each; `tent`, an A4 page folded in two to stand on a counter, and `table`, an A5
    page folded likewise; `sheet`, an A4 page of `columns` by `rows` stickers with crop marks. `languages`: one or two
    ISO 639-1 codes, whose words are shipped or given in `instructions`; the first decides from which side the page is
    read. `accent`, `#rrggbb`, colours frame and heading, and words only where they can be read. `logo`, a PNG or JPEG,
    stands in the middle of every code, `accepted` in a row of their own; `date` is when the codes were issued,
    `YYYY-MM-DD`. `fonts`: TrueType files for scripts that the shipped fonts lack. Raises BadDesign and PoorContrast.
    """

    page: Page = "A5"
    languages: tuple[str, ...] = ("en",)
    instructions: Mapping[str, Instruction] = {}
    scheme: str = ""
    scheme_mark: bytes = b""
    accent: str = "#14213d"
    logo: bytes = b""
    accepted: tuple[Accepted, ...] = ()
    date: str = ""
    style: Style = PLAIN
    columns: int = 3
    rows: int = 4
    fonts: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.languages) <= LANGUAGES_MAX:
            raise BadDesign(f"a poster has one or two languages, not {len(self.languages)}")
        for language in self.languages:
            if language not in self.instructions and language not in shipped_instructions():
                wanting = (
                    f"need the fonts of {DISTRIBUTION}[fonts]"
                    if language in NEEDED_FAMILIES
                    else "are not shipped: pass them"
                )
                raise BadDesign(f"instructions in {language!r} {wanting}")
        if not (1 <= self.columns <= GRID_MAX and 1 <= self.rows <= GRID_MAX):
            raise BadDesign(f"a sheet has 1 to {GRID_MAX} columns and rows")
        if self.page not in PAGES:
            raise BadDesign(f"{self.page!r} is not a page; there are {', '.join(PAGES)}")
        if len(self.extra_fonts) != len(self.fonts):
            raise BadDesign("a font is not a TrueType file")
        if len(self.accepted) > ACCEPTED_MAX:
            raise BadDesign(f"at most {ACCEPTED_MAX} are named as accepted, not {len(self.accepted)}")
        if self.date and not _is_day(self.date):
            raise BadDesign(f"{self.date!r} is not a date written YYYY-MM-DD")
        luminance(self.accent)  # refuses what is not a colour

    @property
    def words(self) -> tuple[Instruction, ...]:
        """The instructions in the order of `languages`."""
        return tuple(self.instructions.get(code) or shipped_instructions()[code] for code in self.languages)

    @property
    def rtl(self) -> bool:
        """Whether the page is read from right to left, as its first language is."""
        return self.words[0].rtl

    @property
    def extra_fonts(self) -> tuple[Font, ...]:
        """`fonts`, opened."""
        return tuple(font for font in map(added_font, self.fonts) if font)

    @property
    def per_page(self) -> int:
        """How many codes share a page."""
        return self.columns * self.rows if self.page == "sheet" else 1

    @property
    def paper_mm(self) -> tuple[float, float]:
        """Width and height of the paper."""
        return MILLIMETRES[FOLDED.get(self.page, self.page if self.page in MILLIMETRES else "A4")]


PAGES: tuple[Page, ...] = ("A4", "A5", "A6", "tent", "table", "sheet")


def grouped(number: str) -> str:
    """A number in even groups of at most four digits, for reading aloud: 1234 5678, 123 456 789.

    An IBAN is written in fours; another alias of a merchant's own with more than digits is left alone.
    """
    if IBAN.match(number):
        return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    if not (number.isascii() and number.isdigit()):
        return number
    count = -(-len(number) // GROUP_DIGITS_MAX)
    cuts = [len(number) * index // count for index in range(count + 1)]
    return " ".join(number[start:end] for start, end in pairwise(cuts))


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@lru_cache(maxsize=1)
def shipped_instructions() -> Mapping[str, Instruction]:
    """The instructions that come with the library, by language, without those that no font here can write."""
    tables = tomllib.loads(INSTRUCTIONS_FILE.read_text(encoding="utf-8"))
    for language, family in NEEDED_FAMILIES.items():
        if not installed_path(family):
            del tables[language]
    return msgspec.convert(tables, dict[str, Instruction])
