"""Files that pages load: style sheets, scripts and icons, each under a name that holds its hash, to be kept for ever.

A style sheet is put together of its parts once, when this module is read. Where a property names a colour, the light
one is written before it, for phones that know no names (Chrome below 49); the sources in static/ need not.
"""

import gzip
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from msgspec import Struct

_MEDIA_TYPES = {"css": "text/css", "svg": "image/svg+xml", "js": "text/javascript"}
_NAMED = re.compile(r"([a-z-]+): ([^;{}]*?)var\((--[a-z-]+)\)([^;{}]*);")
_COLOURS = re.compile(r"(--[a-z-]+): (#[0-9a-f]{6});")
_COMMENT, _SPACE = re.compile(r"/\*.*?\*/", re.DOTALL), re.compile(r"\s*\n\s*")
_STATIC = files(__package__).joinpath("static")


class Asset(Struct, frozen=True):
    """A file under the name by which it is served; read once, kept as it is and gzipped."""

    served_as: str
    media_type: str
    content: bytes
    gzipped: bytes


def read_static(name: str) -> str:
    """A file of static/."""
    return _STATIC.joinpath(*name.split("/")).read_text()


def style_sheet(parts: Sequence[str]) -> str:
    """Some sheets of static/ as one, without comments, each named colour after its light value."""
    text = "\n".join(read_static(part) for part in parts)
    light = dict(reversed(_COLOURS.findall(text)))

    def plain_first(found: re.Match[str]) -> str:
        name, before, colour, after = found.groups()
        return f"{name}: {before}{light[colour]}{after}; {found[0]}" if colour in light else found[0]

    return _SPACE.sub("\n", _NAMED.sub(plain_first, _COMMENT.sub("", text))).strip()


def _asset(name: str, text: str) -> Asset:
    content = text.encode()
    stem, _, suffix = name.rpartition(".")
    served_as = f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
    return Asset(served_as, _MEDIA_TYPES[suffix], content, gzip.compress(content, 9, mtime=0))


_ASSETS = {
    "style.css": _asset("style.css", style_sheet(["base.css", "public.css"])),
    "work.css": _asset("work.css", style_sheet(["base.css", "work.css"])),
    "icon.svg": _asset("icon.svg", read_static("icon.svg")),
    "htmx.js": _asset("htmx.js", read_static("vendor/htmx-4.0.1.min.js")),
    "work.js": _asset("work.js", read_static("work.js")),
    "scan.js": _asset("scan.js", read_static("scan.js")),
}
_SERVED = {asset.served_as: asset for asset in _ASSETS.values()}


def asset_path(name: str) -> str:
    """Where pages find a file."""
    return f"/static/{_ASSETS[name].served_as}"


def served(name: str) -> Asset | None:
    """The file of a served name."""
    return _SERVED.get(name)


@cache
def icon(name: str) -> Markup:
    """A drawing beside words, which screen readers pass over (static/icons, of Lucide)."""
    inner = Markup(read_static(f"icons/{name}.svg").strip())  # noqa: S704 - a file of ours
    return Markup('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>').format(inner)
