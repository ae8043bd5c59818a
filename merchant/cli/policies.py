"""`merchant policies`: check a policy file, see what it would change, and put it in force.

`check` and `presets` need no database. The rest acts as the service itself, alone; the audit record says that it was
here.
"""

import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from merchant.core.settings import Settings

T = TypeVar("T")
_LAYERS = ["jurisdiction", "scheme", "dfsp"]
_layer = click.option("--layer", type=click.Choice(_LAYERS), help="Which layer; dfsp with --dfsp, else scheme.")
_dfsp = click.option("--dfsp", "fsp_id", help="FSP id of the DFSP whose layer it is.")
_effective = click.option(
    "--effective",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="The first day on which it counts; today unless given.",
)
_note = click.option("--note", default="", help="Why, for those who read the record.")


@click.group()
def policies() -> None:
    """Policies: tiers, what they ask for and their limits. Check a file, try it out, publish it."""


@policies.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--over",
    multiple=True,
    metavar="LAYER",
    help="A file or preset that stands above it; may be repeated, the regulator's first.",
)
def check(file: Any, over: tuple[str, ...]) -> None:
    """Say whether a policy FILE is sound: its tiers, limits and hash, or every fault, one a line.

    A file without `extends` that is no whole policy is laid over --over LAYER. Exit status 0 when it is sound, else 1.
    """
    import kyb
    from merchant.programs.policies import summary

    text = file.read()
    above = [_text_of(one) for one in over]
    if faults := kyb.layer_faults([*above, text]):
        for fault in faults:
            click.echo(fault)
        raise SystemExit(1)
    policy = kyb.load_layers([*above, text])
    click.echo(f"sound: {policy.policy_version} ({policy.text.status})")
    limited = policy.text.minor_per_unit
    shown = [policy.text.unit] if policy.text.unit in limited else list(limited)[:1]
    for line in summary(policy, tuple(shown)):
        click.echo(line)
    if len(limited) > len(shown):
        click.echo(f"  limits in {len(limited) - len(shown)} other currencies by [minor_per_unit]")
    click.echo(f"sha256 {policy.sha256}")


@policies.command()
@click.argument("name", required=False)
def presets(name: str | None) -> None:
    """The policies that come with the program, or the text of the one called NAME."""
    import kyb

    if name is not None:
        click.echo(_text_of(name, files=False), nl=False)
        return
    for each in kyb.presets():
        policy = kyb.load_policy(kyb.preset(each))
        click.echo(f"{each}  {policy.text.status}  {policy.text.unit}  {', '.join(one.name for one in policy.tiers)}")
        for source in policy.text.source:
            click.echo(f"    {source}")


@policies.command()
@_dfsp
@click.pass_obj
def show(settings: Settings, /, fsp_id: str | None) -> None:
    """What is in force, what is coming and what waits to be published; with --dfsp for that DFSP."""
    from merchant.programs import policies as desk

    for line in run_service(settings, lambda service: desk.show(service, fsp_id)):
        click.echo(line)


@policies.command()
@_layer
@_dfsp
@click.pass_obj
def export(settings: Settings, /, layer: str | None, fsp_id: str | None) -> None:
    """The text in force as a layer, byte for byte."""
    from merchant.programs import policies as desk

    text = run_service(settings, lambda service: desk.export(service, _layer_of(layer, fsp_id), fsp_id))
    if not text:
        raise click.ClickException("no such layer is in force")
    click.echo(text, nl=False)


@policies.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@_layer
@_dfsp
@_effective
@_note
@click.pass_obj
def propose(settings: Settings, /, file: Any, **options: Any) -> None:
    """Propose the policy of FILE; a person publishes it."""
    from merchant.programs import policies as desk

    given = _given(options)
    click.echo(run_service(settings, lambda service: desk.propose(service, text=file.read(), **given)))


@policies.command()
@click.argument("file_or_id")
@_layer
@_dfsp
@_effective
@_note
@click.pass_obj
def publish(settings: Settings, /, file_or_id: str, **options: Any) -> None:
    """Publish the policy of a FILE, or the one that was proposed under an ID.

    Whoever may run this holds the secret key and the database, so they act alone. Running processes follow within
    seconds.
    """
    from merchant.programs import policies as desk

    if (layer_id := _id_of(file_or_id)) is not None:
        click.echo(run_service(settings, lambda service: desk.publish_id(service, layer_id)))
        return
    given = _given(options)
    text = _text_of(file_or_id)
    click.echo(run_service(settings, lambda service: desk.publish_text(service, text=text, **given)))


@policies.command()
@click.argument("layer_id", metavar="ID", type=click.UUID)
@click.pass_obj
def withdraw(settings: Settings, /, layer_id: UUID) -> None:
    """Take back a policy that is proposed, or published for a day to come."""
    from merchant.programs import policies as desk

    click.echo(run_service(settings, lambda service: desk.withdraw(service, layer_id)))


@policies.command()
@click.argument("file_or_id")
@_layer
@_dfsp
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_obj
def shadow(settings: Settings, /, file_or_id: str, layer: str | None, fsp_id: str | None, *, as_json: bool) -> None:
    """What a policy FILE, or the one under an ID, would change for the merchants there are. Changes nothing."""
    import msgspec

    from merchant.programs import policies as desk

    layer_id = _id_of(file_or_id)
    if layer_id is not None:
        report = run_service(settings, lambda service: desk.shadow_id(service, layer_id, _progress))
    else:
        text, kind = _text_of(file_or_id), _layer_of(layer, fsp_id)
        report = run_service(settings, lambda service: desk.shadow(service, text, kind, fsp_id, _progress))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
        return
    document = msgspec.to_builtins(report)
    examples = document.pop("examples")
    click.echo(f"{document.pop('checked')} of {document.pop('merchants')} merchants were judged")
    for name, value in document.items():
        shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name.replace('_', ' '):<16} {shown or '-'}")
    for merchant_id in examples:
        click.echo(f"  {merchant_id}")


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {of} merchants ", nl=done >= of, err=True)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the operations take them."""
    effective: datetime | None = options["effective"]
    day: date | None = effective.date() if effective is not None else None
    fsp_id = options["fsp_id"]
    layer = _layer_of(options["layer"], fsp_id)
    return {"layer": layer, "fsp_id": fsp_id, "effective_on": day, "note": options["note"]}


def _layer_of(layer: str | None, fsp_id: str | None) -> str:
    if fsp_id is not None and layer not in (None, "dfsp"):
        raise click.UsageError("--dfsp goes with --layer dfsp only")
    if layer == "dfsp" and fsp_id is None:
        raise click.UsageError("--layer dfsp needs --dfsp")
    return layer or ("scheme" if fsp_id is None else "dfsp")


def _text_of(file_or_preset: str, *, files: bool = True) -> str:
    """The text of a file, or of a preset of that name."""
    import kyb

    path = Path(file_or_preset)
    if files and path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(f"{file_or_preset}: {error}") from None
    if file_or_preset not in kyb.presets():
        raise click.ClickException(f"there is no file and no preset {file_or_preset}")
    return kyb.preset(file_or_preset)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def run_service(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What work on the service answers; a problem ends the command with its sentences, one a line."""
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
        raise click.ClickException("\n".join(map(str, told)))
    if not answers:
        raise click.Abort
    return answers[0]
