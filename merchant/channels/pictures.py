"""Pictures of codes over the API: the looks that may be asked for, each proven, with a file name and an ETag.

qr.py and logo_codes.py know what a code says; here a payload becomes text, SVG, PNG, PDF or EPS.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any

from litestar import Response
from msgspec import Meta, Struct

import qr
from merchant.core import errors
from merchant.core.http.route import Call, Filter
from merchant.core.texts import _
from qr.render import render_eps, render_pdf, render_png, render_svg
from qr.symbols.errors import BadLogo, PictureError
from qr.symbols.style import PLAIN, Style

MODULE_PX = (1, 10, 40)  # least, usual, most pixels a module: 40 gives a 2,600-pixel image, enough for any printer
MODULE_MM = (0.5, 0.8, 10.0)  # half a millimetre is what a cheap phone reads; ten make a poster of 65 cm
LEVELS = ("M", "Q", "H")  # L gives way to the first scratch
LOGO_LEVELS = ("Q", "H")  # M does not make good what a logo hides
SHAPES = ("square", "rounded")
LOGO_CHARS_MAX = 900_000  # of base64, 675 kB: a body may have a million bytes


class FormLook(qr.Look, frozen=True, kw_only=True):
    """How a code is drawn, and in which format."""

    form: str


Draw = Callable[[str, qr.Look], bytes]


class Format(Struct, frozen=True):
    """A kind of file: its media type, the end of its name, and who draws it."""

    media_type: str
    ending: str
    draw: Draw


FORMATS = {
    "payload": Format("text/plain", "txt", lambda payload, _look: payload.encode()),
    "svg": Format("image/svg+xml", "svg", lambda payload, look: render_svg(payload, look).encode()),
    "png": Format("image/png", "png", render_png),
    "pdf": Format("application/pdf", "pdf", render_pdf),
    "eps": Format("application/postscript", "eps", lambda payload, look: render_eps(payload, look).encode()),
}
LOGO_FORMATS = ("svg", "png", "pdf")  # neither text nor EPS holds a picture
MEDIA = tuple(one.media_type for one in FORMATS.values())
LOGO_MEDIA = tuple(FORMATS[name].media_type for name in LOGO_FORMATS)


class CodeLogo(Struct, frozen=True, forbid_unknown_fields=True):
    """The logo that shall stand in a code, a PNG or JPEG file in base64."""

    logo: Annotated[str, Meta(min_length=1, max_length=LOGO_CHARS_MAX)]

    def file(self) -> bytes:
        """The file. Raises InvalidFields."""
        try:
            return base64.b64decode(self.logo, validate=True)
        except ValueError:
            raise errors.invalid_field("logo", "invalid", _("Send the file in base64.")) from None


def look_filters(formats: tuple[str, ...], levels: tuple[str, ...]) -> tuple[Filter, ...]:
    """The query names by which a look is asked for."""
    return (
        Filter("format", "How the code is drawn; svg unless given.", choices=formats),
        Filter(
            "module_px",
            "Pixels a module of a PNG, at least 4 with round ends or a logo, which are read best from 6 on.",
            kind="integer",
            schema={"type": "integer", "minimum": MODULE_PX[0], "maximum": MODULE_PX[2], "default": MODULE_PX[1]},
        ),
        Filter(
            "module_mm",
            "Millimetres a module of an SVG, PDF or EPS.",
            kind="number",
            schema={"type": "number", "minimum": MODULE_MM[0], "maximum": MODULE_MM[2], "default": MODULE_MM[1]},
        ),
        Filter("level", "Error correction; M for a plain code and Q for a branded one unless given.", choices=levels),
        Filter("dark", "Colour of the modules, #rrggbb; black unless given."),
        Filter("light", "Colour of the ground, #rrggbb; white unless given."),
        Filter("shape", "Form of the modules; square unless given.", choices=SHAPES),
    )


LOOK = look_filters(tuple(FORMATS), LEVELS)
LOGO_LOOK = look_filters(LOGO_FORMATS, LOGO_LEVELS)


def look_of(query: Mapping[str, str | None]) -> FormLook:
    """The look that a query asks for; choices are checked before. Raises BadRequest, InvalidFilter."""
    try:
        style = Style(
            dark=PLAIN.dark if query.get("dark") is None else str(query["dark"]),
            light=PLAIN.light if query.get("light") is None else str(query["light"]),
            rounded=query.get("shape") == "rounded",
        )
    except PictureError as error:
        raise errors.BadRequest(_("{name} is not valid: {fault}.", name="dark, light", fault=error)) from None
    return FormLook(
        form=query.get("format") or "svg",
        module_px=int(_number(query, "module_px", MODULE_PX, "[0-9]{1,3}")),
        module_mm=_number(query, "module_mm", MODULE_MM, r"[0-9]{1,2}(\.[0-9]{1,2})?"),
        level=query.get("level"),
        style=style,
    )


def _number(query: Mapping[str, str | None], name: str, bounds: tuple[float, float, float], pattern: str) -> float:
    least, usual, most = bounds
    given = query.get(name)
    text = str(usual) if given is None else given
    if not (re.fullmatch(pattern, text, re.ASCII) and least <= float(text) <= most):
        raise errors.InvalidFilter(_("{name} must be between {least} and {most}.", name=name, least=least, most=most))
    return float(text)


async def picture(call: Call[Any], payload: str, look: FormLook, name: str) -> Response[bytes]:
    """The picture as an answer, or 304 where the caller has it already; `name` is its file's, without the ending.

    Raises BadRequest for a look that does not read, InvalidFields for a file that is no logo.
    """
    form = FORMATS[look.form]
    if look.form == "payload" or (look.style == PLAIN and look.logo is None):
        content = form.draw(payload, look)
    else:  # drawn and tried in some tenths of a second, beside what others ask for
        content = await asyncio.to_thread(_branded, payload, look, form.draw)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    safe_name = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    headers = {
        "cache-control": "private, max-age=60",
        "etag": tag,
        "content-disposition": f'inline; filename="{safe_name}.{form.ending}"',
    }
    if call.declared.method == "GET" and tag in _tags(call.request.headers.get("if-none-match", "")):
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type=form.media_type, headers=headers)


def _tags(header: str) -> list[str]:
    """The tags of If-None-Match, which are compared as weak ones (RFC 9110 13.1.2)."""
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _branded(payload: str, look: FormLook, draw: Draw) -> bytes:
    try:
        if look.logo is None:
            _prove(payload, qr.Look(style=look.style, level=look.level))
        else:  # not kept: a thousand logos are some hundred megabytes
            qr.prove(payload, look)
        return draw(payload, look)
    except BadLogo as error:
        raise errors.invalid_field("logo", "bad_logo", _("Not valid: {fault}.", fault=error)) from None
    except PictureError as error:
        raise errors.BadRequest(
            _("A code of this look could not be read by every phone: {fault}.", fault=error)
        ) from None


@lru_cache(maxsize=1024)
def _prove(payload: str, look: qr.Look) -> None:
    qr.prove(payload, look)
