"""How much of an identity number, a birth date or an e-mail address staff see: one rule for every view."""

HIDDEN = "****"  # says nothing of the length
_ENDS_MAX, _ENDS_MIN = 4, 2
_LEAST_LENGTH = 6  # of a shorter one, two characters would be too much


def mask_number(number: str) -> str:
    """Its last two to four characters, at most a third of it: `****567`; nothing of a short one."""
    legible = min(_ENDS_MAX, max(_ENDS_MIN, len(number) // 3)) if len(number) >= _LEAST_LENGTH else 0
    return HIDDEN + (number[-legible:] if legible else "")


def mask_date(date: str) -> str:
    """The year of a date as ISO 8601 writes it: `1980-**-**`."""
    return f"{date[:4]}-**-**"


def mask_email(address: str) -> str:
    """Its first character and its domain: `a****@shop.example`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}{HIDDEN}@{domain}"


def is_masked(text: str) -> bool:
    """Whether a text is what one of these made, which nobody may send back as an answer."""
    return "**" in text
