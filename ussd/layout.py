"""Lay a screen out in one language within a handset's cap: notice, line, options or items, navigation keys.

What fits stays on one screen. Else a shop's name is cut a little, and what still does not fit runs over pages: options
and items are moved to a next one, never left out. 70 characters of UCS-2 make pages of screens that need none in the
7-bit alphabet.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from ussd.fit import Cap, clip, fits, measure, paginate, stretch
from ussd.menu import MORE, NAVIGATION, NO_OPTIONS, Option, View
from ussd.texts import Catalogue, Line, say

ELASTIC: Final = "shop"  # the one value of a line that is cut when the screen is full
NAME_KEPT_MIN: Final = 16  # of a name, before a screen is parted in two
LAST_NAME_KEPT_MIN: Final = 6  # of a name, before a screen without pages gives up a sentence
_NAME: Final = "§§"  # in place of a name while sentences are told apart: it may have points of its own
# What a list answers to a wrong entry, at its longest.
_NOTICES: Final = (say("error.range", last="99"), say("error.option", options="0, 00"))
ITEM_NAME_KEPT_MIN: Final = 6  # of a name in a list, before its item is moved to another page
_BETWEEN_WORDS: Final = re.compile(r" (?![A-Z]{3}\b)")  # an amount stays with its currency
_SENTENCE_END: Final = re.compile(r"(?<=[.!?؟။])\s")
LISTED: Final = "languages"  # the value of a notice that is shortened name by name, and then left out


class Page(Struct, frozen=True):
    """A laid-out screen: its text, which page of it this is, and whether another follows.

    Number -1 is a notice that found no room on the first page and stands alone, before it.
    """

    text: str
    number: int = 0
    more: bool = False


class _Sheet(Struct, frozen=True):
    """What stands on every page of a screen."""

    words: Catalogue
    cap: Cap
    keys: tuple[str, ...]

    def foot(self, *, more: bool = False) -> tuple[str, ...]:
        """The navigation keys."""
        keys = (*self.keys, MORE) if more else self.keys
        return (" ".join(self.words[NAVIGATION[key]] for key in keys),) if keys else ()

    def holds(self, lines: Sequence[str], *, more: bool = False) -> bool:
        """Whether these lines fit above the keys."""
        return fits("\n".join((*lines, *self.foot(more=more))), self.cap)

    def page(self, lines: Sequence[str], number: int = 0, *, more: bool = False) -> Page:
        """These lines above the keys."""
        return Page("\n".join((*lines, *self.foot(more=more))), number, more)


def lay_out(
    view: View,
    words: Catalogue,
    cap: Cap,
    *,
    notice: Line | None = None,
    options: Mapping[str, Option] = NO_OPTIONS,
    keys: tuple[str, ...] = (),
    page: int = 0,
    has_pages: bool = True,
) -> Page:
    """Write a page of a view; one beyond the last is the last. MORE joins the keys on every page but that.

    A screen that has no pages, since 98 is an answer there or it is the last one, gives up sentences from its end.
    """
    sheet = _Sheet(words, cap, keys)
    if notice is not None and LISTED in notice.fields:
        return _lay_out_listed(view, sheet, notice, options)
    above = (words.write(notice),) if notice else ()
    if view.items:
        return _lay_out_items(view, sheet, above, page)
    below = tuple(f"{digit} {words[option.label]}" for digit, option in options.items() if digit not in view.hides)
    name = words.spell(view.line.fields.get(ELASTIC, ""))

    def tell(shop: str) -> str:
        return "\n".join((*above, words.write(Line(view.line.key, {**view.line.fields, ELASTIC: shop}))))

    kept_min = NAME_KEPT_MIN if has_pages else LAST_NAME_KEPT_MIN
    if page <= 0 and (whole := _stretched(tell, name, sheet, below, kept_min)):
        return sheet.page(whole)
    if not has_pages:
        return sheet.page(_given_up(tell, name, sheet))
    pages = _parted((*words.write(view.line).split("\n"),), below, sheet)
    return _numbered(pages, sheet, above, page)


def _lay_out_listed(view: View, sheet: _Sheet, notice: Line, options: Mapping[str, Option]) -> Page:
    """The first page above as many names of the notice as it has room for: only an offer, so no page is made for it."""
    names = str(notice.fields[LISTED]).split(", ")
    bare = lay_out(view, sheet.words, sheet.cap, options=options, keys=sheet.keys)
    for count in range(len(names), 0, -1):
        told = sheet.words.write(Line(notice.key, {LISTED: ", ".join(names[:count])}))
        if fits(text := f"{bare.text}\n{told}", sheet.cap):
            return Page(text, bare.number, bare.more)
    return bare


def _stretched(
    tell: Callable[[str], str], name: str, sheet: _Sheet, below: tuple[str, ...], kept_min: int
) -> tuple[str, ...] | None:
    """All lines of a screen on one page, with the shop's name cut as far as it must be; None when that is too far."""

    def build(shop: str) -> str:
        return "\n".join((tell(shop), *below, *sheet.foot()))

    text = stretch(build, name, sheet.cap)
    size, limit = measure(text, sheet.cap)
    if size(text) > limit or size(build(clip(name, kept_min, size))) > limit:
        return None
    foot = len(sheet.foot())
    lines = text.split("\n")
    return tuple(lines[: len(lines) - foot])


