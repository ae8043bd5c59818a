"""Problems of lists that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class UnreadableList(errors.InvalidFields):
    code, title = "unreadable_list", _("The file is not a list of this form; see errors")


class ListProposedByYou(errors.NotAllowed):
    code, title = "list_proposed_by_you", _("Who put this list may not confirm it; ask another person of the hub")


class ListPutMeanwhile(errors.Conflict):
    code, title = "list_put_meanwhile", _("Someone else put this list at the same time; put yours again")


class NoListInForce(errors.NotFound):
    code, title = "no_list_in_force", _("No list of this source is in force")
