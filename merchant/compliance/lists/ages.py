"""How old every list is that counts, and what is wrong with it: for `merchant check`, /health/ready and /metrics.

Reads facts only, so that a probe never waits for an index.
"""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from kyb.lists.un import UN_SOURCE
from merchant.compliance.lists import packaged, queries
from merchant.compliance.lists.states import Capability, list_may
from merchant.core import clock
from merchant.core.db import Reads
from merchant.core.service import Service


class ListAge(Struct, frozen=True):
    """A list that counts. `stale` is "not_checked" where names are no longer screened against it, "old" before that."""

    source: str
    published_on: date | None  # None of the packaged file when it cannot be read
    checked_at: datetime | None
    entry_count: int | None  # None of the packaged file, which is not read whole for this
    stale: Literal["", "old", "not_checked"]

    @property
    def age_days(self) -> int:
        """Days since the list's own day."""
        return (clock.now().date() - self.published_on).days if self.published_on is not None else 0


async def read_ages(service: Service, tx: Reads) -> list[ListAge]:
    """Every list that counts, the packaged one first where it does."""
    versions = [one for one in await queries.current_versions(tx) if list_may(one.state, Capability.SCREEN)]
    found = [packaged_age(service)] if queries.packaged_counts(versions) else []
    for one in versions:
        stale: Literal["", "not_checked"] = "not_checked" if queries.is_stale(service.settings, one) else ""
        found.append(ListAge(one.source, one.published_on, one.checked_at, one.entry_count, stale))
    return found


def packaged_age(service: Service) -> ListAge:
    """The packaged file, of which only the first lines are read."""
    published_on = packaged.published_on(service.settings.screening_list)
    stale: Literal["", "old", "not_checked"] = ""
    if published_on is not None:
        if queries.packaged_is_stale(service.settings, published_on):
            stale = "not_checked"
        elif clock.now().date() - published_on > packaged.LIST_STALE:
            stale = "old"
    return ListAge(UN_SOURCE, published_on, None, None, stale)
