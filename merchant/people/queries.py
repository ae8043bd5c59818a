"""Reads of people and API keys, for the API's routes: no more than the actor's DFSP and merchant."""

from sqlmodel import select

from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads
from merchant.core.paging import Page, page
from merchant.people.models import ApiKey, AppUser


async def users(tx: Reads, actor: Actor, wanted: Page) -> list[AppUser]:
    """People, newest first."""
    return await page(tx, scope_to(actor, select(AppUser), AppUser), AppUser.id, wanted)


async def api_keys(tx: Reads, actor: Actor, wanted: Page) -> list[ApiKey]:
    """API keys, newest first."""
    return await page(tx, scope_to(actor, select(ApiKey), ApiKey), ApiKey.id, wanted)
