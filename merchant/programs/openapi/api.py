"""Our own API's document, from the routes' `opt` (merchant.core.http.json.needs) and docstrings.

What a route declares there also guards it, so the document cannot promise another permission, body or answer than
the code has. Which problems a route may answer with follows from the same facts.
"""

import re
from typing import Any

from litestar.handlers import HTTPRouteHandler

from merchant.core import errors
from merchant.core.paging import DEFAULT_LIMIT, MAX_LIMIT
from merchant.programs.openapi.examples import EXAMPLES
from merchant.programs.openapi.parts import Problem, body, document, parameter, schemas

_DESCRIPTION = (
    "Onboarding, merchants, counters, payment requests and payments. People send `Authorization: Bearer`, machines"
    " `x-api-key`. POSTs that create need an `Idempotency-Key`; lists take `limit` and `cursor`; versioned things carry"
    " an `ETag` and their PATCH needs `If-Match`. Problems are RFC 9457 with a stable `code`."
)
_PROBLEMS: dict[int, type[errors.MerchantError]] = {
    problem.status: problem
    for problem in (
        errors.BadRequest,
        errors.NotSignedIn,
        errors.NotAllowed,
        errors.NotFound,
        errors.WrongState,
        errors.StaleVersion,
        errors.TooLarge,
        errors.UnsupportedMediaType,
        errors.InvalidFields,
        errors.PreconditionMissing,
        errors.TooManyRequests,
        errors.Busy,
    )
}
# What routes answer besides the problems that follow from their `opt`.
_BESIDES = {
    "POST /api/v1/sessions": {401, 429},
    "GET /api/v1/events": {429},
    "POST /api/v1/poster-batches": {429},
    "POST /api/v1/payment-requests": {404},
    "POST /api/v1/qr/dynamic": {404},
    "POST /api/v1/applications/{application_id}/approve": {412},
    "POST /api/v1/applications/{application_id}/submit": {422},
}
_QUERY = {
    "state": "Only those in this state.",
    "tier": "Only those of this tier.",
    "search": "Only those whose trading or legal name holds this text.",
    "external_ref": "Only the one with the DFSP's own reference.",
    "counter_id": "Only those of this counter.",
    "merchant_id": "Only those of this merchant.",
    "reference": "Only those with the merchant's reference.",
    "format": "payload, svg, png or pdf.",
    "currency": "One of the merchant's currencies; the first unless given.",
    "module_px": "Pixels a module of a PNG, 1 to 40, at least 4 of rounded ones; 10 unless given.",
    "module_mm": "Millimetres a module of an SVG or PDF, 0.5 to 10; 0.8 unless given.",
    "level": "Error correction M, Q or H; M for a plain code and Q for a branded one unless given.",
    "dark": "Colour of the modules, #rrggbb; black unless given.",
    "light": "Colour of the ground, #rrggbb; white unless given.",
    "shape": "square or rounded.",
    "ticket": "A ticket from POST /api/v1/event-tickets.",
    "topic": "Only those of this topic.",
    "limit": "How many at most.",
    "cursor": "What next_cursor said.",
}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
_MEDIA = {
    "payload": "text/plain",
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "manifest": "application/x-ndjson",
}


