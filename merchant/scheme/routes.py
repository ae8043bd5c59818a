"""JSON routes of the scheme, of its participants' connections and of the keys on the hub."""

from uuid import UUID

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.scheme import enabling, hub_keys, participants, queries, schemas, scheme_change
from merchant.scheme.problems import (
    KeyKnown,
    KeyRetired,
    LastSigningKey,
    NothingProposed,
    NothingToConfirm,
    OwnParticipant,
    OwnProposal,
    TooManyKeys,
)
from merchant.scheme.schemas import DfspView, HubKeyView, Jwks, SchemeView, instant, key_view

_OF_FSP = Filter("fsp_id", "Only the keys of one participant.")


# --- participants ----------------------------------------------------------------------------------------------------


@route("GET", "/api/v1/dfsps/{dfsp_id}", permission=P.DFSPS_READ, answer=DfspView)
async def read_dfsp(call: Call[None], dfsp_id: UUID) -> Answer:
    """A participant and its connection to the hub."""
    if call.actor.dfsp_id not in (None, dfsp_id):
        raise errors.NotFound
    found = await queries.dfsp(call.tx, dfsp_id)
    names = await enabling.names_of_proposers(call.tx, [found])
    return Answer(schemas.dfsp_view(found, names), found.version)


@route(
    "PATCH",
    "/api/v1/dfsps/{dfsp_id}",
    permission=P.DFSPS_CONFIRM,
    body=schemas.DfspChange,
    answer=DfspView,
    if_match=True,
    raises=(OwnProposal, NothingToConfirm),
)
async def change_dfsp(call: Call[schemas.DfspChange], dfsp_id: UUID) -> Answer:
    """Change a participant: its name, the hub's addresses, its mode, whether it takes part. Counts within 30 s.

    `{"enabled": true}` proposes, or confirms what another person of the hub proposed within the last seven days; the
    permission is enough for confirming, everything else needs `dfsps:write`. Where the hub has one person only it is on
    at once, and `notice` says so. `{"enabled": false}` disables at once, or withdraws a proposal.
    """
    new = call.body
    if new != schemas.DfspChange(enabled=True):
        call.actor.require(P.DFSPS_WRITE)
    changed = await participants.change_dfsp(
        call.tx,
        call.actor,
        dfsp_id,
        call.revision,
        name=new.name,
        enabled=new.enabled,
        hub_url=new.hub_url,
        hub_urls=new.hub_urls.by_resource() if isinstance(new.hub_urls, schemas.HubUrls) else new.hub_urls,
        transfer_mode=new.transfer_mode,
    )
    names = await enabling.names_of_proposers(call.tx, [changed.dfsp])
    view = schemas.dfsp_view(changed.dfsp, names, enabling.ALONE if changed.alone else None)
    return Answer(view, changed.dfsp.version)


# --- keys: no tenant's role reads their table, so these open the system's transaction --------------------------------


@route(
    "GET",
    "/api/v1/hub/keys",
    permission=P.HUB_KEYS_READ,
    items=HubKeyView,
    paged=True,
    sorts=BY_AGE,
    filters=(_OF_FSP,),
    transaction=False,
)
async def list_hub_keys(call: Call[None]) -> Listed:
    """Public keys, ours and our partners', with their fingerprints; a DFSP's people see their DFSP's."""
    async with call.service.db.system_reads() as tx:
        found = await hub_keys.list_keys(tx, call.actor.dfsp_id, call.page, call.filters.get("fsp_id"))
    return Listed([key_view(key) for key in found], [key.id for key in found])


@route("GET", "/api/v1/hub/jwks", permission=P.HUB_KEYS_READ, answer=Jwks, transaction=False)
async def read_jwks(call: Call[None]) -> Jwks:
    """The keys that our DFSPs sign with, as a JSON Web Key Set, for whoever registers them at the hub."""
    async with call.service.db.system_reads() as tx:
        return schemas.jwks(await hub_keys.own_public_keys(tx, call.actor.dfsp_id))


@route(
    "POST",
    "/api/v1/hub/keys",
    permission=P.HUB_KEYS_WRITE,
    body=schemas.NewHubKey,
    answer=HubKeyView,
    status=201,
    transaction=False,
    raises=(KeyKnown, TooManyKeys, OwnParticipant),
)
async def import_hub_key(call: Call[schemas.NewHubKey]) -> HubKeyView:
    """Trust a partner's public key: compare the fingerprint with what the partner says by another way."""
    new = call.body
    given = schemas.given_key(new)
    begins, ends = instant("valid_from", new.valid_from), instant("valid_until", new.valid_until)
    async with call.service.db.system() as tx:
        return key_view(
            await hub_keys.import_key(tx, call.actor, new.fsp_id, given, valid_from=begins, valid_until=ends)
        )


@route(
    "POST",
    "/api/v1/hub/keys/{hub_key_id}/retire",
    permission=P.HUB_KEYS_WRITE,
    body=schemas.Retirement,
    answer=HubKeyView,
    transaction=False,
    raises=(KeyRetired, LastSigningKey),
)
async def retire_hub_key(call: Call[schemas.Retirement], hub_key_id: UUID) -> HubKeyView:
    """End a key, now or at a time to come."""
    at = instant("at", call.body.at)
    async with call.service.db.system() as tx:
        return key_view(await hub_keys.retire_key(tx, call.actor, hub_key_id, at))


@route(
    "POST",
    "/api/v1/dfsps/{dfsp_id}/signing-keys",
    permission=P.HUB_KEYS_WRITE,
    body=schemas.Rotation,
    answer=HubKeyView,
    status=201,
    transaction=False,
    raises=(TooManyKeys,),
)
async def rotate_signing_key(call: Call[schemas.Rotation], dfsp_id: UUID) -> HubKeyView:
    """Make a new signing key for one of our DFSPs; the one before stays valid until it is retired."""
    valid_from = instant("valid_from", call.body.valid_from)
    async with call.service.db.system() as tx:
        return key_view(await hub_keys.rotate_key(tx, call.service.vault, call.actor, dfsp_id, valid_from))


# --- the scheme ------------------------------------------------------------------------------------------------------


@route("GET", "/api/v1/scheme", permission=P.DFSPS_READ, answer=SchemeView)
async def read_scheme(call: Call[None]) -> SchemeView:
    """The scheme's facts, and what one person of the hub has proposed to change."""
    return schemas.scheme_view(await scheme_change.read_scheme(call.tx))


@route(
    "PATCH",
    "/api/v1/scheme",
    permission=P.SCHEME_WRITE,
    body=schemas.SchemeChangeBody,
    answer=SchemeView,
    raises=(NothingProposed,),
)
async def change_scheme(call: Call[schemas.SchemeChangeBody]) -> SchemeView:
    """Propose a change of the scheme, or put one in force that another person proposed by sending the same."""
    return schemas.scheme_view(await scheme_change.change_scheme(call.tx, call.actor, call.body.to_change()))


ROUTES = [
    read_dfsp,
    change_dfsp,
    list_hub_keys,
    read_jwks,
    import_hub_key,
    retire_hub_key,
    rotate_signing_key,
    read_scheme,
    change_scheme,
]
