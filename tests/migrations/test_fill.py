"""The script that makes a release's dump works with today's code, and what it makes can be restored."""

from pathlib import Path

import pytest

from merchant import migrations
from merchant.core.service import open_service
from tests.migrations import fill

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("same_clock")
async def test_todays_code_fills_every_table(empty_url: str, tmp_path: Path) -> None:
    await migrations.upgrade(empty_url)
    async with open_service(fill.settings(tmp_path), empty_url) as service:
        await fill.fill(service)


@pytest.mark.usefixtures("same_clock")
async def test_a_table_that_nothing_fills_is_named(empty_url: str, tmp_path: Path) -> None:
    await migrations.upgrade(empty_url)
    async with open_service(fill.settings(tmp_path), empty_url) as service:
        with pytest.raises(AssertionError, match="payment_request"):
            await fill.check_that_every_table_is_filled(service)
