"""A shopper lets the shop's request come to their own phone: `/q/{code}/phone`.

The request is one of the shop's, made in its tenant as its own till would make it. Whoever knows a number could have
strangers' phones ring, so it is asked for seldom: a source, a phone and a counter have a limit each in every process,
and a phone has one that the database keeps. It ends soon by itself.
"""

import hashlib
from datetime import timedelta
from math import ceil
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from merchant.core import clock, errors, idempotency, phone, throttling
from merchant.core.access import Actor
from merchant.core.http.forms import read_form
from merchant.core.http.json import note_refusal, service_of
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.payments.operations import NewRequest, create_request
from merchant.portal.pay.found import Found, look_up, source_of
from merchant.portal.pay.pay import Typed, page_of, stop, typed_amount, unknown_code
from merchant.portal.pay.told import STOPPED
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.registry.codes import payload as codes

_PHONE_PAGE = f"{__package__}/phone.html"
CHANNEL = "page"
LIVES_S = 300  # whoever asked holds the phone already
PER_SOURCE, PER_PHONE = 10, 3  # a minute, in one process: a family's phone network, and slips of one person
PER_COUNTER = 20  # likewise: nobody serves more, and a till's list of who is asked stays one to be read
# Over all processes, of whatever shop: nobody pays more often by a page, and a stranger is rung no more than that.
PER_PHONE_IN, PER_PHONE_AT_MOST = timedelta(minutes=10), 6
_RECENT = """
SELECT count(*) FROM payment_request WHERE payer_digest = $1 AND channel = $2 AND created_at > $3
"""


class TooManyAsked(errors.TooManyRequests):
    code, title = "too_many_asked", _("Too many requests were sent from here or to this phone; wait some minutes")


def by_source(_service: Service) -> Throttle:
    """Forms that one source may send."""
    return Throttle(per_minute=PER_SOURCE, burst=PER_SOURCE)


def by_phone(_service: Service) -> Throttle:
    """Requests that one phone may be sent."""
    return Throttle(per_minute=PER_PHONE, burst=PER_PHONE)


def by_counter(_service: Service) -> Throttle:
    """Requests that may be sent in one counter's name."""
    return Throttle(per_minute=PER_COUNTER, burst=PER_COUNTER)


@get("/q/{code:str}/phone", opt=PUBLIC, exception_handlers=IN_WORDS)
async def phone_page(request: Req, code: FromPath[str]) -> Page:
    """The form that asks for a phone number and an amount."""
    found = await look_up(request, code)
    if (refused := _refused(request, found)) is not None:
        return refused
    assert found is not None
    typed = typed_amount(request.query_params, await service_of(request).scheme(), found.shop["currencies"])
    return await _show(request, found, typed)


@post("/q/{code:str}/phone", status_code=303, opt=PUBLIC, exception_handlers=IN_WORDS)
async def send_to_phone(request: Req, code: FromPath[str]) -> Page:
    """Ask for the money at a phone, once for each form, and go on to the page of that request."""
    service, form = service_of(request), await read_form(request)
    _count(service, by_source, source_of(request), "send_to_phone")
    found = await look_up(request, code)
    if (refused := _refused(request, found)) is not None:
        return refused
    assert found is not None
    scheme = await service.scheme()
    typed = typed_amount(form, scheme, found.shop["currencies"])
    if not typed.text:
        typed = msgspec.structs.replace(typed, wrong=_("Enter the amount that the shop says."))
    payer = phone.parse(form.get("phone", ""), scheme.country)
    if payer is None or typed.amount is None:
        wrong = "" if payer else _("Enter a phone number, such as one that you would dial.")
        return await _show(request, found, typed, form, wrong)
    _count(service, by_phone, payer.digest(service.vault).hex()[:16], "send_to_phone")
    _count(service, by_counter, str(found.shop["counter_id"]), "send_to_phone")
    try:
        address = await _ask(service, found, typed, payer, form)
    except errors.InvalidFields as refusal:
        note_refusal(request, refusal)
        typed = msgspec.structs.replace(typed, wrong=refusal.errors[0].message)
        return await _show(request, found, typed, form)
    return pages.redirect(page_of(request, address))


def _refused(request: Req, found: Found | None) -> Page | None:
    """What is shown instead: a code of nobody's, of one request, or of a shop that may not be paid."""
    if found is None or found.asked is not None:
        return unknown_code(request)
    return None if found.payable else stop(request, STOPPED, found, status=404)


async def _show(
    request: Req, found: Found, typed: Typed, form: dict[str, str] | None = None, wrong_phone: str = ""
) -> Page:
    return pages.respond(
        request,
        _PHONE_PAGE,
        422 if form is not None else 200,
        scheme=await service_of(request).scheme(),
        shop=codes.CodeFacts.of(found.shop),
        checked_by=found.checked_by,
        typed=typed,
        form=form or {},
        wrong_phone=wrong_phone,
    )


async def _ask(service: Service, found: Found, typed: Typed, payer: Msisdn, form: dict[str, str]) -> str:
    """Store the request as the merchant's own till would; its page. Raises what create_request does, TooManyAsked."""
    shop, scheme = found.shop, await service.scheme()
    actor = Actor(
        kind="service", id=UUID(int=0), name="pay page", dfsp_id=shop["dfsp_id"], merchant_id=shop["merchant_id"]
    )
    new = NewRequest(
        counter_id=shop["counter_id"],
        amount=typed.amount,  # type: ignore[arg-type]  # read by the caller
        payer=payer,
        channel=CHANNEL,
        expires_in_s=min(LIVES_S, scheme.request_expiry_max_s),
    )
    # The form holds an id made for it, so one that is sent twice asks once, and a changed one asks again.
    said = msgspec.json.encode(
        [form.get("once", "")[:64], shop["alias"], msgspec.to_builtins(typed.amount), str(payer)]
    )
    key = service.vault.digest("pay_page", hashlib.sha256(said).hexdigest()).hex()

    async with service.db.system_reads() as reads:  # whatever DFSP's shop rang that phone
        recent = await reads.fetchval(_RECENT, payer.digest(service.vault), CHANNEL, clock.now() - PER_PHONE_IN)
    if recent >= PER_PHONE_AT_MOST:
        raise TooManyAsked(headers={"retry-after": str(PER_PHONE_IN // timedelta(seconds=1))})

    async with service.db.tenant(actor.dfsp_id) as tx:

        async def work() -> tuple[int, bytes]:
            made = await create_request(tx, service, actor, new)
            return 201, codes.pay_url("", made.alias, made.short_ref).encode()

        outcome = await idempotency.run_once(tx, service.vault, actor, "pay page", key, said, work)
    return outcome.body.decode()


def _count(service: Service, limit: Any, key: str, door: str) -> None:
    """Raises TooManyAsked."""
    if wait_s := throttling.wait_s(service, limit, key, door):
        raise TooManyAsked(headers={"retry-after": str(ceil(wait_s))})


ROUTES = [phone_page, send_to_phone]
