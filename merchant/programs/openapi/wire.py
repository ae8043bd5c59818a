"""Documents of the doors that are no JSON routes: the oracle, FSPIOP inbound, and the webhooks we send.

Those doors are raw ASGI and declare nothing, so their operations stand here as tables, a row each; bodies are still
the structs that the doors decode.
"""

import re
from typing import Any, Literal, NamedTuple
from uuid import UUID

from msgspec import Struct, defstruct

from merchant.core.http.fields import Instant
from merchant.hub.fspiop import messages as wire
from merchant.hub.fspiop.headers import media_type, version_for
from merchant.notify.events import EVENT_DATA, EventType
from merchant.programs.openapi.examples import EVENT_EXAMPLES
from merchant.programs.openapi.parts import body, document, parameter, schemas
from merchant.registry.oracle import operations as oracle


class Row(NamedTuple):
    """One operation: method, path, sentence, body, and its good answers by status."""

    method: str
    path: str
    summary: str
    body: Any
    answers: dict[int, Any]


class PartyList(Struct):
    """Which FSPs serve an identifier; empty for whatever is unknown, suspended or closed."""

    partyList: list[oracle.Route]


class BulkResults(Struct):
    """What became of each party, in order."""

    partyList: list[dict[str, Any]]


_ONE, _SUB = "/participants/{Type}/{ID}", "/participants/{Type}/{ID}/{SubId}"
_ORACLE = [
    Row("get", _ONE, "Which FSP serves this identifier?", None, {200: PartyList}),
    Row("post", _ONE, "Register an external DFSP's identifier.", oracle.NewRoute, {201: None}),
    Row("put", _ONE, "Point an external identifier elsewhere.", oracle.NewRoute, {200: wire.ParticipantsPut}),
    Row("delete", _ONE, "Take an external identifier out.", None, {204: None}),
    Row("get", _SUB, "Which FSP serves this sub-identifier?", None, {200: PartyList}),
    Row("post", _SUB, "Register a sub-identifier of an external DFSP.", oracle.NewRoute, {201: None}),
    Row("delete", _SUB, "Take a sub-identifier out.", None, {204: None}),
    Row(
        "post",
        "/participants",
        "An object: the Account Lookup Service's bulk registration (201). An array with x-api-key: an external DFSP's"
        " batch, one result a row (200).",
        oracle.BulkRegistration | list[oracle.ExternalMerchant],
        {200: list[oracle.ExternalResult], 201: BulkResults},
    ),
]
_FSPIOP = [
    Row("get", "/parties/{Type}/{ID}", "Who is this merchant?", None, {202: None}),
    Row("get", "/parties/{Type}/{ID}/{SubId}", "Who is this merchant, for an open request?", None, {202: None}),
    Row("put", "/parties/{Type}/{ID}", "The payer we looked up.", wire.PartiesPut, {200: None}),
    Row("put", "/parties/{Type}/{ID}/error", "The payer was not found.", wire.ErrorPut, {200: None}),
    Row("post", "/transactionRequests", "Refused: nobody pays from here.", wire.TransactionRequestsPost, {202: None}),
    Row("get", "/transactionRequests/{ID}", "Refused: none is kept here.", None, {202: None}),
    Row("put", "/transactionRequests/{ID}", "What the payer's DFSP says.", wire.TransactionRequestsPut, {200: None}),
    Row("put", "/transactionRequests/{ID}/error", "The request was refused.", wire.ErrorPut, {200: None}),
    Row("get", "/authorizations/{ID}", "Refused: payers authorise at their own DFSP.", None, {202: None}),
    Row("post", "/quotes", "Ask for terms.", wire.QuotesPost, {202: None}),
    Row("get", "/quotes/{ID}", "Send the terms once more.", None, {202: None}),
    Row("post", "/transfers", "Prepare a transfer.", wire.TransfersPost, {202: None}),
    Row("get", "/transfers/{ID}", "Send the answer once more.", None, {202: None}),
    Row("put", "/transfers/{ID}", "The answer to our GET.", wire.TransfersPatch, {200: None}),
    Row("put", "/transfers/{ID}/error", "The answer to our GET: not known.", wire.ErrorPut, {200: None}),
    Row("patch", "/transfers/{ID}", "The hub's last word on a transfer.", wire.TransfersPatch, {200: None}),
    Row("patch", "/transfers/{ID}/error", "The hub's last word: it failed.", wire.ErrorPut, {200: None}),
]
# The last three stand on signed messages, which all with a body are unless the operator allows others.
_HEADERS = {
    "Date": True,
    "FSPIOP-Source": True,
    "FSPIOP-Destination": True,
    "FSPIOP-Signature": False,
    "FSPIOP-URI": False,
    "FSPIOP-HTTP-Method": False,
}
_MEANING = {
    "Type": "Type of the identifier: ALIAS, BUSINESS and MERCHANT_PAYINTOID are merchants', MSISDN a payer's.",
    "ID": "The identifier.",
    "SubId": "A sub-identifier; of a merchant with an open request, the request's short reference.",
}
_SECRETS = {
    "gateway": {"type": "apiKey", "in": "header", "name": "x-gateway-secret"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def oracle_document() -> dict[str, Any]:
    """What the hub's Account Lookup Service and external DFSPs ask of /oracle."""
    query = [
        parameter("currency", "query", "Only rows of this currency."),
        parameter("partySubIdOrType", "query", "The sub-identifier; without it only rows without one."),
    ]
    found = _wire_document(
        "Oracle", "The oracle contract of Mojaloop's Account Lookup Service.", "/oracle", _ORACLE, query
    )
    batch = found["paths"]["/participants"]["post"]
    batch["security"] = [{"gateway": []}, {"apiKey": []}]
    batch["responses"]["4XX"]["content"] |= body({"type": "object"}, "application/problem+json")
    return found


def fspiop_document() -> dict[str, Any]:
    """What the hub sends to /fspiop (FSPIOP API 1.1; 1.0 and 2.0 are understood)."""
    headers = [
        parameter(name, "header", "See FSPIOP API 1.1, section 3.2.1.", required=required)
        for name, required in _HEADERS.items()
    ]
    return _wire_document("FSPIOP inbound", "Messages of the hub, acknowledged at once.", "/fspiop", _FSPIOP, headers)


def _wire_document(
    title: str, description: str, mount: str, rows: list[Row], shared: list[dict[str, Any]]
) -> dict[str, Any]:
    types = [kind for row in rows for kind in (row.body, *row.answers.values()) if kind is not None]
    by_type, components = schemas([wire.ErrorPut, *types])
    refused = {"description": "Refused, and why.", "content": body(by_type[wire.ErrorPut])}
    failed = {"description": "Not done; send it again.", "content": body(by_type[wire.ErrorPut])}
    paths: dict[str, Any] = {}
    for row in rows:
        names = [part.strip("{}") for part in row.path.split("/") if part.startswith("{")]
        good = {
            str(status): {"description": "Taken."} | ({"content": body(by_type[kind])} if kind is not None else {})
            for status, kind in row.answers.items()
        }
        operation: dict[str, Any] = {
            "operationId": f"{row.method}_{row.path.strip('/').replace('/', '_').replace('{', '').replace('}', '')}",
            "summary": row.summary,
            "parameters": [parameter(name, "path", _MEANING[name]) for name in names]
            + [one for one in shared if one["in"] == "header" or row.method == "get"],
            "responses": {**good, "4XX": dict(refused), "5XX": failed},
            "security": [{"gateway": []}],
        }
        if row.body is not None:
            operation["requestBody"] = {"required": True, "content": body(by_type[row.body], _media(mount, row.path))}
        paths.setdefault(row.path, {})[row.method] = operation
    return document(title, description, paths, {"schemas": components, "securitySchemes": _SECRETS}, server=mount)


def _media(mount: str, path: str) -> str:
    """FSPIOP has a media type for each resource; the oracle takes plain JSON."""
    resource = path.split("/")[1]
    return "application/json" if mount == "/oracle" else media_type(resource, version_for(resource))


_SIGNATURE = (
    "`v1,` and base64 HMAC-SHA256 of id.timestamp.body; for a day after a rotation two of them with a blank between:"
    " by the new secret and by the one before."
)


def webhooks_document() -> dict[str, Any]:
    """What we POST to webhook endpoints, one operation an event type."""
    events = {kind: _event_struct(kind) for kind in EventType}
    by_type, components = schemas(events.values())
    headers = [
        parameter("webhook-id", "header", "The event's id; the same at every try.", required=True),
        parameter("webhook-timestamp", "header", "Seconds since 1970, of this try.", required=True),
        parameter("webhook-signature", "header", _SIGNATURE, required=True),
    ]
    hooks = {
        kind.value: {
            "post": {
                "operationId": kind.value.replace(".", "_"),
                "tags": [kind.value.partition(".")[0]],
                "summary": f"Sent when {kind.value.replace('_', ' ').replace('.', ': ')}.",
                "parameters": headers,
                "requestBody": {
                    "required": True,
                    "content": body(by_type[events[kind]], example=EVENT_EXAMPLES[EVENT_DATA[kind]] | {"type": kind}),
                },
                "responses": {"2XX": {"description": "Taken. Anything else is sent again, later."}},
            }
        }
        for kind in sorted(EventType)
    }
    found = document("Webhooks", "Events, after the Standard Webhooks specification.", {}, {"schemas": components})
    return found | {"webhooks": hooks}


def _event_struct(kind: EventType) -> Any:
    """The struct of one event's body (Standard Webhooks): its type is a constant, its data has the event's shape."""
    name = "".join(part.title() for part in re.split(r"[._]", kind.value)) + "Webhook"
    fields = [("id", UUID), ("type", Literal[kind.value]), ("created_at", Instant), ("data", EVENT_DATA[kind])]
    return defstruct(name, fields, namespace={"__doc__": f"The body of a `{kind.value}` event."})
