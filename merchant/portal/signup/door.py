"""What the pages before an account share: an address that is kept from form to form, and refusals told in words.

Nobody has a session here, and nothing of an address may stand in a page's own address: so a form carries it sealed.
"""

import base64
from datetime import timedelta
from typing import Any, Literal

import msgspec
import phonenumbers
from msgspec import Struct

from merchant.core import clock, errors
from merchant.core.http.json import note_refusal, service_of
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _
from merchant.core.vault import MissingSecretKey, WrongSecretKey
from merchant.people.problems import TotpRequired
from merchant.people.registration.problems import AddressLocked, CodesSpent
from merchant.portal.ui import languages, pages, when
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.pages import Page, Req

Purpose = Literal["register", "sign_in", "claim"]
PURPOSES: tuple[Purpose, ...] = ("register", "sign_in", "claim")
KEPT = "kept"  # the field of a form
REFUSALS = (errors.TooManyRequests, errors.InvalidFields, errors.WrongState, errors.NotSignedIn)
_KEPT_S, _SEALED = 1_800, "address of who registers"


class Kept(Struct, frozen=True):
    """An address that a code was sent to, for which purpose, and the code once it was right."""

    purpose: Purpose
    phone: str | None
    email: str | None
    sent_at: float  # seconds since the epoch
    until: float
    number: str = ""  # of the shop that somebody claims
    code: str = ""
    wrong: int = 0  # codes that this form sent in vain; the API tells nobody, so that staff are answered alike

    @property
    def address(self) -> dict[str, str]:
        """As the API takes it."""
        given = {"phone": self.phone, "email": self.email}
        return {name: text for name, text in given.items() if text}

    @property
    def shown(self) -> str:
        """As a page shows it."""
        return self.phone or self.email or ""


def kept_now(purpose: Purpose, address: dict[str, str], number: str, wrong: int = 0) -> Kept:
    """What is kept of an address to which a code goes now."""
    now = clock.now().timestamp()
    return Kept(purpose, address.get("phone"), address.get("email"), now, now + _KEPT_S, number, wrong=wrong)


def seal(service: Service, kept: Kept) -> str:
    """As a form carries it."""
    return base64.urlsafe_b64encode(service.vault.seal(msgspec.json.encode(kept), _SEALED)).decode()


def opened(service: Service, sent: str) -> Kept | None:
    """What a form carried; None when it is not ours, or too old."""
    try:
        kept = msgspec.json.decode(service.vault.open(base64.urlsafe_b64decode(sent), _SEALED), type=Kept)
    except (ValueError, IndexError, WrongSecretKey, MissingSecretKey):
        return None
    return kept if kept.until > clock.now().timestamp() else None


def is_fresh(kept: Kept, wait_s: int) -> bool:
    """Whether a code was sent only just now."""
    return clock.now().timestamp() - kept.sent_at < wait_s


def speak(request: Req) -> languages.Spoken:
    """The page's language, in which the API speaks too: messages go out in it."""
    spoken = languages.spoken_with(request)
    request.scope["state"]["language"] = spoken.language
    return spoken


async def show(
    request: Req, template: str, form: dict[str, str], refused: errors.MerchantError | None = None, **content: Any
) -> Page:
    """A page before there is an account, with what was refused."""
    scheme = await service_of(request).scheme()
    wrong: dict[str, str] = {}
    told: Any = None
    if refused is not None:
        note_refusal(request, refused)
        wrong = {one.path: one.message for one in refused.errors}
        told = said(speak(request), scheme, refused)
    page = pages.respond(
        request,
        template,
        200 if refused is None else refused.status,
        scheme=scheme,
        form=form,
        wrong=wrong,
        told=told,
        problem=None,
        **content,
    )
    if refused is not None:
        page.headers.update({name: text for name, text in refused.headers.items() if name == "retry-after"})
    return page


def said(spoken: languages.Spoken, scheme: SchemeFacts, refused: errors.MerchantError) -> Any:
    """A refusal for whoever reads little: with the hour at which to try again."""
    wait = refused.headers.get("retry-after", "")
    if wait.isdigit():
        again = when.tell_time(clock.now() + timedelta(seconds=int(wait) + 30), zone_of(scheme), spoken.language)
        if isinstance(refused, AddressLocked):
            return spoken.say(_("Too many wrong codes. Nobody can use this address until {time}."), time=again)
        if isinstance(refused, CodesSpent):
            return spoken.say(_("We sent you several codes already. You can ask for a new one at {time}."), time=again)
        return spoken.say(_("Too many tries. Try again at {time}."), time=again)
    if isinstance(refused, TotpRequired):
        return spoken.say(_("You set up an authenticator app: sign in with your password."))
    return spoken.say(refused.detail)


def calling_code(country: str) -> str:
    """How telephone numbers of a country begin: `+254`; nothing for one without."""
    code = phonenumbers.country_code_for_region(country)
    return f"+{code}" if code else ""
