"""Base64url without padding (RFC 4648 section 5, RFC 7515 appendix C).

The lowest layer of the wire: jws.py writes signatures in it, ilp.py packets, conditions and fulfilments.
"""

from base64 import b64decode, urlsafe_b64encode


def encode(raw: bytes) -> str:
    """Bytes to unpadded base64url text."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Unpadded base64url text to bytes. Raises ValueError on any other character."""
    if "+" in text or "/" in text:  # Python takes the plain alphabet as well
        raise ValueError("this is base64, not base64url")
    return b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
