"""JSON routes of passkeys: adding, listing and removing one's own, and signing in with one.

Adding and removing take a proof again besides the session, as with an authenticator app.
"""

from typing import Any
from uuid import UUID

from merchant.core import errors
from merchant.core.http.route import Call, route
from merchant.core.texts import _
from merchant.people import account_schemas, passkeys, totp
from merchant.people import passkey_schemas as schemas
from merchant.people import sign_in as signing
from merchant.people.problems import (
    PasskeyCopied,
    PasskeyExpired,
    PasskeyInvalid,
    PasskeyUnknown,
    TooManyPasskeys,
    TotpNotEnabled,
)


@route(
    "POST",
    "/api/v1/users/me/passkeys/options",
    permission=None,
    body=schemas.PasskeyStart,
    answer=schemas.PasskeyCreation,
    transaction=False,
    raises=(errors.NotAllowed, TooManyPasskeys, errors.TooManyRequests),
)
async def begin_passkey(call: Call[schemas.PasskeyStart]) -> schemas.PasskeyCreation:
    """Begin to add a passkey, with one's password; hand `public_key` to the browser within five minutes."""
    await signing.count_own_try(call.service, _person(call))
    await totp.check_password(call.service, call.actor, call.body.password, call.source, "begin_passkey")
    async with call.service.db.system() as tx:
        made = await passkeys.offer(tx, call.service, call.actor)
        await signing.own_try_succeeded(tx, call.service, call.actor.id)
    return schemas.creation_view(made)


@route(
    "POST",
    "/api/v1/users/me/passkeys",
    permission=None,
    body=schemas.NewPasskey,
    answer=schemas.PasskeyView,
    status=201,
    transaction=False,
    raises=(errors.NotAllowed, TooManyPasskeys, errors.Conflict),
)
async def add_passkey(call: Call[schemas.NewPasskey]) -> schemas.PasskeyView:
    """Add the passkey that the browser made; it signs in from now on. Every other session ends."""
    _person(call)
    sent = schemas.attestation_of(call.body.credential)
    return schemas.passkey_view(await passkeys.add(call.service, call.actor, sent, call.body.name, call.source))


@route("GET", "/api/v1/users/me/passkeys", permission=None, items=schemas.PasskeyView, raises=(errors.NotAllowed,))
async def list_passkeys(call: Call[None]) -> list[schemas.PasskeyView]:
    """One's own passkeys, newest first, on one page."""
    return [schemas.passkey_view(row) for row in await passkeys.list_passkeys(call.service, _person(call))]


@route(
    "DELETE",
    "/api/v1/users/me/passkeys/{passkey_id}",
    permission=None,
    body=schemas.PasskeyRemoval,
    status=204,
    transaction=False,
    raises=(errors.NotAllowed, TotpNotEnabled, errors.TooManyRequests),
)
async def remove_passkey(call: Call[schemas.PasskeyRemoval], passkey_id: UUID) -> None:
    """Remove one of one's own passkeys, with the password or a code. Every other session ends."""
    if call.body.code is None and call.body.password is None:
        raise errors.invalid_field("code", "missing", _("Send a code of your authenticator app, or your password."))
    person = _person(call)
    await passkeys.check_own(call.service, person, passkey_id)
    await signing.count_own_try(call.service, person)
    if call.body.code is None:
        await totp.check_password(call.service, call.actor, call.body.password or "", call.source, "remove_passkey")
    async with call.service.db.system() as tx:
        if call.body.code is not None:
            await totp.check_code(tx, call.service, call.actor, call.body.code)
        await passkeys.remove(tx, call.service, call.actor, passkey_id, call.source)
        await signing.own_try_succeeded(tx, call.service, call.actor.id)


@route(
    "POST",
    "/api/v1/sessions/passkey/options",
    public=True,
    answer=schemas.PasskeyRequest,
    raises=(errors.TooManyRequests,),
)
async def begin_passkey_sign_in(call: Call[None]) -> schemas.PasskeyRequest:
    """Begin to sign in with a passkey; hand `public_key` to the browser within five minutes."""
    challenge = await passkeys.challenge_to_sign_in(call.service, call.source)
    return schemas.request_view(challenge, passkeys.relying_party(call.service.settings))


@route(
    "POST",
    "/api/v1/sessions/passkey",
    public=True,
    body=schemas.PasskeySignIn,
    answer=account_schemas.SessionView,
    status=201,
    raises=(
        errors.NotSignedIn,
        PasskeyInvalid,
        PasskeyUnknown,
        PasskeyExpired,
        PasskeyCopied,
        errors.TooManyRequests,
    ),
)
async def sign_in_with_passkey(call: Call[schemas.PasskeySignIn]) -> account_schemas.SessionView:
    """Sign in with what the passkey signed, without a password or a code; the answer is that of signing in."""
    headers = call.request.headers
    caller = signing.Caller(
        device=call.body.device or headers.get("x-device-token"),
        source=call.source,
        user_agent=headers.get("user-agent", ""),
    )
    sent = schemas.assertion_of(call.body.credential)
    return account_schemas.signed_in_view(await signing.sign_in_with_passkey(call.service, sent, caller))


def _person(call: Call[Any]) -> UUID:
    """The id of the person who calls. Raises NotAllowed for machines."""
    if call.actor.kind != "user":
        raise errors.NotAllowed(_("Only a person who is signed in can do this."))
    return call.actor.id


ROUTES = [
    begin_passkey,
    add_passkey,
    list_passkeys,
    remove_passkey,
    begin_passkey_sign_in,
    sign_in_with_passkey,
]
