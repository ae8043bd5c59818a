"""`merchant ussd`: the lines of aggregators, a handset in the terminal, and the map of the menu."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TextIO, TypeVar

import click

from merchant.core.settings import Settings

T = TypeVar("T")


@click.group()
def ussd() -> None:
    """USSD: routes of aggregators; dial a running service; the map of the menu."""


@ussd.group()
def route() -> None:
    """Lines of aggregators, each with an address of its own: add, list, rotate, disable, enable."""


_password = click.option(
    "--password-file", type=click.File(), help="Of smpp: a file whose first line is our password; - for the input."
)


def _first_line(file: TextIO | None) -> str | None:
    return None if file is None else file.readline().rstrip("\r\n")


@route.command()
@click.argument("gateway")
@click.option("--name", default="", help="What it is called here, such as at-kenya; one is made unless given.")
@click.option("--code", "service_codes", multiple=True, help="A code that leads here, such as *384*123#; repeatable.")
@click.option("--country", help="Whose phones dial it, ISO 3166-1 alpha-2; the scheme's unless given.")
@click.option("--allow", "networks", multiple=True, help="A network it calls from, such as 203.0.113.0/24; repeatable.")
@click.option("--proof", "proof_name", help="A header or query parameter in which it sends a value that is ours alone.")
@click.option("--proof-value", "proof", help="That value, where the gateway has its own; else one is made and printed.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Of plain gateways: how fields are called. Of smpp: session=opaque and the like, what knows a session.",
)
@click.option("--septets", type=int, help="How much a screen holds in GSM-7, where not what is usual with the gateway.")
@click.option("--ucs2-units", type=int, help="The same in UCS-2.")
@click.option(
    "--gsm7-only", is_flag=True, help="The line shows no other alphabet: languages of others fall to English."
)
@click.option("--smsc", "smsc_url", help="Of smpp: the operator's centre, smpps://host:port.")
@click.option("--system-id", help="Of smpp: our name at the centre.")
@_password
@click.option("--private-line", is_flag=True, help="Of smpp: a VPN or a leased line guards the way of smpp://.")
@click.pass_obj
def add(settings: Settings, /, fields: tuple[str, ...], password_file: TextIO | None, **given: Any) -> None:
    """Add a route for GATEWAY and print its address, which is told only now; give it to the aggregator.

    A route of smpp has no address: every worker binds at the operator's centre within seconds.
    """
    given["password"] = _first_line(password_file)

    async def work(service: Any) -> Any:
        from merchant.channels.ussd.routes import NewRoute
        from merchant.programs import ussd_trial

        new = NewRoute(fields=dict(one.partition("=")[::2] for one in fields), **given)
        return await ussd_trial.add(service, new)

    made = _run(settings, work)
    if made.route.smsc_url is not None:
        click.echo(f"added {made.route.name}; workers bind at {made.route.smsc_url} within seconds")
        return
    click.echo(f"added {made.route.name}; its address, which is told only now:")
    _tell(settings, made)


@route.command("list")
@click.pass_obj
def list_(settings: Settings, /) -> None:
    """All routes: name, gateway, codes, country, state."""

    async def work(service: Any) -> list[str]:
        from merchant.programs import ussd_trial

        return await ussd_trial.listed(service)

    for line in _run(settings, work) or ["no routes; add one with `merchant ussd route add`"]:
        click.echo(line)


@route.command()
@click.argument("name")
@click.option(
    "--keep-hours",
    type=click.IntRange(0, 24 * 90),
    default=72,
    show_default=True,
    help="How long the address so far is good as well; 0 when it leaked.",
)
@click.pass_obj
def rotate(settings: Settings, /, name: str, keep_hours: int) -> None:
    """Give a route a new address and print it. The one so far ends later; one from before that ends now."""

    async def work(service: Any) -> Any:
        from merchant.programs import ussd_trial

        return await ussd_trial.rotate(service, name, keep_hours)

    made = _run(settings, work)
    click.echo(f"rotated {name}; the address so far ends in {keep_hours} hours. The new one, which is told only now:")
    _tell(settings, made)


@route.command()
@click.argument("name")
@click.pass_obj
def disable(settings: Settings, /, name: str) -> None:
    """Close a route to its gateway, within seconds; other routes stay open."""
    _set_enabled(settings, name, enabled=False)


@route.command()
@click.argument("name")
@click.pass_obj
def enable(settings: Settings, /, name: str) -> None:
    """Open a route again, at the address that it had."""
    _set_enabled(settings, name, enabled=True)


@route.command()
@click.argument("name")
@_password
@click.pass_obj
def password(settings: Settings, /, name: str, password_file: TextIO | None) -> None:
    """Give a route of smpp another password at its centre; workers bind anew within seconds."""
    given = _first_line(password_file)
    if given is None:
        raise click.UsageError("say where it is: --password-file")

    async def work(service: Any) -> bool:
        from merchant.programs import ussd_trial

        await ussd_trial.set_password(service, name, given)
        return True

    _run(settings, work)
    click.echo(f"{name} has another password")


def _set_enabled(settings: Settings, name: str, *, enabled: bool) -> None:
    async def work(service: Any) -> bool:
        from merchant.programs import ussd_trial

        await ussd_trial.set_enabled(service, name, enabled=enabled)
        return True

    _run(settings, work)
    click.echo(f"{'enabled' if enabled else 'disabled'} {name}")


def _tell(settings: Settings, made: Any) -> None:
    click.echo(f"{settings.base_url}{made.path}")
    if made.proof is not None:
        click.echo(f"{made.route.proof_name}: {made.proof}")


@ussd.command("map")
@click.option("--check", is_flag=True, help="Say what is wrong instead: screens that nothing leads to, or out of.")
def map_(*, check: bool) -> None:
    """Write what leads where in the menu, as a page with a drawing in Mermaid; needs no installation.

    With --check the exit status is 1 when anything is wrong.
    """
    from ussd.walk import main

    raise SystemExit(main(["--check"] if check else []))


@ussd.command()
@click.argument("string")
@click.argument("answers", nargs=-1)
@click.option("--as", "msisdn", required=True, help="The telephone that dials, such as +254711000001.")
@click.option("--route", "route_name", help="By which route; Africa's Talking's own address unless given.")
@click.option("--url", help="Where the service answers; where this installation's does unless given.")
@click.option("--address", help="A whole address as an aggregator has it, in place of --route; needs --code.")
@click.option("--code", "codes", multiple=True, help="With --address: a code that leads there; repeatable.")
@click.pass_obj
def dial(
    settings: Settings,
    /,
    string: str,
    answers: tuple[str, ...],
    msisdn: str,
    route_name: str | None,
    url: str | None,
    address: str | None,
    codes: tuple[str, ...],
) -> None:
    """Dial STRING, such as '*384*123*10017*250#', through the door of a running service, and show each screen.

    ANSWERS are typed one after the other; without any they are read from the terminal, a line each. Below each screen
    stand its size, its alphabet, and how long the session has been open. It is the real thing: confirming asks a bank.
    """
    from merchant.programs import ussd_trial

    if address is not None:
        if not codes or route_name is not None:
            raise click.UsageError("--address goes with --code, and without --route")
        line = ussd_trial.line_at(address, codes)
    else:
        base = (url or f"http://{settings.url_host}:{settings.port}").rstrip("/")
        line = _run(settings, lambda service: ussd_trial.line_of(service, base, route_name or ussd_trial.USUAL_ROUTE))
    from merchant.programs import runtime

    phone = ussd_trial.Handset(line, msisdn, string)
    runtime.run(_converse(phone, list(answers)))


async def _converse(phone: Any, answers: list[str]) -> None:
    """Show screen after screen until the session ends or there are no more answers."""
    import aiohttp

    given = iter(answers) if answers else _typed()
    async with aiohttp.ClientSession() as http:
        shown = await phone.show(http)
        while True:
            _show(shown)
            if shown.is_last:
                break
            answer = next(given, None)
            if answer is None:
                return
            if answers or not sys.stdin.isatty():
                click.echo(f"> {answer}")
            shown = await phone.type(http, answer)
    if answers and (left := list(given)):
        raise click.ClickException(f"the session ended before {len(left)} of the answers")


def _typed() -> Iterator[str]:
    """Lines from the terminal, without a prompt where nobody sits at it."""
    while True:
        if sys.stdin.isatty():
            click.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\r\n")


def _show(shown: Any) -> None:
    from merchant.programs.ussd_trial import SESSION_S

    unit = "septets" if shown.encoding == "GSM-7" else "units"
    clock = "session over" if shown.is_last else f"{shown.after_s:.0f} s of {SESSION_S} s"
    for line in shown.text.split("\n"):
        click.echo(f"| {line}")
    click.echo(f"+-- {shown.used} of {shown.allowed} {unit}, {shown.encoding}, {clock}")


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work answers."""
    from merchant.core import logs
    from merchant.programs import runtime

    logs.configure("WARNING")
    answers: list[T] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            answers.append(await work(service))

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    if not answers:
        raise click.Abort
    return answers[0]
