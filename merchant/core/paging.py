"""Lists by pages: newest first, from one id to the next, one row more than asked for to tell that there is more."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import or_

from merchant.core.db import Reads

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
_GREATEST_NUMBER = 2**63 - 1  # of a BIGINT


class Page(Struct, frozen=True):
    """Which part of a list: at most `limit` rows older than `before`."""

    limit: int = DEFAULT_LIMIT
    before: UUID | None = None

    @property
    def before_number(self) -> int:
        """The cursor of a list whose ids are numbers, each written as the UUID of that number: rows below this one.

        A cursor of another list is a greater number than a BIGINT holds; it stands at the newest end.
        """
        return min(self.before.int, _GREATEST_NUMBER) if self.before else _GREATEST_NUMBER


async def page(tx: Reads, statement: Any, key: Any, wanted: Page) -> list[Any]:
    """Rows of a select, newest first; one more than the limit when there are more. `key` is the id column."""
    if wanted.before is not None:
        statement = statement.where(key < wanted.before)
    return list((await tx.session.exec(statement.order_by(key.desc()).limit(wanted.limit + 1))).all())


def containing(statement: Any, search: str | None, *columns: Any) -> Any:
    """A select narrowed to rows of which one of the columns contains the text, in any case."""
    if not search:
        return statement
    return statement.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))