def _given_up(tell: Callable[[str], str], name: str, sheet: _Sheet) -> tuple[str, ...]:
    """As many sentences as fit; what is most important stands first in a text.

    Half a sentence may say the opposite, and half a code leads elsewhere: only a first one that is longer than the
    screen is cut, between lines if it has several.
    """
    whole = tell(_NAME)
    for end in reversed([*(found.start() for found in _SENTENCE_END.finditer(whole)), len(whole)]):
        told = partial(whole[:end].replace, _NAME)
        if kept := _stretched(told, name, sheet, (), LAST_NAME_KEPT_MIN):
            return kept
    lines = tuple(one for one in tell("").split("\n") if one)
    for count in range(len(lines), 0, -1):
        if sheet.holds(lines[:count]):
            return lines[:count]
    text = "\n".join((lines[0], *sheet.foot()))
    size, limit = measure(text, sheet.cap)
    return (clip(lines[0], limit - (size(text) - size(lines[0])), size),)


def _parted(head: tuple[str, ...], below: tuple[str, ...], sheet: _Sheet) -> list[tuple[str, ...]]:
    """The lines shared out over pages, each with room for MORE. Only lines of the head are parted, between words."""
    pages: list[tuple[str, ...]] = [()]
    for line in head:
        for piece in _pieces(line, pages, sheet):
            _put(piece, pages, sheet)
    for line in below:
        _put(line, pages, sheet)
    return pages


def _pieces(line: str, pages: list[tuple[str, ...]], sheet: _Sheet, bound: int = 1) -> Iterator[str]:
    """A line in pieces that each fit a page; the first one, of `bound` words or more, goes on where the last page ends.

    Words are kept whole, but for one that is longer than a page, such as a code to dial with a number of 32 digits.
    """
    words = _BETWEEN_WORDS.split(line)
    words[:bound] = [" ".join(words[:bound])]
    while words:
        count = _fitting(words, " ", pages[-1], sheet)
        if not count and pages[-1]:
            pages.append(())
            continue
        if not count:
            count = max(1, _fitting(words[0], "", (), sheet))
            words = [words[0][:count], words[0][count:], *words[1:]]
            count = 1
        yield " ".join(words[:count])
        words = words[count:]
        if words:
            pages.append(())


def _fitting(parts: Sequence[str], between: str, onto: tuple[str, ...], sheet: _Sheet) -> int:
    """How many of the parts have room on a page below these lines."""
    count = len(parts)
    while count and not sheet.holds((*onto, between.join(parts[:count])), more=True):
        count -= 1
    return count


