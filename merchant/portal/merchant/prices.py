"""Things that a shop sells and their prices: the keys of the page that asks for payment."""

from typing import Any

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.payments.price_keys import routes as api
from merchant.payments.price_keys.schemas import PriceKeyView
from merchant.portal.merchant.order import typed_amount
from merchant.portal.merchant.shop import SHOP, counter_names, is_owner, open_counters, shop_of
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.registry.merchants.schemas import MerchantView

_PRICES = f"{__package__}/prices.html"


@screen("GET", "/shop/prices", permission=P.PAYMENTS_READ, kinds=SHOP)
async def prices(view: View) -> Page:
    """The price keys, and the ways to add and change them."""
    shop = await shop_of(view)
    keys = (await view.ask(api.list_price_keys)).view
    return view.page(_PRICES, shop=shop, keys=keys, names=counter_names(shop), keeps=is_owner(view))


def _fields(shop: MerchantView, *, is_new: bool = True) -> list[Field]:
    fields = [
        Field("label", _("Name"), hint=_("Such as “Tea” or “Bread”."), required=True, most=40),
        Field("amount.amount", _("Price"), "money", required=True, currency=_only(shop)),
    ]
    if len(shop.currencies) > 1:
        choices = [(one, one) for one in shop.currencies]
        fields.append(
            Field("amount.currency", _("Currency"), "choice", required=True, choices=choices, value=shop.currencies[0])
        )
    else:
        fields.append(Field("amount.currency", "", "hidden", value=shop.currencies[0]))
    counters = open_counters(shop)
    if len(counters) > 1 and is_new:
        choices = [(str(one.id), one.name) for one in counters]
        hint = _("Leave it empty for every counter.")
        fields.append(Field("counter_id", _("Only at this counter"), "choice", hint, choices=choices))
    return fields


def _only(shop: MerchantView) -> str:
    return shop.currencies[0] if len(shop.currencies) == 1 else ""


async def _new(view: View, _given: dict[str, Any]) -> Subject:
    _read_price(view)
    return Subject(fields=_fields(await shop_of(view)))


async def _key(view: View, given: dict[str, Any]) -> Subject:
    _read_price(view)
    shop = await shop_of(view)
    found = next((one for one in (await view.ask(api.list_price_keys)).view if one.id == given["price_key_id"]), None)
    return Subject(found.label if found else "", start=_start(found), fields=_fields(shop, is_new=False))


async def _named(view: View, given: dict[str, Any]) -> Subject:
    return Subject((await _key(view, given)).name)


def _start(key: PriceKeyView | None) -> dict[str, str]:
    if key is None:
        return {}
    return {"label": key.label, "amount.amount": key.amount.amount, "amount.currency": key.amount.currency}


def _read_price(view: View) -> None:
    """Prices are typed as amounts are."""
    if "amount.amount" in view.form:
        view.form["amount.amount"] = typed_amount(view.form["amount.amount"])


_ACTS = (
    Act(
        path="/shop/prices/add",
        handler=api.add_price_key,
        title=_("Add a price"),
        effect=_("It becomes a key on the page that asks for payment."),
        button=_("Add"),
        to="/shop/prices",
        done=_("The price is added."),
        subject=_new,
        kinds=SHOP,
    ),
    Act(
        path="/shop/prices/{price_key_id}/change",
        handler=api.change_price_key,
        title=_("Change {name}"),
        effect=_("What you asked for before stays as it was."),
        button=_("Change"),
        to="/shop/prices",
        done=_("The price of {name} is changed."),
        subject=_key,
        kinds=SHOP,
    ),
    Act(
        path="/shop/prices/{price_key_id}/remove",
        handler=api.remove_price_key,
        title=_("Take {name} away"),
        effect=_("The key goes; what you asked for before stays as it was."),
        button=_("Take it away"),
        to="/shop/prices",
        done=_("{name} is gone."),
        tone="bad",
        subject=_named,
        kinds=SHOP,
    ),
)

ROUTES = [prices, *(one for act in _ACTS for one in act_screens(act))]
