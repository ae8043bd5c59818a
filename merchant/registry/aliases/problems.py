"""Problems of merchant numbers that a client may branch on, each with a stable code."""

from merchant.core import errors


class AliasTaken(errors.Conflict):
    code, title = "alias_taken", "The alias is taken; choose another."


class NumbersExhausted(errors.MerchantError):
    status, code = 503, "numbers_exhausted"
    title = "No free merchant number was found; tell the scheme's operator"