def _put(line: str, pages: list[tuple[str, ...]], sheet: _Sheet) -> None:
    """Add a line to the last page, or to a new one; one longer than a page is clipped to it."""
    if not sheet.holds((*pages[-1], line), more=True):
        if pages[-1]:
            pages.append(())
        text = "\n".join((line, *sheet.foot(more=True)))
        size, limit = measure(text, sheet.cap)
        line = clip(line, limit - (size(text) - size(line)), size)
    pages[-1] += (line,)


def _numbered(pages: list[tuple[str, ...]], sheet: _Sheet, above: tuple[str, ...], number: int) -> Page:
    """One of the pages, under the notice; one that leaves no room for it waits behind MORE."""
    if len(pages) > 1 and sheet.holds((*pages[-2], *pages[-1])):  # without MORE there is room for both
        pages = [*pages[:-2], (*pages[-2], *pages[-1])]
    number = max(0, min(number, len(pages) - 1))
    more = number < len(pages) - 1
    if not sheet.holds((*above, *pages[number]), more=more):
        return sheet.page(above, number - 1, more=True)
    return sheet.page((*above, *pages[number]), number, more=more)


def _lay_out_items(view: View, sheet: _Sheet, above: tuple[str, ...], number: int) -> Page:
    """The items of one page under the line.

    A notice never moves an item to another page, nor hides one: where it has no room it takes the place of the line,
    and every page leaves room there for those that a list gives, unless its items need it.
    """
    words = sheet.words
    head = words.write(view.line)
    items = tuple(words.spell(item) for item in view.items)
    size, limit = measure("\n".join((head, *items, *sheet.foot())), sheet.cap)
    widest = max((head, *(words.write(one) for one in _NOTICES)), key=size)
    pages: list[tuple[str, ...]] = [items]
    if not sheet.holds((widest, *items)):
        rooms = (limit - size("\n".join((top, "", *sheet.foot(more=True)))) for top in (widest, head))
        longest = max(map(size, items))
        room = next((room for room in rooms if longest <= room), None)
        if room is None:
            return _numbered(_parted_items(view, head, sheet), sheet, above, number)
        pages = paginate(items, room, size)
    number = max(0, min(number, len(pages) - 1))
    more = number < len(pages) - 1
    for top in ((*above, head), above or (head,)):
        if sheet.holds((*top, *pages[number]), more=more):
            return sheet.page((*top, *pages[number]), number, more=more)
    return sheet.page(above, number - 1, more=True)


def _parted_items(view: View, head: str, sheet: _Sheet) -> list[tuple[str, ...]]:
    """A line and its items over pages, where one of them is too long to stand under the line on each."""
    pages = _parted(tuple(head.split("\n")), (), sheet)
    for item in view.items:
        line = _item_within(item, pages[-1], sheet) or _item_within(item, (), sheet)
        for piece in (line,) if line else _pieces(sheet.words.spell(item), pages, sheet, bound=2):  # `1` is not alone
            _put(piece, pages, sheet)
    return pages


def _item_within(item: str | Line, onto: tuple[str, ...], sheet: _Sheet) -> str | None:
    """An item as it fits a page below these lines, its shop's name cut a little if it must be; None if it does not."""
    whole = sheet.words.spell(item)
    if sheet.holds((*onto, whole), more=True):
        return whole
    if isinstance(item, str) or ELASTIC not in item.fields:
        return None
    name = sheet.words.spell(item.fields[ELASTIC])

    def build(shop: str) -> str:
        told = sheet.words.write(Line(item.key, {**item.fields, ELASTIC: shop}))
        return "\n".join((*onto, told, *sheet.foot(more=True)))

    size, limit = measure(build(name), sheet.cap)
    name = clip(name, limit - size(build("")), size)
    return build(name).split("\n")[len(onto)] if size(name) >= ITEM_NAME_KEPT_MIN else None
