"""Problems of applications that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class ExternalRefTaken(errors.Conflict):
    code, title = "external_ref_taken", _("Another application of your DFSP has this external_ref")


class Incomplete(errors.InvalidFields):
    code, title = "incomplete", _("The application is not complete yet; see errors")


class MaskedValue(errors.InvalidFields):
    code, title = "masked_value", _("A masked value was sent back; see errors")


class Claimed(errors.WrongState):
    code, title = "claimed", _("Another checker is working on this application")


class NotClaimed(errors.WrongState):
    code, title = "not_claimed", _("You hold no claim on this application")


class ScreeningNotChecked(errors.WrongState):
    code = "screening_not_checked"
    title = _("The screening lists could not be read; put them in place and screen again")


class ScreeningHitsOpen(errors.WrongState):
    code = "screening_hits_open"
    title = _(
        "The screening found names on a sanctions list; decide on each hit first. A true match cannot be approved"
    )


class NoTier(errors.WrongState):
    code, title = "no_tier", _("The application reaches no tier; return it to the maker")
