"""Problems with one-time codes that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class WrongCode(errors.InvalidFields):
    code, title = "wrong_code", _("This is not the code that was sent; see errors")


class NoCode(errors.WrongState):
    code, title = "no_code", _("No code is valid any more; send a new one")


class PhoneChanged(errors.WrongState):
    code, title = "phone_changed", _("The phone number changed since the code was sent; send a new one")


class TooManyCodes(errors.TooManyRequests):
    code, title = "too_many_codes", _("Too many codes were sent for this case or to this phone; wait and try again")


class NoTextSender(errors.WrongState):
    code = "no_text_sender"
    title = _("This installation sends no text messages; verify the phone in another way that the policy allows")
