"""The OpenAPI documents: generated from the routes and structs themselves, written to openapi/, checked in CI.

`documents()` gives them by file name; `merchant openapi` writes them and `merchant openapi --check` fails when one is
stale. `/openapi.json` serves the first.
"""

from pathlib import Path
from typing import Any

import msgspec

from merchant.programs.openapi.api import api_document
from merchant.programs.openapi.wire import fspiop_document, oracle_document, webhooks_document


def documents(handlers: list[Any]) -> dict[str, bytes]:
    """Every document as JSON text by its file name."""
    built = {
        "merchant.json": api_document(handlers),
        "oracle.json": oracle_document(),
        "fspiop.json": fspiop_document(),
        "webhooks.json": webhooks_document(),
    }
    return {
        name: msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n" for name, document in built.items()
    }


def write(handlers: list[Any], folder: Path) -> None:
    """Write the documents into a folder."""
    for name, text in documents(handlers).items():
        (folder / name).write_bytes(text)


def stale(handlers: list[Any], folder: Path) -> list[str]:
    """The names of documents in the folder that are not what the code says."""
    return [
        name
        for name, text in documents(handlers).items()
        if not (folder / name).exists() or (folder / name).read_bytes() != text
    ]
