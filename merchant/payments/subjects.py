"""What a hub message is about: the id under which it is kept, so that a payment's messages are found again.

A request's own id for the hub where a message names it, else the id of its quote or transfer; of a payer's look-up the
digest of their number. None of them says anything about a person.
"""

from merchant.core.phone import Msisdn
from merchant.core.vault import Vault
from merchant.hub import adapter
from merchant.hub.envelopes import About, Heading


def subject_of(vault: Vault, heading: Heading, body: bytes | None) -> str | None:
    """What a message is about; None for what is of no use to a payment's history."""
    return _key(vault, adapter.about_of(heading, body))


def subject_of_path(vault: Vault, method: str, path: str, body: bytes | None) -> str | None:
    """The same, of a path as it came."""
    return _key(vault, adapter.about_of_path(method, path, body))


def payer_subjects(vault: Vault, digits: str) -> list[str]:
    """What the look-ups of a payer are about."""
    return [f"payer:{Msisdn(digits).digest(vault).hex()}"]


def _key(vault: Vault, about: About | None) -> str | None:
    if about is None:
        return None
    return about.hub_id if about.payer is None else payer_subjects(vault, about.payer)[0]
