"""Problems of blocking merchants that the hub can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class CannotBeBlocked(errors.WrongState):
    code = "cannot_be_blocked"
    title = _("A closed merchant is not blocked; put its identifiers on the block list instead")


class AlreadyBlocked(errors.WrongState):
    code, title = "already_blocked", _("Two others of the hub have blocked this merchant already")


class OtherBlockReason(errors.WrongState):
    code = "other_block_reason"
    title = _("Another person of the hub proposed this for another reason; agree on one and send the same")


class NotBlocked(errors.WrongState):
    code, title = "not_blocked", _("The hub neither blocks this merchant nor proposes to")


class BlockedByYou(errors.NotAllowed):
    code = "blocked_by_you"
    title = _("Who blocked a merchant may not let it go again; ask two others of the hub")


class AnswersErased(errors.WrongState):
    code, title = "answers_erased", _("What was known of this merchant is erased; open a new application")
