"""FSPIOP headers: built for what we send, checked on what we receive.

Outbound follows what real hubs insist on: one versioned Accept on GET and POST, none on PUT and PATCH,
exact media types. Inbound is strict about what must be there and forgiving about form.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

import msgspec

from merchant.hub.envelopes import FSP_ID_LENGTH_MAX as FSP_ID_LENGTH_MAX
from merchant.hub.fspiop.error_codes import FspiopError

DEFAULT_VERSION: Final = "1.1"
# The published 1.1 schema of /authorizations matches every numeric OTP twice, so validators refuse it.
RESOURCE_VERSIONS: Final = {"authorizations": "1.0"}
MAJOR_VERSIONS: Final = ("1", "2")
MINOR_VERSIONS: Final = {"1": ("0", "1"), "2": ("0",)}
HEADER_LENGTH_MAX: Final = 8192  # of one value; FSPIOP section 3.2.1 allows 64 KiB in all

# Parameters in any order, their values quoted or not, and a stray semicolon at the end: RFC 9110 section 5.6.6.
_MEDIA_TYPE = re.compile(
    r"application/vnd\.interoperability\.(?P<iso>iso20022\.)?(?P<resource>[A-Za-z]+)\+json"
    r"(?P<parameters>(?:\s*;\s*(?:version=\"?\d{1,3}(?:\.\d{1,3})?\"?|charset=\"?utf-8\"?)?){0,3})\s*\Z",
    re.IGNORECASE | re.ASCII,
)
_VERSION = re.compile(r"version=\"?(?P<major>\d{1,3})(?:\.(?P<minor>\d{1,3}))?", re.IGNORECASE | re.ASCII)


class MediaType(msgspec.Struct, frozen=True):
    """A parsed FSPIOP media type; without a minor version any will do (an Accept of `1`)."""

    resource: str
    major: str | None
    minor: str | None
    is_iso20022: bool = False


class Inbound(msgspec.Struct, frozen=True):
    """What a checked message's headers say. `answer_version` is the one the callback must be written in."""

    source: str
    destination: str | None
    version: str
    answer_version: str
    date: datetime


class _Encryption(msgspec.Struct, frozen=True, rename="camel"):
    encrypted_fields: list[msgspec.Raw]


def version_for(resource: str) -> str:
    """The version we speak of a resource unless a peer asked for another."""
    return RESOURCE_VERSIONS.get(resource, DEFAULT_VERSION)


def media_type(resource: str, version: str) -> str:
    """A media type as hubs compare it: literally, no blanks, the resource in its own case."""
    return f"application/vnd.interoperability.{resource}+json;version={version}"


def http_date(instant: datetime) -> str:
    """An aware UTC instant as RFC 7231 writes it in Date."""
    return format_datetime(instant, usegmt=True)


def outbound_headers(
    *,
    method: str,
    resource: str,
    source: str,
    destination: str | None,
    date: datetime,
    version: str | None = None,
    accept: str | None = None,
    traceparent: str | None = None,
) -> dict[str, str]:
    """The headers of a message we send, all but the signature's three.

    `version` defaults to ours; `accept` to its major number. Accept is left out on PUT and PATCH, where
    hubs refuse it; destination on a look-up, whose receiver is not known yet.
    """
    version = version or version_for(resource)
    headers = {
        "Content-Type": media_type(resource, version),
        "Date": http_date(date),
        "FSPIOP-Source": source,
    }
    if destination:
        headers["FSPIOP-Destination"] = destination
    if method not in ("PUT", "PATCH"):
        headers["Accept"] = media_type(resource, accept or version.partition(".")[0])
    if traceparent:
        headers["traceparent"] = traceparent
    return headers


def parse_media_type(text: str) -> MediaType | None:
    """A Content-Type or one Accept value; None when it is no FSPIOP media type."""
    found = _MEDIA_TYPE.match(text.strip()) if len(text) <= HEADER_LENGTH_MAX else None
    if found is None:
        return None
    version = _VERSION.search(found["parameters"])
    major, minor = version.group("major", "minor") if version is not None else (None, None)
    return MediaType(found["resource"], major, minor, found["iso"] is not None)


