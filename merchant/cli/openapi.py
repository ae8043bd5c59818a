"""`merchant openapi`: the documents that the service describes itself by."""

from pathlib import Path

import click


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a document is stale.")
@click.argument("folder", default="openapi", type=click.Path(file_okay=False, path_type=Path))
def openapi(check: bool, folder: Path) -> None:
    """Write the OpenAPI documents into FOLDER."""
    from merchant.programs import openapi as documents
    from merchant.programs.slices import ROUTES

    if not check:
        documents.write(ROUTES, folder)
    elif stale := documents.stale(ROUTES, folder):
        raise click.ClickException(f"stale: {', '.join(stale)}; run `make openapi`")
