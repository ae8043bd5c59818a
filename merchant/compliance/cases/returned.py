"""What a checker gave a case back for: item by item, each at a place that the answers have, until it is answered.

An item keeps a digest of the answer that it is about. It is resolved once the answer there is another one, and stays so
in the versions that follow; the next return begins a new list.
"""

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

import kyb
from merchant.compliance.cases import answers, sealed_fields
from merchant.compliance.cases.models import Application
from merchant.core import errors
from merchant.core.texts import _
from merchant.core.vault import Vault

# Places that are no answers: what belongs to the whole case, and its papers.
_BESIDE = frozenset({"merchant", "documents"})
WAS = "was"


class Item(Struct, frozen=True):
    """One place, why it was given back, and whether it was answered since."""

    path: str
    reason: str
    resolved: bool


def returned_items(vault: Vault, application: Application, items: list[dict[str, str]]) -> list[dict[str, str]]:
    """Items with the digests of the answers that they are about. Raises InvalidFields for an unknown place."""
    sections = answers.unseal(vault, application.id, application.sections_sealed)
    unknown = [
        errors.FieldError(f"items[{at}].path", "unknown", _("The application has no answer at this place."))
        for at, item in enumerate(items)
        if item["path"] not in _BESIDE and _digest(sections, item["path"]) is None
    ]
    if unknown:
        raise errors.InvalidFields(errors=tuple(unknown))
    return [item | {WAS: _digest(sections, item["path"]) or ""} for item in items]


def shown_items(vault: Vault, application: Application) -> list[Item] | None:
    """The items of the last return, and which of them were answered since; None when it was never given back."""
    items = sealed_fields.returned_items_of(vault, application)
    if items is None:
        return None
    sections = answers.unseal(vault, application.id, application.sections_sealed)
    # Items of before were kept without a digest: whether they were answered is not known.
    return [
        Item(one["path"], one["reason"], bool(one.get(WAS)) and _digest(sections, one["path"]) != one[WAS])
        for one in items
    ]


def _digest(sections: kyb.Sections, path: str) -> str | None:
    """Tells one answer from another; None where the answers have no such place."""
    try:
        answer: Any = kyb.answer_at(sections, path)
    except kyb.NoSuchAnswer:
        return None
    return hashlib.sha256(msgspec.json.encode(answer)).hexdigest()
