"""SQL of finding: the first merchants that have all of some words and one of others, and the words that names have.

finding.py reads a query into words. The view merchant_findable (migration 0015) walls a tenant off and lets an inverted
index find the merchants that have rare words. Of common words the newest merchants have enough, so these are looked at
first: what is found thus needs no index, and what is not is rare.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core import sql
from merchant.core.db import Reads
from merchant.core.paging import NAME, NEWEST, OLDEST, gone

# Looking at a merchant takes a microsecond, fetching one by the index 2.3: of a million the two ways take as long, some
# 20 ms, for words that one in a hundred has, or one in fifty where one of many words will do.
_LOOKED_AT = 2_000  # the newest merchants, at a time
_LOOKS = 12  # at most, while there are as many as that
_COMMON = _LOOKED_AT // 100
_MADE_APART_S = 60  # at most, an id and the instant of approval
_MS_PLACE = 80
_FEW = 2_000  # merchants of a time that are looked at one by one
MAX_CONTINUED = 2_000  # words that begin with what was typed; more are not looked for
_NAME = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")
_LAST_LETTER = chr(0x10FFFF)


# PostgreSQL compares two arrays word by word, but looks up one word in a list of more than eight by a hash table.
_COMPARED = 8
_HAS_ONE = "f.words && :some{place}::text[]"
_HAS_ONE_OF_MANY = "EXISTS (SELECT FROM unnest(f.words) AS w(word) WHERE w.word = ANY(:some{place}::text[]))"


class Wanted(Struct, frozen=True):
    """What a merchant must have: every word of `every`, and a word of each of `some`."""

    every: tuple[str, ...] = ()
    some: tuple[tuple[str, ...], ...] = ()

    def for_index(self) -> list[str]:
        """SQL on the row f of words, as the inverted index can serve it."""
        found = ["f.words @> :every::text[]"] if self.every else []
        return found + [f"f.words && :some{place}::text[]" for place in range(len(self.some))]

    def for_rows(self) -> list[str]:
        """The same, as it is soonest known of one row after another."""
        found = ["f.words @> :every::text[]"] if self.every else []
        for place, words in enumerate(self.some):
            found.append((_HAS_ONE if len(words) <= _COMPARED else _HAS_ONE_OF_MANY).format(place=place))
        return found

    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        found: dict[str, Any] = {"every": list(self.every)} if self.every else {}
        return found | {f"some{place}": list(words) for place, words in enumerate(self.some)}


class Columns(Struct, frozen=True, kw_only=True):
    """What a merchant's own columns must hold."""

    state: str | None = None
    tier: str | None = None
    mcc: str | None = None
    risk: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    named: str | None = None  # a part of the trading or the legal name, in any case
    merchant_id: UUID | None = None
    before: UUID | None = None
    sort: str = NEWEST
    place: str | None = None  # by name: that of `before`, as the order has it

    @property
    def order(self) -> "_Order":
        """How the merchants stand."""
        return _ORDERS[self.sort]

    def conditions(self) -> list[str]:
        """SQL on the merchant m, of what is given."""
        found = [text for name, text in _CONDITIONS.items() if getattr(self, name) is not None]
        return found if self.before is None else [*found, self.order.behind]

    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        names = (*_CONDITIONS, "before", "place")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class _Order(Struct, frozen=True):
    """An order of merchants m: its keys, what is behind a page's end, and where it is read from."""

    keys: str
    behind: str
    picked: str = "m.id"
    table: str = "merchant"


_ORDERS = {
    NEWEST: _Order("m.id DESC", "m.id < :before"),
    OLDEST: _Order("m.id", "m.id > :before"),
    NAME: _Order("m.name, m.id", "(m.name, m.id) > (:place, :before)", "m.id, m.name", "merchant_by_name"),
}


