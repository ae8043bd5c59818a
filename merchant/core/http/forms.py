"""Forms of our own pages: read as form data, refused when another site's page sent them."""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from litestar import Request
from litestar.datastructures import State

from merchant.core import errors
from merchant.core.http import multipart
from merchant.core.http.multipart import SentFile
from merchant.core.service import Service
from merchant.core.texts import _

Req = Request[Any, Any, State]
MAX_FORM_BYTES = 65_536  # the longest page of an application, with its addresses in a script of three bytes a letter
MAX_FORM_FIELDS = 250
_FORM = "application/x-www-form-urlencoded"


async def read_form(request: Req, *, any_site: bool = False, exact: Collection[str] = ()) -> dict[str, str]:
    """The fields of a form of ours, blanks around them stripped but in those of `exact`, which are secrets.

    Raises NotAllowed, UnsupportedMediaType, TooLarge, BadRequest.

    `any_site` is for a page whose address holds the secret that lets its visitor in: no other site knows it, and
    browsers that were told to send no Referer may call the form's origin `null`.
    """
    if not any_site:
        check_same_site(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise errors.UnsupportedMediaType(_("Send this as a form."))
    raw = await request.body()
    if len(raw) > MAX_FORM_BYTES:
        raise errors.TooLarge
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise errors.BadRequest(_("The form is not UTF-8, or has too many fields.")) from None
    if any("\0" in text for pair in pairs for text in pair):
        raise errors.NulCharacter
    return {name: text if name in exact else text.strip() for name, text in pairs}


async def read_form_with_file(request: Req, most_bytes: int) -> tuple[dict[str, str], SentFile | None]:
    """The fields of a form of ours that carries a file, and the file; None where none was chosen.

    Raises NotAllowed and what multipart.read_form raises.
    """
    check_same_site(request)
    service: Service = request.app.state.service
    with service.shared(multipart.Uploads).one_of(request.scope["state"]["actor"]):
        form = await multipart.read_form(request, most_bytes)
    # Browsers send a field for files even where none was chosen.
    file = form.file if form.file.name or form.file.data else None
    return {name: text.strip() for name, text in form.fields.items()}, file


def check_same_site(request: Req) -> None:
    """Refuse a form that another site's page sends with our visitor's browser. Raises NotAllowed.

    Every browser since 2020 says in Sec-Fetch-Site or Origin which page a POST comes from, and no page can change
    that; older ones send Referer. A call with none of them comes from a program, which needs no visitor to make it.
    """
    site = request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    origin = request.headers.get("origin") or request.headers.get("referer")
    if site is None and (origin is None or urlsplit(origin).netloc == request.headers.get("host")):
        return
    raise errors.CrossSite
