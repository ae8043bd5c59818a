"""What of a case can be verified: each attribute, whom it speaks of, and the answers that it rests on.

A verification is of one attribute and one subject (owners[0], business, contact, locations[1], settlement_account). It
counts only as long as the answers that it rests on are the ones it was made for: `facts_text` is what a caller hashes.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from kyb.applicant import Sections

MERCHANT = "merchant"  # the subject of what belongs to no single answer


class Attribute(Struct, frozen=True):
    """The section whose items are the subjects, and the fields that a verification rests on."""

    section: str
    fields: tuple[str, ...] = ()


ATTRIBUTES: dict[str, Attribute] = {
    "identity": Attribute("owners[]", ("given_name", "family_name", "birth_date", "id_type", "id_number")),
    "phone": Attribute("contact", ("phone", "owner_index")),
    "address": Attribute("locations[]", ("country", "city", "address_lines")),
    "site": Attribute("locations[]", ("country", "city", "address_lines", "latitude", "longitude")),
    "licence": Attribute("business", ("registration_number", "tax_id", "mcc")),
    "registration": Attribute("business", ("legal_name", "registration_number", "lei")),
    "tax": Attribute("business", ("tax_id",)),
    "lei": Attribute("business", ("lei", "legal_name")),
    "authority": Attribute("contact", ("name", "owner_index")),
    "account": Attribute("settlement_account", ("account_id", "account_name")),
    "community": Attribute(MERCHANT),
    "questionnaire": Attribute(MERCHANT),
    "financials": Attribute(MERCHANT),
    "enhanced": Attribute(MERCHANT),  # looked at more closely, for a trade or a risk that asks for it
}

# Methods that look at one thing only, with the attributes that they can verify; the others can verify any.
BOUND_METHODS: dict[str, frozenset[str]] = {"one_time_code": frozenset({"phone"})}


def can_verify(method: str, attribute: str) -> bool:
    """Whether a method can come to know anything about an attribute: no code sent to a phone proves a tax number."""
    return attribute in BOUND_METHODS.get(method, (attribute,))


def subjects(sections: Sections, attribute: str) -> Iterator[str]:
    """The subjects of an attribute in a case, in the order of the answers."""
    section = ATTRIBUTES[attribute].section
    if not section.endswith("[]"):
        yield section
        return
    name = section.removesuffix("[]")
    for index in range(len(getattr(sections, name))):
        yield f"{name}[{index}]"


def facts_text(sections: Sections, attribute: str, subject: str) -> str | None:
    """The answers that a verification rests on, as one text; None for a subject that the case does not have.

    The phone is the one that reaches the merchant, whoever's it is.
    """
    found = ATTRIBUTES[attribute]
    if subject not in subjects(sections, attribute):
        return None
    if attribute == "phone":
        return json_text([merchant_phone(sections)])
    if found.section == MERCHANT:
        return json_text([])
    holder = subject_of(sections, subject)
    return json_text([getattr(holder, name) for name in found.fields])


def facts_of(sections: Sections, attribute: str, subject: str) -> dict[str, str]:
    """The answers that a verification rests on by their names, without those that are not given.

    This is what a register may be handed: nothing that its verdict would not rest on. Empty for what belongs to no
    single answer. Raises what subject_of does.
    """
    found = ATTRIBUTES[attribute]
    if attribute == "phone":
        phone = merchant_phone(sections)
        return {"phone": phone} if phone else {}
    if found.section == MERCHANT:
        return {}
    holder = subject_of(sections, subject)
    given = {name: getattr(holder, name) for name in found.fields if not name.endswith("_index")}
    return {name: _as_text(value) for name, value in given.items() if value not in (None, "", ())}


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def subject_of(sections: Sections, subject: str) -> Struct:
    """The struct that a subject names. Raises AttributeError, IndexError, ValueError for one that is not there."""
    name, bracket, index = subject.partition("[")
    section = getattr(sections, name)
    found: Struct = section[int(index.removesuffix("]"))] if bracket else section
    return found


def merchant_phone(sections: Sections) -> str | None:
    """The phone that reaches the merchant: the contact's, else the owner's it points to, else the first owner's."""
    contact, owners = sections.contact, sections.owners
    if contact.phone:
        return contact.phone
    if contact.owner_index is not None and 0 <= contact.owner_index < len(owners):
        return owners[contact.owner_index].phone
    return next((owner.phone for owner in owners if owner.phone), None)


def json_text(values: list[object]) -> str:
    """Values as one text that no other values give."""
    return msgspec.json.encode(values).decode()