_CONDITIONS = {
    "state": "m.state = :state",
    "tier": "m.tier = :tier",
    "mcc": "m.mcc = :mcc",
    "risk": "m.risk = :risk",
    "since": "m.created_at >= :since",
    "until": "m.created_at < :until",
    "named": "(strpos(lower(m.trading_name), lower(:named)) > 0 OR strpos(lower(m.legal_name), lower(:named)) > 0)",
    "merchant_id": "m.id = :merchant_id",
}
_BY_DFSP = ("state", "tier", "mcc", "risk", "since", "until")
_LISTED = """
SELECT f.id FROM unnest(:dfsps::uuid[]) AS d(id) CROSS JOIN LATERAL (
    SELECT {picked} FROM {table} m WHERE m.dfsp_id = d.id AND {also} ORDER BY {keys} LIMIT :most
) f ORDER BY {keys_of_f} LIMIT :most
"""
_LISTED_OF_ALL = "SELECT m.id FROM {table} m WHERE {also} ORDER BY {keys} LIMIT :most"
# By name a merchant's words are looked at one after another: PostgreSQL knows how rare they are.
_BY_NAME = """
SELECT f.id FROM unnest(:dfsps::uuid[]) AS d(id) CROSS JOIN LATERAL (
    SELECT {picked} FROM {table} m JOIN merchant_findable f ON f.merchant_id = m.id
    WHERE m.dfsp_id = d.id AND {also} ORDER BY {keys} LIMIT :most
) f ORDER BY {keys_of_f} LIMIT :most
"""
_AMONG = "SELECT m.id FROM {table} m WHERE m.id = ANY(:ids::uuid[]) AND {also} ORDER BY {keys} LIMIT :most"
_NAME_OF = "SELECT m.name FROM merchant_by_name m WHERE m.id = $1 AND ($2::uuid IS NULL OR m.id = $2)"
_FROM_AN_END = """
SELECT count(*) AS seen, (array_agg(f.merchant_id))[count(*)] AS last,
    array_agg(f.merchant_id) FILTER (WHERE {fits}) AS ids
FROM (
    SELECT g.merchant_id, g.words FROM merchant_findable g WHERE {scope} ORDER BY g.merchant_id {way} LIMIT {looked_at}
) f
"""
_BY_INDEX = """
WITH f AS MATERIALIZED (SELECT f.merchant_id FROM merchant_findable f WHERE {words})
SELECT m.id FROM f JOIN {table} m ON m.id = f.merchant_id WHERE {also} ORDER BY {keys} LIMIT :most
"""
_BY_INDEX_ALONE = """
WITH f AS MATERIALIZED (SELECT f.merchant_id FROM merchant_findable f WHERE {words})
SELECT m.id FROM (SELECT f.merchant_id AS id FROM f) m ORDER BY {keys} LIMIT :most
"""
_ONE_BY_ONE = """
SELECT m.id FROM unnest(:dfsps::uuid[]) AS d(id) JOIN {table} m ON m.dfsp_id = d.id
JOIN merchant_findable f ON f.merchant_id = m.id WHERE {also} ORDER BY {keys} LIMIT :most
"""
_COUNT = """
SELECT count(*) FROM (
    SELECT FROM unnest(:dfsps::uuid[]) AS d(id) JOIN merchant m ON m.dfsp_id = d.id WHERE {also} LIMIT :most
) f
"""
_CONTINUED = sql.Named("""
SELECT b.place, f.word FROM unnest(:dfsps::uuid[]) AS d(id)
CROSS JOIN unnest(:places::int[], :from::text[], :to::text[]) AS b(place, low, high)
CROSS JOIN LATERAL (
    SELECT k.word FROM search_key k WHERE k.dfsp_id = d.id AND k.key >= b.low AND k.key < b.high LIMIT :most
) f
""")
_BY_KEY = sql.Named("""
SELECT DISTINCT t.place, k.word FROM unnest(:dfsps::uuid[]) AS d(id)
CROSS JOIN unnest(:places::int[], :keys::text[]) AS t(place, key)
JOIN search_key k ON k.dfsp_id = d.id AND k.key = t.key
""")


async def prepare(tx: Reads) -> None:
    """Let PostgreSQL plan every statement of this transaction for its own values, by its indexes, with room to work.

    It would soon keep one plan for all, while words differ in how common they are by a factor of 10,000. It takes a
    long list of words for one that most merchants fit, and would hold all of them against it word by word.
    """
    await tx.fetchrow(_PREPARE)


_PREPARE = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
    set_config('work_mem', '16MB', true)
"""


async def listed(tx: Reads, dfsps: Sequence[UUID], columns: Columns, most: int) -> list[UUID]:
    """The first merchants of the DFSPs that fit the columns, also those that the worker has not indexed yet."""
    # Every index but that of the ids begins with the DFSP.
    narrowed = any(getattr(columns, name) is not None for name in _BY_DFSP) or columns.sort == NAME
    template = _LISTED if narrowed or len(dfsps) == 1 else _LISTED_OF_ALL
    return await _ids(tx, template, columns, {"dfsps": list(dfsps), "most": most})


async def among(tx: Reads, ids: Sequence[UUID], columns: Columns, most: int) -> list[UUID]:
    """The first of some merchants in the order of the columns."""
    return await _ids(tx, _AMONG, columns, {"ids": list(ids), "most": most})


async def name_of(tx: Reads, merchant_id: UUID, own_id: UUID | None) -> str:
    """A merchant's name as lists are sorted by it. Raises InvalidPage for one that the caller does not see."""
    found: str | None = await tx.fetchval(_NAME_OF, merchant_id, own_id)
    if found is None:
        raise gone()
    return found


async def having(
    tx: Reads,
    dfsps: Sequence[UUID],
    wanted: Wanted,
    columns: Columns,
    most: int,
    *,
    rare: bool = False,
) -> list[UUID]:
    """The first merchants of the DFSPs that have the words and fit the columns; `rare` words are not looked at first.

    `every` names the DFSP where it is one. Row-level security and the view show no other DFSP's, whatever is asked.
    """
    values = wanted.values() | {"dfsps": list(dfsps), "most": most}
    if columns.merchant_id is not None or await _are_few(tx, dfsps, columns):
        return await _ids(tx, _ONE_BY_ONE, columns, values, wanted.for_rows())
    if columns.sort == NAME:
        return await _ids(tx, _BY_NAME, columns, values, wanted.for_index())
    if not rare:
        found = await _look(tx, dfsps, wanted, columns, columns.values() | values)
        if found is not None:
            return found
    words = " AND ".join(wanted.for_index())
    return await _ids(tx, _BY_INDEX if columns.conditions() else _BY_INDEX_ALONE, columns, values, words=words)


