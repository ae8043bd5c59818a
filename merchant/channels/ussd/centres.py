"""The operators' own centres that this process holds a connection to: one for each enabled route of `smpp`.

Every worker binds. A centre that allows one session refuses the others, who stand by and try again; or it ends the
session that was there, so that workers would throw each other off for ever: whoever was soon thrown off waits longer
each time. A route that is added, changed or disabled takes effect within LOOK_EVERY_S.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from merchant.channels.ussd.centre_line import BindRefused, Centre, Ended, Lost, hold
from merchant.channels.ussd.known_routes import route_of
from merchant.core import db
from merchant.core.pools import Caller, caller
from merchant.core.service import Service
from merchant.core.vault import BadSecretKey

LOOK_EVERY_S = 5.0
RETRY_FIRST_S, RETRY_LAST_S = 1.0, 60.0  # between attempts, twice as long each time
ENDED_LAST_S = 300.0  # the same, of sessions that the centre ended before they were
SETTLED_S = 600.0
REFUSED_S = 60.0  # after a wrong password: centres lock accounts that keep trying
_CENTRES = """
SELECT name, gateway, service_codes, country, fields, networks, proof_name, proof_digest, septets, ucs2_units,
       gsm7_only, id, smsc_url, system_id, password_sealed
FROM ussd_route WHERE gateway = 'smpp' AND enabled AND smsc_url IS NOT NULL
"""
_log = structlog.get_logger()


@asynccontextmanager
async def held(service: Service) -> AsyncIterator[None]:
    """Hold the connections while the block runs; steps at hand are answered before it ends."""
    task = asyncio.create_task(_keep(service))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep(service: Service) -> None:
    caller.set(Caller("ussd"))  # the share of the door's steps, since these are the same
    holding: dict[UUID, tuple[Centre, asyncio.Task[None]]] = {}
    leaving: list[tuple[UUID, asyncio.Task[None]]] = []  # with steps at hand, which hold up no other line
    try:
        while True:
            try:
                found = await _read(service)
            except Exception as error:  # what is held stays held
                if db.is_unavailable(error):
                    service.db.note_away(error)
                else:
                    _log.warning("ussd_centres_not_read", error=type(error).__name__)
            else:
                leaving = [(id, task) for id, task in leaving if not task.done()]
                for id in [id for id, (centre, _) in holding.items() if centre not in found]:
                    _, task = holding.pop(id)
                    task.cancel()
                    leaving.append((id, task))
                for centre in found:
                    if centre.id not in holding:
                        before = [task for id, task in leaving if id == centre.id]
                        holding[centre.id] = centre, asyncio.create_task(_hold_on(service, centre, before))
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        for _, task in holding.values():
            task.cancel()
        tasks = [task for _, task in (*holding.values(), *leaving)]
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(service: Service) -> list[Centre]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_CENTRES)
    return [Centre(row["id"], route_of(row), row["smsc_url"], row["system_id"], row["password_sealed"]) for row in rows]


async def _hold_on(service: Service, centre: Centre, before: list[asyncio.Task[None]]) -> None:
    """Bind, and bind again, until cancelled; not while a line to the same centre leaves, which may allow but one."""
    if before:
        await asyncio.wait(before)
    failed = ended = 0
    while True:
        began_s = time.monotonic()
        try:
            await hold(service, centre)
        except BindRefused as refused:
            _log.warning("ussd_centre_refuses_us", route=centre.route.name, status=str(refused))
            wait_s = REFUSED_S
        except (Lost, OSError) as error:
            if isinstance(error, Ended):
                failed, ended = 0, 1 if time.monotonic() - began_s > SETTLED_S else ended + 1
                wait_s = _wait_s(ended, ENDED_LAST_S)
            else:
                failed += 1
                wait_s = _wait_s(failed, RETRY_LAST_S)
            why = str(error) if isinstance(error, Lost) else type(error).__name__
            _log.warning("ussd_centre_lost", route=centre.route.name, why=why)
        except BadSecretKey:
            _log.error("ussd_centre_password_unread", route=centre.route.name)
            wait_s = RETRY_LAST_S
        except Exception:
            _log.exception("ussd_centre_failed", route=centre.route.name)
            failed += 1
            wait_s = _wait_s(failed, RETRY_LAST_S)
        await asyncio.sleep(wait_s * random.uniform(0.75, 1.25))


def _wait_s(times: int, last_s: float) -> float:
    return min(RETRY_FIRST_S * 2.0 ** min(times - 1, 20), last_s)
