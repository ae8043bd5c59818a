"""SQL of finding: the newest merchants that have one of some words, for each of several terms, and fit the columns.

finding.py reads a query into terms. Every statement compares with = and < only, which PostgreSQL trusts behind
row-level security (`leakproof`), so an index serves them; LIKE, arrays and pg_trgm are not, and read whole tables.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core import sql
from merchant.core.db import Reads

# Whoever has fewer leads: each of its merchants is looked at. Above, the newest ones are walked until there are enough.
_COUNT_MOST = 2_000
_COUNT_MOST_OF_MANY = 200  # of each word that begins with what was typed
MAX_CONTINUED = 2_000  # words that begin with what was typed; more are not looked for
_LAST_LETTER = chr(0x10FFFF)


class Term(Struct, frozen=True):
    """One condition of a search: words that fulfil it, and the beginning of words that do.

    `continued` are the words with that beginning, for a term that leads; `cut` when there were too many to list.
    """

    words: tuple[str, ...]
    beginning: str | None = None
    continued: tuple[str, ...] = ()
    cut: bool = False


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

    def conditions(self) -> dict[str, str]:
        """SQL by the name of the field, for those that are given."""
        return {name: text for name, text in _CONDITIONS.items() if getattr(self, name) is not None}

    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        return {name: getattr(self, name) for name in self.conditions()}


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
_INDEXED = ("state", "tier", "mcc", "risk")

_OF_TERM = """
SELECT DISTINCT f.id FROM unnest(:dfsps::uuid[]) AS d(id) CROSS JOIN unnest(:lead::text[]) AS l(word)
CROSS JOIN LATERAL (
    SELECT p.merchant_id AS id FROM merchant_word p {joins}
    WHERE p.dfsp_id = d.id AND p.word = l.word{also} ORDER BY p.merchant_id DESC LIMIT :most
) f ORDER BY f.id DESC LIMIT :most
"""
_OF_COLUMNS = """
SELECT f.id FROM unnest(:dfsps::uuid[]) AS d(id)
CROSS JOIN LATERAL (
    SELECT m.id FROM merchant m {joins} WHERE m.dfsp_id = d.id{also} ORDER BY m.id DESC LIMIT :most
) f ORDER BY f.id DESC LIMIT :most
"""
_COUNT_TERMS = sql.Named("""
SELECT t.place, count(*) AS count FROM unnest(:dfsps::uuid[]) AS d(id)
CROSS JOIN unnest(:places::int[], :words::text[]) AS t(place, word)
CROSS JOIN LATERAL (
    SELECT 1 FROM merchant_word p WHERE p.dfsp_id = d.id AND p.word = t.word LIMIT :most
) f GROUP BY t.place
""")
_COUNT_COLUMN = """
SELECT count(*) FROM unnest(:dfsps::uuid[]) AS d(id)
CROSS JOIN LATERAL (SELECT 1 FROM merchant m WHERE m.dfsp_id = d.id AND {condition} LIMIT :most) f
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


async def newest(
    tx: Reads,
    dfsps: Sequence[UUID],
    terms: Sequence[Term],
    columns: Columns,
    most: int,
    *,
    before: UUID | None = None,
) -> list[UUID]:
    """The newest merchants of the DFSPs that fulfil every term and fit the columns; at most `most`, below `before`."""
    lead = await _lead(tx, dfsps, terms, columns)
    values: dict[str, Any] = columns.values() | {"dfsps": list(dfsps), "most": most}
    also = [] if before is None else [f"{'m.id' if lead is None else 'p.merchant_id'} < :before"]
    also += columns.conditions().values()
    for place, term in enumerate(terms):
        if term is lead:
            values["lead"] = list(dict.fromkeys(term.words + term.continued))
            continue
        also.append(_fulfils(place, term))
        values[f"words{place}"] = list(term.words)
        if term.beginning is not None:
            values |= {f"low{place}": term.beginning, f"high{place}": term.beginning + _LAST_LETTER}
    if before is not None:
        values["before"] = before
    joins = []
    if len(terms) > (lead is not None):
        joins.append(f"JOIN merchant_search s ON s.merchant_id = {'m.id' if lead is None else 'p.merchant_id'}")
    if lead is not None and columns.conditions():
        joins.append("JOIN merchant m ON m.id = p.merchant_id")
    template = _OF_COLUMNS if lead is None else _OF_TERM
    text = template.format(joins=" ".join(joins), also="".join(f" AND {condition}" for condition in also))
    return [row["id"] for row in await tx.fetch(*sql.Named(text)(**values))]


def _fulfils(place: int, term: Term) -> str:
    """A merchant's words hold one of the term's, or one with its beginning."""
    same = f"s.words && :words{place}::text[]"
    if term.beginning is None:
        return same
    return (
        f"({same} OR EXISTS (SELECT FROM unnest(s.words) AS w(word)"
        f' WHERE w.word COLLATE "C" >= :low{place} AND w.word COLLATE "C" < :high{place}))'
    )


async def _lead(tx: Reads, dfsps: Sequence[UUID], terms: Sequence[Term], columns: Columns) -> Term | None:
    """The term that the fewest merchants fulfil, as far as is counted; None when the columns have fewer."""
    whole = [term for term in terms if not term.cut] or list(terms)
    if columns.merchant_id is not None or not whole:
        return None
    narrowed = [name for name in _INDEXED if getattr(columns, name) is not None]
    if len(whole) == 1 and not narrowed:
        return whole[0]
    counts = [0] * len(whole)
    listed = [(place, word) for place, term in enumerate(whole) for word in {*term.words, *term.continued}]
    counted = _COUNT_TERMS(
        dfsps=list(dfsps),
        places=[place for place, _ in listed],
        words=[word for _, word in listed],
        most=_COUNT_MOST_OF_MANY if any(term.continued for term in whole) else _COUNT_MOST,
    )
    for row in await tx.fetch(*counted):
        counts[row["place"]] = row["count"]
    fewest = min(counts)
    for name in narrowed if fewest >= _COUNT_MOST else ():
        statement = sql.Named(_COUNT_COLUMN.format(condition=_CONDITIONS[name]))
        values = {"dfsps": list(dfsps), "most": _COUNT_MOST, name: getattr(columns, name)}
        if await tx.fetchval(*statement(**values)) < _COUNT_MOST:
            return None
    return whole[counts.index(fewest)]


async def continued(tx: Reads, dfsps: Sequence[UUID], beginnings: Sequence[str]) -> list[list[str]]:
    """For each beginning, the words of names that go on from it, MAX_CONTINUED and one more at most."""
    rows = await tx.fetch(
        *_CONTINUED(
            **{
                "dfsps": list(dfsps),
                "places": list(range(len(beginnings))),
                "from": list(beginnings),
                "to": [text + _LAST_LETTER for text in beginnings],
                "most": MAX_CONTINUED + 1,
            }
        )
    )
    found: list[dict[str, None]] = [{} for _ in beginnings]
    for row in rows:
        found[row["place"]][row["word"]] = None
    return [list(words)[: MAX_CONTINUED + 1] for words in found]


async def words_by_key(tx: Reads, dfsps: Sequence[UUID], keys: Sequence[set[str]]) -> list[set[str]]:
    """For each set of keys, the words of names that are kept under one of them."""
    listed = [(place, key) for place, some in enumerate(keys) for key in some]
    found: list[set[str]] = [set() for _ in keys]
    if listed:
        statement = _BY_KEY(dfsps=list(dfsps), places=[place for place, _ in listed], keys=[key for _, key in listed])
        for row in await tx.fetch(*statement):
            found[row["place"]].add(row["word"])
    return found
