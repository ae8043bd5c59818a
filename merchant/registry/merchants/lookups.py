"""SQL of finding: the newest merchants that have all of some words and one of others, and the words that names have.

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

    def conditions(self) -> list[str]:
        """SQL on the merchant m, of what is given."""
        return [text for name, text in _CONDITIONS.items() if getattr(self, name) is not None]

    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        return {name: getattr(self, name) for name in _CONDITIONS if getattr(self, name) is not None}


_CONDITIONS = {
    "state": "m.state = :state",
    "tier": "m.tier = :tier",
    "mcc": "m.mcc = :mcc",
    "risk": "m.risk = :risk",
    "since": "m.created_at >= :since",
    "until": "m.created_at < :until",
    "named": "(strpos(lower(m.trading_name), lower(:named)) > 0 OR strpos(lower(m.legal_name), lower(:named)) > 0)",
    "merchant_id": "m.id = :merchant_id",
    "before": "m.id < :before",
}
_BY_DFSP = ("state", "tier", "mcc", "risk", "since", "until")
_LISTED = """
SELECT f.id FROM unnest(:dfsps::uuid[]) AS d(id) CROSS JOIN LATERAL (
    SELECT m.id FROM merchant m WHERE m.dfsp_id = d.id AND {also} ORDER BY m.id DESC LIMIT :most
) f ORDER BY f.id DESC LIMIT :most
"""
_LISTED_OF_ALL = "SELECT m.id FROM merchant m WHERE {also} ORDER BY m.id DESC LIMIT :most"
_OF_THE_NEWEST = """
SELECT count(*) AS seen, (array_agg(f.merchant_id))[count(*)] AS last,
    array_agg(f.merchant_id) FILTER (WHERE {fits}) AS ids
FROM (
    SELECT g.merchant_id, g.words FROM merchant_findable g WHERE {scope} ORDER BY g.merchant_id DESC LIMIT {looked_at}
) f
"""
_BY_INDEX = """
WITH f AS MATERIALIZED (SELECT f.merchant_id FROM merchant_findable f WHERE {words})
SELECT m.id FROM f JOIN merchant m ON m.id = f.merchant_id WHERE {also} ORDER BY m.id DESC LIMIT :most
"""
_BY_INDEX_ALONE = """
WITH f AS MATERIALIZED (SELECT f.merchant_id FROM merchant_findable f WHERE {words})
SELECT f.merchant_id AS id FROM f ORDER BY f.merchant_id DESC LIMIT :most
"""
_ONE_BY_ONE = """
SELECT m.id FROM unnest(:dfsps::uuid[]) AS d(id) JOIN merchant m ON m.dfsp_id = d.id
JOIN merchant_findable f ON f.merchant_id = m.id WHERE {also} ORDER BY m.id DESC LIMIT :most
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
    """The newest merchants of the DFSPs that fit the columns, also those that the worker has not indexed yet."""
    # Every index but that of the ids begins with the DFSP.
    narrowed = any(getattr(columns, name) is not None for name in _BY_DFSP)
    template = _LISTED if narrowed or len(dfsps) == 1 else _LISTED_OF_ALL
    return await _ids(tx, template, columns.conditions(), columns.values() | {"dfsps": list(dfsps), "most": most})


async def having(
    tx: Reads,
    dfsps: Sequence[UUID],
    wanted: Wanted,
    columns: Columns,
    most: int,
    *,
    rare: bool = False,
) -> list[UUID]:
    """The newest merchants of the DFSPs that have the words and fit the columns; `rare` words are not looked at first.

    `every` names the DFSP where it is one. Row-level security and the view show no other DFSP's, whatever is asked.
    """
    values = columns.values() | wanted.values() | {"dfsps": list(dfsps), "most": most}
    if columns.merchant_id is not None or await _are_few(tx, dfsps, columns):
        return await _ids(tx, _ONE_BY_ONE, [*wanted.for_rows(), *columns.conditions()], values)
    if not rare:
        found = await _look(tx, dfsps, wanted, columns, values)
        if found is not None:
            return found
    words = " AND ".join(wanted.for_index())
    if columns.conditions():
        return await _ids(tx, _BY_INDEX, columns.conditions(), values, words=words)
    return await _ids(tx, _BY_INDEX_ALONE, [], values, words=words)


async def _look(
    tx: Reads, dfsps: Sequence[UUID], wanted: Wanted, columns: Columns, values: dict[str, Any]
) -> list[UUID] | None:
    """What is found among the newest merchants, when it is as much as is wanted or there are no others.

    Of a time that has an end, those are looked at whose ids were made before it.
    """
    fits, most = " AND ".join(wanted.for_rows()) or "true", values["most"]
    if columns.conditions():
        also = " AND ".join(columns.conditions())
        fits += f" AND EXISTS (SELECT FROM merchant m WHERE m.id = f.merchant_id AND {also})"
    found: list[UUID] = []
    behind = columns.before
    late = behind is None and columns.until is not None
    behind = _made_before(columns.until) if late else behind
    common = _COMMON if all(len(words) <= _COMPARED for words in wanted.some) else 2 * _COMMON
    for looks in range(1, _LOOKS + 1):
        scope = ["true"] if len(dfsps) > 1 else ["g.dfsp_id = :dfsp_id"]
        scope += [] if behind is None else ["g.merchant_id < :behind"]
        text = _OF_THE_NEWEST.format(fits=fits, scope=" AND ".join(scope), looked_at=_LOOKED_AT)
        row = await tx.fetchrow(*_named(text, values | {"dfsp_id": dfsps[0], "behind": behind}))
        assert row is not None, "an aggregate has one row"
        found += row["ids"] or ()
        if len(found) >= most or (row["seen"] < _LOOKED_AT and not late):
            return sorted(found, reverse=True)[:most]
        if len(found) < common * looks or row["seen"] < _LOOKED_AT:
            return None
        behind = row["last"]
    return None


def _made_before(instant: datetime | None) -> UUID | None:
    """An id above all that were made before an instant (RFC 9562: 48 bits of milliseconds first)."""
    if instant is None:
        return None
    milliseconds = max(0, int((instant.timestamp() + _MADE_APART_S) * 1000))
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
    tx: Reads, template: str, conditions: list[str], values: dict[str, Any], *, words: str = ""
) -> list[UUID]:
    text = template.format(also=" AND ".join(conditions or ["true"]), words=words)
    return [row["id"] for row in await tx.fetch(*_named(text, values))]


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
