"""What shoppers are told: of a request's state, of the sticker they scanned, of a shop that takes no payments."""

from msgspec import Struct

from merchant.core.texts import _
from merchant.payments.states import RequestState
from merchant.registry.codes.stickers import Standing


class StateText(Struct, frozen=True):
    """A state as the shopper reads it.

    `payable` shows the ways to pay, `moving` asks again by itself, of `done` there is a receipt.
    """

    tag: str
    text: str
    tone: str
    payable: bool = False
    moving: bool = False
    done: bool = False

    @property
    def icon(self) -> str:
        """The drawing beside the tag: no state is told by its colour alone."""
        return {"good": "circle-check", "wait": "clock"}.get(self.tone, "circle-x")


_S = RequestState
_OPEN = StateText(_("To be paid"), _("This page shows when the shop has the money."), "wait", True, True)
STATE_TEXTS = {
    _S.CREATED: _OPEN,
    _S.SENT: _OPEN,
    _S.AWAITING_PAYER: _OPEN,
    _S.ACCEPTED: StateText(_("Being paid"), _("The payment is on its way. Wait for “paid” here."), "wait", moving=True),
    _S.PAID: StateText(_("Paid"), _("The shop has the money. There is nothing left to do."), "good", done=True),
    _S.REJECTED: StateText(
        _("Declined"), _("The payment was declined. To pay after all, ask the shop to ask again."), "bad"
    ),
    _S.EXPIRED: StateText(_("Expired"), _("The time to pay is over. Ask the shop to ask again."), "bad"),
    _S.FAILED: StateText(_("Not paid"), _("The payment did not go through. Ask the shop to ask again."), "bad"),
    _S.CANCELLED: StateText(_("Cancelled"), _("The shop took its request back. There is nothing to pay."), "bad"),
    _S.IN_DOUBT: StateText(
        _("Being checked"), _("We are asking the hub whether the money arrived. Do not pay again."), "wait", moving=True
    ),
}

STICKER_TEXTS = {
    Standing.REPLACED: StateText(
        _("Old sticker"),
        _("The shop has a newer one. Who pays by this one still pays the shop named above."),
        "wait",
        True,
    ),
    Standing.REVOKED: StateText(
        _("Withdrawn sticker"),
        _("The shop withdrew this sticker; somebody may have tampered with it. Ask the shop."),
        "bad",
    ),
    Standing.NEVER_ISSUED: StateText(
        _("False sticker"), _("The shop never had this sticker. Do not pay; tell the shop."), "bad"
    ),
}
# Suspended, blocked, closed, or its DFSP is disabled: shoppers are not told which.
STOPPED = StateText(
    _("Takes no payments"), _("The shop of this number takes no payments now. Money sent to it does not arrive."), "bad"
)
