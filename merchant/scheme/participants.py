"""How our DFSPs take part: name, on or off, the hub's addresses, whether a transfer is answered RESERVED or COMMITTED.

Routes call these in the hub's transaction. Every process knows of a change half a minute later at most
(merchant/payments/participants.py keeps connections so long); a transfer that is under way keeps the mode in which it
was answered.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from sqlmodel import select

from merchant.core import audit, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.texts import _
from merchant.scheme import enabling
from merchant.scheme.models import Dfsp

URL_CHARS_MAX: Final = 500
# Resources that hubs serve from hosts of their own: account look-up, transaction requests, quoting, transfers.
HUB_RESOURCES: Final = ("parties", "participants", "quotes", "transfers", "transactionRequests")


class Changed(Struct, frozen=True):
    """A participant after a change, and whether one person enabled it alone for want of a second."""

    dfsp: Dfsp
    alone: bool = False


def check_base_url(field: str, url: str) -> str:
    """A base URL as it is kept, without a trailing slash. Raises InvalidFields."""
    problem = errors.invalid_field(
        field,
        "invalid_url",
        _("Give an address such as https://hub.example.org/fspiop: http or https, a host, no password, no query."),
    )
    if len(url) > URL_CHARS_MAX or not url.isascii() or any(not sign.isprintable() or sign == " " for sign in url):
        raise problem
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise problem from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or "@" in parts.netloc
        or "?" in url
        or "#" in url
        or "\\" in url
        or any(segment in (".", "..") for segment in parts.path.split("/"))
    ):
        raise problem
    return url.rstrip("/")


async def change_dfsp(
    tx: Tx,
    actor: Actor,
    dfsp_id: UUID,
    version: int,
    *,
    name: str | UnsetType = UNSET,
    enabled: bool | UnsetType = UNSET,
    hub_url: str | UnsetType | None = UNSET,
    hub_urls: Mapping[str, str] | UnsetType = UNSET,
    transfer_mode: str | UnsetType = UNSET,
) -> Changed:
    """Change what is given of a participant; its staff, keys and numbers stop at once when it is disabled.

    Enabling it takes two people (enabling.py). `hub_url` empty or None: MERCHANT_HUB_URL; `hub_urls` replaces what was
    there. Raises NotFound, StaleVersion, InvalidFields, OwnProposal, NothingToConfirm.
    """
    dfsp: Dfsp = await tx.one(select(Dfsp).where(Dfsp.id == dfsp_id).with_for_update())
    if dfsp.version != version:
        raise errors.StaleVersion
    wanted: dict[str, Any] = {"name": name, "transfer_mode": transfer_mode}
    if hub_url is not UNSET:
        wanted["hub_url"] = check_base_url("hub_url", hub_url) if hub_url else ""
    if hub_urls is not UNSET:
        wanted["hub_urls"] = {one: check_base_url(f"hub_urls.{one}", url) for one, url in hub_urls.items()}
    changed = {field: value for field, value in wanted.items() if value is not UNSET and value != getattr(dfsp, field)}
    stood = (dfsp.enabled, dfsp.proposed_by, dfsp.proposed_at)
    alone = await enabling.switch(tx, actor, dfsp, enabled)
    if not changed and stood == (dfsp.enabled, dfsp.proposed_by, dfsp.proposed_at):
        return Changed(dfsp)
    before = {field: getattr(dfsp, field) for field in changed}
    for field, value in changed.items():
        setattr(dfsp, field, value)
    dfsp.version += 1
    if changed:
        detail: dict[str, Any] = {field: {"from": before[field], "to": value} for field, value in changed.items()}
        await audit.record(tx, actor, "dfsp.changed", "dfsp", dfsp.id, dfsp_id=None, **detail)
    return Changed(dfsp, alone)
