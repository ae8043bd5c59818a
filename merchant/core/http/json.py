"""The one way in and out of our JSON API: who asks, what the body says, how answers and problems look.

route.py joins these to a declaration of each route, which must say who may call: a permission, everyone who is signed
in (None), or the public.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from merchant.core import clock, db, errors, evidence, logs, texts, trace
from merchant.core.access import Actor
from merchant.core.evidence import SecurityEvent
from merchant.core.http import cookies, guide
from merchant.core.http.shape import find_faults
from merchant.core.http.source import client_address
from merchant.core.paging import DEFAULT_LIMIT, MAX_LIMIT, Page, gone
from merchant.core.service import Service
from merchant.core.texts import _

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
MAX_BODY_BYTES = 1_000_000
_ID_BYTES = 16  # of a cursor; the name of the order stands behind them
RETRY_AFTER_S = 5  # while the database is away: a restart takes some seconds
# Values of one body, counted by the brackets and commas before them: an application of 50 owners, 200 shops and 1,000
# counters has 7,000, and some commas in its addresses. A megabyte could hold 300,000, at a microsecond each.
MAX_VALUES = 20_000
_NUMBER_DIGITS_MAX = 18  # of a number in a path: fits PostgreSQL's bigint
# PostgreSQL's text cannot hold U+0000; inside JSON it can only stand escaped.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_log = structlog.get_logger()


# --- who asks ----------------------------------------------------------------------------------------------------


async def authorise(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route: find the actor and hold it against the route's permission."""
    if b"%00" in connection.scope["query_string"]:
        raise errors.NulCharacter
    # OPTIONS is the framework's own: it names a path's methods, which openapi.json does too.
    if handler.opt.get("public") or connection.scope.get("method") == "OPTIONS":
        return
    declared = handler.opt["screen"] if "screen" in handler.opt else handler.opt["route"]
    if declared.public:
        return
    headers: Mapping[str, str] = connection.headers
    # A browser sends its cookie with whatever any page makes it ask for: it counts where nothing is changed, and on
    # our own pages, whose forms carry a secret of the session's (portal/ui/screen.py).
    if "screen" in handler.opt or connection.scope.get("method") == "GET":
        headers = cookies.with_session(headers, connection.app.state.service.settings)
    actor = await authenticate(connection.app.state, headers)
    connection.scope["state"]["actor"] = actor
    structlog.contextvars.bind_contextvars(actor=str(actor.id))
    if actor.kind == "api_key":
        service = connection.app.state.service
        evidence.note_key_use(service, actor, client_address(connection.scope, connection.headers, service.settings))
    if declared.permission is not None and not declared.operation_checks_permission:
        actor.require(declared.permission, declared.own_permission)


async def authenticate(state: Any, headers: Mapping[str, str]) -> Actor:
    """The actor of a request's credentials, found by what the application put into its state. Raises NotSignedIn."""
    actor: Actor = await state.authenticate(headers)
    return actor


def actor_of(request: AnyRequest) -> Actor:
    """The actor that the guard found."""
    return request.scope["state"]["actor"]  # type: ignore[no-any-return]


def service_of(request: AnyRequest) -> Service:
    """The process's service."""
    return request.app.state.service  # type: ignore[no-any-return]


# --- what the body says --------------------------------------------------------------------------------------------


async def body(request: AnyRequest, shape: type[T]) -> T:
    """The JSON body as `shape`. Raises BadRequest, UnsupportedMediaType or InvalidFields."""
    require_json(request.headers)
    return decode(await request.body(), shape)


