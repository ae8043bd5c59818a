"""Problems of files that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class BadSpreadsheet(errors.InvalidFields):
    """The file as a whole cannot be read; `errors` names columns, or line numbers as `row 17`."""

    code, title = "bad_spreadsheet", _("The file cannot be imported; see errors")


def bad_file(code: str, message: str, path: str = "file") -> BadSpreadsheet:
    """A BadSpreadsheet about one thing."""
    return BadSpreadsheet(message, errors=(errors.FieldError(path, code, message),))
