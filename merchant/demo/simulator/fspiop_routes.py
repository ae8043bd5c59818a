"""What arrives at the simulated hub on FSPIOP: checked as strict hubs check, answered 202 or 200 with an
empty body, and acted on beside the answer.
"""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from merchant.core import trace
from merchant.demo.simulator import hub, payee, payer
from merchant.demo.simulator.link import resolve
from merchant.demo.simulator.simulation import Simulation
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.headers import Inbound, check_headers, parse_media_type
from merchant.hub.fspiop.jws import InvalidSignature, verify
from merchant.hub.fspiop.messages import (
    AuthorizationsPut,
    ErrorPut,
    PartiesPut,
    QuotesPost,
    QuotesPut,
    TransactionRequestsPost,
    TransfersPost,
    TransfersPut,
    WireBody,
    decode,
    encode_error,
)

AnyRequest = Request[Any, Any, Any]


class Arrival(msgspec.Struct, frozen=True):
    """A message that passed the checks every message must pass."""

    sim: Simulation
    inbound: Inbound
    body: bytes


async def admit(request: AnyRequest, resource: str) -> Arrival:
    """Check headers, sender and signature of a message. Raises FspiopError."""
    sim: Simulation = request.app.state.simulation
    headers = {name.lower(): value for name, value in request.headers.items()}
    # What this message sets going is spawned from here and goes on in its trace.
    trace.start(None, headers.get("traceparent"))
    inbound = check_headers(request.method, resource, headers)
    if request.method == "PUT" and "accept" in headers and parse_media_type(headers["accept"]) is None:
        # Mojaloop's services validate an Accept that should not be there; `*/*` fails.
        raise FspiopError("3101", "Invalid accept header")
    body = await request.body()
    key = sim.verify_key(inbound.source)
    if key is None:
        raise FspiopError("3200", f"fspiop-source {inbound.source} is not registered here")
    if body:
        try:
            verify(key, method=request.method, path=_raw_target(request), headers=headers, body=body)
        except InvalidSignature as error:
            raise FspiopError("3105", f"{meaning_of('3105')}: {error.reason}") from error
    return Arrival(sim, inbound, body)


def _raw_target(request: AnyRequest) -> str:
    """Path and query as they came, still percent-encoded: a signature covers that spelling."""
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    query = request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def _accepted() -> Response[bytes]:
    return Response(b"", status_code=202)


def _taken() -> Response[bytes]:
    return Response(b"", status_code=200)


# --- look-ups ------------------------------------------------------------------------------------------------


@get(["/parties/{party:path}", "/participants/{party:path}"])
async def look_up(request: AnyRequest, party: FromPath[str]) -> Response[bytes]:
    """GET /parties and /participants: who a customer is, and at which DFSP."""
    resource = request.scope["path"].split("/")[1]
    arrival = await admit(request, resource)
    party_type, _, party_id = party.strip("/").partition("/")
    found = hub.find_payer(arrival.sim, party_type, party_id)
    path, _, _ = _raw_target(request).partition("?")
    inbound = arrival.inbound
    arrival.sim.spawn(hub.answer_lookup(arrival.sim, path, resource, inbound.source, found, inbound.answer_version))
    return _accepted()


# --- requests to pay -----------------------------------------------------------------------------------------


@post("/transactionRequests")
async def request_to_pay(request: AnyRequest) -> Response[bytes]:
    """POST /transactionRequests, forwarded to the payer's DFSP."""
    arrival = await admit(request, "transactionRequests")
    body = decode(TransactionRequestsPost, arrival.body)
    sim, asker, destination = arrival.sim, arrival.inbound.source, arrival.inbound.destination
    if destination in sim.config.payer_fsp_ids:
        sim.spawn(payer.receive_request(sim, body, arrival.body, asker, destination))
    else:
        error = FspiopError("3201", meaning_of("3201"))
        sim.spawn(hub.refuse(sim, "transactionRequests", body.transaction_request_id, asker, error))
    return _accepted()


@get("/transactionRequests/{request_id:str}")
async def ask_request(request: AnyRequest, request_id: FromPath[str]) -> Response[bytes]:
    """GET /transactionRequests/{id}: the payer's DFSP says again where it stands."""
    arrival = await admit(request, "transactionRequests")
    sim, asker, destination = arrival.sim, arrival.inbound.source, arrival.inbound.destination
    if destination in sim.config.payer_fsp_ids:
        sim.spawn(payer.send_request_state(sim, request_id, asker, destination))
    else:
        error = FspiopError("3201", meaning_of("3201"))
        sim.spawn(hub.refuse(sim, "transactionRequests", request_id, asker, error))
    return _accepted()


