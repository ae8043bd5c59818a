"""One's own account: password, second factor, and where one is signed in."""

from merchant.core.texts import _
from merchant.people import account_routes as api
from merchant.people.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from merchant.portal.ui.acts import Act, act_screens
from merchant.portal.ui.fields import Field, collect
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show

_ACCOUNT, _SECOND_FACTOR, _ENROL, _CODES = (
    f"{__package__}/{name}.html" for name in ("profile", "second_factor", "enrol", "recovery_codes")
)
PASSWORD = Field("password", _("Your password"), "password", required=True, autocomplete="current-password")
_CODE = Field(
    "code", _("Code of your authenticator app"), "digits", required=True, most=6, autocomplete="one-time-code"
)


@screen("GET", "/account")
async def account(view: View) -> Page:
    """One's account: what one may do, how one signs in, and where."""
    me = (await view.ask(api.read_me)).view
    sessions = (await view.ask(api.list_sessions)).view
    return view.page(_ACCOUNT, me=me, sessions=sessions, may_close=view.kind == Kind.HUB)


@screen("POST", "/account/sessions/{session_id}/end")
async def end_session(view: View, session_id: str) -> Page:
    """Sign out somewhere else."""
    return await view.act(
        api.end_session,
        path={"session_id": session_id},
        to="/account",
        done=_("Signed out there."),
        again=lambda: show(account, view),
    )


@screen("GET", "/account/second-factor")
async def second_factor(view: View) -> Page:
    """Set up an authenticator app, with one's password first."""
    return view.page(_SECOND_FACTOR, fields=[PASSWORD])


@screen("POST", "/account/second-factor")
async def begin_second_factor(view: View) -> Page:
    """Show the code to scan with the app."""
    told = await view.attempt(api.begin_totp, body=collect(view.form, [PASSWORD]))
    if told is None:
        return await show(second_factor, view)
    return view.page(_ENROL, fields=[_CODE], secret=told.view.secret, drawn=told.view.qr_svg)


@screen("POST", "/account/second-factor/confirm")
async def confirm_second_factor(view: View) -> Page:
    """Turn it on with the first code, and show the recovery codes once."""
    told = await view.attempt(api.confirm_totp, body={"code": view.form.get("code", "")})
    if told is None:
        return view.page(_ENROL, fields=[_CODE], secret=None, drawn=None)
    return view.page(_CODES, codes=told.view.recovery_codes)


_CHANGE_PASSWORD = Act(
    path="/account/password",
    handler=api.change_password,
    title=_("Change your password"),
    effect=_("Everywhere else you are signed out."),
    button=_("Change"),
    to="/account",
    done=_("Your password is changed."),
    fields=(
        Field("current", _("Your password now"), "password", required=True, autocomplete="current-password"),
        Field(
            "new",
            _("New password"),
            "password",
            _("{least} characters or more; a few words are easier to keep than signs.", least=MIN_PASSWORD_LENGTH),
            required=True,
            most=MAX_PASSWORD_LENGTH,
            autocomplete="new-password",
        ),
    ),
)
_REMOVE_SECOND_FACTOR = Act(
    path="/account/second-factor/remove",
    handler=api.remove_totp,
    title=_("Turn the second factor off"),
    effect=_("Whoever learns your password can then sign in as you. Everywhere else you are signed out."),
    button=_("Turn it off"),
    to="/account",
    done=_("The second factor is off."),
    tone="bad",
    fields=(_CODE,),
)
_SIGN_OUT_EVERYWHERE = Act(
    path="/account/sign-out-everywhere",
    handler=api.end_sessions,
    title=_("Sign out everywhere"),
    effect=_("Every browser and program that is signed in as you is signed out, this one too."),
    button=_("Sign out everywhere"),
    to="/sign-in",
    tone="bad",
)
_CLOSE = Act(
    path="/account/close",
    handler=api.close_account,
    title=_("Close my account"),
    effect=_("You are signed out everywhere and cannot sign in. Another operator can let you in again."),
    button=_("Close my account"),
    to="/sign-in",
    tone="bad",
    fields=(PASSWORD,),
    kinds=frozenset({Kind.HUB}),
)

ROUTES = [
    account,
    end_session,
    second_factor,
    begin_second_factor,
    confirm_second_factor,
    *act_screens(_CHANGE_PASSWORD),
    *act_screens(_REMOVE_SECOND_FACTOR),
    *act_screens(_SIGN_OUT_EVERYWHERE),
    *act_screens(_CLOSE),
]
