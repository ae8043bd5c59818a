"""Find merchants: by words of their names in any order, number, phone, owner, register number and city; by filters.

A query is read into words, each of which a merchant must have. What is equal comes first, then what goes on from what
was typed, then what is one slip away; of one kind the newest first. search_index.py writes the words, lookups.py has
the statements.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlmodel import select

from merchant.core import errors, phone
from merchant.core.access import Actor, scope_to
from merchant.core.db import Tx
from merchant.core.paging import NAME, NEWEST, Page, gone
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.registry.merchants import lookups, search_index, words
from merchant.registry.merchants.lookups import Columns, Wanted
from merchant.registry.merchants.models import Merchant

MAX_QUERY_CHARS = 200
MAX_QUERY_WORDS = 10
MAX_RESULTS = 200  # of a query; nobody reads further, and one more word finds what is meant
_BEGINNING_LETTERS = 3  # fewer begin too many words; they are found where they are a word
_MONTHS_MOST = 240  # of a time; a longer one narrows nothing
_PHONE_SIGNS = str.maketrans("", "", "()./")
_RANK_PLACE, _RANK_MASK, _VERSION = 76, 0xF, 7  # the four bits of a UUID that tell its version (RFC 9562)


class Likeness(IntEnum):
    """How a merchant's words are like those of a query, best first."""

    EQUAL = 0
    CONTINUED = 1
    SLIP = 2


class Sought(Struct, frozen=True, kw_only=True):
    """What a list of merchants is narrowed to."""

    q: str | None = None
    search: str | None = None
    state: str | None = None
    tier: str | None = None
    risk: str | None = None
    mcc: str | None = None
    city: str | None = None
    country: str | None = None
    added_by: UUID | None = None
    approved_by: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class Found(Struct, frozen=True):
    """A merchant, and the cursor of the page that begins behind it."""

    merchant: Merchant
    cursor: UUID


class _Typed(Struct, frozen=True):
    """A word of a query: what it is equal to, and the word itself where it may go on or be misspelt."""

    equal: tuple[str, ...]
    word: str | None = None


async def find_merchants(tx: Tx, actor: Actor, page: Page, sought: Sought, country: str) -> list[Found]:
    """Merchants the actor may see, one more than the page's limit when there are more.

    With a query the MAX_RESULTS best, best first; without one all, newest first; either way in another order where the
    page asks for it. `country` is where a phone without a plus is read. Raises InvalidFilter for a query that is too
    long, InvalidPage for a cursor of another list.
    """
    own = Columns(since=sought.since, until=sought.until, named=sought.search or None, merchant_id=actor.merchant_id)
    await lookups.prepare(tx)
    dfsps = [actor.dfsp_id] if actor.dfsp_id is not None else [row["id"] for row in await tx.fetch(_EVERY_DFSP)]
    if not dfsps:
        return []
    required = _required(sought)
    query = (sought.q or "").strip()
    if not query:
        own = await _ordered(tx, own, page)
        if required:
            wanted = Wanted(tuple(required | _walls(actor, sought)), _months(sought))
            ids = await lookups.having(tx, dfsps, wanted, own, page.limit + 1)
        else:
            listed = replace(own, state=sought.state, tier=sought.tier, mcc=sought.mcc, risk=sought.risk)
            ids = await lookups.listed(tx, dfsps, listed, page.limit + 1)
        return await _load(tx, actor, [(found, found) for found in ids])
    # Who belongs to one merchant has no use for its sealed answers, and could try out what they are.
    readings = read_query(tx.vault, query, country, sealed=actor.merchant_id is None)
    everywhere = Wanted(tuple(required | _walls(actor, sought)), _months(sought))
    ranked = await _ranked(tx, dfsps, readings, everywhere, own)
    if page.sort is not None:
        ordered = await _ordered(tx, own, page)
        ids = await lookups.among(tx, [found for _, found in ranked], ordered, page.limit + 1)
        return await _load(tx, actor, [(found, found) for found in ids])
    if page.before is not None:
        behind = _read_cursor(page.before)
        ranked = [one for one in ranked if (one[0], -one[1].int) > behind]
    return await _load(tx, actor, [(found, _cursor(rank, found)) for rank, found in ranked[: page.limit + 1]])


