"""Problems of payment requests that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class MerchantNotActive(errors.WrongState):
    code, title = "merchant_not_active", _("This merchant may not take payments now")


class Reconciling(errors.MerchantError):
    status, code = 503, "reconciling"
    title = _("The service was restored and asks the network what happened meanwhile; try again in some minutes")


class Busy(errors.TooManyRequests):
    code, title = "overloaded", _("More is under way than can be worked off in time; try again in some seconds")


class BeingPaid(errors.WrongState):
    code, title = "being_paid", _("The customer is paying at this moment; wait for the result")
