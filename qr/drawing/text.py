"""Text in any script as glyphs in their places: fonts chosen, direction resolved, shaped by HarfBuzz.

A line is measured in thousandths of an em and drawn at any size. What cannot be written is an error that names
the character, never an empty box on paper.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

import msgspec

from qr.drawing import bidi
from qr.drawing.fonts import FAMILIES, Font, installed_fonts, shipped_font
from qr.drawing.pdf import EM
from qr.extras import DISTRIBUTION, needs
from qr.symbols.errors import PictureError

with needs("posters", "text on posters"):
    import uharfbuzz as hb

JOINERS = "\u200c\u200d"  # zero width non-joiner and joiner: spelling in Khmer, Persian, Sinhala and others
DOTTED_CIRCLE = 0x25CC  # what HarfBuzz shows under a mark that has no letter
LINE_WORTH = 1.05  # a further line must make the text this much larger
ASCENT_MIN, DESCENT_MIN, LEADING = 760, 220, 60  # thousandths of an em, so that short words keep a line's height


class MissingGlyph(PictureError):
    """No font holds a character, or a mark has no letter to stand on."""


class TextTooLong(PictureError):
    """A text does not fit its place even at the smallest legible size."""


class Run(msgspec.Struct, frozen=True):
    """Glyphs of one font. `pieces` are (rise, operand of TJ): text raised by thousandths of an em.

    `top` and `bottom` are how far the ink reaches above and below the baseline.
    """

    font: Font
    glyphs: frozenset[int]
    pieces: tuple[tuple[int, str], ...]
    top: int
    bottom: int


class Line(msgspec.Struct, frozen=True):
    """One line, runs from left to right; measures in thousandths of an em.

    `ascent` and `descent` follow the ink, since scripts stack letters to very different heights.
    """

    text: str
    runs: tuple[Run, ...]
    width: int
    ascent: int
    descent: int
    breaks: tuple[tuple[int, int], ...]  # (characters, width) up to each place where the line may be broken


@lru_cache(maxsize=1024)  # instructions and labels repeat on every poster
def shape(text: str, weight: str, extra_fonts: tuple[Font, ...] = ()) -> Line:
    """A line of text in a weight of the shipped fonts, or in a further font for what they do not hold.

    Raises MissingGlyph.
    """
    text = unicodedata.normalize("NFC", text)
    fonts = _fonts_of(text, weight, extra_fonts)
    levels = bidi.levels(text)
    spans = list(_spans(fonts, levels))
    drawn, advances = [], [0] * len(text)
    for start, end in spans:
        run, run_advances = _shape_run(text, start, end, fonts[start], rtl=levels[start] % 2 == 1)
        drawn.append(run)
        for index, advance in run_advances.items():
            advances[index] += advance
    order = bidi.visual_order([levels[start] for start, _ in spans])
    return Line(
        text=text,
        runs=tuple(drawn[index] for index in order),
        width=sum(advances),
        ascent=max([ASCENT_MIN, *(run.top + LEADING for run in drawn)]),
        descent=max([DESCENT_MIN, *(run.bottom + LEADING for run in drawn)]),
        breaks=tuple(_breaks(text, advances)),
    )


def _fonts_of(text: str, weight: str, extra_fonts: tuple[Font, ...]) -> list[Font]:
    """A font for each character: letters by script, marks and signs with their neighbours where possible."""
    fonts: list[Font] = []
    first = _han_family(text)
    current: Font | None = None
    for position, character in enumerate(text):
        kind = unicodedata.category(character)
        if kind[0] == "C" and character not in JOINERS:
            raise MissingGlyph(f"{_name(character)} is not printable")
        if kind[0] == "L":
            current = _font_for(character, "", weight, extra_fonts, first)
        elif current is None or ord(character) not in current.characters:
            letter = next((later for later in text[position:] if unicodedata.category(later)[0] == "L"), "")
            current = _font_for(character, letter, weight, extra_fonts, first)
        fonts.append(current)
    return fonts


def _han_family(text: str) -> str:
    """Which family draws Han characters: Japan and Korea write them otherwise, beside letters of their own."""
    if any("\u3041" <= character <= "\u30ff" for character in text):  # kana
        return "NotoSansJP"
    if any("\uac00" <= character <= "\ud7a3" or "\u1100" <= character <= "\u11ff" for character in text):  # hangul
        return "NotoSansKR"
    return "NotoSansSC"


@lru_cache(maxsize=4096)
def _font_for(character: str, letter: str, weight: str, extra_fonts: tuple[Font, ...], first: str) -> Font:
    """The first font that holds a character, better one that also holds the letter after it, if one comes."""
    candidates = [*(shipped_font(family, weight) for family in FAMILIES), *extra_fonts]
    holders = [font for font in candidates if ord(character) in font.characters]
    if not holders or (letter and not any(ord(letter) in font.characters for font in candidates)):
        holders += [font for font in installed_fonts(weight, first) if ord(character) in font.characters][:1]
    if not holders:
        raise MissingGlyph(f"no font has {_name(character)}; install {DISTRIBUTION}[fonts] or add one that does")
    return next((font for font in holders if letter and ord(letter) in font.characters), holders[0])


def _name(character: str) -> str:
    shown = f" {character}" if character.isprintable() else ""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed character')}{shown}"


def _spans(fonts: Sequence[Font], levels: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for _, group in groupby(zip(fonts, levels, strict=True), key=lambda pair: (id(pair[0]), pair[1])):
        end = start + len(list(group))
        yield start, end
        start = end


def _shape_run(text: str, start: int, end: int, font: Font, rtl: bool) -> tuple[Run, dict[int, int]]:
    """The run of text[start:end], and the advance of each cluster by the index of its first character."""
    buffer = hb.Buffer()
    # The whole line is given as context, so that Arabic letters join across a change of font.
    buffer.add_str(text, start, end - start)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if rtl else "ltr"
    hb.shape(font.shaper, buffer)
    advances: dict[int, int] = {}
    pieces: list[tuple[int, str]] = []
    top = bottom = 0
    operand, rise, drift = "", 0, 0  # drift: how far the reader's pen is ahead of where it should be
    circle = font.shaper.get_nominal_glyph(DOTTED_CIRCLE)
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        glyph = info.codepoint
        if glyph == 0 or (glyph == circle and chr(DOTTED_CIRCLE) not in text):
            raise MissingGlyph(f"{_name(text[info.cluster])} cannot be written where it stands")
        ink = font.ink(glyph)
        top = max(top, position.y_offset + ink[0])
        bottom = max(bottom, -position.y_offset - ink[1])
        if position.y_offset != rise:
            if operand:
                pieces.append((rise, operand))
            operand, rise = "", position.y_offset
        correction = drift - position.x_offset
        operand += f"{correction}<{glyph:04x}>" if correction else f"<{glyph:04x}>"
        drift = font.advance(glyph) + position.x_offset - position.x_advance
        advances[info.cluster] = advances.get(info.cluster, 0) + position.x_advance
    operand += str(drift) if drift else ""
    pieces.append((rise, operand))
    glyphs = frozenset(info.codepoint for info in buffer.glyph_infos)
    return Run(font, glyphs, tuple(pieces), top, bottom), advances


def _breaks(text: str, advances: Sequence[int]) -> Iterator[tuple[int, int]]:
    """After spaces; where a text has none, between clusters."""
    spaced = " " in text
    width = 0
    for index, advance in enumerate(advances):
        starts_cluster = advance > 0 and not unicodedata.category(text[index]).startswith("M")
        if index and (text[index - 1] == " " if spaced else starts_cluster):
            yield index, width
        width += advance
    yield len(text), width


def fit(
    text: str,
    weight: str,
    width: float,
    height: float,
    size_max: float,
    size_min: float,
    lines_max: int,
    extra_fonts: tuple[Font, ...] = (),
) -> tuple[list[Line], float]:
    """The text in as few lines as allow the largest size within a box; sizes in the unit of the box.

    Raises MissingGlyph, and TextTooLong below `size_min`.
    """
    text = " ".join(filter(None, text.split(" ")))
    whole = shape(text, weight, extra_fonts)

    def size_of(widths: Sequence[int], heights: Sequence[int]) -> float:
        return min(size_max, width * EM / max(1, *widths), height * EM / sum(heights))

    # How many lines is judged by the whole line's measures; only the lines chosen are shaped.
    chosen, expected = [text], 0.0
    for count in range(1, lines_max + 1):
        parts, widths = _balanced(whole, count)
        size = size_of(widths, [whole.ascent + whole.descent] * len(parts))
        if size > expected * LINE_WORTH:
            chosen, expected = parts, size
    lines = [shape(part, weight, extra_fonts) for part in chosen]
    size = size_of([line.width for line in lines], [line.ascent + line.descent for line in lines])
    if size < size_min:
        raise TextTooLong(f"{text!r} does not fit its place; shorten it")
    return lines, size


def _balanced(line: Line, count: int) -> tuple[list[str], list[int]]:
    """The text of a line in at most `count` parts of about equal width, and their widths."""
    parts, widths = [], []
    start, start_width = 0, 0
    for number in range(count, 0, -1):
        goal = start_width + (line.width - start_width) / number
        later = [place for place in line.breaks if place[0] > start]
        if not later:
            break
        at, width = later[-1] if number == 1 else min(later, key=lambda place: abs(place[1] - goal))
        parts.append(line.text[start:at].strip())
        widths.append(width - start_width)
        start, start_width = at, width
    return parts, widths
