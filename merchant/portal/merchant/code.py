"""The shop's own codes: to be scanned from the screen, also without a line, and to be printed."""

from functools import cache
from uuid import UUID

from msgspec import Struct

from merchant.channels import poster_routes
from merchant.channels import qr as qr_api
from merchant.core import errors, texts
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.merchant.shop import SHOP, open_counters, shop_of, why_stopped
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show
from merchant.registry.codes import payload as codes
from merchant.registry.merchants.schemas import CounterView, MerchantView
from merchant.registry.merchants.states import Capability, merchant_may
from qr.posters.poster import shipped_instructions
from qr.render import render_svg

_CODE, _POSTERS, _BATCH = (f"{__package__}/{name}.html" for name in ("code", "posters", "poster_batch"))
_PAPERS = [
    ("A4", _("A4, for the wall")),
    ("A6", _("A6, for the counter")),
    ("sheet", _("Stickers, twelve on a sheet")),
]


class Shown(Struct, frozen=True):
    """A counter's code as a screen shows it."""

    counter: CounterView
    code: str
    dial: str | None
    address: str


@screen("GET", "/shop/code", permission=P.MERCHANTS_READ, kinds=SHOP)
async def code(view: View) -> Page:
    """Every counter's code, big.

    The page says what the printed sticker says to anyone who looks at it: no money and no person. So a telephone may
    keep it and show it without a line (static/sw.js), although its HTTP caches keep no page of a session.
    """
    shop = await shop_of(view)
    can_show = merchant_may(shop.state, Capability.SHOW_CODES)
    shown = [await _shown(view, one) for one in open_counters(shop)] if can_show else []
    return view.page(_CODE, shop=shop, shown=shown, why=why_stopped(shop), prints=view.actor.counter_id is None)


async def _shown(view: View, counter: CounterView) -> Shown:
    drawn = await view.ask(qr_api.read_counter_qr, path={"counter_id": counter.id}, query={"format": "payload"})
    title = texts.translate(_("QR code to pay"), view.spoken.language)
    return Shown(
        counter=counter,
        code=render_svg(bytes(drawn.view.content).decode(), title=title),
        dial=codes.dial_string(view.scheme.ussd_code, counter.alias),
        address=codes.pay_url(view.service.settings.base_url, counter.alias),
    )


def _fields(shop: MerchantView, language: str) -> list[Field]:
    languages = _languages()
    return [
        Field("page", _("Paper"), "choice", required=True, choices=_PAPERS, value="A4"),
        Field("first", _("Language"), "choice", required=True, choices=languages, value=language),
        Field("second", _("Second language"), "choice", choices=languages),
    ]


@screen("GET", "/shop/posters", permission=P.MERCHANTS_READ, kinds=SHOP)
async def posters(view: View) -> Page:
    """Order posters: which paper, and in which languages."""
    shop = await shop_of(view)
    if view.actor.counter_id is not None:
        raise errors.NotFound
    batches = (await view.ask(poster_routes.list_poster_batches, query={"limit": "5"})).view
    return view.page(_POSTERS, shop=shop, fields=_fields(shop, view.spoken.language), batches=batches)


@screen("POST", "/shop/posters", permission=P.MERCHANTS_READ, kinds=SHOP)
async def order_posters(view: View) -> Page:
    """Order them; they are drawn within seconds."""
    languages = list(dict.fromkeys(one for one in (view.form.get("first"), view.form.get("second")) if one))
    return await view.act(
        poster_routes.order_posters,
        body={"page": view.form.get("page", ""), "languages": languages},
        key=view.form.get(ONCE),
        to=lambda batch: f"/shop/posters/{batch.id}",
        again=lambda: show(posters, view),
    )


@screen("GET", "/shop/posters/{batch_id}", permission=P.MERCHANTS_READ, kinds=SHOP)
async def poster_batch(view: View, batch_id: UUID) -> Page:
    """How far the posters are, and the PDF once it is there."""
    batch = (await view.ask(poster_routes.read_poster_batch, path={"batch_id": batch_id})).view
    return view.page(_BATCH, batch=batch, is_moving=batch.finished_at is None)


@cache
def _languages() -> list[tuple[str, str]]:
    """The languages that posters speak, each called by its own name."""
    from babel import Locale  # 20 ms, which only this page needs

    names = {one: str(Locale.parse(one).get_language_name(one)) for one in shipped_instructions()}
    return sorted(((one, name[:1].upper() + name[1:]) for one, name in names.items()), key=lambda pair: pair[1])


ROUTES = [code, posters, order_posters, poster_batch]
