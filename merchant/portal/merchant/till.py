"""Asking for payment: an amount by keypad or price keys, then the customer's number, or a QR code to scan."""

from collections.abc import Mapping, Sequence
from typing import Any

from merchant.core import errors, money
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.payments import routes as api
from merchant.payments.price_keys import routes as price_api
from merchant.payments.price_keys.schemas import PriceKeyView
from merchant.portal.merchant.order import LINE, NOTE_CHARS, all_decimals, lines_of, sum_of, typed_amount, words_of
from merchant.portal.merchant.shop import SHOP, is_owner, open_counters, shop_of, takes_payments, why_stopped
from merchant.portal.ui import pages
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show

_ASK = f"{__package__}/ask.html"
_AMOUNT, _CURRENCY, _COUNTER, _PAYER, _NOTE = "amount.amount", "amount.currency", "counter_id", "payer.id", "note"
# A script that sends the form says so, and is told where to go on instead of being led there (static/shop.js).
_BY_SCRIPT = "x-sent-by"


@screen("GET", "/shop/ask", permission=P.PAYMENTS_REQUEST, kinds=SHOP)
async def ask(view: View) -> Page:
    """The form; `?amount=` and the rest begin it with what was asked before."""
    shop = await shop_of(view)
    keys: list[PriceKeyView] = (await view.ask(price_api.list_price_keys)).view
    form = dict(view.form) or _begun(view.query)
    counters = open_counters(shop)
    if form.get(_CURRENCY) not in shop.currencies:
        form[_CURRENCY] = shop.currencies[0]
    lines = _pressed(form, keys)
    shown = [
        key for key in keys if key.counter_id is None or form.get(_COUNTER, str(key.counter_id)) == str(key.counter_id)
    ]
    view.form = {name: text for name, text in form.items() if not name.startswith(LINE)}
    return view.page(
        _ASK,
        shop=shop,
        counters=counters,
        takes=takes_payments(shop) and bool(counters),
        why=why_stopped(shop) or _("The shop has no open counter. Open one first."),
        keys=shown,
        lines=lines,
        decimals={one: money.exponent(one) for one in shop.currencies},
        keeps_prices=is_owner(view),
        note_chars=NOTE_CHARS,
    )


def _begun(query: Mapping[str, str]) -> dict[str, str]:
    """What an address begins the form with: never whom to ask, which no address may hold."""
    names = {"amount": _AMOUNT, "currency": _CURRENCY, "counter": _COUNTER, "note": _NOTE}
    return {field: query[name][:NOTE_CHARS] for name, field in names.items() if name in query}


def _pressed(form: dict[str, str], keys: Sequence[PriceKeyView]) -> Any:
    """The order's lines; where a key was pressed, the amount and the note become the order's."""
    is_pressed = "add" in form or "less" in form
    before = lines_of({name: text for name, text in form.items() if name.startswith(LINE)}, keys)
    lines = lines_of(form, keys)
    if is_pressed:
        total = sum_of(lines)
        form[_AMOUNT] = all_decimals(total) if total else ""
        if total:
            form[_CURRENCY] = total.currency
        if form.get(_NOTE, "") in ("", words_of(before)):
            form[_NOTE] = words_of(lines)
    form.pop("add", None), form.pop("less", None)
    return lines


@screen("POST", "/shop/ask", permission=P.PAYMENTS_REQUEST, kinds=SHOP)
async def send_ask(view: View) -> Page:
    """Ask; or, where a price key was pressed, show the form with one more line."""
    form = view.form
    if "add" in form or "less" in form:
        return await show(ask, view)
    how = form.pop("how", "")
    wants_phone = how == "phone" or (not how and bool(form.get(_PAYER)))
    if wants_phone and not form.get(_PAYER):
        view.problem = errors.invalid_field(
            _PAYER, "missing", _("Enter the customer’s phone number, or show a QR code.")
        )
        return await show(ask, view)
    told = await view.attempt(api.create_payment_request, body=_body(form, wants_phone), key=form.get(ONCE))
    if told is None:
        if isinstance(view.problem, errors.IdempotencyKeyReused):  # sent before, then changed with the back button
            form.pop(ONCE, None)
            view.problem = errors.WrongState(_("This was sent before. Press again to ask for this amount as well."))
        return await show(ask, view)
    there = f"/shop/requests/{told.view.id}"
    if _BY_SCRIPT in view.request.headers:
        page = pages.redirect(there)
        page.status_code = 201
        return page
    return view.go(there)


def _body(form: Mapping[str, str], wants_phone: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "amount": {"amount": typed_amount(form.get(_AMOUNT, "")), "currency": form.get(_CURRENCY, "")}
    }
    if wants_phone:
        body["payer"] = {"type": "MSISDN", "id": form.get(_PAYER, "")}
    for name in (_COUNTER, _NOTE):
        if form.get(name):
            body[name] = form[name]
    return body


ROUTES = [ask, send_ask]
