"""What became of each row of an import, as a batch keeps it and as the report tells it.

Problems keep their sentence and its values apart, so that the report speaks the language of whoever reads it.
"""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.core import errors, texts
from merchant.core.vault import Vault

OUTCOMES = "import-outcomes:{import_id}/{number}"  # as vault.seal is told

Result = Literal["added", "exists", "failed"]


class Fault(Struct, frozen=True, array_like=True):
    """One problem of a row: where, a stable code, and a sentence with its values, which may be sentences too."""

    path: str
    code: str
    sentence: str
    values: dict[str, Any] = {}

    def message(self, language: str) -> str:
        """The sentence in a language."""
        return texts.translate(_sentence(self.sentence, self.values), language)


class Outcome(Struct, frozen=True, array_like=True):
    """What became of one row."""

    row: int
    external_ref: str
    result: Result
    application_id: UUID | None = None
    faults: list[Fault] = []


def faults_of(error: errors.MerchantError, most: int) -> list[Fault]:
    """The problems that a refusal names; itself, where it names none."""
    found = error.errors or (errors.FieldError("row", error.code, error.detail),)
    return [Fault(one.path, one.code, *_packed(one.message)) for one in found[:most]]


def seal(vault: Vault, import_id: UUID, number: int, outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes as a batch's column holds them."""
    return vault.seal(msgspec.json.encode(outcomes), OUTCOMES.format(import_id=import_id, number=number))


def unseal(vault: Vault, import_id: UUID, number: int, sealed: bytes) -> list[Outcome]:
    """Outcomes out of a batch's column."""
    opened = vault.open(sealed, OUTCOMES.format(import_id=import_id, number=number))
    return msgspec.json.decode(opened, type=list[Outcome])


def _packed(message: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(message, texts.Text):
        return message, {}
    values = {name: list(_packed(one)) if isinstance(one, str) else one for name, one in message.values.items()}
    return message.one, msgspec.to_builtins(values, enc_hook=str)


def _sentence(sentence: str, values: dict[str, Any]) -> str:
    if not values:
        return sentence
    opened = {name: _sentence(*one) if isinstance(one, list) else one for name, one in values.items()}
    return texts.filled(sentence, opened)
