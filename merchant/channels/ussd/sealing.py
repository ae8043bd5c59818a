"""The state of a dialogue at rest: sealed under the phone it belongs to."""

from merchant.core.vault import BadSecretKey, Vault


def seal_state(vault: Vault, msisdn_digest: bytes, state: bytes) -> bytes:
    """The state as it is stored."""
    return vault.seal(state, _context(msisdn_digest))


def open_state(vault: Vault, msisdn_digest: bytes, stored: bytes) -> bytes:
    """A stored state in clear; an early release kept it so, as JSON. Empty when its key was dropped."""
    if stored.startswith(b"{"):
        return stored
    try:
        return vault.open(stored, _context(msisdn_digest))
    except BadSecretKey:
        return b""  # the shopper begins again, as with a state that cannot be read


def _context(msisdn_digest: bytes) -> str:
    return f"ussd:{msisdn_digest.hex()}"
