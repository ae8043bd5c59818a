"""Kinds of fields that many bodies and answers share, and how a field says what its pattern asks for."""

from typing import Annotated, Any

from msgspec import Meta

from merchant.core.texts import _

SAYS = "says"  # in the extra of a field's Meta: the sentence that stands for its pattern


def pattern(regex: str, says: str, **limits: Any) -> Meta:
    """A pattern that a text must match, with the sentence for people: nobody who fills in a form reads expressions."""
    return Meta(pattern=regex, extra={SAYS: says}, **limits)


# A point in time as our API writes it: clock.rfc3339.
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
NOT_EMPTY = _("Must not be empty.")
ReasonText = Annotated[str, pattern(r"\S", NOT_EMPTY, min_length=1, max_length=500)]
NameText = Annotated[str, pattern(r"\S", NOT_EMPTY, min_length=1, max_length=128)]
CurrencyText = Annotated[str, pattern(r"^[A-Z]{3}\Z", _("Must be a currency of three capital letters, such as KES."))]
DigitsText = Annotated[str, pattern(r"^[0-9]{6}\Z", _("Must be six digits."))]
FspIdText = Annotated[
    str, pattern(r"^[A-Za-z0-9._-]{1,32}\Z", _("Must be 1 to 32 letters, digits, dots, dashes or underscores."))
]
