"""JSON routes of one's own account: signing in and out, sessions, password, second factor; and links that set
passwords.

Machines have no account: their keys are refused here.
"""

import io
from typing import Any
from uuid import UUID

import segno

from merchant.core import errors, evidence
from merchant.core.access import Permission as P
from merchant.core.evidence import SecurityEvent
from merchant.core.http import json as web
from merchant.core.http.route import Call, Listed, route
from merchant.core.http.source import client_address
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.notify import email
from merchant.people import account_schemas as schemas
from merchant.people import links, sessions, totp, users
from merchant.people import sign_in as signing
from merchant.people.links import Kind
from merchant.people.problems import LastOperators, LinkInvalid, TotpEnrolled, TotpNotEnabled, TotpRequired
from merchant.people.schemas import UserView, actor_view


@route(
    "POST",
    "/api/v1/sessions",
    public=True,
    body=schemas.SignIn,
    answer=schemas.SessionView,
    status=201,
    raises=(errors.NotSignedIn, TotpRequired, errors.TooManyRequests, TotpNotEnabled),
)
async def sign_in(call: Call[schemas.SignIn]) -> schemas.SessionView:
    """Sign in; the token goes into `Authorization: Bearer`. Keep `device_token` and send it at the next sign-in."""
    headers, body = call.request.headers, call.body
    attempt = signing.Attempt(
        email=body.email,
        password=body.password,
        totp=body.totp,
        recovery_code=body.recovery_code,
        device=body.device or headers.get("x-device-token"),
        source=_source(call),
        user_agent=headers.get("user-agent", ""),
    )
    return schemas.signed_in_view(await signing.sign_in(call.service, attempt))


@route("GET", "/api/v1/sessions", permission=None, items=schemas.OpenSession, raises=(errors.NotAllowed,))
async def list_sessions(call: Call[None]) -> list[schemas.OpenSession]:
    """Where the caller is signed in, newest first, on one page."""
    rows = await sessions.list_sessions(call.service, _person(call))
    return [schemas.session_view(row, call.actor) for row in rows]


@route(
    "DELETE",
    "/api/v1/sessions/{session_id}",
    permission=None,
    status=204,
    transaction=False,
    raises=(errors.NotAllowed,),
)
async def end_session(call: Call[None], session_id: str) -> None:
    """Sign out of one session, `current` being the caller's own; its token stops at once."""
    person = _person(call)
    chosen = call.actor.session_id if session_id == "current" else web.path_id(session_id)
    if chosen is None:
        raise errors.NotFound
    async with call.service.db.system_statements() as tx:
        await sessions.end_session(tx, person, chosen)
    evidence.note(call.service, SecurityEvent.SIGNED_OUT, actor=call.actor, source=_source(call), subject=str(chosen))


@route("DELETE", "/api/v1/sessions", permission=None, status=204, transaction=False, raises=(errors.NotAllowed,))
async def end_sessions(call: Call[None]) -> None:
    """Sign out everywhere, here too; all tokens stop at once."""
    async with call.service.db.system_statements() as tx:
        await sessions.end_other_sessions(tx, _person(call), None)
    evidence.note(call.service, SecurityEvent.SIGNED_OUT, actor=call.actor, source=_source(call), subject="all")


@route("GET", "/api/v1/users/me", permission=None, answer=UserView, transaction=False)
async def read_me(call: Call[None]) -> UserView:
    """Who am I?"""
    return actor_view(call.actor)


@route(
    "DELETE",
    "/api/v1/users/me",
    permission=None,
    body=schemas.AccountClosing,
    status=204,
    transaction=False,
    raises=(errors.NotAllowed, LastOperators, errors.TooManyRequests),
)
async def close_account(call: Call[schemas.AccountClosing]) -> None:
    """Close one's own account as staff of the hub, with one's password; every session ends.

    The last two operators stay.
    """
    users.check_may_close(call.actor)
    await signing.count_own_try(call.service, _person(call))
    await totp.check_password(call.service, call.actor, call.body.password, _source(call), "close_account")
    async with call.service.db.system() as tx:
        await users.close_own_account(tx, call.service, call.actor)
        await signing.own_try_succeeded(tx, call.service, call.actor.id)
    evidence.note(
        call.service, SecurityEvent.SIGNED_OUT, actor=call.actor, source=_source(call), subject="closed account"
    )


@route(
    "PUT",
    "/api/v1/users/me/password",
    permission=None,
    body=schemas.PasswordChange,
    status=204,
    transaction=False,
    raises=(errors.NotAllowed, errors.TooManyRequests),
)
async def change_password(call: Call[schemas.PasswordChange]) -> None:
    """Change one's own password; every other session ends."""
    _person(call)
    await links.change_password(call.service, call.actor, call.body.current, call.body.new, _source(call))


