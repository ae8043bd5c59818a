"""`merchant people`: what is held about a person, who looked at it, and its erasure.

The person's number is read from standard input, so that it stands in no list of commands. All three act as the service
itself, alone; the audit record says that it was here.
"""

from typing import Any

import click

from merchant.cli.policies import run_service
from merchant.core.settings import Settings

_dfsp = click.option("--dfsp", "fsp_id", required=True, help="FSP id of the DFSP that holds the data.")
_by = click.option(
    "--by",
    type=click.Choice(["id_number", "phone"]),
    default="id_number",
    show_default=True,
    help="What standard input names the person by.",
)


@click.group()
def people() -> None:
    """The rights of people: export, erase and account for what is held about one."""


@people.command()
@_dfsp
@_by
@click.option(
    "--reason",
    type=click.Choice(["customer_request", "audit", "investigation"]),
    default="customer_request",
    show_default=True,
    help="Why, for the record.",
)
@click.pass_obj
def export(settings: Settings, /, fsp_id: str, by: str, reason: str) -> None:
    """Everything that is held about a person, as JSON. It counts as a look at all of it.

    What the screening found is among it: take out what the law forbids to tell before handing it on.
    """
    from merchant.programs import people as desk

    sought = _sought(by)
    _show(run_service(settings, lambda service: desk.export(service, fsp_id, sought, reason)))


@people.command()
@_dfsp
@_by
@click.pass_obj
def readings(settings: Settings, /, fsp_id: str, by: str) -> None:
    """Who opened a person's data, when and why, newest first, as JSON."""
    from merchant.programs import people as desk

    sought = _sought(by)
    _show(run_service(settings, lambda service: desk.readings(service, fsp_id, sought)))


@people.command()
@_dfsp
@_by
@click.option(
    "--reason",
    type=click.Choice(["person_asked", "authority_ordered"]),
    default="person_asked",
    show_default=True,
    help="Why, for the record.",
)
@click.option("--yes", is_flag=True, help="Erase; nothing brings it back.")
@click.pass_obj
def erase(settings: Settings, /, fsp_id: str, by: str, reason: Any, *, yes: bool) -> None:
    """Erase a person's data. It is refused while a legal hold stands or the data has to be kept.

    Copies in backups stay until these are deleted.
    """
    from merchant.programs import people as desk

    if not yes:
        raise click.UsageError("say --yes to erase; nothing brings the data back")
    sought = _sought(by)
    _show(run_service(settings, lambda service: desk.erase(service, fsp_id, sought, reason)))


def _sought(by: str) -> Any:
    """Whom standard input names."""
    from merchant.compliance.cases.rights.find import Sought

    number = click.prompt("Number", prompt_suffix=": ", err=True)
    return Sought(id_number=number) if by == "id_number" else Sought(phone=number)


def _show(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