# --- refunds -------------------------------------------------------------------------------------------------


@post("/quotes")
async def quote_refund(request: AnyRequest) -> Response[bytes]:
    """POST /quotes: an acquiring DFSP wants to give a customer's money back."""
    arrival = await admit(request, "quotes")
    body = decode(QuotesPost, arrival.body)
    sim, asker, destination = arrival.sim, arrival.inbound.source, arrival.inbound.destination
    if destination in sim.config.payer_fsp_ids:
        sim.spawn(payee.answer_quote(sim, body, asker, destination))
    else:
        sim.spawn(hub.refuse(sim, "quotes", body.quote_id, asker, FspiopError("3201", meaning_of("3201"))))
    return _accepted()


@post("/transfers")
async def take_refund(request: AnyRequest) -> Response[bytes]:
    """POST /transfers: the money of a refund."""
    arrival = await admit(request, "transfers")
    body = decode(TransfersPost, arrival.body)
    if body.payer_fsp != arrival.inbound.source:
        raise FspiopError("3100", "payerFsp is not the sender")
    if body.payee_fsp in arrival.sim.config.payer_fsp_ids:
        arrival.sim.spawn(payee.carry_refund(arrival.sim, body))
    else:
        error = FspiopError("3201", meaning_of("3201"))
        arrival.sim.spawn(hub.refuse(arrival.sim, "transfers", body.transfer_id, body.payer_fsp, error))
    return _accepted()


# --- transfers -----------------------------------------------------------------------------------------------


@get("/transfers/{transfer_id:str}")
async def ask_transfer(request: AnyRequest, transfer_id: FromPath[str]) -> Response[bytes]:
    """GET /transfers/{id}: the switch tells what its ledger holds."""
    arrival = await admit(request, "transfers")
    sim, inbound = arrival.sim, arrival.inbound
    sim.spawn(hub.send_transfer_state(sim, transfer_id, inbound.source, inbound.answer_version))
    return _accepted()


@put("/transfers/{transfer_id:str}")
async def fulfil_transfer(request: AnyRequest, transfer_id: FromPath[str]) -> Response[bytes]:
    """PUT /transfers/{id}: the payee's fulfilment."""
    arrival = await admit(request, "transfers")
    answer = decode(TransfersPut, arrival.body)
    await hub.take_fulfilment(arrival.sim, transfer_id, arrival.inbound.source, answer)
    return _taken()


@put("/transfers/{transfer_id:str}/error")
async def refuse_transfer(request: AnyRequest, transfer_id: FromPath[str]) -> Response[bytes]:
    """PUT /transfers/{id}/error: the payee refuses."""
    arrival = await admit(request, "transfers")
    hub.take_refusal(arrival.sim, transfer_id, arrival.inbound.source, _error_of(arrival.body))
    return _taken()


# --- callbacks that some flow waits for ------------------------------------------------------------------------

_ANSWERS: Final[dict[str, type[WireBody]]] = {
    "parties": PartiesPut,
    "quotes": QuotesPut,
    "authorizations": AuthorizationsPut,
}


@put([f"/{resource}/{{rest:path}}" for resource in _ANSWERS])
async def callback(request: AnyRequest, rest: FromPath[str]) -> Response[bytes]:
    """PUT of an answer, or of an error, to something a payer's DFSP asked."""
    resource = request.scope["path"].split("/")[1]
    arrival = await admit(request, resource)
    subject = rest.strip("/")
    if subject.endswith("/error"):
        resolve(arrival.sim, (resource, subject.removesuffix("/error")), _error_of(arrival.body))
    else:
        resolve(arrival.sim, (resource, subject), decode(_ANSWERS[resource], arrival.body))
    return _taken()


def _error_of(body: bytes) -> FspiopError:
    information = decode(ErrorPut, body).error_information
    return FspiopError(information.error_code, information.error_description)


def answer_error(_request: AnyRequest, error: FspiopError) -> Response[bytes]:
    """A synchronous refusal, as FSPIOP writes it."""
    return Response(encode_error(error), status_code=error.http_status, media_type="application/json")


FSPIOP_ROUTES: Final[list[HTTPRouteHandler]] = [
    look_up,
    request_to_pay,
    ask_request,
    quote_refund,
    take_refund,
    ask_transfer,
    fulfil_transfer,
    refuse_transfer,
    callback,
]
