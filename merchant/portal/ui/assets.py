"""Files that pages load: style sheets, scripts and icons, each under a name that holds its hash, to be kept for ever.

What few pages need has a sheet of its own, loaded by a page that uses a class of it: on a slow line the first sheet
decides when anything is seen. Where a property names a colour, the light one is written before it, for phones that
know no names (Chrome below 49); the sources in static/ need not.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from msgspec import Struct

from merchant.portal.ui.markup import fill

_MEDIA_TYPES = {"css": "text/css", "svg": "image/svg+xml", "js": "text/javascript"}
_NAMED = re.compile(r"([a-z-]+): ([^;{}]*?)var\((--[a-z-]+)\)([^;{}]*);")
_COLOURS = re.compile(r"(--[a-z-]+): (#[0-9a-f]{6});")
_COMMENT, _SPACE = re.compile(r"/\*.*?\*/", re.DOTALL), re.compile(r"\s*\n\s*")
_AROUND = re.compile(r"\s*([{};,>])\s*")
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


def style_sheet(parts: Sequence[str], more: str = "") -> str:
    """Some sheets of static/ and `more` as one, without comments, each named colour after its light value."""
    text = "\n".join([*(read_static(part) for part in parts), more])
    light = dict(reversed(_COLOURS.findall(text)))

    def plain_first(found: re.Match[str]) -> str:
        name, before, colour, after = found.groups()
        return f"{name}: {before}{light[colour]}{after}; {found[0]}" if colour in light else found[0]

    return _SPACE.sub("\n", _NAMED.sub(plain_first, _COMMENT.sub("", text))).strip()


def _script(name: str) -> str:
    """A script without its comments and indents, of which each has a line of its own."""
    lines = (line.strip() for line in read_static(name).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def tighten(sheet: str) -> str:
    """A style sheet without the space that nothing needs."""
    return _AROUND.sub(r"\1", sheet).replace(": ", ":").replace(";}", "}")


def _asset(name: str, text: str) -> Asset:
    stem, _, suffix = name.rpartition(".")
    content = (tighten(text) if suffix == "css" else text).encode()
    served_as = f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
    return Asset(served_as, _MEDIA_TYPES[suffix], content, gzip.compress(content, 9, mtime=0))


# The sheets of few pages.
PARTS = ("steps.css", "figures.css", "signup.css", "review.css")
_CORE = ("base.css", "work.css", "shop.css")
_CLASS, _CLASSES = re.compile(r"\.([a-z][a-z-]*)"), re.compile(r'class="([^"]*)"')


@cache
def classes_of(name: str) -> frozenset[str]:
    """The classes that one of PARTS is there for: those that the common sheets know nothing of."""
    common, own = (
        frozenset(_CLASS.findall("\n".join(re.sub(r"\{[^{}]*\}", "{}", style_sheet([one])) for one in names)))
        for names in (_CORE, (name,))
    )
    return own - common


def sheets_for(page: str) -> list[str]:
    """The sheets that a page needs besides that of all who signed in, by the classes that it uses; none elsewhere."""
    if asset_path("work.css") not in page:
        return []
    used = {name for classes in set(_CLASSES.findall(page)) for name in classes.split()}
    return [asset_path(name) for name in PARTS if not used.isdisjoint(classes_of(name))]


_ASSETS = {
    "style.css": _asset("style.css", style_sheet(["base.css", "public.css"])),
    "docs.css": _asset("docs.css", style_sheet(["base.css", "public.css", "docs.css"])),
    # One sheet for all who sign in, and for the pages on the way in: the first page behind them finds it kept.
    "work.css": _asset("work.css", style_sheet(_CORE)),
    **{name: _asset(name, style_sheet(["base.css", name]).removeprefix(style_sheet(["base.css"]))) for name in PARTS},
    "icon.svg": _asset("icon.svg", read_static("icon.svg")),
    "htmx.js": _asset("htmx.js", read_static("vendor/htmx-4.0.1.min.js")),
    "passkey.js": _asset("passkey.js", read_static("passkey.js")),
    "later.js": _asset("later.js", _script("later.js")),
    "work.js": _asset("work.js", _script("work.js")),
    "write.js": _asset("write.js", read_static("write.js")),
    "shop.js": _asset("shop.js", _script("shop.js")),
    "scan.js": _asset("scan.js", read_static("scan.js")),
}
_SERVED = {asset.served_as: asset for asset in _ASSETS.values()}


def add_asset(name: str, text: str) -> None:
    """Serve one more file, of another package's pages."""
    asset = _ASSETS[name] = _asset(name, text)
    _SERVED[asset.served_as] = asset


def asset_path(name: str) -> str:
    """Where pages find a file."""
    return f"/static/{_ASSETS[name].served_as}"


@cache
def worker() -> bytes:
    """The service worker of the merchant's pages, which keeps their files; another one whenever a file changed."""
    paths = [asset_path(name) for name in ("work.css", *PARTS, "later.js", "shop.js", "work.js", "icon.svg")]
    version = hashlib.sha256("".join(paths).encode()).hexdigest()[:10]
    text = _script("sw.js").replace("__VERSION__", version)
    return text.replace("__FILES__", json.dumps(paths)).encode()


def served(name: str) -> Asset | None:
    """The file of a served name."""
    return _SERVED.get(name)


@cache
def icon(name: str) -> Markup:
    """A drawing beside words, which screen readers pass over (static/icons, of Lucide)."""
    inner = Markup(read_static(f"icons/{name}.svg").strip())  # noqa: S704 - a file of ours
    return fill('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', inner)
