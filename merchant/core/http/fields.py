"""Kinds of fields that many bodies and answers share."""

from typing import Annotated

from msgspec import Meta

# A point in time as our API writes it: clock.rfc3339.
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
ReasonText = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
NameText = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")]
CurrencyText = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
