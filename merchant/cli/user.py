"""`merchant user`: accounts, from the machine itself, for when nobody can sign in or a second person is missing.

Whoever may run this holds the secret key and the database, so they act alone; the audit record says that it was here.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from merchant.core.settings import Settings

T = TypeVar("T")
_ROLES = [
    "hub_operator",
    "hub_checker",
    "dfsp_admin",
    "dfsp_maker",
    "dfsp_checker",
    "dfsp_auditor",
    "merchant_owner",
    "merchant_cashier",
]
_print_link = click.option(
    "--print-link", is_flag=True, help="Print the link instead of mailing it; give it to the person yourself."
)


@click.group()
def user() -> None:
    """People who sign in: add them, change their roles, let them in again."""


@user.command()
@click.option("--email", required=True, help="E-mail address.")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", required=True, multiple=True, type=click.Choice(_ROLES), help="May be repeated.")
@click.option("--dfsp", "fsp_id", help="FSP id of the DFSP they work for; none for hub staff.")
@_print_link
@click.pass_obj
def create(settings: Settings, /, **options: Any) -> None:
    """Add a person and invite them."""
    from merchant.programs import accounts

    link = _run(settings, lambda service: accounts.create(service, **options))
    click.echo(f"invited {options['email']}")
    _show(link)


@user.command("invite-first")
@click.pass_obj
def invite_first(settings: Settings, /) -> None:
    """Print a new link for the first operator, as `seed` did; the one before ends. Only until there is one."""
    from merchant.programs import accounts

    click.echo(_run(settings, accounts.invite_first))


@user.command()
@click.argument("email")
@click.option(
    "--forget-totp",
    is_flag=True,
    help="Remove the authenticator app and all passkeys too, of someone who lost their phone.",
)
@_print_link
@click.pass_obj
def reset(settings: Settings, /, email: str, *, forget_totp: bool, print_link: bool) -> None:
    """Have a person set a new password: a link to a reset, or to an invitation that was not accepted."""
    from merchant.programs import accounts

    link = _run(settings, lambda service: accounts.reset(service, email, forget_totp, print_link))
    click.echo(f"reset {email}")
    _show(link)


@user.command()
@click.argument("email")
@click.argument("roles", nargs=-1, required=True, type=click.Choice(_ROLES))
@click.pass_obj
def roles(settings: Settings, /, email: str, roles: tuple[str, ...]) -> None:
    """Give a person these roles and no others, at once; also confirms what was proposed."""
    from merchant.people.users import Change
    from merchant.programs import accounts

    _run(settings, lambda service: accounts.change(service, email, Change(roles=roles)))
    click.echo(f"{email}: {' '.join(sorted(set(roles)))}")


@user.command()
@click.argument("email")
@click.pass_obj
def disable(settings: Settings, /, email: str) -> None:
    """Shut a person out, at once, and sign them out everywhere."""
    _set_enabled(settings, email, enabled=False)


@user.command()
@click.argument("email")
@click.pass_obj
def enable(settings: Settings, /, email: str) -> None:
    """Let a person in again, at once."""
    _set_enabled(settings, email, enabled=True)


@user.command()
@click.argument("email")
@click.pass_obj
def unlock(settings: Settings, /, email: str) -> None:
    """Forget the wrong passwords that were tried for an address, so that its owner need not wait."""
    from merchant.programs import accounts

    _run(settings, lambda service: accounts.unlock(service, email))
    click.echo(f"unlocked {email}")


@user.command("list")
@click.pass_obj
def list_(settings: Settings, /) -> None:
    """Everyone: state, second factor, roles, DFSP."""
    from merchant.programs import accounts

    for line in _run(settings, accounts.listed):
        click.echo(line)


def _set_enabled(settings: Settings, email: str, *, enabled: bool) -> None:
    from merchant.people.users import Change
    from merchant.programs import accounts

    _run(settings, lambda service: accounts.change(service, email, Change(enabled=enabled)))
    click.echo(f"{'enabled' if enabled else 'disabled'} {email}")


def _show(link: str | None) -> None:
    click.echo("the link was mailed" if link is None else link)


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work answers; a problem ends the command with its sentence."""
    from merchant.core import logs
    from merchant.core.errors import MerchantError
    from merchant.programs import runtime

    logs.configure("WARNING")
    answers: list[T] = []
    faults: list[MerchantError] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            try:
                answers.append(await work(service))
            except MerchantError as fault:
                faults.append(fault)

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    if faults:
        told = [one.message for one in faults[0].errors] or [str(faults[0].detail)]
        raise click.ClickException(" ".join(map(str, told)))
    if not answers:
        raise click.Abort
    return answers[0]
