"""One request for payment: waiting, then what became of it, and asking again where nothing was paid.

Only what the API says is told, and never “paid” before.

Without a script the page asks again by itself for two minutes; with one it listens (static/shop.js).
"""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from merchant.core import clock, texts
from merchant.core.access import Permission as P
from merchant.core.money import parse_shown
from merchant.core.texts import _
from merchant.payments import routes as api
from merchant.payments.reasons import ASKED_AGAIN
from merchant.payments.schemas import Amount, PaymentRequestView
from merchant.payments.states import RequestCapability, RequestState, may, may_be_asked_again
from merchant.portal.merchant.shop import SHOP, shop_of
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link, screen, show
from merchant.portal.ui.when import as_instant
from merchant.registry.codes import payload as codes
from merchant.registry.merchants.schemas import MerchantView
from qr.render import render_svg

_WAITING = f"{__package__}/waiting.html"
_ASKS_ITSELF = timedelta(minutes=2)  # then a link does: data bundles are small
_S = RequestState


class Said(Struct, frozen=True):
    """A state as the shop reads it: big, and what to do. `is_moving` may still change, `shows_code` can be scanned,
    `shows_reason` tells what the API gives as reason besides, `lacks_money` ended without, though nobody took it back.
    """

    title: str
    text: str
    tone: str
    icon: str
    is_moving: bool = False
    shows_code: bool = False
    shows_reason: bool = False
    is_paid: bool = False
    lacks_money: bool = False


_TO_PHONE = Said(
    _("Waiting"), _("The customer was asked. They agree on their own phone."), "wait", "smartphone", True, True
)
_TO_SCAN = Said(_("Waiting"), _("The customer scans this code, or dials."), "wait", "qr-code", True, True)
_ASKED_ANEW = Said(_("Asked again"), _("You asked once more. The newer request counts."), "plain", "refresh-cw")
SAID = {
    _S.CREATED: Said(_("Waiting"), _("The customer is being asked."), "wait", "clock", True, True),
    _S.SENT: _TO_PHONE,
    _S.AWAITING_PAYER: _TO_PHONE,
    _S.ACCEPTED: Said(
        _("On its way"), _("The customer agreed. Wait for “Paid” before you hand out the goods."), "wait", "send", True
    ),
    _S.PAID: Said(_("Paid"), _("The money is yours."), "good", "circle-check", is_paid=True),
    _S.REJECTED: Said(_("Declined"), _("The customer said no. Nothing was paid."), "bad", "circle-x", lacks_money=True),
    _S.EXPIRED: Said(_("Expired"), _("Nobody paid in time."), "bad", "clock", shows_reason=True, lacks_money=True),
    _S.FAILED: Said(
        _("Not paid"), _("The payment did not go through."), "bad", "circle-x", shows_reason=True, lacks_money=True
    ),
    _S.CANCELLED: Said(_("Taken back"), _("You took this back. Nothing was paid."), "plain", "x"),
    _S.IN_DOUBT: Said(
        _("In doubt"),
        _("We are asking the hub. Do not hand out the goods yet."),
        "bad",
        "circle-help",
        is_moving=True,
        shows_reason=True,
    ),
}


@screen("GET", "/shop/requests/{request_id}", permission=P.PAYMENTS_READ, kinds=SHOP)
async def waiting(view: View, request_id: UUID) -> Page:
    """The request, as it stands now."""
    asked: PaymentRequestView = (await view.ask(api.read_payment_request, path={"request_id": request_id})).view
    shop = await shop_of(view)
    said = _ASKED_ANEW if was_asked_again(asked) else SAID[asked.state]
    shows_code = said.shows_code and asked.payer is None
    alias = next((one.alias for one in shop.counters if one.id == asked.counter_id), "")
    amount = parse_shown(asked.amount.amount, asked.amount.currency)
    return view.page(
        _WAITING,
        asked=asked,
        said=_TO_SCAN if shows_code else said,
        can_cancel=may(asked.state, RequestCapability.CANCEL) and view.may(P.PAYMENTS_REQUEST),
        reloads=said.is_moving and clock.now() - as_instant(asked.created_at) < _ASKS_ITSELF,
        code=render_svg(asked.qr_payload, title=texts.translate(_("QR code to pay"), view.spoken.language))
        if shows_code
        else "",
        alias=alias,
        dial=codes.dial_string(view.scheme.ussd_code, alias, amount) if shows_code and alias else None,
        reference=asked.reference or asked.pay_url.rpartition(".")[2],
        counter=_counter(shop, asked),
        can_ask_again=can_ask_again(view, asked),
        changed=_changed(asked),
        spoken_amount=_spoken_amount(asked.amount, view.spoken.language) if said.is_paid else "",
    )


def _counter(shop: MerchantView, asked: PaymentRequestView) -> str:
    """At which counter, where there are several."""
    return asked.counter_name if len(shop.counters) > 1 else ""


def was_asked_again(asked: PaymentRequestView) -> bool:
    """Whether a newer request took its place."""
    return asked.reason is not None and asked.reason.code == ASKED_AGAIN.code


def can_ask_again(view: View, asked: PaymentRequestView) -> bool:
    """Whether a press may ask the same customer once more; a request whose money is under way refuses it in words."""
    return view.may(P.PAYMENTS_REQUEST) and may_be_asked_again(asked.state) and not was_asked_again(asked)


def _changed(asked: PaymentRequestView) -> str:
    """The form, begun with what was asked, to ask for something else: whom is typed anew, which no address may hold."""
    amount = {"amount": asked.amount.amount, "currency": asked.amount.currency}
    return link("/shop/ask", **amount, counter=asked.counter_id, note=asked.note)


def _spoken_amount(amount: Amount, language: str) -> str:
    """An amount as a voice says it: `12.5 US dollars`."""
    from babel.numbers import format_decimal, get_currency_name  # 20 ms, which only a page that is heard needs

    locale, number = texts.locale_of(language), Decimal(amount.amount)
    return f"{format_decimal(number, locale=locale)} {get_currency_name(amount.currency, float(number), locale)}"


@screen("POST", "/shop/requests/{request_id}/cancel", permission=P.PAYMENTS_REQUEST, kinds=SHOP)
async def cancel(view: View, request_id: UUID) -> Page:
    """Take the request back; a customer who is paying at this moment is told."""
    return await view.act(
        api.cancel_payment_request,
        path={"request_id": request_id},
        to=f"/shop/requests/{request_id}",
        again=lambda: show(waiting, view, request_id=request_id),
    )


@screen("POST", "/shop/requests/{request_id}/ask-again", permission=P.PAYMENTS_REQUEST, kinds=SHOP)
async def ask_again(view: View, request_id: UUID) -> Page:
    """Put the same demand to the same customer once more, and go on with the new request; the earlier one ends."""
    return await view.act(
        api.ask_again_for_payment_request,
        path={"request_id": request_id},
        key=view.form.get(ONCE),
        to=lambda made: f"/shop/requests/{made.id}",
        done=_("Asked again. This is the request that counts now; the earlier one has ended."),
        again=lambda: show(waiting, view, request_id=request_id),
    )


ROUTES = [waiting, cancel, ask_again]