async def _look(
    tx: Reads, dfsps: Sequence[UUID], wanted: Wanted, columns: Columns, values: dict[str, Any]
) -> list[UUID] | None:
    """What is found among the newest merchants, or the oldest, when it is as much as is wanted or there are no others.

    Of a time that has an end there, those are looked at whose ids were made within it.
    """
    fits, most = " AND ".join(wanted.for_rows()) or "true", values["most"]
    if columns.conditions():
        also = " AND ".join(columns.conditions())
        fits += f" AND EXISTS (SELECT FROM merchant m WHERE m.id = f.merchant_id AND {also})"
    found: list[UUID] = []
    behind, oldest = columns.before, columns.sort == OLDEST
    end = _made_at(columns.since, -_MADE_APART_S) if oldest else _made_at(columns.until, _MADE_APART_S)
    late = behind is None and end is not None
    behind = end if late else behind
    common = _COMMON if all(len(words) <= _COMPARED for words in wanted.some) else 2 * _COMMON
    for looks in range(1, _LOOKS + 1):
        scope = ["true"] if len(dfsps) > 1 else ["g.dfsp_id = :dfsp_id"]
        scope += [] if behind is None else [f"g.merchant_id {'>' if oldest else '<'} :behind"]
        way = "ASC" if oldest else "DESC"
        text = _FROM_AN_END.format(fits=fits, scope=" AND ".join(scope), way=way, looked_at=_LOOKED_AT)
        row = await tx.fetchrow(*_named(text, values | {"dfsp_id": dfsps[0], "behind": behind}))
        assert row is not None, "an aggregate has one row"
        found += row["ids"] or ()
        if len(found) >= most or (row["seen"] < _LOOKED_AT and not late):
            return sorted(found, reverse=not oldest)[:most]
        if len(found) < common * looks or row["seen"] < _LOOKED_AT:
            return None
        behind = row["last"]
    return None


def _made_at(instant: datetime | None, apart_s: int) -> UUID | None:
    """The least id of an instant some seconds from another (RFC 9562: 48 bits of milliseconds first)."""
    if instant is None:
        return None
    milliseconds = max(0, int((instant.timestamp() + apart_s) * 1000))
    return UUID(int=min(milliseconds << _MS_PLACE, 2**128 - 1))


async def _are_few(tx: Reads, dfsps: Sequence[UUID], columns: Columns) -> bool:
    """Whether so few merchants are of the time that is asked for that each can be looked at."""
    if columns.since is None and columns.until is None:
        return False
    time = Columns(since=columns.since, until=columns.until)
    text = _COUNT.format(also=" AND ".join(time.conditions()))
    count: int = await tx.fetchval(*_named(text, time.values() | {"dfsps": list(dfsps), "most": _FEW}))
    return count < _FEW


async def _ids(
    tx: Reads,
    template: str,
    columns: Columns,
    values: dict[str, Any],
    conditions: Sequence[str] = (),
    *,
    words: str = "",
) -> list[UUID]:
    order = columns.order
    text = template.format(
        also=" AND ".join([*conditions, *columns.conditions()] or ["true"]),
        words=words,
        picked=order.picked,
        table=order.table,
        keys=order.keys,
        keys_of_f=order.keys.replace("m.", "f."),
    )
    return [row["id"] for row in await tx.fetch(*_named(text, columns.values() | values))]


def _named(text: str, values: dict[str, Any]) -> tuple[Any, ...]:
    """The statement with those of the values that it names."""
    names = set(_NAME.findall(text))
    return sql.Named(text)(**{name: value for name, value in values.items() if name in names})


async def continued(tx: Reads, dfsps: Sequence[UUID], beginnings: Sequence[str]) -> list[list[str]]:
    """For each beginning, the words of names that go on from it: MAX_CONTINUED at most, in their order."""
    rows = await tx.fetch(
        *_CONTINUED(
            **{
                "dfsps": list(dfsps),
                "places": list(range(len(beginnings))),
                "from": list(beginnings),
                "to": [text + _LAST_LETTER for text in beginnings],
                "most": MAX_CONTINUED,
            }
        )
    )
    found: list[set[str]] = [set() for _ in beginnings]
    for row in rows:
        found[row["place"]].add(row["word"])
    return [sorted(words)[:MAX_CONTINUED] for words in found]


async def words_by_key(tx: Reads, dfsps: Sequence[UUID], keys: Sequence[set[str]]) -> list[set[str]]:
    """For each set of keys, the words of names that are kept under one of them."""
    listed = [(place, key) for place, some in enumerate(keys) for key in some]
    found: list[set[str]] = [set() for _ in keys]
    if listed:
        statement = _BY_KEY(dfsps=list(dfsps), places=[place for place, _ in listed], keys=[key for _, key in listed])
        for row in await tx.fetch(*statement):
            found[row["place"]].add(row["word"])
    return found
