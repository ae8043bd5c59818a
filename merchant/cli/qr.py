"""`merchant qr`: the qr library on the command line. No database, no service, no network.

A payload is the argument, or standard input without one. Results go to standard output or a file, what is wrong and
how far it is to standard error. Exit status: 0 it is as asked, 1 the code, file or profile is not, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

import click

if TYPE_CHECKING:
    from qr import Finding, Profile, Style
    from qr.render import Kind

F = TypeVar("F", bound=Callable[..., Any])

INPUT_BYTES_MAX = 4 * 65_536  # the longest text that the library reads, as UTF-8
KINDS = ("svg", "png", "pdf", "eps", "text", "data-uri")
BINARY_KINDS = ("png", "pdf")
LOGOLESS_KINDS = ("eps", "text")
FILE = click.Path(dir_okay=False, path_type=Path)
READABLE = click.Path(dir_okay=False, exists=True, path_type=Path)

_payload = click.argument("payload", required=False)
_profile = click.option("--profile", help="Hold the code to a scheme's rules: an id, or a file of your own.")
_mode = click.option(
    "--mode",
    type=click.Choice(["strict", "tolerant"]),
    default="strict",
    show_default=True,
    help="How much to forgive.",
)


def look_options(command: F) -> F:
    """Options of how a code looks."""
    for option in (
        click.option("--rounded", is_flag=True, help="Round modules; lifts the error correction to Q."),
        click.option("--light", default="#ffffff", show_default=True, help="Colour of the ground."),
        click.option("--dark", default="#000000", show_default=True, help="Colour of the modules."),
    ):
        command = option(command)
    return command


@click.group("qr")
def qr_commands() -> None:
    """Write, read, explain, draw and print payment codes (EMVCo merchant-presented QR)."""


# --- codes -------------------------------------------------------------------------------------------------------


@qr_commands.command()
@click.option("--json", "json_file", type=click.File("rb"), help="Any code as `decode` prints it; - is standard input.")
@click.option("--domain", help="Internet domain of the Mojaloop scheme, as in pay.example.org.")
@click.option("--identifier", help="The merchant's number, or another party identifier.")
@click.option("--name", help="Trading name, in any script.")
@click.option("--city", help="City.")
@click.option("--country", help="Country, ISO 3166-1 alpha-2.")
@click.option("--currency", help="Currency, ISO 4217.")
@click.option("--mcc", help="Merchant category, ISO 18245.")
@click.option("--party-id-type", help="FSPIOP PartyIdType; ALIAS unless given.")
@click.option("--sub-id", help="Party sub-id.")
@click.option("--fsp-id", help="The merchant's DFSP.")
@click.option("--amount", help="Makes a code for one payment; needs a reference label.")
@click.option("--reference-label", help="Short reference of the payment.")
@click.option("--terminal-label", help="The counter.")
@click.option("--store-label", help="The store.")
@click.option("--bill-number", help="The bill.")
@click.option("--postal-code", help="Postal code.")
@click.option("--latin-name", help="Name for wallets that know only Latin letters; transliterated unless given.")
@click.option("--latin-city", help="City, likewise.")
@click.option("--local-language", help="Language of name and city, ISO 639-1: keeps them in their own script.")
@click.option("--sticker-version", type=int, help="Which printed sticker of the counter this is.")
@_profile
def encode(json_file: BinaryIO | None, profile: str | None, **values: Any) -> None:
    """Print the payload of a code: of a Mojaloop scheme's merchant, or of any scheme with --json and --profile.

    \b
    merchant qr encode --domain pay.example.org --identifier 52318764 --name "Mama Njeri Shop" \\
        --city Nairobi --country KE --currency KES --mcc 5411
    """
    import qr

    given = {name: value for name, value in values.items() if value is not None}
    try:
        if json_file is not None:
            if given:
                raise click.UsageError(f"--json says it all; leave out {', '.join(map(option_name, given))}.")
            code = _code_from_json(json_file.read(INPUT_BYTES_MAX))
        else:
            needed = ("domain", "identifier", "name", "city", "country", "currency", "mcc")
            if missing := [name for name in needed if name not in given]:
                raise click.UsageError(f"{', '.join(map(option_name, missing))} or --json is needed.")
            code = qr.mojaloop_code(**given)
        click.echo(qr.encode(code, profile=_scheme(profile or (None if json_file else "mojaloop"))))
    except qr.QrError as error:
        raise _refused(error.findings) from None


@qr_commands.command()
@_payload
@_mode
@_profile
@click.option("--clean", is_flag=True, help="First undo what scanners and web forms do to a text.")
def decode(payload: str | None, mode: Any, profile: str | None, clean: bool) -> None:
    """Print a payload's values as JSON; fail with everything that is wrong with it."""
    import msgspec

    import qr

    text = _text(payload)
    try:
        code = qr.decode(qr.clean(text) if clean else text, mode=mode, profile=_scheme(profile))
    except qr.QrError as error:
        raise _refused(error.findings) from None
    click.echo(msgspec.json.format(msgspec.json.encode(code), indent=2))


