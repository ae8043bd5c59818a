"""Problems of refunds that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class OverRefundable(errors.MerchantError):
    status, code = 422, "over_refundable"
    title = _("More than is left of this payment cannot be given back")


class RefundWindowClosed(errors.WrongState):
    code, title = "refund_window_closed", _("This payment is too old to be given back here")


class MerchantMayNotRefund(errors.WrongState):
    code, title = "merchant_may_not_refund", _("This merchant may not give refunds now")


class PayerNotKept(errors.WrongState):
    code = "payer_not_kept"
    title = _("Who made this payment is not kept any more, so that it cannot be given back here")
