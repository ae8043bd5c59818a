"""`merchant hub`: keys on the hub, and whether a look-up finds its way there and back."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import click

from merchant.core.settings import Settings

_TIME = click.DateTime(formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"])


@click.group()
def hub() -> None:
    """The connection to the hub: keys, and a test."""


@hub.group()
def key() -> None:
    """Keys that sign on the hub: show, import, rotate, retire."""


@key.command("show")
@click.option("--fsp", "fsp_id", help="Only the keys of this participant.")
@click.option("--jwks", "form", flag_value="jwks", help="Our signing keys as a JSON Web Key Set.")
@click.option("--pem", "form", flag_value="pem", help="Our signing keys as PEM.")
@click.pass_obj
def show_keys(settings: Settings, fsp_id: str | None, form: str | None) -> None:
    """Show public keys with their fingerprints (SHA-256 of the DER), ours and our partners'."""
    import msgspec

    from merchant.core import clock
    from merchant.core.paging import Page
    from merchant.programs import runtime
    from merchant.scheme import hub_keys, schemas

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system_reads() as tx:
            ours = await hub_keys.own_public_keys(tx, None, fsp_id)
            listed = await hub_keys.list_keys(tx, None, Page(10_000), fsp_id)
        if form == "jwks":
            click.echo(msgspec.json.format(msgspec.json.encode(schemas.jwks(ours)), indent=2))
        elif form == "pem":
            for one in ours:
                click.echo(f"# {one.fsp_id} {one.key_id}\n{one.public_pem}", nl=False)
        else:
            for view in map(schemas.key_view, sorted(listed, key=lambda one: (one.fsp_id, one.valid_from))):
                state = "valid" if view.is_valid else "not valid"
                until = f" until {view.valid_until}" if view.valid_until else ""
                click.echo(f"{view.fsp_id}  {view.purpose}  {view.algorithm}  {view.key_id}  {state}{until}")
                click.echo(f"    from {view.valid_from}  sha256 {view.fingerprint}")
            if not listed:
                click.echo(f"no keys ({clock.rfc3339(clock.now())})")

    _run(settings, main)


@key.command("import")
@click.argument("fsp_id")
@click.argument("file", type=click.File("r"))
@click.option("--from", "valid_from", type=_TIME, help="From when on the key counts, UTC; now unless given.")
@click.option("--until", "valid_until", type=_TIME, help="Until when it counts, UTC; without an end unless given.")
@click.pass_obj
def import_key(
    settings: Settings, fsp_id: str, file: Any, valid_from: datetime | None, valid_until: datetime | None
) -> None:
    """Trust a participant's public key: PEM, JWK, or the keys of a JWKS, from FILE or standard input (-).

    Whoever holds the private half speaks as FSP_ID from then on: compare the fingerprint that is printed.
    """
    from merchant.core.access import SERVICE
    from merchant.programs import runtime
    from merchant.scheme import hub_keys, schemas
    from merchant.scheme.public_keys import read_keys

    text = file.read(1_000_000)

    async def main(url: str) -> None:
        given = read_keys(text)
        async with runtime.ready_service(settings, url) as service, service.db.system() as tx:
            for one in given:
                added = await hub_keys.import_key(
                    tx, SERVICE, fsp_id, one, valid_from=_utc(valid_from), valid_until=_utc(valid_until)
                )
                view = schemas.key_view(added)
                click.echo(f"{view.fsp_id} is verified by {view.key_id} ({view.algorithm})")
                click.echo(f"    sha256 {view.fingerprint}")

    _run(settings, main)


@key.command("rotate")
@click.argument("fsp_id")
@click.option("--from", "valid_from", type=_TIME, help="From when on the new key signs, UTC; now unless given.")
@click.pass_obj
def rotate_key(settings: Settings, fsp_id: str, valid_from: datetime | None) -> None:
    """Make a new signing key for one of our DFSPs; register it at the hub, then retire the old one."""
    from merchant.core.access import SERVICE
    from merchant.programs import runtime
    from merchant.scheme import hub_keys, queries, schemas

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system() as tx:
            dfsp = await queries.dfsp_by_fsp_id(tx, fsp_id)
            view = schemas.key_view(await hub_keys.rotate_key(tx, service.vault, SERVICE, dfsp.id, _utc(valid_from)))
        click.echo(f"{view.fsp_id} signs with {view.key_id} from {view.valid_from}")
        click.echo(f"    sha256 {view.fingerprint}\n{view.public_pem}", nl=False)

    _run(settings, main)


@key.command("retire")
@click.argument("key_id")
@click.option("--at", type=_TIME, help="When it ends, UTC; now unless given.")
@click.pass_obj
def retire_key(settings: Settings, key_id: str, at: datetime | None) -> None:
    """End a key by its id, as `show` prints it."""
    from merchant.core.access import SERVICE
    from merchant.programs import runtime
    from merchant.scheme import hub_keys

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system() as tx:
            found = await hub_keys.find_key(tx, key_id)
            ended = await hub_keys.retire_key(tx, SERVICE, found.id, _utc(at))
        click.echo(f"{ended.fsp_id} {ended.key_id} ends {ended.valid_until}")

    _run(settings, main)


@hub.command("test")
@click.argument("fsp_id")
@click.option("--payer", help="Look up a customer by telephone number, international, such as 254711000001.")
@click.option("--alias", help="Look up a merchant by number; one of the DFSP's own unless given.")
@click.option("--timeout", "timeout_s", default=30.0, show_default=True, help="Seconds to wait for the answer.")
@click.pass_obj
def run_test(settings: Settings, fsp_id: str, payer: str | None, alias: str | None, timeout_s: float) -> None:
    """Send a real look-up through the hub as FSP_ID and show what comes back; exit status 1 when a step fails.

    The service must be running: the answer comes to it, and is found in the database.
    """
    from merchant.payments.probe import probe_hub
    from merchant.programs import runtime

    if payer and alias:
        raise click.UsageError("Give one of --payer and --alias.")
    failed: list[str] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            alias_type = (await service.scheme()).alias_type
            party = ("MSISDN", payer.removeprefix("+")) if payer else (alias_type, alias) if alias else None
            async for step in probe_hub(service, fsp_id, party, timeout_s):
                click.echo(f"{step.name:<12} {step.seen}")
                failed.extend([step.problem] if step.problem else [])

    _run(settings, main)
    if failed:
        raise click.ClickException(" ".join(failed))
    click.echo("good")


def _utc(given: datetime | None) -> datetime | None:
    return given.replace(tzinfo=UTC) if given is not None else None


def _run(settings: Settings, main: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Run a command's coroutine on the database; what the operator asked in vain ends it with a sentence."""
    from merchant.core.errors import InvalidFields, MerchantError, NotFound
    from merchant.programs import runtime

    try:
        with runtime.open_database(settings) as url:
            runtime.run(main(url))
    except NotFound:
        raise click.ClickException("There is no such participant or key here; see `merchant hub key show`.") from None
    except InvalidFields as error:
        raise click.ClickException(" ".join(str(one.message) for one in error.errors)) from None
    except MerchantError as error:
        raise click.ClickException(str(error.detail)) from None
