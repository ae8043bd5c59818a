"""Problems that callers of the channels can meet, each with a code of its own."""

from merchant.core import errors
from merchant.core.texts import _


class NothingToPrint(errors.WrongState):
    code, title = "nothing_to_print", _("There is nothing to print: no counter of these merchants may take payments")
