"""`merchant demo`, in reading order: database, service, server, worker; what is shown; then it stays up.

The command calls run_demo. A data folder in which everything was shown is served as it is; what was made up is in
demo.json (world.py).
"""

import contextlib
import os
import shutil
import sys
import time
from typing import Any

import aiohttp
import click
import msgspec

from merchant.channels.ussd.door import gateway_path
from merchant.core import logs, postgres, spans
from merchant.core.access import Role
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo import onboarding, world
from merchant.demo.api import Api
from merchant.demo.hub import exchange_keys, hold_phone, simulated_hub
from merchant.demo.own_shops import STALL
from merchant.demo.pages import cast
from merchant.demo.pages.routes import demo_routes
from merchant.demo.payments import HELD_PHONE, PAYERS, show_payments
from merchant.demo.world import CURRENCY, OPERATOR_EMAIL, SCHEME, DemoUser, DemoWorld
from merchant.programs import runtime, safety
from merchant.programs.app import create_app, with_doors
from merchant.programs.seed import AlreadySeeded, new_service, seed_scheme
from merchant.programs.worker import Worker

# Where the simulated payers have their accounts, by the last digit but one of their numbers.
_HOMES = {"0": "mobilemoney", "1": "savingsbank"}


class DemoStarts(OperatorProblem):
    """Another demo is being set up in the same data folder."""


def run_demo(settings: Settings) -> None:
    """Run the demo until Ctrl-C. Raises Unsafe and PortTaken before anything is written, DemoStarts, AlreadySeeded."""
    safety.check_safe(settings, demo=True)
    logs.configure("WARNING" if settings.log_level == "INFO" else settings.log_level)
    with spans.exporting(settings.otlp_url):
        _run(settings)


def _run(settings: Settings) -> None:
    runtime.bind_address(settings.host, settings.port)
    runtime.bind_address(settings.host, _hub_port(settings), "MERCHANT_SIMULATOR_PORT")
    if world.is_unfinished(settings.data_dir):
        click.echo("an earlier start was stopped before it had set everything up; starting over")
        _forget(settings)
    click.echo("starting the database")
    with runtime.open_database(settings, make=True) as url:
        runtime.run(_demo(settings, url))
    click.echo("stopped; the data is kept in " + str(settings.data_dir))


def _hub_port(settings: Settings) -> int:
    return settings.simulator_port or settings.port + (1 if settings.port < 65_535 else -1)


def _forget(settings: Settings) -> None:
    """Remove the half of a world that an unfinished start left: all of it was made up by the demo."""
    database, aside = settings.data_dir / "postgres", settings.data_dir / "postgres.unfinished"
    with postgres.start(database) as running:
        if running.joined:
            raise DemoStarts(f"Another demo is starting in {settings.data_dir}; wait for it, or set MERCHANT_DATA_DIR.")
    shutil.rmtree(aside, ignore_errors=True)
    database.rename(aside)
    (settings.data_dir / "simulator.jsonl").unlink(missing_ok=True)
    settings.anchor_path.unlink(missing_ok=True)  # of a record that is gone with it
    world.forget(settings.data_dir)
    shutil.rmtree(aside)


