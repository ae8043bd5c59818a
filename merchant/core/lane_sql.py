"""Statements on a distributed installation: the same text, with what it says in comments of one form.

`/*distributed: AND p.dfsp_id = $lane*/` is a comment to PostgreSQL, which plans and runs the statement as if it were
not there. Where tables lie on several machines it is part of the statement, and leads it to one of them: `$lane` is the
DFSP that the transaction is about (db.py). What names `$lane` is left out in one that is about no single DFSP.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

_SAID = re.compile(r"/\*distributed: (.*?)\*/", re.DOTALL)
_LANE = re.compile(r"\$lane\b")
# Of what a shard tells, nobody hears: listeners are at the coordinator.
_WAKES = re.compile(r"\bINTO outbox\b")
_NOTIFY = "SELECT pg_notify('outbox', '')"


@lru_cache(maxsize=2048)
def distributed(statement: str, parameters: int, *, has_lane: bool) -> tuple[str, bool]:
    """A statement as a distributed installation runs it, and whether it takes the lane as one more parameter."""
    takes_lane = False

    def said(found: re.Match[str]) -> str:
        nonlocal takes_lane
        text, count = _LANE.subn(f"${parameters + 1}", found[1])
        if count and not has_lane:
            return ""
        takes_lane = takes_lane or bool(count)
        return text

    return _SAID.sub(said, statement), takes_lane


class Routed:
    """asyncpg's connection, for a transaction about the rows of one DFSP, or of none in particular."""

    def __init__(self, raw: "asyncpg.Connection[Any]", lane: UUID | None) -> None:
        self._raw = raw
        self.lane = lane

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def _of(self, statement: str, values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        text, takes_lane = distributed(statement, len(values), has_lane=self.lane is not None)
        return text, (*values, self.lane) if takes_lane else tuple(values)

    async def fetch(self, statement: str, *values: Any, **options: Any) -> Any:
        text, values = self._of(statement, values)
        return await self._told(text, await self._raw.fetch(text, *values, **options))

    async def fetchrow(self, statement: str, *values: Any, **options: Any) -> Any:
        text, values = self._of(statement, values)
        return await self._told(text, await self._raw.fetchrow(text, *values, **options))

    async def fetchval(self, statement: str, *values: Any, **options: Any) -> Any:
        text, values = self._of(statement, values)
        return await self._told(text, await self._raw.fetchval(text, *values, **options))

    async def execute(self, statement: str, *values: Any, **options: Any) -> Any:
        text, values = self._of(statement, values)
        return await self._told(text, await self._raw.execute(text, *values, **options))

    async def executemany(self, statement: str, values: Iterable[Sequence[Any]], **options: Any) -> Any:
        rows = [tuple(row) for row in values]
        text, takes_lane = distributed(statement, len(rows[0]) if rows else 0, has_lane=self.lane is not None)
        return await self._raw.executemany(text, [(*row, self.lane) if takes_lane else row for row in rows], **options)

    async def _told(self, text: str, outcome: Any) -> Any:
        if _WAKES.search(text):
            await self._raw.execute(_NOTIFY)
        return outcome