def require_json(headers: Mapping[str, str]) -> None:
    """Refuse bodies that do not say they are JSON: forms of foreign pages cannot. Raises UnsupportedMediaType."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise errors.UnsupportedMediaType


def decode(raw: bytes, shape: type[T], most_values: int = MAX_VALUES) -> T:
    """JSON bytes as `shape`: the only decoder of our API.

    Bad UTF-8, broken or endlessly nested JSON, repeated keys and U+0000 are malformed (400); wrong types, unknown
    and missing fields, and more than `most_values` values are field errors (422).

    Nobody's body keeps others waiting for more than some milliseconds: what costs time are values, of which it may
    have no more than a form of ours needs.
    """
    if has_nul(raw):
        raise errors.NulCharacter
    try:
        if has_too_many_values(raw, most_values):
            msgspec.json.decode(raw, type=msgspec.Raw)
            too_many = _("A body holds at most {most} values.", most=most_values)
            raise errors.invalid_field("$", "too_many", too_many)
        json.loads(raw.decode(), object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant)
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        fault = str(error)
    except RecursionError:
        raise errors.JsonTooDeep from None
    except (ValueError, msgspec.DecodeError) as error:
        raise _malformed(error) from None
    raise errors.InvalidFields(errors=_faults(raw, shape, fault))


def has_too_many_values(raw: bytes, most: int) -> bool:
    """Whether a JSON text may hold more than `most` values; brackets and commas within its texts count too."""
    return raw.count(b"{") + raw.count(b"[") + raw.count(b",") > most


def _malformed(error: Exception) -> errors.MalformedJson:
    return errors.MalformedJson(_("The body is not valid JSON in UTF-8: {fault}", fault=error))


def has_nul(raw: bytes) -> bool:
    """Whether a JSON text holds U+0000, which no column can hold."""
    return b"\\u0000" in raw and _ESCAPED_NUL.search(raw) is not None  # the first is 100 times faster


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key in an object")
    return found


def _faults(raw: bytes, shape: Any, message: str) -> tuple[errors.FieldError, ...]:
    """Every fault of a body that the decoder refused; the decoder's own word where none is found.

    Raises MalformedJson or JsonTooDeep for what is no JSON beyond the first fault.
    """
    try:
        found = find_faults(msgspec.json.decode(raw), shape)
    except msgspec.ValidationError:  # a number that no machine holds
        found = []
    except RecursionError:
        raise errors.JsonTooDeep from None
    except (ValueError, msgspec.DecodeError) as error:
        raise _malformed(error) from None
    return tuple(found) or (_field_error(message),)


def _field_error(message: str) -> errors.FieldError:
    """The decoder's own word, for a fault that find_faults does not know."""
    text, _mark, place = message.partition(" - at `$")
    return errors.FieldError(place.rstrip("`").lstrip(".") or "$", "invalid", _("Not valid: {fault}.", fault=text))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def path_id(value: str) -> UUID:
    """An id from a path. What is no UUID is simply not found."""
    try:
        return UUID(value)
    except ValueError:
        raise errors.NotFound from None


def path_number(value: str) -> int:
    """A number from a path, which fits a bigint. What is none is simply not found."""
    if not (value.isascii() and value.isdigit() and len(value) <= _NUMBER_DIGITS_MAX):
        raise errors.NotFound
    return int(value)


def if_match(request: AnyRequest) -> int:
    """The revision named by If-Match. Raises PreconditionMissing; a foreign tag matches nothing."""
    tag = request.headers.get("if-match")
    if tag is None:
        raise errors.PreconditionMissing
    digits = tag.strip().removeprefix("W/").strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def limit_of(query: Mapping[str, Any]) -> int:
    """`limit` of a query. Raises InvalidPage."""
    given = query.get("limit", str(DEFAULT_LIMIT))
    if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= MAX_LIMIT):
        raise errors.InvalidPage(_("limit must be between 1 and {most}.", most=MAX_LIMIT))
    return int(given)


def page_of(query: Mapping[str, Any], sort: str | None = None) -> Page:
    """`limit` and `cursor` of a query, in the order that it asks for. Raises InvalidPage."""
    limit, cursor = limit_of(query), query.get("cursor")
    if not cursor:
        return Page(limit, None, sort)
    try:
        raw = base64.urlsafe_b64decode(cursor + "==")
        before, sorted_by = UUID(bytes=raw[:_ID_BYTES]), raw[_ID_BYTES:].decode("ascii")
    except (ValueError, binascii.Error):
        raise gone() from None
    if sorted_by and not sorted_by.isalpha():
        raise gone()
    if sorted_by != (sort or ""):
        raise errors.InvalidPage(_("cursor belongs to another sort; leave it out to begin anew."))
    return Page(limit, before, sort)


# --- how answers look ------------------------------------------------------------------------------------------------


def encode(content: Any) -> bytes:
    """JSON bytes of a struct; times must already be text (see `at`)."""
    return msgspec.json.encode(content)


def at(instant: datetime) -> str:
    """An instant as our API shows it."""
    return clock.rfc3339(instant)


def at_or_none(instant: datetime | None) -> str | None:
    """An instant as our API shows it, or None."""
    return None if instant is None else clock.rfc3339(instant)


def answer(
    content: Any, status: int = 200, *, headers: dict[str, str] | None = None, etag: int | None = None
) -> Response[bytes]:
    """A JSON answer; `etag` is the revision of a versioned thing."""
    raw = content if isinstance(content, bytes) else encode(content)
    all_headers = {"cache-control": "no-store", **(headers or {})}
    if etag is not None:
        all_headers["etag"] = f'"{etag}"'
    return Response(raw, status_code=status, media_type="application/json", headers=all_headers)


