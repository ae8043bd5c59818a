"""`merchant qr poster`: counter posters and sheets of stickers from a table, as one PDF."""

from __future__ import annotations

import sys
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import click

from merchant.cli.qr import FILE, READABLE, look_options, printable, read_bytes, read_style

page_option = click.option(
    "--page", default="A5", show_default=True, help="A4, A5, A6, tent, table, or sheet (of stickers)."
)


@click.command()
@click.argument("table", default="-", type=click.File("r", encoding="utf-8-sig"))
@click.option("-o", "--output", type=FILE, required=True, help="The PDF to write, or to go on with.")
@click.option("--manifest", type=FILE, help="Its manifest; beside the PDF unless given.")
@page_option
@click.option("--language", "languages", multiple=True, default=("en",), help="One or two, ISO 639-1; en unless given.")
@click.option("--scheme", default="", help="Name of the scheme.")
@click.option("--scheme-mark", type=READABLE, help="The scheme's mark, PNG or JPEG.")
@click.option("--dfsp-mark", type=READABLE, help="The provider's mark, PNG or JPEG.")
@click.option("--logo", type=READABLE, help="A picture for the middle of every code, PNG or JPEG.")
@click.option("--accepted", multiple=True, help="A wallet or bank whose customers can pay; may be repeated.")
@click.option("--date", default="", help="When the codes were issued, YYYY-MM-DD.")
@click.option("--accent", default="#14213d", show_default=True, help="Colour of frame and heading.")
@click.option("--font", "fonts", type=READABLE, multiple=True, help="A TrueType font for a script that is not shipped.")
@click.option("--columns", type=int, default=3, show_default=True, help="Stickers beside each other on a sheet.")
@click.option("--rows", type=int, default=4, show_default=True, help="Stickers below each other on a sheet.")
@look_options
def poster(table: TextIO, output: Path, manifest: Path | None, **design: Any) -> None:
    """Print counter posters or sheets of stickers from a CSV table as one PDF.

    The table's first line names its columns: payload, name, number, and where wanted second_name, ussd, counter, dfsp,
    address, version.
    Started again with the same table after an interruption, it goes on where it stopped. Other files than those of an
    earlier run are never written over.
    """
    from qr.posters import poster_pdf, print_batch, read_csv
    from qr.posters.files import check_files, open_grown

    codes = read_csv(table, read_bytes(design.pop("dfsp_mark")))
    look = _design(**design)
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done = count
        if sys.stderr.isatty():
            click.echo(f"\r{done} codes ", nl=False, err=True)

    try:
        records = manifest or output.with_suffix(".jsonl")
        check_files(output, records, Path(str(getattr(table, "name", "-"))))
        first = list(islice(codes, look.per_page))
        poster_pdf(first, look)  # most faults show on the first page, and then no file is touched
        with open_grown(records) as lines, open_grown(output) as pdf:
            printed = print_batch(chain(first, codes), pdf, lines, look, progress=progress)
    except (ValueError, OSError) as error:
        kept = f"\nCodes printed and kept: {done}. Mend it and start again." if done else ""
        raise click.ClickException(printable(f"{error}{kept}")) from None
    click.echo(f"{_counted(printed.codes, 'code')} on {_counted(printed.pages, 'page')} in {output}", err=True)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _design(
    languages: tuple[str, ...],
    scheme_mark: Path | None,
    fonts: tuple[Path, ...],
    logo: Path | None,
    accepted: tuple[str, ...],
    dark: str,
    light: str,
    rounded: bool,
    **values: Any,
) -> Any:
    from qr.posters import Accepted, Design

    try:
        return Design(
            languages=languages,
            scheme_mark=read_bytes(scheme_mark),
            fonts=tuple(map(read_bytes, fonts)),
            logo=read_bytes(logo),
            accepted=tuple(Accepted(name=name) for name in accepted),
            style=read_style(dark, light, rounded),
            **values,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