@route(
    "POST",
    "/api/v1/users/me/totp",
    permission=None,
    body=schemas.TotpStart,
    answer=schemas.TotpEnrolment,
    status=201,
    transaction=False,
    raises=(errors.NotAllowed, TotpEnrolled, errors.TooManyRequests),
)
async def begin_totp(call: Call[schemas.TotpStart]) -> schemas.TotpEnrolment:
    """Begin to set up an authenticator app, with one's password; it counts once its first code is confirmed."""
    await signing.count_own_try(call.service, _person(call))
    await totp.check_password(call.service, call.actor, call.body.password, _source(call), "begin_totp")
    async with call.service.db.system() as tx:
        made = await totp.begin(tx, call.service, call.actor)
        await signing.own_try_succeeded(tx, call.service, call.actor.id)
    drawn = io.BytesIO()
    segno.make(made.otpauth_url, error="m").save(drawn, kind="svg", xmldecl=False, scale=4)
    return schemas.TotpEnrolment(made.secret, made.otpauth_url, drawn.getvalue().decode())


@route(
    "POST",
    "/api/v1/users/me/totp/confirm",
    permission=None,
    body=schemas.TotpCode,
    answer=schemas.RecoveryCodes,
    transaction=False,
    raises=(errors.NotAllowed, TotpEnrolled, TotpNotEnabled, errors.TooManyRequests),
)
async def confirm_totp(call: Call[schemas.TotpCode]) -> schemas.RecoveryCodes:
    """Turn the second factor on with the app's first code; keep the recovery codes. Every other session ends."""
    await signing.count_own_try(call.service, _person(call))
    async with call.service.db.system() as tx:
        codes = await totp.confirm(tx, call.service, call.actor, call.body.code)
        await signing.own_try_succeeded(tx, call.service, call.actor.id)
    return schemas.RecoveryCodes(codes)


@route(
    "DELETE",
    "/api/v1/users/me/totp",
    permission=None,
    body=schemas.TotpRemoval,
    status=204,
    transaction=False,
    raises=(errors.NotAllowed, TotpNotEnabled, errors.TooManyRequests),
)
async def remove_totp(call: Call[schemas.TotpRemoval]) -> None:
    """Turn the second factor off, with a code of it or the password. Every other session ends."""
    if call.body.code is None and call.body.password is None:
        raise errors.invalid_field("code", "missing", _("Send a code of your authenticator app, or your password."))
    await signing.count_own_try(call.service, _person(call))
    if call.body.code is None:
        await totp.check_password(call.service, call.actor, call.body.password or "", _source(call), "remove_totp")
    async with call.service.db.system() as tx:
        await totp.remove(tx, call.service, call.actor, call.body.code)
        await signing.own_try_succeeded(tx, call.service, call.actor.id)


@route(
    "POST",
    "/api/v1/password-resets",
    public=True,
    body=schemas.ResetRequest,
    answer=schemas.Accepted,
    status=202,
    raises=(errors.TooManyRequests,),
)
async def request_reset(call: Call[schemas.ResetRequest]) -> schemas.Accepted:
    """Have a link mailed that sets a new password, if someone has this address: the answer does not tell."""
    await links.request_reset(call.service, call.body.email, _source(call))
    return schemas.Accepted()


@route(
    "PUT",
    "/api/v1/password-resets/{token}",
    public=True,
    body=schemas.NewPassword,
    status=204,
    raises=(LinkInvalid, errors.TooManyRequests),
)
async def reset_password(call: Call[schemas.NewPassword], token: str) -> None:
    """Set a new password by the link of a reset mail, once; every session ends."""
    await links.accept(call.service, Kind.RESET, token, call.body.password, _source(call))


@route(
    "PUT",
    "/api/v1/invitations/{token}",
    public=True,
    body=schemas.NewPassword,
    status=204,
    raises=(LinkInvalid, errors.TooManyRequests),
)
async def accept_invitation(call: Call[schemas.NewPassword], token: str) -> None:
    """Set the first password by the link of an invitation, once."""
    await links.accept(call.service, Kind.INVITATION, token, call.body.password, _source(call))


@route("GET", "/api/v1/outgoing-mail", permission=P.USERS_WRITE, items=schemas.MailView, paged=True, sorts=BY_AGE)
async def list_outgoing_mail(call: Call[None]) -> Listed:
    """Mails that were kept instead of sent (MERCHANT_MAIL_KIND=console), newest first; for demo and tests."""
    if call.service.settings.mail_kind != "console":
        raise errors.NotFound(_("Mails are sent here, not kept."))
    async with call.service.db.system_reads() as tx:
        rows = await email.kept(tx, call.service, call.actor.dfsp_id, call.page)
    return Listed([schemas.mail_view(row) for row in rows], [row.mail.id for row in rows])


def _person(call: Call[Any]) -> UUID:
    """The id of the person who calls. Raises NotAllowed for machines."""
    if call.actor.kind != "user":
        raise errors.NotAllowed(_("Only a person who is signed in can do this."))
    return call.actor.id


def _source(call: Call[Any]) -> str:
    return client_address(call.request.scope, call.request.headers, call.service.settings)


ROUTES = [
    sign_in,
    list_sessions,
    end_session,
    end_sessions,
    read_me,
    close_account,
    change_password,
    begin_totp,
    confirm_totp,
    remove_totp,
    request_reset,
    reset_password,
    accept_invitation,
    list_outgoing_mail,
]