def cursor_text(last_id: UUID, sort: str | None) -> str:
    """The cursor of the page after the one that ends with this id, in the order that was asked for."""
    return base64.urlsafe_b64encode(last_id.bytes + (sort or "").encode()).decode().rstrip("=")


def listing(items: list[Any], page: Page, ids: list[UUID]) -> Response[bytes]:
    """A page of a list. `items` may hold one more than the limit, which only tells that there is more."""
    more = len(items) > page.limit
    cursor = cursor_text(ids[page.limit - 1], page.sort) if more else None
    return answer({"items": items[: page.limit], "next_cursor": cursor})


# --- how problems look -----------------------------------------------------------------------------------------------


def problem(error: errors.MerchantError, language: str = texts.SOURCE_LANGUAGE) -> Response[bytes]:
    """An RFC 9457 problem, its sentences in a language; its codes are the same in all of them."""
    content = {
        "type": f"urn:merchant:problem:{error.code}",
        "title": texts.translate(error.title, language),
        "status": error.status,
        "detail": texts.translate(error.detail, language),
        "code": error.code,
        "errors": [
            errors.FieldError(one.path, one.code, texts.translate(one.message, language)) for one in error.errors
        ],
        "request_id": trace.request_id(),
    }
    own = {"content-language": language, "vary": "accept-language"} | guide.link_of(error.code)
    headers = own | error.headers
    return Response(encode(content), status_code=error.status, media_type="application/problem+json", headers=headers)


def language_of(request: AnyRequest) -> str:
    """The language that a request asks for, of those offered; that of the page through which it is asked."""
    said: str | None = request.scope["state"].get("language")
    return said or texts.language_of(request.headers.get("accept-language"))


def on_merchant_error(request: AnyRequest, error: errors.MerchantError) -> Response[bytes]:
    """A problem the caller can solve."""
    note_refusal(request, error)
    return problem(error, language_of(request))


def passing_problem(service: Service, error: Exception) -> errors.MerchantError | None:
    """What a caller is told who need only try again: others are in the way, or the database is away. None otherwise."""
    if db.is_contention(error):
        return errors.Busy(headers={"retry-after": "1"})
    if db.is_unavailable(error):
        service.db.note_away(error)
        return errors.Unavailable(headers={"retry-after": str(RETRY_AFTER_S)})
    return None


# The answers that leave a security event.
REFUSALS = {401: SecurityEvent.NOT_SIGNED_IN, 403: SecurityEvent.NOT_ALLOWED}


def note_refusal(request: AnyRequest, error: errors.MerchantError) -> None:
    """Note who was refused what, where that is of note: the route as it is declared, no ids of its path."""
    if error.status not in REFUSALS:
        return
    service = request.app.state.get("service")
    opt = request.scope["route_handler"].opt if "route_handler" in request.scope else {}
    declared = opt.get("route") or opt.get("screen")
    if service is None or declared is None or declared.public:
        return  # signing in notes its own failures
    evidence.note(
        service,
        REFUSALS[error.status],
        actor=request.scope["state"].get("actor"),
        source=client_address(request.scope, request.headers, service.settings),
        route=f"{declared.method} {declared.path}",
        code=error.code,
        permission=declared.permission,
    )


_REFUSED_BEFORE_US = {404: errors.NotFound, 405: errors.MethodNotAllowed, 413: errors.TooLarge}


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses: unknown paths, wrong methods, bodies too large."""
    ours = errors.Internal if error.status_code >= 500 else errors.BadRequest
    told = _REFUSED_BEFORE_US.get(error.status_code, ours)
    headers = dict(error.headers or {})
    if "GET" in headers.get("allow", ""):
        headers["allow"] += ", HEAD"
    if error.status_code == 413:
        headers["connection"] = "close"  # the rest of the body is not read
    return on_merchant_error(request, told(headers=headers))


def on_crash(request: AnyRequest, error: Exception) -> Response[bytes]:
    """A fault of ours: logged whole, told in one sentence; what may succeed in a moment is told as such."""
    if (passing := passing_problem(service_of(request), error)) is not None:
        return on_merchant_error(request, passing)
    _log.exception("request_failed", path=logs.shown_path(request.scope["path"]), exc_info=error)
    return on_merchant_error(request, errors.Internal(_("Nothing was changed; try again later.")))
