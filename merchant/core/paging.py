"""Lists by pages: from one id to the next, one row more than asked for to tell that there is more.

Newest first, unless a list may be read in other orders and one is asked for. Every order ends in the id, so that rows
that are alike in all else keep their places. A cursor is the id at which a page ended; what that row is sorted by is
read anew, so that no address holds a name.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import literal, or_, tuple_

from merchant.core import errors
from merchant.core.db import Reads
from merchant.core.texts import _

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
NEWEST, OLDEST, NAME, AMOUNT = "newest", "oldest", "name", "amount"
BY_AGE = (NEWEST, OLDEST)
BY_AGE_OR_NAME = (NEWEST, OLDEST, NAME)
_GREATEST_NUMBER = 2**63 - 1  # of a BIGINT


class Page(Struct, frozen=True):
    """Which part of a list: at most `limit` rows behind `before`, in the order `sort`, or the list's usual one."""

    limit: int = DEFAULT_LIMIT
    before: UUID | None = None
    sort: str | None = None

    @property
    def is_oldest_first(self) -> bool:
        """Whether ids go up from page to page."""
        return self.sort == OLDEST

    @property
    def before_number(self) -> int:
        """The cursor of a list whose ids are numbers, each written as the UUID of that number.

        Rows below this one, or above it in a list that is read oldest first. A cursor of another list is a greater
        number than a BIGINT holds; it stands at the newest end.
        """
        if self.before is None:
            return -1 if self.is_oldest_first else _GREATEST_NUMBER
        return min(self.before.int, _GREATEST_NUMBER)


def both_ways(statement: str) -> Mapping[bool, str]:
    """A statement with `{beyond}` and `{way}` where its order stands: newest first, and (True) oldest first."""
    return {
        False: statement.replace("{beyond}", "<").replace("{way}", "DESC"),
        True: statement.replace("{beyond}", ">").replace("{way}", "ASC"),
    }


def gone() -> errors.InvalidPage:
    """The refusal of a cursor whose row is not in the list that is asked for."""
    return errors.InvalidPage(_("cursor must be what next_cursor said."))


async def page(tx: Reads, statement: Any, key: Any, wanted: Page, **columns: Any) -> list[Any]:
    """Rows of a select in the order that is wanted; one more than the limit when there are more.

    `key` is the id column. `columns` are what other orders than those by age go by, from the least on, each under its
    order's name: none of them is ever NULL. Raises InvalidPage for a cursor of which the list has no such row.
    """
    column = columns.get(wanted.sort or NEWEST)
    if column is None:
        assert wanted.sort in (None, *BY_AGE), f"this list has no order {wanted.sort}"
        if wanted.before is not None:
            statement = statement.where(key > wanted.before if wanted.is_oldest_first else key < wanted.before)
        order = [key.asc() if wanted.is_oldest_first else key.desc()]
    else:
        if wanted.before is not None:
            place = (await tx.session.exec(statement.with_only_columns(column).where(key == wanted.before))).first()
            if place is None:
                raise gone()
            statement = statement.where(tuple_(column, key) > tuple_(literal(place), literal(wanted.before)))
        order = [column.asc(), key.asc()]
    return list((await tx.session.exec(statement.order_by(*order).limit(wanted.limit + 1))).all())


def containing(statement: Any, search: str | None, *columns: Any) -> Any:
    """A select narrowed to rows of which one of the columns contains the text, in any case."""
    if not search:
        return statement
    return statement.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))
