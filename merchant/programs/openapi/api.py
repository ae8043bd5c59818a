"""Our own API's document, from the declarations of its routes (merchant.core.http.route).

What a route declares also guards and decodes it, so the document cannot promise another permission, body, answer or
problem than the code has.
"""

import inspect
from typing import Any
from uuid import UUID

from litestar.handlers import HTTPRouteHandler

from merchant.core import errors
from merchant.core.http.declared import EXPORT_FILTER
from merchant.core.http.route import Filter, Route
from merchant.core.http.uploads import FILE_PART
from merchant.core.paging import DEFAULT_LIMIT, MAX_LIMIT
from merchant.exchange.tables import WRITERS, XLSX_MEDIA
from merchant.programs.openapi.examples import EXAMPLES
from merchant.programs.openapi.parts import Problem, body, document, example_problem, form_schema, parameter, schemas

_DESCRIPTION = (
    "Onboarding, merchants, counters, payment requests and payments. People send `Authorization: Bearer`, machines"
    " `x-api-key`. POSTs that create need an `Idempotency-Key`; lists take `limit` and `cursor`, most `sort`; versioned"
    " things carry an `ETag` and their PATCH needs `If-Match`. Problems are RFC 9457 with a stable `code`; times are"
    " RFC 3339 in UTC with milliseconds; amounts are decimal text."
)
_TAGS = {
    "sessions": "Signing in and out.",
    "one-time-codes": "Codes that prove a phone or an e-mail address.",
    "registration": "What whoever registers a business chooses from.",
    "registrations": "Businesses that register themselves, and claims on shops that are there already.",
    "my-application": "An applicant's own application.",
    "my-merchant": "What a merchant's owner asks for.",
    "merchant-claims": "Who says that a merchant is theirs; its DFSP decides.",
    "users": "People who sign in: hub staff, DFSP staff, merchants' people.",
    "invitations": "First passwords, by the link of a mail.",
    "password-resets": "Forgotten passwords, by the link of a mail.",
    "outgoing-mail": "Mails that the demo and tests keep instead of sending.",
    "dfsps": "Participants of the scheme.",
    "api-keys": "Keys of machines.",
    "applications": "Businesses that want to become merchants: written, submitted, screened, decided.",
    "cases": "Applications, and what is decided about live merchants in the same way.",
    "people": "Whom we hold data about: export and erase it.",
    "documents": "What proves the answers of applications and merchants.",
    "policies": "Tiers, what they ask for and their limits: proposed by one person, published by another.",
    "screening-lists": "Lists that names are screened against, with their versions.",
    "imports": "Files of merchants that become applications.",
    "import-template": "The table that an import is filled into.",
    "merchants": "Approved businesses with their locations and counters.",
    "counters": "Places to pay: their QR codes and stickers.",
    "code-reports": "What shoppers found wrong with a code.",
    "payment-requests": "Requests to pay, and what became of them.",
    "payments": "Money that arrived.",
    "refunds": "Money given back for payments.",
    "reports": "Figures by day: takings, settlement, operations, merchants and decisions.",
    "payment-search": "Payments and requests by anything a person knows of them.",
    "price-keys": "What a merchant sells, with prices.",
    "set-up": "The first operator, and what is left to do after that.",
    "qr": "Scanned codes, and printed codes made into payment requests.",
    "poster-batches": "Posters of many counters, printed in the background.",
    "webhook-endpoints": "Where events are delivered.",
    "messages": "Messages to people, and what became of them.",
    "event-log": "What was announced, and what became of it.",
    "events": "Live events.",
    "blocked-lanes": "Jobs of the service that fail and hold back those behind them.",
    "dead-jobs": "Jobs of the service that failed too often.",
    "hub-messages": "Messages of the hub's and to it, as they are kept.",
    "hub": "Keys that sign on the hub: ours and our partners'.",
    "scheme": "The scheme's own facts, which two people of the hub change.",
    "event-tickets": "Tickets for browsers that cannot send headers.",
    "audit": "The record of who did what.",
    "security-events": "Sign-ins, refusals, the use of keys, looks at personal data.",
    "service": "The service about itself.",
}
_PAGING = (
    Filter("limit", "How many items at most.", schema={"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
    Filter("cursor", "What `next_cursor` of the page before said."),
)
_NAME_SCHEMAS: dict[type, dict[str, Any]] = {
    UUID: {"type": "string", "format": "uuid"},
    int: {"type": "integer", "format": "int64", "minimum": 0},
    str: {"type": "string"},
}
_BINARY = frozenset({"application/pdf", "image/jpeg", "image/png", "image/webp", XLSX_MEDIA})
_GOOD = {201: "Created.", 202: "Taken; the work goes on in the background.", 204: "Done; no body."}


def api_document(handlers: list[Any]) -> dict[str, Any]:
    """The document of all routes among the handlers that are declared."""
    found = [one.opt["route"] for one in handlers if isinstance(one, HTTPRouteHandler) and "route" in one.opt]
    routes: list[Route] = sorted(found, key=lambda one: (one.path, one.method))
    bodies = [one.body for one in routes if one.upload is None]  # a form stands where it is sent
    kinds = [*bodies, *(kind for one in routes for kind in (one.spooled, one.answer, one.items))]
    types = [Problem, *(kind for kind in kinds if kind is not None)]
    by_type, components = schemas(types)
    paths: dict[str, Any] = {}
    for one in routes:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_type)
    used = {one.tag for one in routes}
    return document(
        "Merchant registry and payments",
        _DESCRIPTION,
        paths,
        {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token of a person, from POST /api/v1/sessions.",
                },
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-api-key",
                    "description": "The key of a machine.",
                },
            },
        },
        tags=[{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
    )


def _operation(one: Route, by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.doc.partition(". ")[0].rstrip(".") + ("" if one.doc.endswith("?") else "."),
        "description": _described(one),
        "parameters": _parameters(one),
        "responses": _responses(one, by_type),
        "security": [] if one.public and not one.streams else [{"bearer": []}, {"apiKey": []}],
    }
    if one.permission is not None:
        operation["x-permission"] = one.permission.value
    if one.upload is not None:
        example = EXAMPLES.get(one.body, {}) | {"file": "(the bytes of the file)"}
        content = body(form_schema(one.body), "multipart/form-data", example)
        operation["requestBody"] = {"required": True, "content": content}
    elif one.spooled is not None:
        operation["requestBody"] = {"required": True, "content": _form(by_type[one.spooled])}
    elif one.body is not None:
        content = body(by_type[one.body], example=EXAMPLES.get(one.body))
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _form(fields: dict[str, Any]) -> dict[str, Any]:
    """A form of a file and the text fields beside it."""
    file = {"type": "string", "format": "binary", "description": "The file."}
    with_file = {"type": "object", "properties": {FILE_PART: file}, "required": [FILE_PART]}
    return body({"allOf": [fields, with_file]}, "multipart/form-data")


def _described(one: Route) -> str:
    """What the summary leaves out, and who may call it."""
    if one.permission is not None:
        who = f"Needs the permission `{one.permission.value}`."
        if one.own_permission is not None:
            who = f"{who[:-1]}; a merchant's own people need `{one.own_permission.value}`."
    else:
        who = "Open to everyone." if one.public and not one.streams else "Open to whoever is signed in."
    return f"{one.doc.partition('. ')[2]} {who}".strip()


def _parameters(one: Route) -> list[dict[str, Any]]:
    found = [
        parameter(name, "path", f"The {name.replace('_', ' ')}.", schema=_NAME_SCHEMAS[kind])
        for name, kind in one.path_types.items()
    ]
    order = (one.sort_filter,) if one.sort_filter is not None else ()
    filters = (*one.filters, *order, *(_PAGING if one.paged else ()), *((EXPORT_FILTER,) if one.exports else ()))
    found += [parameter(each.name, "query", each.description, schema=_filter_schema(each)) for each in filters]
    if one.idempotency_key is not None:
        text = "Your id of this call: a repeat with the same key answers the same and does nothing again."
        key = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
        found.append(
            parameter("Idempotency-Key", "header", text, required=one.idempotency_key == "required", schema=key)
        )
    if one.if_match:
        found.append(parameter("If-Match", "header", "The ETag you read.", required=True))
    return found


def _filter_schema(one: Filter) -> dict[str, Any]:
    formats = {"uuid": {"format": "uuid"}, "instant": {"format": "date-time"}, "date": {"format": "date"}}
    schema: dict[str, Any] = {"type": "string", **formats.get(one.kind, {})}
    if allowed := one.allowed():
        schema["enum"] = [str(each) for each in allowed]
    if one.name == "limit":
        schema["default"] = DEFAULT_LIMIT
    return schema | one.schema


def _responses(one: Route, by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": _GOOD.get(one.status) or _what_it_is(one)}
    if one.answer is not None:
        good["content"] = body(by_type[one.answer])
    elif one.items is not None:
        items = {"type": "array", "items": by_type[one.items], "description": "The items of this page."}
        cursor = {"type": ["string", "null"], "description": "What `cursor` of the next page is; null on the last."}
        page = {"items": items, "next_cursor": cursor}
        good["content"] = body({"type": "object", "properties": page, "required": ["items", "next_cursor"]})
        if one.exports:
            good["content"] |= {each.media_type.partition(";")[0]: _file(each.media_type) for each in WRITERS.values()}
    elif one.media:
        good["content"] = {media: _file(media) for media in one.media}
    responses = {str(one.status): good}
    if one.unready:
        responses["503"] = good | {"description": "Not yet."}
    for status, problems in _by_status(one).items():
        responses[status] = {
            "description": "; ".join(f"`{each.code}`: {each.title}" for each in problems) + ".",
            "content": {
                "application/problem+json": {
                    "schema": by_type[Problem],
                    "examples": {each.code: {"value": example_problem(each)} for each in problems},
                }
            },
        }
    return responses


def _file(media_type: str) -> dict[str, Any]:
    return {"schema": {"type": "string"} | ({"format": "binary"} if media_type in _BINARY else {})}


def _what_it_is(one: Route) -> str:
    if one.answer is not None:
        return (inspect.getdoc(one.answer) or "").partition("\n\n")[0].replace("\n", " ")
    if one.items is not None:
        return "A page of the list." if one.paged else "The whole list."
    return "The stream of events." if one.streams else "The file, in the form asked for."


def _by_status(one: Route) -> dict[str, list[type[errors.MerchantError]]]:
    """The problems a route may answer with, by status, lowest first."""
    found: dict[str, list[type[errors.MerchantError]]] = {}
    for problem in sorted(one.problems(), key=lambda each: (each.status, each.code)):
        found.setdefault(str(problem.status), []).append(problem)
    return found
