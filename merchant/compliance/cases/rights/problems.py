"""Problems of exporting and erasing people's data, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class LegalHoldStands(errors.WrongState):
    code, title = "legal_hold", _("A legal hold stands on one of the person's cases; nothing of it may be erased")


class RetentionNotEnded(errors.WrongState):
    code, title = "retention_not_ended", _("The law asks to keep this longer; see the detail for the day")


class RelationshipNotEnded(errors.WrongState):
    code = "relationship_not_ended"
    title = _("One of the person's cases is open, or its merchant is not closed; end it first")


class AlreadyHeld(errors.WrongState):
    code, title = "already_held", _("A legal hold stands on this case already")


class NotHeld(errors.WrongState):
    code, title = "not_held", _("No legal hold stands on this case")


class AlreadyErased(errors.WrongState):
    code, title = "already_erased", _("This case was erased; nothing is left to hold")
