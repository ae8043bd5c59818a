"""What the shop's owner wants to be told, by text and by mail, and when the shop is not to be disturbed."""

from typing import Any

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.notify import choice_routes as api
from merchant.notify.choice_routes import NotificationChoices
from merchant.notify.kinds import REQUIRED, Channel, MerchantKind
from merchant.portal.merchant.shop import SHOP, shop_of
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show
from merchant.portal.ui.words import WORDS

_PAGE = f"{__package__}/notifications.html"
_BY = [(channel.value, WORDS["message_channel"][channel].text) for channel in Channel]
_FIELDS = [
    Field(MerchantKind.PAID, _("You are paid"), "choices", choices=_BY),
    Field(MerchantKind.NOT_PAID, _("A customer declines, or the time is over"), "choices", choices=_BY),
    Field(
        MerchantKind.REVIEW,
        _("News of the shop"),
        "choices",
        _("Your applications, your limits, what your payment provider needs, and when it stops or lets go the shop."),
        choices=_BY,
    ),
]
_QUIET = ("quiet_from", "quiet_until")


@screen("GET", "/shop/notifications", permission=P.OWN_NOTIFICATIONS_WRITE, kinds=SHOP)
async def notifications(view: View) -> Page:
    """What is sent now, as a form."""
    shop = await shop_of(view)
    chosen: NotificationChoices = (await view.ask(api.read_notification_choices, path={"merchant_id": shop.id})).view
    start = {f"{one.kind}.{one.channel}": "yes" for one in chosen.choices if one.sent}
    times = {name: view.form.get(name, getattr(chosen, name) or "") for name in _QUIET}
    labels = {"quiet_from": _("From"), "quiet_until": _("Until")}
    return view.page(
        _PAGE,
        fields=_FIELDS,
        start=start,
        quiet=[(name, labels[name], times[name]) for name in _QUIET],
        zone_name=chosen.time_zone,
    )


@screen("POST", "/shop/notifications", permission=P.OWN_NOTIFICATIONS_WRITE, kinds=SHOP)
async def choose_notifications(view: View) -> Page:
    """Keep what was ticked."""
    shop = await shop_of(view)
    body: dict[str, Any] = {
        "choices": [
            {"kind": kind, "channel": channel, "sent": view.form.get(f"{kind}.{channel}") == "yes"}
            for kind in MerchantKind
            if kind not in REQUIRED
            for channel in Channel
        ]
    }
    body |= {name: view.form[name] for name in _QUIET if view.form.get(name)}
    return await view.act(
        api.choose_notifications,
        path={"merchant_id": shop.id},
        body=body,
        to="/shop/notifications",
        done=_("Kept. It holds from now on."),
        again=lambda: show(notifications, view),
    )


ROUTES = [notifications, choose_notifications]