@qr_commands.command()
@_payload
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def explain(payload: str | None, as_json: bool) -> None:
    """Say everything about a payload, whatever it is.

    Exit status 0 when it keeps every EMVCo rule, or those of its own scheme.
    """
    import msgspec

    import qr

    report = qr.explain(_text(payload))
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2) if as_json else printable(str(report)))
    own_rules = (all(one.severity == "warning" for one in scheme.findings) for scheme in report.schemes)
    if not (report.strict or any(own_rules)):
        sys.exit(1)


@qr_commands.command()
@click.option(
    "--file", "files", type=READABLE, multiple=True, help="Check a profile file of your own; may be repeated."
)
def profiles(files: tuple[Path, ...]) -> None:
    """List the payment schemes that are known, and try the golden payloads of each."""
    import qr

    faulty = 0
    for origin in files or (None,):
        try:
            known = qr.list_profiles() if origin is None else (qr.read_profile(origin),)
            checked = [(one, qr.validate_profile(one)) for one in known]
        except (qr.ProfileError, UnicodeDecodeError) as error:
            faulty += 1
            click.echo(f"{origin}: {error}", err=True)
            continue
        for profile, findings in checked:
            click.echo(_profile_line(profile, "sound" if not findings else "at fault"))
            print_findings(findings)
            faulty += any(finding.severity != "warning" for finding in findings)
    if faulty:
        raise click.ClickException(f"{faulty} profile{'s are' if faulty > 1 else ' is'} at fault")


# --- pictures ----------------------------------------------------------------------------------------------------


@qr_commands.command()
@_payload
@click.option("-o", "--output", type=FILE, help="File to write; standard output unless given.")
@click.option("--format", "kind", type=click.Choice(KINDS), help="By the file's name unless given, else text.")
@click.option("--level", type=click.Choice(["L", "M", "Q", "H"]), help="Error correction; M plain, Q branded.")
@click.option("--module-px", type=int, default=10, show_default=True, help="Pixels a module, of PNG and data URI.")
@click.option("--module-mm", type=float, default=0.8, show_default=True, help="Millimetres a module, of SVG, PDF, EPS.")
@click.option("--logo", type=READABLE, help="A PNG or JPEG for the middle.")
@click.option("--verify", is_flag=True, help="Read it back, and damage its look to see what that bears.")
@look_options
def render(
    payload: str | None,
    output: Path | None,
    kind: str | None,
    level: str | None,
    module_px: int,
    module_mm: float,
    logo: Path | None,
    verify: bool,
    **colours: Any,
) -> None:
    """Draw a payload as SVG, PNG, PDF, EPS, terminal text or data URI."""
    import qr
    from qr.render import render as draw
    from qr.symbols.reading import ZBAR, ZBAR_MISSING

    text = _text(payload)
    kind = kind or (output.suffix.lstrip(".") if output is not None else "text")
    if kind not in KINDS:
        raise click.UsageError(f"{output} does not end in the name of a format; say --format.")
    if output is None and kind in BINARY_KINDS and sys.stdout.isatty():
        raise click.UsageError(f"{kind} is no text for a terminal; name a file with -o.")
    if kind in LOGOLESS_KINDS and logo is not None:
        raise click.UsageError(f"{kind} cannot hold a logo.")
    try:
        look = qr.Look(
            level=level,
            style=read_style(**colours),
            logo=read_bytes(logo) or None,
            module_px=module_px,
            module_mm=module_mm,
        )
        drawn = draw(text, cast("Kind", kind), look, verify=verify)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        qr.decode(text, mode="tolerant")
    except qr.QrError as error:
        click.echo(printable(f"warning: wallets refuse this payload: {error}"), err=True)
    if margin := drawn.margin:
        readers = " and ".join(margin.readers)
        bears = f"{margin.cover_percent} % covered or blurred by {margin.blur_modules:.2f} modules"
        click.echo(f"read by {readers}, {bears}", err=True)
        if ZBAR not in margin.readers:
            click.echo(ZBAR_MISSING, err=True)
    try:
        with click.open_file(str(output or "-"), "wb") as out:
            out.write(drawn.data + b"\n" * (kind == "data-uri"))
    except OSError as error:
        raise click.ClickException(str(error)) from None


