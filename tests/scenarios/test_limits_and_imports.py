"""Scenarios 6 and 36: whose midnight a day's limit turns at, and a file of micro merchants with some bad rows."""

from datetime import UTC, date, datetime

import httpx
import pytest

from merchant.core import clock
from merchant.core.service import Service
from tests.builders import World
from tests.merchant.exchange.files import as_csv, imported, report, seller

pytestmark = pytest.mark.anyio
ROWS, BAD = 120, (7, 50, 119)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-03-01T20:59:59", "Africa/Nairobi", date(2026, 3, 1)),
        ("2026-03-01T21:00:00", "Africa/Nairobi", date(2026, 3, 2)),
        ("2026-03-01T23:59:59", "Africa/Accra", date(2026, 3, 1)),
        # Cairo's clocks go forward at midnight of 24 April 2026, and back at midnight that ends 29 October.
        ("2026-04-23T21:59:59", "Africa/Cairo", date(2026, 4, 23)),
        ("2026-04-23T22:00:00", "Africa/Cairo", date(2026, 4, 24)),
        ("2026-04-24T20:59:59", "Africa/Cairo", date(2026, 4, 24)),
        ("2026-04-24T21:00:00", "Africa/Cairo", date(2026, 4, 25)),
        ("2026-10-29T20:59:59", "Africa/Cairo", date(2026, 10, 29)),
        ("2026-10-29T21:30:00", "Africa/Cairo", date(2026, 10, 29)),  # the hour that comes twice
        ("2026-10-29T22:00:00", "Africa/Cairo", date(2026, 10, 30)),
    ],
)
def test_scenario_6_a_day_turns_at_the_jurisdictions_midnight_also_when_clocks_are_changed(
    instant: str, zone: str, day: date
) -> None:
    assert clock.local_date(datetime.fromisoformat(instant).replace(tzinfo=UTC), zone) == day


async def test_scenario_36_bad_rows_fail_alone_and_the_file_again_adds_nothing(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    rows = [seller(number, **({"mcc": "0000"} if number in BAD else {})) for number in range(ROWS)]
    found = await imported(client, service, world.maker, as_csv(rows))
    assert (found["state"], found["added"], found["failed"]) == ("done", ROWS - len(BAD), len(BAD))
    told = await report(client, world.maker, found["id"])
    assert [row["row"] for row in told if row["outcome"] == "failed"] == [str(number + 2) for number in BAD]
    mended = [seller(number) for number in range(ROWS)]
    again = await imported(client, service, world.maker, as_csv(mended), key="k2")
    assert (again["added"], again["existing"], again["failed"]) == (len(BAD), ROWS - len(BAD), 0)
