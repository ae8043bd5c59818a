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
    _("Must hold at least {least} letters or digits, one of them a digit."),
    _("Numbers of this kind usually look like {shown} in {country}; compare it with the document."),
    _("The turnover is more than {times} times what was declared."),
    _("The business is known for {months} months at most."),
    _("More than {percent} per cent of the turnover is refunded."),
    _("Complaints were made: {count}."),
    _("The place was visited less than {months} months ago."),
)
FIELDS = (
    _("Must not be empty."),
    _("Must not hold control characters or line breaks."),
    _("Must not begin with =, +, - or @."),
    _("Must use only characters of the GSM alphabet, which every phone can show."),
    _("Must be a LEI of 20 characters."),
    _("Must be a phone number, best with + first."),
    _("Must be an e-mail address."),
    _("Must be a date as YYYY-MM-DD, or a year where the document has no more."),
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
    _("Must hold a letter or a digit that can be seen."),
    _("Must be more than a single letter."),
    _("Must hold only characters that every screen can show."),
    _("Must not hold characters that cannot be seen."),
    _("Must not mix letters of several scripts in one word."),
    _("Must be 0, or a number from 0.01 to 100."),
    _("Only a company has this; say that the owner's kind is company."),
    _("Only a person has this; a company is named by legal_name."),
    _("Nothing is known of an unknown owner; name the owner, or leave this out."),
    _("Must be the ref of an owner that is a company."),
    _("Each ref may stand only once."),
    _("Give the kind of the identity document and its number together, or neither."),
    _("A digit must be wrong: the check digit does not fit."),
    _("This owner stands above already, with the same number."),
    _("Numbers of passports have 6 to 9 letters and digits; compare it with the document."),
    _("This trade may not be carried on here."),
    _("Merchants of this country are not taken here."),
    _("This tier is not open to this trade."),
)
POLICY = (
    _("Say what kind of business it is."),
    _("Give the name that shoppers know."),
    _("Choose the category of the trade (MCC)."),
    _("Name the currencies the merchant takes."),
    _("Give the place of business, or the web site."),
    _("Give the country of each place of business."),
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
    _("Give the registered name."),
    _("Give the number in the company register, or the LEI."),
    _("Give each owner's date of birth."),
    _("Verify each director and each person who owns a quarter or more."),
    _("Verify the trade licence, permit or tax number."),
    _("Add a letter of the market association or cooperative."),
    _("Verify the entry in the company register."),
    _("Verify that the account belongs to the business."),
    _("Look the LEI up in the register of legal entities."),
    _("Add the licence that this trade needs."),
    _("Wait for the screening against the sanctions lists."),
    _("Give a phone number or e-mail address to reach the merchant."),
    _("Give the tax number."),
    _("Verify the tax number."),
    _("Verify the address of the business."),
)


REPORT = (
    _("Give each owner's date of birth."),
    _("No sanctions list was available."),
    _("There is no name to screen yet."),
    _("The name is too long to compare."),
    _("The name holds no letters or digits that could be compared."),
    _("The name is like a listed one."),
    _("An identity number is that of a listed one."),
    _("The name is not like any listed one."),
    _("The name is like a listed one, but the birth year differs."),
    _("An identity number is that of a listed one."),
    _("The name is too long to compare."),
    _("The name holds no letters or digits that could be compared."),
    _("All answers given have the right form."),
    _("This was verified."),
    _("Waived, with two approvals."),
    _("Looked at and refused."),
    _("Looked at without a result."),
    _("Could not be looked up yet."),
    _("The LEI was not looked up in the register of legal entities."),
    _("A name is like a listed one: compare the two and decide."),
    _("Names could not be screened against a sanctions list."),
)
OWNERSHIP = (
    _("No owner of the business is named."),
    _("The share of this owner is not given."),
    _("The shares that are given do not add up to 100."),
    _("The shares of one company add up to more than 100."),
    _("The owners of this company are not named."),
    _("It is not known who this owner is."),
    _("No company among the owners has this reference."),
    _("Different owners have the same reference."),
    _("Nothing leads from this owner to the business."),
    _("Companies own each other, and nobody else owns that part."),
    _("There are too many owners to judge."),
)
RISK = (
    _("The trade is an everyday one."),
    _("The trade is neither an everyday one nor a risky one."),
    _("The trade asks for a closer look."),
    _("The trade asks for a licence or for the approval of a compliance officer."),
    _("The business takes in or pays out cash for others."),
    _("A place is in a border or conflict district."),
    _("A place is in a country under increased monitoring."),
    _("Not every owner is known and verified."),
    _("The ownership is layered, circular or foreign."),
    _("Somebody holds a part for another: a nominee, a bearer or a trust."),
    _("An owner is a politically exposed person."),
    _("Nobody has seen the business on site."),
    _("A likeness to a listed name is not decided."),
    _("A likeness to a listed name was cleared by one fact."),
    _("A likeness to a listed name was cleared by two independent facts."),
    _("Nobody has met the merchant face to face."),
    _("Most payments come at night, in round amounts or from one payer."),
    _("The LEI is active."),
    _("The entry in the company register was verified."),
    _("The settlement account is in the name of the business."),
    _("The trade asks for a closer look whatever else is known."),
    _("The trade is prohibited."),
    _("A place is in a country with which no business may be done."),
)
LEI = (
    _("The LEI was not renewed in time."),
    _("The LEI was retired: the entity has ceased to operate."),
    _("The LEI ended when the entity was merged into another."),
    _("The LEI was annulled."),
    _("The registration of the LEI was cancelled."),
    _("The LEI is a duplicate of another one."),
    _("The LEI was transferred, and this record of it is closed."),
    _("The LEI has a mistake: its check digits are wrong."),
    _("The LEI is not in our copy of the register."),
    _("Without a registered name the LEI cannot be compared."),
    _("The LEI belongs to an entity of another name."),
    _("The entity of this LEI no longer operates."),
    _("The LEI is not in force yet, or its status is not known."),
    _("The LEI was due for renewal: look it up again."),
    _("The name in the register differs a little: compare the two."),
    _("The entity is registered in another country."),
    _("The LEI is in force and belongs to this business."),
)

# Of ours, among the requirements of kyb (obstacles.py).
NO_LIMITS = _("The policy sets no limits for {currencies}.")
LATIN_NAME = _("Write the name in Latin letters as the shop does: payers see it where their phone shows no other.")

# The fields of kyb's structs that hold sentences.
_SPOKEN = frozenset({"message", "because"})


def translated(document: Any, language: str) -> Any:
    """A report, a list of requirements or a risk, as JSON values, with each sentence in a language."""
    if isinstance(document, list | tuple):
        return [translated(one, language) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        name: texts.translate(marked(value), language) if name in _SPOKEN else translated(value, language)
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
    return [(one, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(one)))) for one in (*FILLED, NO_LIMITS)]
