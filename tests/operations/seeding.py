"""Fills a migrated database through the code of whatever tree is on the path: a scheme, DFSPs, one shop with a key.

Run by installation.py as a process of its own, since an upgrade begins with the code of an earlier release. Prints
one line of JSON. Uses only names that every release has had since 0011.
"""

import asyncio
import json
import os

import aiohttp

from merchant.core import settings as own_settings
from merchant.demo.hub import exchange_keys
from merchant.programs.runtime import ready_service
from tests import builders


async def main() -> None:
    """Seed, and say what was made."""
    settings = own_settings.load(os.environ)
    async with ready_service(settings, settings.database_url) as service, aiohttp.ClientSession() as http:
        await builders.seed_world(service)
        people = await builders.load_world(service)
        _, [counter, *_] = await builders.create_merchant(service, people)
        async with service.db.system() as tx:
            await tx.execute("UPDATE merchant SET tier = 'T3'")
        admin = people[builders.DFSPS[0]]["admin"]
        headers = await builders.issue_key(service, admin, ["payments:request", "payments:read"])
        await exchange_keys(service, http, settings.hub_url)
    print(json.dumps({"counter_id": str(counter.id), "alias": counter.alias, "headers": headers}))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
