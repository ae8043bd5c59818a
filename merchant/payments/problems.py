"""Problems of payments that a client may branch on, each with a code of its own."""

from merchant.core import errors
from merchant.core.texts import _


class MerchantNotActive(errors.WrongState):
    """The merchant is suspended or closed."""

    code, title = "merchant_not_active", _("This merchant may not take payments now.")


class BeingPaid(errors.WrongState):
    """The money of the request is under way, so it can no longer be cancelled."""

    code, title = "being_paid", _("The customer is paying at this moment; wait for the result.")
