"""/docs/guide: the files that `make guide` wrote into merchant/guide, under the policy of pages.

A request names a file by looking it up among those that were found in the folder, so that no path leads out of it.
"""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from merchant.core import errors
from merchant.core.http import guide as guide_place
from merchant.core.http.guide import ADDRESS, FRONT
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

MEDIA = {
    "html": "text/html",
    "css": "text/css",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "txt": "text/plain",
}
_TEXTS = frozenset({"html", "css", "svg", "json", "txt"})
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_NAMED_BY_CONTENT = "assets/"
_CACHE = "public, max-age=300"
_MISSING = "merchant.portal.docs/guide_missing.html"  # in English, like the guide
_KEPT_FILES = 256  # about 4 MB: the pages, without most decisions
_ROUTE: dict[str, Any] = {"opt": PUBLIC, "exception_handlers": IN_WORDS}


class GuideFile(Struct, frozen=True):
    """A file of the guide as it is sent."""

    content: bytes
    gzipped: bytes | None
    etag: str


@lru_cache(maxsize=4)
def _files(folder: Path, changed_ns: int) -> dict[str, Path]:
    """Every file by its name below the folder, of one build; links are not followed."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix.removeprefix(".") in MEDIA
    }


@lru_cache(maxsize=_KEPT_FILES)
def _read(path: Path, changed_ns: int) -> GuideFile:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    is_text = path.suffix.removeprefix(".") in _TEXTS
    return GuideFile(content, gzip.compress(content, 9, mtime=0) if is_text else None, etag)


def _built() -> dict[str, Path]:
    """The files of the guide as it was built last; none where it was not."""
    try:
        folder = guide_place.FOLDER
        return _files(folder, folder.stat().st_mtime_ns)
    except FileNotFoundError:
        return {}


@get([ADDRESS, f"{ADDRESS}/{{path:path}}"], **_ROUTE)
async def guide(request: Req, path: FromPath[str] = "/") -> Page:
    """A file of the guide: pages and pictures are asked for again by their tag, what is named by its content is kept.

    Raises NotFound for what is no file of it.
    """
    files = _built()
    if not files:
        return pages.respond(request, _MISSING, 404, only_in="en")
    name = path.strip("/")
    if name not in files:
        further = [one for one in (f"{name}.html", f"{name}/{FRONT}".lstrip("/")) if one in files]
        if not further:
            raise errors.NotFound
        headers = {"location": f"{ADDRESS}/{further[0]}", "cache-control": _CACHE}
        return Response(b"", status_code=307, headers=headers)
    found = files[name]
    return _send(request, name, _read(found, found.stat().st_mtime_ns))


def _send(request: Req, name: str, file: GuideFile) -> Page:
    suffix = name.rpartition(".")[2]
    headers = {
        "cache-control": pages.FOR_EVER if name.startswith(_NAMED_BY_CONTENT) else _CACHE,
        "etag": file.etag,
        "vary": "accept-encoding",
    }
    if suffix == "html":
        headers |= {"content-security-policy": _POLICY, "content-language": "en"}
    elif suffix == "svg":  # opened by itself, a drawing is a page too
        headers["content-security-policy"] = _POLICY
    if _holds(request.headers.get("if-none-match", ""), file.etag):
        return Response(b"", status_code=304, headers=headers)
    body = file.content
    if file.gzipped is not None and pages.takes_gzip(request):
        headers["content-encoding"], body = "gzip", file.gzipped
    return Response(body, media_type=MEDIA[suffix], headers=headers)


def _holds(named: str, etag: str) -> bool:
    """Whether If-None-Match names the tag (RFC 9110 section 13.1.2: compared weakly)."""
    return named.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in named.split(","))


ROUTES = [guide]