def api_document(handlers: list[Any]) -> dict[str, Any]:
    """The document of all JSON routes among the handlers."""
    routes = [one for one in handlers if isinstance(one, HTTPRouteHandler) and not one.opt.get("hidden")]
    routes.sort(key=lambda one: (min(one.paths), min(one.http_methods)))
    types = [Problem, *(kind for one in routes for kind in _types(one.opt))]
    by_type, components = schemas(types)
    paths: dict[str, Any] = {}
    for one in routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", min(one.paths))
        for method in one.http_methods - {"OPTIONS", "HEAD"}:
            paths.setdefault(path, {})[method.lower()] = _operation(one, path, by_type)
    return document(
        "Merchant registry and payments",
        _DESCRIPTION,
        paths,
        {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    )


def _types(opt: dict[str, Any]) -> list[Any]:
    return [opt[name] for name in ("body", "answer", "listing", "items") if name in opt]


def _operation(handler: HTTPRouteHandler, path: str, by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    opt = handler.opt
    name = handler.handler_name
    operation: dict[str, Any] = {
        "operationId": f"{path.split('/')[3].replace('-', '_') if path.startswith('/api/') else 'service'}_{name}",
        "tags": [path.split("/")[3] if path.startswith("/api/") else "service"],
        "summary": " ".join((handler.fn.__doc__ or name).split()),
        "parameters": _parameters(path, opt),
        "responses": _responses(handler, path, by_type),
        "security": [] if opt.get("public") and not opt.get("streams") else [{"bearer": []}, {"apiKey": []}],
    }
    if opt.get("permission") is not None:
        operation["x-permission"] = opt["permission"].value
    if "body" in opt:
        content = body(by_type[opt["body"]], example=EXAMPLES.get(opt["body"]))
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(path: str, opt: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        parameter(name, "path", f"The {name.replace('_', ' ')}.", schema=_id_schema(name))
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    names = (*opt.get("query", ()), *(("limit", "cursor") if "listing" in opt else ()))
    schemas = {"limit": _LIMIT}
    schemas |= {name: {"type": "string", "enum": list(choices)} for name, choices in opt.get("choices", {}).items()}
    found += [parameter(name, "query", _QUERY[name], schema=schemas.get(name)) for name in names]
    if "once" in opt:
        key = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
        found.append(parameter("Idempotency-Key", "header", "Your id of this call.", required=opt["once"], schema=key))
    if opt.get("versioned"):
        found.append(parameter("If-Match", "header", "The ETag you read.", required=True))
    if opt.get("streams"):
        found.append(parameter("ticket", "query", _QUERY["ticket"]))
    return found


def _id_schema(name: str) -> dict[str, str]:
    return {"type": "string"} if name in ("hit_id", "job_id") else {"type": "string", "format": "uuid"}


def _responses(handler: HTTPRouteHandler, path: str, by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    opt = handler.opt
    good: dict[str, Any] = {"description": "Done."}
    if "answer" in opt:
        good["content"] = body(by_type[opt["answer"]])
    elif "listing" in opt or "items" in opt:
        items = {"type": "array", "items": by_type[opt.get("listing") or opt["items"]]}
        page = {"items": items, "next_cursor": {"type": ["string", "null"]}}
        good["content"] = body({"type": "object", "properties": page, "required": ["items", "next_cursor"]})
    elif "media" in opt:
        good["content"] = {_MEDIA[form]: {"schema": {"type": "string"}} for form in opt["media"]}
    elif opt.get("streams"):
        good["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    responses = {str(handler.status_code): good}
    if opt.get("unready"):
        responses["503"] = good | {"description": "Not yet."}
    for status in sorted(_statuses(handler, path)):
        problem = _PROBLEMS[status]
        example = {
            "type": f"urn:merchant:problem:{problem.code}",
            "title": problem.title,
            "status": status,
            "detail": problem.title,
            "code": problem.code,
            "errors": [],
            "request_id": "0f3a9c1d2b4e5f60",
        }
        content = body(by_type[Problem], "application/problem+json", example)
        responses[str(status)] = {"description": problem.title, "content": content}
    return responses


def _statuses(handler: HTTPRouteHandler, path: str) -> set[int]:
    """Which problems a route can answer with."""
    opt = handler.opt
    found = {400, 503} if path.startswith("/api/") else set()
    if not opt.get("public") or opt.get("streams"):
        found.add(401)
    if opt.get("permission") is not None or opt.get("streams"):
        found.add(403)
    if "{" in path or any(name.endswith("_id") for name in opt.get("query", ())):
        found.add(404)
    if "body" in opt:
        found |= {413, 415, 422}
    if opt.get("conflicts") or (handler.http_methods & {"POST", "PATCH"} and opt.get("permission") is not None):
        found.add(409)
    if opt.get("versioned"):
        found |= {412, 428}
    return found | _BESIDES.get(f"{min(handler.http_methods)} {path}", set())
