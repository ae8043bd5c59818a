"""Registering and signing in with a code: an address, the code that was sent to it, a name and a DFSP.

Also the claim of who finds their shop in the system already. A form without a session cannot carry the session's
secret; that it comes from our own page is what protects it.
"""

from typing import Any, get_args

import msgspec
from litestar import get, post

from merchant.core import errors
from merchant.core.http import inside
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.core.texts import _
from merchant.people.account_schemas import SessionView
from merchant.people.registration import routes as api
from merchant.people.registration.codes import WRONG_MAX
from merchant.people.registration.problems import CodeRefused, NotRegistered
from merchant.people.registration.schemas import LanguageCode, ParticipantView
from merchant.portal.account.sign_in import keep_session
from merchant.portal.signup import door
from merchant.portal.signup.door import KEPT, REFUSALS, Kept, Purpose
from merchant.portal.ui import pages
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

_CHOOSE, _ADDRESS, _CODE, _PERSON, _CLAIMED = (
    f"{__package__}/{name}.html" for name in ("choose", "address", "code", "person", "claimed")
)
# Where each purpose begins, and where the form of its code is sent.
BEGINS: dict[Purpose, str] = {"register": "/register/address", "sign_in": "/sign-in/code", "claim": "/register/claim"}
_SENT_TO: dict[Purpose, str] = {"register": "/register/code", "sign_in": "/register/code", "claim": "/register/claim"}
_AGAIN_AFTER_S = 30
_NEW_FORM = _("This took too long. Begin again; it is quick.")


class TooEarly(errors.WrongState):
    code, title = "too_early", _("We sent a code only just now. Wait a little before you ask for another one")


@get("/register", opt=PUBLIC, exception_handlers=IN_WORDS)
async def register_page(request: Req) -> Page:
    """What one comes for."""
    return await door.show(request, _CHOOSE, {})


@get("/register/address", opt=PUBLIC, exception_handlers=IN_WORDS)
async def address_page(request: Req) -> Page:
    """Ask for the telephone or e-mail address of who registers."""
    return await _address(request, "register", _by(request))


@get("/sign-in/code", opt=PUBLIC, exception_handlers=IN_WORDS)
async def code_sign_in_page(request: Req) -> Page:
    """Ask for the address of who comes back."""
    return await _address(request, "sign_in", _by(request))


@get("/register/claim", opt=PUBLIC, exception_handlers=IN_WORDS)
async def claim_page(request: Req) -> Page:
    """Ask for the number of a shop that is in the system already."""
    return await _address(request, "claim", _by(request))


@get("/register/code", opt=PUBLIC, exception_handlers=IN_WORDS)
async def code_page(request: Req) -> Page:
    """Whoever reloads a page of the middle begins again."""
    return pages.redirect("/register")


@post("/register/address", opt=PUBLIC, exception_handlers=IN_WORDS)
async def send_code(request: Req) -> Page:
    """Send a code to an address, or another one to the same; then ask for it."""
    door.speak(request)
    form = await read_form(request)
    if KEPT in form:
        return await _send_again(request, form)
    purpose = _purpose(form)
    by = "email" if form.get("by") == "email" else "phone"
    try:
        if purpose == "claim" and not form.get("number"):
            raise errors.invalid_field("number", "missing", _("Give the number of the shop."))
        if not form.get(by):
            told = _("Give your phone number.") if by == "phone" else _("Give your e-mail address.")
            raise errors.invalid_field(by, "missing", told)
        await inside.ask(request, api.send_one_time_code, body={by: form[by]})
    except REFUSALS as refused:
        return await _address(request, purpose, {"by": by} | form, refused)
    return await _code(request, door.kept_now(purpose, {by: form[by]}, form.get("number", "")), {})


async def _send_again(request: Req, form: dict[str, str]) -> Page:
    service = service_of(request)
    kept = door.opened(service, form[KEPT])
    if kept is None:
        return await _anew(request)
    try:
        if door.is_fresh(kept, _AGAIN_AFTER_S):
            raise TooEarly
        await inside.ask(request, api.send_one_time_code, body=kept.address)
    except REFUSALS as refused:
        return await _code(request, kept, form, refused)
    return await _code(request, door.kept_now(kept.purpose, kept.address, kept.number, kept.wrong), form, again=True)


@post("/register/code", opt=PUBLIC, exception_handlers=IN_WORDS)
async def try_code(request: Req) -> Page:
    """Sign in whoever is known by this address; ask a new person for their name and DFSP."""
    door.speak(request)
    form = await read_form(request)
    kept = door.opened(service_of(request), form.get(KEPT, ""))
    if kept is None:
        return await _anew(request)
    code = _digits(form)
    try:
        signed = (await inside.ask(request, api.sign_in_by_code, body={**kept.address, "code": code})).view
    except NotRegistered:
        return await _person(request, msgspec.structs.replace(kept, code=code), form)
    except REFUSALS as refused:
        return await _code(request, kept, form, refused)
    return _signed_in(request, signed, "/")