async def _demo(settings: Settings, database_url: str) -> None:
    begun = time.perf_counter()
    hub_port = _hub_port(settings)
    hub_url = f"http://{settings.url_host}:{hub_port}"
    # Whoever tries the demo signs in with the password that demo.json tells: on this machine only.
    settings = msgspec.structs.replace(
        settings, webhook_loopback=True, hub_url=hub_url, require_totp=False, mail_kind="console"
    )
    async with contextlib.AsyncExitStack() as stack:
        kept = world.load(settings.data_dir)
        opening = (
            runtime.ready_service(settings, database_url, migrate=True) if kept else new_service(settings, database_url)
        )
        service = await stack.enter_async_context(opening)
        known = kept or await _new_world(service)
        known.base_url, known.simulator_url = settings.base_url, settings.hub_url
        known.ussd = {
            "code": SCHEME.ussd_code,
            "africastalking": settings.base_url + gateway_path(service, "africastalking"),
        }
        app = create_app(service, demo_routes())
        app.state.demo = known  # for the pages on which one plays its people
        await stack.enter_async_context(runtime.serving(with_doors(app), settings.host, settings.port))
        await stack.enter_async_context(simulated_hub(service, settings.host, hub_port))
        await stack.enter_async_context(Worker(service).running())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        is_new = not known.merchants
        if is_new:
            await _enable_dfsps(service, known, http)
        await exchange_keys(service, http, known.simulator_url)
        await hold_phone(http, known.simulator_url, HELD_PHONE)
        if is_new:
            await onboarding.onboard(service, known, http, settings.data_dir)
        known.save(settings.data_dir)
        if not known.shown and known.shop(STALL):  # a demo of an earlier release has none of these shops
            await show_payments(known, http)
            known.shown = True
            known.save(settings.data_dir)
        tell_ready(settings, known, time.perf_counter() - begun)
        await runtime.forever()


async def _new_world(service: Service) -> DemoWorld:
    operator = DemoUser(OPERATOR_EMAIL, world.new_password(), [Role.HUB_OPERATOR], None, "Hub operator")
    try:
        await seed_scheme(service, SCHEME, operator.email, operator.password)
    except AlreadySeeded:
        raise AlreadySeeded(
            "This database is set up already, and not as a demo; set MERCHANT_DATA_DIR to an empty folder."
        ) from None
    scheme = {"currency": CURRENCY, "time_zone": SCHEME.time_zone}
    payers = [
        {"msisdn": number, "fsp_id": _HOMES[number[-2]], "behaviour": behaviour} for behaviour, number in PAYERS.items()
    ]
    made = DemoWorld(service.settings.base_url, "", scheme, users=[operator], payers=payers)
    if not service.settings.database_url:  # a database of the operator's own is never removed
        made.save(service.settings.data_dir)  # unfinished, so that the next start knows what to remove
    return made


async def _enable_dfsps(service: Service, known: DemoWorld, http: aiohttp.ClientSession) -> None:
    click.echo(f"setting up {SCHEME.name}: {', '.join(world.DFSPS.values())}")
    person = known.user(Role.HUB_OPERATOR, None)
    operator = await Api.sign_in(http, known.base_url, person.email, person.password)
    await world.enable_dfsps(service, known, operator, http)


# What to open, and whom to sign in as first; all others are on the demo's page.
_OPEN = (("/demo", "shop, phones, staff and hub on one page"), ("/sign-in", "sign in"), ("/docs", "the API"))
_FIRST = (cast.OPERATOR, cast.MAKER, cast.CHECKER, cast.SECOND_CHECKER, cast.STALL_OWNER)


def tell_ready(settings: Settings, known: DemoWorld, took_s: float) -> None:
    """What to open and whom to sign in as, in colour on a terminal; the last line is for scripts too."""
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def styled(text: str, **style: Any) -> str:
        return click.style(text, **style) if is_coloured else text

    click.echo("no second factor is asked for here, unlike anywhere else (MERCHANT_REQUIRE_TOTP)")
    click.echo(f"who is who, passwords, keys: {settings.data_dir / 'demo.json'}  ({took_s:.1f} s)")
    click.echo("\n" + styled("open", bold=True))
    for path, what in _OPEN:
        click.echo(f"  {styled(known.base_url + path, fg='cyan', underline=True)}  {what}")
    people = [user for user in map(known.person, _FIRST) if user is not None]
    widest = [max(len(getattr(user, part)) for user in people) for part in ("name", "email")] if people else [0, 0]
    click.echo("\n" + styled("sign in as", bold=True))
    for user in people:
        email = styled(f"{user.email:{widest[1]}}", fg="green")
        click.echo(f"  {user.name or user.roles[0]:{widest[0]}}  {email}  {user.password}")
    click.echo()
    click.echo(f"ready {known.base_url}")
