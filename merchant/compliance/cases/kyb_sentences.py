"""kyb's sentences on wrong and missing answers, as sentences of ours that can be said in other languages.

kyb stands alone and tells its problems in English, values filled in. Its sentences are marked here for the catalogues;
`marked` finds the one that a message was made of. A test holds this list against kyb's source and its policy.
"""

import re
from functools import cache
from typing import Any

from merchant.core import texts
from merchant.core.texts import _

# Those that kyb fills; `translate` finds all others by their text.
FILLED = (
    _("Must not be longer than {most} characters."),
    _("Must be one of: {choices}."),
    _("Must be a code of {standard}."),
    _("Must be a number from {least} to {most}."),
    _("Must fit {most} septets; brackets and € count twice."),
    _("Must be at least {least} years old."),
    _("At most {most} are allowed."),
    _("A merchant has at most {most} counters."),
    _("{count} answers have the wrong form."),
    _("{count} requirements are missing."),
)
FIELDS = (
    _("Must not be empty."),
    _("Must not hold control characters or line breaks."),
    _("Must not begin with =, +, - or @."),
    _("Must use only characters of the GSM alphabet, which every phone can show."),
    _("Must be a LEI of 20 characters."),
    _("Must be a phone number, best with + first."),
    _("Must be an e-mail address."),
    _("Must be a date as YYYY-MM-DD."),
    _("Must be a date on which a living person can be born."),
    _("Must be a web address that starts with https:// or http://."),
    _("Must be 1 to 32 letters, digits, dots, dashes or underscores."),
    _("This word is reserved."),
    _("Must hold a letter or a digit."),
    _("Must not look like a number that is drawn; add letters."),
    _("Each currency may stand only once."),
    _("The ownership shares must not add up to more than 100."),
    _("Must be the position of an owner, counted from 0."),
    _("Give latitude and longitude together, or neither."),
    _("Must be a subdivision of the location's country."),
    _("One alias belongs to one counter."),
    _("No tier is open to this kind of business."),
)
POLICY = (
    _("Say what kind of business it is."),
    _("Give the name that shoppers know."),
    _("Choose the category of the trade (MCC)."),
    _("Name the currencies the merchant takes."),
    _("Give the place of business, or the web site."),
    _("Give the country of each place of business."),
    _("Name the person who owns the business."),
    _("Give the name of each owner."),
    _("Give a phone number to reach the merchant."),
    _("Verify the contact's phone number."),
    _("Name the people who own the business."),
    _("Say which identity document each owner has."),
    _("Give the number of each owner's identity document."),
    _("Verify the identity of each owner."),
    _("Give the number of the licence, or the tax number."),
    _("Give the town of each place of business, or its web site."),
    _("Give the account where the money shall arrive."),
    _("Verify the trade licence, permit or association letter."),
    _("Give the registered name."),
    _("Give the number in the company register, or the LEI."),
    _("Name the owners or directors."),
    _("Give the name of each owner or director."),
    _("Give a phone number or e-mail address to reach the merchant."),
)


REPORT = (
    _("No sanctions list was available."),
    _("There is no name to screen yet."),
    _("The name is like a listed one."),
    _("The name is not like any listed one."),
    _("The name is like a listed one, but the birth year differs."),
    _("An identity number is that of a listed one."),
    _("The name is too long to compare."),
    _("The name holds no letters or digits that could be compared."),
    _("All answers given have the right form."),
    _("The contact's phone was verified."),
    _("The owners' identities were verified."),
    _("The licence was verified."),
    _("Not verified."),
    _("The LEI was not looked up in the register of legal entities."),
    _("A name is like a listed one: compare the two and decide."),
    _("Names could not be screened against a sanctions list."),
)


def translated(document: Any, language: str) -> Any:
    """A report or a list of requirements, as JSON values, with each `message` in a language."""
    if isinstance(document, list | tuple):
        return [translated(one, language) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        name: texts.translate(marked(value), language) if name == "message" else translated(value, language)
        for name, value in document.items()
    }


def marked(message: str) -> str:
    """A message of kyb as a sentence that can be translated; one that is not listed stays as it is."""
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(message):
            return texts.filled(sentence, found.groupdict())
    return message


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(one, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(one)))) for one in FILLED]
