"""JSON routes of registering: codes, signing in by one, registering, and claims on merchants that are there already.

What an applicant does afterwards is in application_routes.py.
"""

from typing import Any
from uuid import UUID

from litestar import Response

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.json import language_of
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.people.account_schemas import Accepted, SessionView, signed_in_view
from merchant.people.problems import TotpRequired
from merchant.people.registration import accounts, claims, codes, register, schemas
from merchant.people.registration.addresses import Address, read_address
from merchant.people.registration.claim_states import ClaimState
from merchant.people.registration.problems import (
    AddressLocked,
    ClaimantBusy,
    CodeRefused,
    CodesSpent,
    NoSender,
    NotRegistered,
)
from merchant.registry.merchants.schemas import ReasonGiven

_PROVES = (errors.TooManyRequests, AddressLocked, CodeRefused)
PARTICIPANTS_KEPT_S = 300  # a DFSP that joins may be chosen a little later


async def _address(call: Call[Any]) -> Address:
    return await read_address(call.service, call.body.phone, call.body.email)


@route(
    "POST",
    "/api/v1/one-time-codes",
    public=True,
    body=schemas.CodeRequest,
    answer=Accepted,
    status=202,
    raises=(errors.TooManyRequests, AddressLocked, CodesSpent, NoSender),
)
async def send_one_time_code(call: Call[schemas.CodeRequest]) -> Accepted:
    """Have a code sent to a phone or an e-mail address; the answer does not tell whether anyone is registered."""
    await codes.send_code(call.service, await _address(call), call.source, language_of(call.request))
    return Accepted()


@route(
    "POST",
    "/api/v1/sessions/code",
    public=True,
    body=schemas.CodeSignIn,
    answer=SessionView,
    status=201,
    raises=(*_PROVES, NotRegistered, TotpRequired, errors.NotSignedIn),
)
async def sign_in_by_code(call: Call[schemas.CodeSignIn]) -> SessionView:
    """Sign in as a merchant's person or an applicant by a code; staff sign in with their password."""
    agent = call.request.headers.get("user-agent", "")
    signed = await accounts.sign_in_by_code(call.service, await _address(call), call.body.code, call.source, agent)
    return signed_in_view(signed)


@route("GET", "/api/v1/registration/dfsps", public=True, items=schemas.ParticipantView)
async def list_registration_dfsps(call: Call[None]) -> Response[Any]:
    """The DFSPs at which a merchant may register, by name, on one page."""
    found = [schemas.ParticipantView(one.id, one.name) for one in await register.participants(call.service)]
    body = web.encode({"items": found, "next_cursor": None})
    return web.answer(body, 200, headers={"cache-control": f"public, max-age={PARTICIPANTS_KEPT_S}"})


@route(
    "POST",
    "/api/v1/registrations",
    public=True,
    body=schemas.NewRegistration,
    answer=SessionView,
    status=201,
    raises=(*_PROVES, TotpRequired, errors.NotSignedIn),
)
async def register_merchant(call: Call[schemas.NewRegistration]) -> Response[Any]:
    """Register with a code: makes a person and an empty application. Who is registered is signed in, with 200."""
    given = call.body
    new = register.Registration(
        address=await _address(call),
        code=given.code,
        dfsp_id=given.dfsp_id,
        name=given.name,
        language=given.language or language_of(call.request),
    )
    signed, begun = await register.register(call.service, new, call.source, call.request.headers.get("user-agent", ""))
    return web.answer(signed_in_view(signed), 201 if begun else 200)


@route(
    "POST",
    "/api/v1/registrations/claims",
    public=True,
    body=schemas.NewClaim,
    answer=Accepted,
    status=202,
    raises=_PROVES,
)
async def claim_merchant(call: Call[schemas.NewClaim]) -> Accepted:
    """Ask to manage a merchant that is in the system already; the answer does not tell whether there is one."""
    given, address = call.body, await _address(call)
    claim = claims.Claim(address.text, given.number, given.name, language_of(call.request))
    await claims.request_claim(call.service, address, given.code, claim, call.source)
    return Accepted()


@route(
    "GET",
    "/api/v1/merchant-claims",
    permission=P.APPLICATIONS_READ,
    items=schemas.ClaimView,
    paged=True,
    sorts=BY_AGE,
    filters=(Filter("state", "Only those in this state.", choices=tuple(ClaimState)),),
)
async def list_merchant_claims(call: Call[None]) -> Listed:
    """List who says that a merchant is theirs, newest first."""
    rows = await claims.claims(call.tx, call.actor, call.page, call.filters.get("state"))
    views = [schemas.claim_view(call.service.vault, call.actor, row, name) for row, name in rows]
    return Listed(views, [row.id for row, _ in rows])


@route("GET", "/api/v1/merchant-claims/{claim_id}", permission=P.APPLICATIONS_READ, answer=schemas.ClaimView)
async def read_merchant_claim(call: Call[None], claim_id: UUID) -> schemas.ClaimView:
    """Read who says that a merchant is theirs."""
    row, name = await claims.read_claim(call.tx, call.actor, claim_id)
    return schemas.claim_view(call.service.vault, call.actor, row, name)


@route(
    "POST",
    "/api/v1/merchant-claims/{claim_id}/accept",
    permission=P.APPLICATIONS_DECIDE,
    body=ReasonGiven,
    answer=schemas.ClaimView,
    transaction=False,
    raises=(errors.WrongState, ClaimantBusy),
)
async def accept_merchant_claim(call: Call[ReasonGiven], claim_id: UUID) -> schemas.ClaimView:
    """Let the claimant manage the merchant as its owner."""
    row, name = await claims.accept_claim(call.service, call.actor, claim_id, call.body.reason)
    return schemas.claim_view(call.service.vault, call.actor, row, name)


@route(
    "POST",
    "/api/v1/merchant-claims/{claim_id}/refuse",
    permission=P.APPLICATIONS_DECIDE,
    body=ReasonGiven,
    answer=schemas.ClaimView,
    transaction=False,
    raises=(errors.WrongState,),
)
async def refuse_merchant_claim(call: Call[ReasonGiven], claim_id: UUID) -> schemas.ClaimView:
    """Refuse a claim."""
    row, name = await claims.refuse_claim(call.service, call.actor, claim_id, call.body.reason)
    return schemas.claim_view(call.service.vault, call.actor, row, name)


ROUTES = [
    send_one_time_code,
    sign_in_by_code,
    list_registration_dfsps,
    register_merchant,
    claim_merchant,
    list_merchant_claims,
    read_merchant_claim,
    accept_merchant_claim,
    refuse_merchant_claim,
]
