"""Problems of merchant numbers that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class NumbersExhausted(errors.MerchantError):
    """No free merchant number was found; the scheme needs a longer number."""

    status, code = 503, "numbers_exhausted"
    title = _("No free merchant number was found; tell the scheme's operator")


class AliasTaken(errors.Conflict):
    code, title = "alias_taken", _("The alias is taken; choose another")