# --- what they share ---------------------------------------------------------------------------------------------


def _text(payload: str | None) -> str:
    """The payload given, else standard input without the line end that a shell adds."""
    if payload is None or payload == "-":
        raw = sys.stdin.buffer.read(INPUT_BYTES_MAX)
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    else:
        raw = os.fsencode(payload)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"the payload is not UTF-8: {error}") from None


def _code_from_json(raw: bytes) -> Any:
    import msgspec

    import qr

    try:
        code = msgspec.json.decode(raw, type=qr.MerchantCode)
        unknown = sorted(_unknown_keys(msgspec.json.decode(raw), code))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise click.ClickException(f"this is not a code in JSON: {error}") from None
    except RecursionError:
        raise click.ClickException("this is not a code in JSON: it is nested too deeply") from None
    if unknown:
        raise click.ClickException(printable(f"a code has no {', '.join(unknown)}"))
    return code


def _unknown_keys(given: Any, held: Any, path: str = "") -> Iterator[str]:
    """The keys of JSON, wherever they stand, that the object read from it does not hold."""
    if isinstance(given, list):
        for index, (one, kept) in enumerate(zip(given, held, strict=True)):
            yield from _unknown_keys(one, kept, f"{path}{index}.")
    elif isinstance(given, dict) and hasattr(held, "__struct_fields__"):
        for key, value in given.items():
            if key in held.__struct_fields__:
                yield from _unknown_keys(value, getattr(held, key), f"{path}{key}.")
            else:
                yield f"{path}{key}"


def _scheme(profile: str | None) -> str | Profile | None:
    """A profile's id as it is, a file read. Raises ProfileError."""
    import qr

    if profile is None or not profile.endswith(".toml"):
        return profile
    try:
        return qr.read_profile(Path(profile))
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{profile} cannot be read: {error}") from None


def read_style(dark: str, light: str, rounded: bool) -> Style:
    """Colours and form of the modules. Raises BadParameter."""
    import qr

    return qr.Style(dark=dark, light=light, rounded=rounded)


def read_bytes(path: Path | None) -> bytes:
    """What a file holds, which is something; nothing without a file."""
    if path is None:
        return b""
    data = path.read_bytes()
    if not data:
        raise click.ClickException(f"{path} is empty")
    return data


def option_name(name: str) -> str:
    """A parameter as it is written on the command line."""
    return f"--{name.replace('_', '-')}"


def _profile_line(profile: Profile, verdict: str) -> str:
    places = " ".join((*profile.countries, *profile.currencies)) or "anywhere"
    return f"{profile.id:<20} {profile.name:<28} {len(profile.golden)} golden, {verdict:<9} {places}"


def _refused(findings: Iterable[Finding]) -> click.ClickException:
    """Tells what is wrong, and ends the command with status 1."""
    told = [*findings]
    print_findings(told)
    return click.ClickException(f"{len(told)} finding{'s' if len(told) > 1 else ''}")


def print_findings(findings: Iterable[Finding]) -> None:
    """Findings on standard error, one a line."""
    for one in findings:
        text = f"{one.severity:<8} {one.path or 'payload'} {one.code}: {one.message} [{one.section}]"
        click.echo(printable(text), err=True)


def printable(text: str) -> str:
    """Text of a stranger's code without what would steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
