"""What the channels export to the programs."""

from collections.abc import Mapping

import aiohttp

from merchant.channels import posters, ussd
from merchant.channels.poster_routes import ROUTES as POSTER_ROUTES
from merchant.channels.posters import BatchJob
from merchant.channels.qr import ROUTES as QR_ROUTES
from merchant.core.access import Permission
from merchant.core.service import Service
from merchant.core.slices import Pruned, Timer, network

_POSTERS_PRUNED_EVERY_S = 3600.0


async def _print(service: Service, _: aiohttp.ClientSession, job: BatchJob) -> None:
    await posters.print_some(service, job.batch_id)


ROUTES = [*QR_ROUTES, *POSTER_ROUTES, ussd.ussd_door]
JOBS = (network(posters.TOPIC, BatchJob, _print),)
TIMERS = (Timer("posters.prune", posters.prune, _POSTERS_PRUNED_EVERY_S),)
PRUNED = (Pruned("USSD sessions", ussd.prune),)
PERMISSIONS: Mapping[Permission, str] = {}  # codes and posters ask for the registry's and the payments'