def check_headers(method: str, resource: str, headers: Mapping[str, str]) -> Inbound:
    """Check a received message's headers; names in lower case.

    Raises FspiopError: 3102 a mandatory header is missing, 3101 it is malformed, 3001 (HTTP 406, with the
    versions we speak) for a version we do not, 3100 for an encryption that we cannot undo.
    """
    for name in ("date", "fspiop-source", "content-type"):
        if not headers.get(name):
            raise FspiopError("3102", f"Missing mandatory header {name}")
    if _is_encryption(headers.get("fspiop-encryption", "")):
        raise FspiopError("3100", "fspiop-encryption is not supported; send fields in the clear over TLS")
    date = _date(headers["date"])
    source = _fsp_id("fspiop-source", headers["fspiop-source"])
    destination = headers.get("fspiop-destination") or None
    if destination:
        _fsp_id("fspiop-destination", destination)
    version = _content_version(resource, headers["content-type"])
    answer_version = version
    if method in ("GET", "POST", "DELETE"):
        answer_version = _accepted_version(resource, headers.get("accept"), version)
    return Inbound(source, destination, version, answer_version, date)


def _date(text: str) -> datetime:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FspiopError("3101", "The date header is no RFC 7231 date") from error


def _is_encryption(text: str) -> bool:
    """Whether a header names encrypted fields (API "Encryption", section 3): JSON with a list of them.

    Test harnesses put noise into optional headers; what names no field hides none.
    """
    try:
        return bool(msgspec.json.decode(text, type=_Encryption).encrypted_fields)
    except (ValueError, RecursionError):
        return False


def _fsp_id(name: str, text: str) -> str:
    if len(text) > FSP_ID_LENGTH_MAX or not text.isprintable() or " " in text:
        raise FspiopError("3101", f"{name} must be 1 to {FSP_ID_LENGTH_MAX} characters without blanks")
    return text


def _content_version(resource: str, text: str) -> str:
    media = parse_media_type(text)
    if media is None or media.resource != resource or media.is_iso20022:
        raise FspiopError("3101", f"content-type must be {media_type(resource, DEFAULT_VERSION)}")
    if not _is_spoken(media):
        raise _unacceptable("content-type")
    return _full_version(media)


def _accepted_version(resource: str, text: str | None, fallback: str) -> str:
    """The version the answer must have: the first in Accept that we speak, or the request's own minor."""
    if not text:
        raise FspiopError("3102", "Missing mandatory header accept")
    offered = [parse_media_type(part) for part in text[:HEADER_LENGTH_MAX].split(",")]
    known = [media for media in offered if media and media.resource == resource and not media.is_iso20022]
    if not known:
        raise FspiopError("3101", f"accept must be {media_type(resource, '1')}")
    spoken = next((media for media in known if _is_spoken(media)), None)
    if spoken is None:
        raise _unacceptable("accept")
    if spoken.minor is None and fallback.partition(".")[0] == spoken.major:
        return fallback
    return _full_version(spoken)


def _is_spoken(media: MediaType) -> bool:
    """Whether we speak a version; an absent part means any."""
    return media.major is None or (
        media.major in MAJOR_VERSIONS and (media.minor is None or media.minor in MINOR_VERSIONS[media.major])
    )


def _full_version(media: MediaType) -> str:
    if media.major is None:
        return version_for(media.resource)
    newest = version_for(media.resource) if media.major == "1" else f"{media.major}.{MINOR_VERSIONS[media.major][-1]}"
    return f"{media.major}.{media.minor}" if media.minor else newest


def _unacceptable(name: str) -> FspiopError:
    """FSPIOP section 3.3.4: HTTP 406 with each version we speak as major = minor."""
    spoken = tuple((major, minor) for major in MAJOR_VERSIONS for minor in MINOR_VERSIONS[major])
    return FspiopError("3001", f"The version asked for in {name} is not supported", 406, spoken)