@post("/register", opt=PUBLIC, exception_handlers=IN_WORDS)
async def register(request: Req) -> Page:
    """Register with a code that was right, a name and a DFSP."""
    spoken = door.speak(request)
    form = await read_form(request)
    kept = door.opened(service_of(request), form.get(KEPT, ""))
    if kept is None or not kept.code:
        return await _anew(request)
    body: dict[str, Any] = {**kept.address, "code": kept.code, "name": form.get("name", "")}
    if spoken.language in get_args(LanguageCode):
        body["language"] = spoken.language
    try:
        if not form.get("dfsp_id"):
            raise errors.invalid_field("dfsp_id", "missing", _("Choose one."))
        told = await inside.ask(request, api.register_merchant, body=body | {"dfsp_id": form["dfsp_id"]})
    except CodeRefused as refused:
        return await _code(request, kept, form, refused)
    except REFUSALS as refused:
        return await _person(request, kept, form, refused)
    return _signed_in(request, msgspec.json.decode(told.view.content, type=SessionView), "/my-application")


@post("/register/claim", opt=PUBLIC, exception_handlers=IN_WORDS)
async def claim(request: Req) -> Page:
    """Say that a shop is one's own; the answer is the same, whether there is such a number."""
    door.speak(request)
    form = await read_form(request)
    kept = door.opened(service_of(request), form.get(KEPT, ""))
    if kept is None or kept.purpose != "claim":
        return await _anew(request)
    body = {**kept.address, "number": kept.number, "code": _digits(form), "name": form.get("name", "")}
    try:
        await inside.ask(request, api.claim_merchant, body=body)
    except REFUSALS as refused:
        return await _code(request, kept, form, refused)
    return await door.show(request, _CLAIMED, {})


# --- pages -----------------------------------------------------------------------------------------------------------


async def _address(
    request: Req, purpose: Purpose, form: dict[str, str], refused: errors.MerchantError | None = None
) -> Page:
    scheme = await service_of(request).scheme()
    return await door.show(
        request,
        _ADDRESS,
        form,
        refused,
        purpose=purpose,
        by_email=form.get("by") == "email",
        here=BEGINS[purpose],
        calling_code=door.calling_code(scheme.country),
    )


async def _code(
    request: Req, kept: Kept, form: dict[str, str], refused: errors.MerchantError | None = None, *, again: bool = False
) -> Page:
    """Ask for the six digits; what else was typed stays. After a wrong code it says how many tries are left."""
    if isinstance(refused, CodeRefused):
        kept = msgspec.structs.replace(kept, code="", wrong=kept.wrong + 1)
        if left := max(0, WRONG_MAX - kept.wrong):
            refused = CodeRefused(
                _("This is not the code that we sent, or it is over. Tries left: {count}.", count=left)
            )
    typed = {name: text for name, text in form.items() if name in ("name", "dfsp_id")}
    return await door.show(
        request,
        _CODE,
        typed,
        refused,
        kept=door.seal(service_of(request), kept),
        shown=kept.shown,
        is_email=kept.email is not None,
        claims=kept.purpose == "claim",
        action=_SENT_TO[kept.purpose],
        begins=BEGINS[kept.purpose],
        again=again,
    )


async def _person(request: Req, kept: Kept, form: dict[str, str], refused: errors.MerchantError | None = None) -> Page:
    """Ask who it is, and at which DFSP they want to be paid."""
    choices = [(str(one.id), one.name) for one in await dfsps(request)]
    only = choices[0][0] if len(choices) == 1 else ""
    fields = [
        Field("name", _("Your name"), required=True, most=100, autocomplete="name"),
        Field(
            "dfsp_id",
            _("Who shall keep your money?"),
            "radios",
            _("Choose where you have an account, or want one. You can change this until you hand in."),
            required=True,
            choices=choices,
            value=only,
        ),
    ]
    return await door.show(
        request,
        _PERSON,
        form,
        refused,
        kept=door.seal(service_of(request), kept),
        fields=fields,
        was_looking=kept.purpose == "sign_in",
    )


async def _anew(request: Req) -> Page:
    return await door.show(request, _CHOOSE, {}, errors.WrongState(_NEW_FORM))


async def dfsps(request: Req) -> list[ParticipantView]:
    """The DFSPs at which a merchant may register."""
    told = await inside.ask(request, api.list_registration_dfsps)
    found = msgspec.json.decode(told.view.content, type=dict[str, Any])["items"]
    return msgspec.convert(found, list[ParticipantView])


def _signed_in(request: Req, signed: SessionView, path: str) -> Page:
    response = pages.redirect(path)
    keep_session(request, response, signed.access_token, signed.device_token)
    return response


def _purpose(form: dict[str, str]) -> Purpose:
    return next((one for one in door.PURPOSES if one == form.get("purpose")), door.PURPOSES[0])


def _by(request: Req) -> dict[str, str]:
    return {"by": "email" if request.query_params.get("by") == "email" else "phone"}


def _digits(form: dict[str, str]) -> str:
    """The code, as people also type it: in two groups."""
    return form.get("code", "").replace(" ", "").replace("-", "")


ROUTES = [
    register_page,
    address_page,
    code_sign_in_page,
    claim_page,
    code_page,
    send_code,
    try_code,
    register,
    claim,
]
