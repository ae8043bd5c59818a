"""Aliases: which texts can be one, which are the same one to people, and which nobody may choose.

A scheme draws numbers with a check digit, so that a slip of the finger leads to nobody. An alias that is chosen must
not undo that: one digit changed, two swapped, one left out or one too many would lead to its holder.
"""

import re
from collections.abc import Collection

ALIAS_PATTERN = r"[A-Za-z0-9._-]{1,32}"  # an identifier that passes through a URI path unescaped
_ALIAS = re.compile(ALIAS_PATTERN)
MENU_KEY_DIGITS = 2  # 0, 00, 98, 99 and the numbers of choices
_SEPARATORS = str.maketrans("", "", ".-_")
# Letters that are read, or typed from paper, as digits.
_READ_AS = str.maketrans("oilzsbgq", "01125899")


def is_alias(text: str, reserved: Collection[str] = frozenset()) -> bool:
    """Whether a text has the form of an alias, is more than dots (a path of its own), and is no reserved word.

    reserved holds words in lower case; letter case of the text does not matter for them.
    """
    return bool(_ALIAS.fullmatch(text) and text.strip(".")) and text.lower() not in reserved


def alias_form(text: str) -> str:
    """What people read aloud and dial: without separators, in lower case. Two aliases of one form are the same one."""
    return text.lower().translate(_SEPARATORS)


def is_like_a_number(text: str, drawn_digits: int) -> bool:
    """Whether a text could be taken for a drawn number of `drawn_digits` digits, for a slip away from one, or for a key
    of the telephone menu in which numbers are typed.

    It is one or two digits; or all digits, but for separators and letters that look like digits, and as long as a
    number give or take one, with or without the zeros it begins with.
    """
    form = alias_form(text)
    if form.isdecimal() and len(form) <= MENU_KEY_DIGITS:
        return True
    digits = form.translate(_READ_AS)
    if not digits.isdecimal() or form.isalpha():
        return False
    lengths = (drawn_digits - 1, drawn_digits, drawn_digits + 1)
    return len(digits) in lengths or len(digits.lstrip("0")) in lengths


def may_be_chosen(text: str, drawn_digits: int | None, reserved: Collection[str] = frozenset()) -> bool:
    """Whether someone may choose an alias where numbers of `drawn_digits` digits are drawn; None where none are."""
    if not (is_alias(text, reserved) and alias_form(text)):
        return False
    return drawn_digits is None or not is_like_a_number(text, drawn_digits)
