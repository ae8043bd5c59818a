"""What a hub message is about: the id under which it is kept, so that a payment's messages are found again.

A request's own id for the hub where a message names it, else the id of its quote or transfer; of a payer's look-up the
digest of their number. None of them says anything about a person.
"""

import msgspec

from merchant.core.phone import InvalidNumber, Msisdn
from merchant.core.vault import Vault
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.paths import Place, read_path

_LOOK_UPS = frozenset({"parties", "participants"})
_MSISDN = "MSISDN"


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    """The ids that a posted body may hold."""

    transaction_request_id: str | None = None
    quote_id: str | None = None
    transfer_id: str | None = None


def subject_of(vault: Vault, place: Place, body: bytes | None) -> str | None:
    """What a message is about, by its path and, where the path names nothing, by its body; None for what is of no use
    to a payment's history.
    """
    if place.resource in _LOOK_UPS:
        return _payer(vault, place)
    if place.ids:
        return place.ids[0]
    try:
        named = msgspec.json.decode(body or b"{}", type=_Named)
    except msgspec.DecodeError:
        return None
    return named.transaction_request_id or named.quote_id or named.transfer_id


def subject_of_path(vault: Vault, method: str, path: str, body: bytes | None) -> str | None:
    """The same, of a path as it came."""
    try:
        return subject_of(vault, read_path(method, path), body)
    except FspiopError:
        return None


def payer_subjects(vault: Vault, digits: str) -> list[str]:
    """What the look-ups of a payer are about."""
    return [f"payer:{Msisdn(digits).digest(vault).hex()}"]


def _payer(vault: Vault, place: Place) -> str | None:
    if len(place.ids) < 2 or place.ids[0] != _MSISDN:
        return None
    try:
        return payer_subjects(vault, Msisdn.of(place.ids[1]).digits)[0]
    except InvalidNumber:
        return None
