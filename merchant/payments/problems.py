"""Problems of payment requests that a caller can solve, each with its stable code."""

from merchant.core import errors


class MerchantNotActive(errors.WrongState):
    code, title = "merchant_not_active", "This merchant may not take payments now"


class BeingPaid(errors.WrongState):
    code, title = "being_paid", "The customer is paying at this moment; wait for the result"
