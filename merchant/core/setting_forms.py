"""Forms of single settings: whether a text is a port, a URL, a store, or holds keys; what a gateway of texts takes.

settings.py says which form is whose, host_names.py what a host is.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from merchant.core import keyring
from merchant.core.host_names import is_host, is_loopback

# Headers that frame a request, or that we set ourselves.
_FRAMING = ("host", "content-length", "content-type", "transfer-encoding", "connection", "idempotency-key")


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


def is_sms_url(text: str) -> bool:
    """Whether a text is the address of an HTTP gateway, encrypted unless it is this machine, or of an SMSC."""
    parts = urlsplit(text)
    if parts.scheme in ("http", "https"):
        return is_url(text, with_path=True) and (parts.scheme == "https" or is_loopback(parts.hostname))
    address = text.removeprefix("smpp").removeprefix("s")
    return parts.scheme in ("smpp", "smpps") and is_url(f"http{address}", with_path=False) and parts.port is not None


def is_header(text: str) -> bool:
    """Whether a text is a header's name (RFC 9110, 5.1) that is not one of those that frame a request."""
    is_token = bool(re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", text))
    return is_token and text.lower() not in _FRAMING


def are_fields(text: str) -> bool:
    """Whether a text is pairs of names and values, the latter with placeholders of a text message."""
    pairs = [pair.strip().partition("=") for pair in text.split(",")]
    names, values = [name for name, _, _ in pairs], "".join(value for _, _, value in pairs)
    placed = re.findall(r"\{([^{}]*)\}", values)
    return (
        text.isprintable()
        and len(text) <= 1000
        and all(re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) for name in names)
        and len({*names}) == len(names)
        and {*placed} <= {"to", "digits", "text", "from", "id"}
        and "text" in placed
        and bool({"to", "digits"} & {*placed})
        and not re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", values))
    )


def are_statuses(text: str) -> bool:
    """Whether a text is statuses of HTTP that end a request."""
    return all(re.fullmatch(r"[2-5][0-9]{2}", one.strip()) for one in text.split(","))
