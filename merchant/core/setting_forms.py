"""Forms of single settings: whether a text is a port, a URL, a store, or holds keys.

settings.py says which form is whose, host_names.py what a host is.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from merchant.core import keyring
from merchant.core.host_names import is_host


def is_port(text: str) -> bool:
    """Whether a text is a port's number."""
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65_536


def is_url(text: str, *, with_path: bool) -> bool:
    """Whether a text is a plain http or https URL, with a path where that may be."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    rest = [parts.query, parts.fragment, parts.username, "?" in text, "#" in text]
    if not with_path:
        rest.append(parts.path.rstrip("/"))
    return (
        parts.scheme in ("http", "https")
        and is_host(parts.hostname or "")
        and port != 0
        and not any(rest)
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def is_store(text: str) -> bool:
    """Whether a text is an address of storage that speaks S3."""
    parts = urlsplit(text)
    try:
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        return False
    return (
        parts.scheme == "s3"
        and bool(re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc))
        and bool(re.fullmatch(r"(?:/[A-Za-z0-9!_.*'()-]+)*/?", parts.path))
        and options.keys() <= {"endpoint", "region"}
        and is_url(options.get("endpoint", "https://host"), with_path=True)
        and bool(re.fullmatch(r"[a-z0-9-]+", options.get("region", "any")))
    )


def is_key(text: str) -> bool:
    """Whether a text holds secret keys."""
    try:
        return bool(keyring.parse(text))
    except ValueError:
        return False
