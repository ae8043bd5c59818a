"""Shapes of the documents' JSON API: what comes in, what goes out."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from merchant.compliance.documents import models
from merchant.compliance.documents.kinds import Place
from merchant.compliance.documents.models import Document
from merchant.core import masking
from merchant.core.access import Actor
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.vault import Vault

# What a document is for.
Purpose = Literal[
    "identity",
    "address",
    "licence",
    "registration",
    "tax",
    "ownership",
    "association_letter",
    "account",
    "site_photo",
    "selfie",
    "authority",
    "financials",
    "other",
]


class NewDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent beside a file: what it is for, and the answer that it proves (`owners[0]`, `business.tax_id`).

    With `keep_place`, a site_photo's place is read out of the picture and kept; the picture itself says it no more.
    """

    purpose: Annotated[Purpose, Meta(description="What it is for.")]
    path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="The answer that it proves, such as `owners[0]`, `business.tax_id` or `locations[0]`.",
        ),
    ]
    keep_place: Annotated[
        Literal["true", "false"],
        Meta(description="`true`: keep where a site_photo says that it was taken. The picture itself never says it."),
    ] = "false"


class DocumentView(Struct, frozen=True):
    """A document, without its content."""

    id: UUID
    application_id: UUID | None
    merchant_id: UUID | None
    purpose: Purpose
    path: str
    file_name: str | None
    media_type: str
    bytes: int
    sha256: str
    pages: int | None
    place: Place | None
    added_by: UUID
    added_at: Instant
    withdrawn_at: Instant | None
    erased_at: Instant | None


def document_view(vault: Vault, actor: Actor, row: Document) -> DocumentView:
    """A document as an actor may see it: to the hub without what its file is called and where it was taken."""
    is_hub = actor.dfsp_id is None
    return DocumentView(
        id=row.id,
        application_id=row.application_id,
        merchant_id=row.merchant_id,
        purpose=msgspec.convert(row.purpose, Purpose),
        path=row.path,
        file_name=masking.HIDDEN if is_hub else file_name_of(vault, row),
        media_type=row.media_type,
        bytes=row.size_bytes,
        sha256=row.sha256,
        pages=row.pages,
        place=None if is_hub else place_of(vault, row),
        added_by=row.added_by,
        added_at=web.at(row.added_at),
        withdrawn_at=web.at_or_none(row.withdrawn_at),
        erased_at=web.at_or_none(row.erased_at),
    )


def file_name_of(vault: Vault, row: Document) -> str | None:
    """What a document's file is called; None once it is erased."""
    if row.file_name_sealed is None:
        return None
    return vault.open(row.file_name_sealed, models.FILE_NAME.format(id=row.id)).decode()


def place_of(vault: Vault, row: Document) -> Place | None:
    """Where a document's picture was taken, where that was declared."""
    if row.place_sealed is None:
        return None
    return msgspec.json.decode(vault.open(row.place_sealed, models.PLACE.format(id=row.id)), type=Place)
