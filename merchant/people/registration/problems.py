"""Problems of self-registration that a client may branch on."""

from merchant.core import errors
from merchant.core.texts import _


class CodeRefused(errors.NotSignedIn):
    code, title = "code_refused", _("The code is wrong, was used or is over; have a new one sent")


class AddressLocked(errors.TooManyRequests):
    code, title = "address_locked", _("Too many wrong codes for this address; wait and try again")


class CodesSpent(errors.TooManyRequests):
    code, title = "codes_spent", _("Too many codes were sent to this address; wait and try again")


class NoSender(errors.WrongState):
    code, title = "no_sender", _("This installation sends no messages of this kind; use another address")


class NotRegistered(errors.NotFound):
    code, title = "not_registered", _("Nobody is registered with this address; register with the same code")


class HandedIn(errors.WrongState):
    code, title = "handed_in", _("Your application was handed in; it can be changed when it comes back to you")


class ClaimantBusy(errors.WrongState):
    code = "claimant_busy"
    title = _("This person has another account or an open application; it must be closed or withdrawn first")
