"""Problems of merchant numbers that a caller can solve, each with its stable code."""

from merchant.core import errors


class NumbersExhausted(errors.MerchantError):
    """No free merchant number was found; the scheme needs a longer number."""

    status, code = 503, "numbers_exhausted"
    title = "No free merchant number was found; tell the scheme's operator"


class AliasTaken(errors.Conflict):
    code, title = "alias_taken", "The alias is taken; choose another"