_EVERY_DFSP = "SELECT id FROM dfsp ORDER BY id"


async def _ordered(tx: Tx, own: Columns, page: Page) -> Columns:
    """The columns with where the page begins, and its order. Raises InvalidPage."""
    by_name = page.sort == NAME and page.before is not None
    place = await lookups.name_of(tx, page.before, own.merchant_id) if by_name and page.before else None
    return replace(own, before=page.before, sort=page.sort or NEWEST, place=place)


def _required(sought: Sought) -> set[str]:
    """The filters that are words alone."""
    found = set()
    if sought.city:
        found.add(search_index.city_word(sought.city))
    if sought.country:
        found.add(search_index.country_word(sought.country))
    if sought.added_by:
        found.add(search_index.added_by_word(sought.added_by))
    if sought.approved_by:
        found.add(search_index.approved_by_word(sought.approved_by))
    return found


def _walls(actor: Actor, sought: Sought) -> set[str]:
    """The DFSP, and the filters that are columns too, as words."""
    found = search_index.facet_words(state=sought.state, tier=sought.tier, mcc=sought.mcc, risk=sought.risk)
    return found | {search_index.dfsp_word(actor.dfsp_id)} if actor.dfsp_id is not None else found


def _months(sought: Sought) -> tuple[tuple[str, ...], ...]:
    """The months that a time touches, where it has two ends; one of them is then a merchant's."""
    if sought.since is None or sought.until is None:
        return ()
    first, last = (
        one.astimezone(UTC).year * 12 + one.astimezone(UTC).month - 1 for one in (sought.since, sought.until)
    )
    if last - first >= _MONTHS_MOST:
        return ()
    return (tuple(search_index.month_word(count // 12, count % 12 + 1) for count in range(first, last + 1)),)


def read_query(vault: Vault, text: str, country: str, *, sealed: bool) -> list[list[_Typed]]:
    """The ways to read a query, each a list of words that must all be found. Raises InvalidFilter.

    As a whole it may be a number, a phone, an identity number or an address; M-Pesa is two words, or one. `sealed`:
    whether answers that are sealed are looked for too.
    """
    tokens = words.parts_of(text)
    apart = [part for parts in tokens for part in parts]
    if len(text) > MAX_QUERY_CHARS or len(apart) > MAX_QUERY_WORDS:
        raise errors.InvalidFilter(
            _("q has at most {chars} characters and {words} words.", chars=MAX_QUERY_CHARS, words=MAX_QUERY_WORDS)
        )
    if not tokens:
        return []
    together = ["".join(parts) for parts in tokens]
    readings = [[_Typed(_numbers(vault, text, country, sealed=sealed))]]
    for reading in [apart] if apart == together else [apart, together]:
        readings.append([_typed(vault, word, country, sealed=sealed) for word in dict.fromkeys(reading)])
    return readings


def _typed(vault: Vault, word: str, country: str, *, sealed: bool) -> _Typed:
    equal = [word]
    if sealed:
        equal.append(search_index.owner_word(vault, word))
    if any(char.isdecimal() for char in word):
        equal += _numbers(vault, word, country, sealed=sealed)
    return _Typed(tuple(equal), word)


def _numbers(vault: Vault, text: str, country: str, *, sealed: bool) -> tuple[str, ...]:
    """What a text is as a number of a counter and, sealed, as an identity number or a phone."""
    folded = words.fold(text)
    found = [search_index.number_word(folded)]
    if sealed:
        found.append(search_index.identity_word(vault, folded))
        if (number := _phone(folded, country)) is not None:
            found.append(search_index.phone_word(vault, number))
    return tuple(found)


def _phone(text: str, country: str) -> phone.Msisdn | None:
    """A phone in any usual spelling: with +, 00 or neither, with blanks, hyphens, dots or brackets."""
    plain = " ".join(text.translate(_PHONE_SIGNS).split())
    return phone.parse(f"+{plain[2:]}" if plain.startswith("00") else plain, country)


async def _ranked(
    tx: Tx, dfsps: Sequence[UUID], readings: list[list[_Typed]], everywhere: Wanted, columns: Columns
) -> list[tuple[int, UUID]]:
    """The best merchants of all readings, each with its likeness, best and then newest first."""
    ranked: list[tuple[int, UUID]] = []
    unlike: dict[str, tuple[list[str], set[str]]] = {}
    for likeness in Likeness:
        room = MAX_RESULTS - len(ranked)
        if not room:
            break
        if likeness is Likeness.CONTINUED:
            unlike = await _unlike(tx, dfsps, {typed.word for reading in readings for typed in reading if typed.word})
        fresh: set[UUID] = set()
        for reading in readings:
            if likeness is Likeness.EQUAL or _widened(reading, unlike, likeness):
                some = tuple(_alike(typed, unlike, likeness) for typed in reading)
                wanted = Wanted(everywhere.every, some + everywhere.some)
                rare = all(typed.word is None for typed in reading)
                fresh.update(await lookups.having(tx, dfsps, wanted, columns, MAX_RESULTS, rare=rare))
        fresh.difference_update(found for _, found in ranked)
        ranked += [(likeness, found) for found in sorted(fresh, reverse=True)[:room]]
    return ranked


async def _unlike(tx: Tx, dfsps: Sequence[UUID], typed: set[str]) -> dict[str, tuple[list[str], set[str]]]:
    """For each word of a query, the words of names that go on from it and those that are one slip away."""
    listed = sorted(typed)
    long = [word for word in listed if len(word) >= _BEGINNING_LETTERS]
    going_on = dict(zip(long, await lookups.continued(tx, dfsps, long), strict=True)) if long else {}
    near = await lookups.words_by_key(tx, dfsps, [words.slip_keys(word) for word in listed])
    return {
        word: (
            [one for one in going_on.get(word, ()) if one != word],
            {one for one in some if words.is_slip(word, one) and not one.startswith(word)},
        )
        for word, some in zip(listed, near, strict=True)
    }


def _widened(reading: list[_Typed], unlike: dict[str, tuple[list[str], set[str]]], likeness: Likeness) -> bool:
    """Whether a likeness finds anything for a reading that the one before did not."""
    found = [unlike[typed.word] for typed in reading if typed.word is not None]
    return any(going_on if likeness is Likeness.CONTINUED else near for going_on, near in found)


def _alike(typed: _Typed, unlike: dict[str, tuple[list[str], set[str]]], likeness: Likeness) -> tuple[str, ...]:
    """The words of which a merchant must have one, to be as like a typed word."""
    if likeness is Likeness.EQUAL or typed.word is None:
        return typed.equal
    going_on, near = unlike[typed.word]
    return (*typed.equal, *going_on, *(sorted(near) if likeness is Likeness.SLIP else ()))


def _cursor(rank: int, merchant_id: UUID) -> UUID:
    """The place of a ranked merchant as one UUID: its rank stands where every id of ours says version 7."""
    return UUID(int=merchant_id.int & ~(_RANK_MASK << _RANK_PLACE) | rank << _RANK_PLACE)


def _read_cursor(cursor: UUID) -> tuple[int, int]:
    """What _cursor made, as the key by which ranked merchants are sorted. Raises InvalidPage."""
    rank = cursor.int >> _RANK_PLACE & _RANK_MASK
    if rank not in tuple(Likeness):
        raise gone()
    return rank, -(cursor.int & ~(_RANK_MASK << _RANK_PLACE) | _VERSION << _RANK_PLACE)


async def _load(tx: Tx, actor: Actor, placed: list[tuple[UUID, UUID]]) -> list[Found]:
    """The merchants by their ids, in the same order; what the actor may not see is left out."""
    columns: Any = Merchant
    statement = scope_to(actor, select(columns).where(columns.id.in_([found for found, _ in placed])), columns)
    rows = {row.id: row for row in (await tx.session.exec(statement)).all()} if placed else {}
    return [Found(rows[found], cursor) for found, cursor in placed if found in rows]
