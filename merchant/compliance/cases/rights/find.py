"""Find the cases that a person stands in as owner or contact, by blind indexes: by identity number or telephone.

The indexes hold the present answers of a case; a number that was corrected since leads there no more.
"""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from kyb.fields import e164
from merchant.compliance.cases.models import Application
from merchant.core import errors
from merchant.core.db import Reads
from merchant.core.texts import _
from merchant.core.vault import Vault

_MATCHING = """
SELECT DISTINCT application_id FROM application_identifier
WHERE dfsp_id = $1 AND digest = ANY($2) AND (path LIKE 'owners[%' OR path = 'contact.phone')
"""


class Sought(Struct, frozen=True):
    """Whom to look for; either number leads to them."""

    id_number: str | None = None
    phone: str | None = None

    def spellings(self) -> list[tuple[str, str]]:
        """(kind, value) of every spelling under which the blind indexes may know the person.

        Raises InvalidFields when no number is given, or one that no answer can be.
        """
        one = kyb.Owner(id_number=self.id_number or None, phone=self.phone or None)
        tidied = kyb.normalise(kyb.Sections(owners=(one,))).owners[0]
        found = []
        if tidied.phone:
            # No answer is ever stored in such a form: to find nothing would say that nothing is held.
            if e164(tidied.phone, None) is None:
                told = _("Give the phone whole, with + and the country's code first.")
                raise errors.invalid_field("phone", "invalid", told)
            found.append(("phone", tidied.phone))
        if tidied.id_number:
            form = kyb.number_form(tidied.id_number)
            if not form:
                raise errors.invalid_field("id_number", "invalid", _("Must hold a letter or a digit."))
            # Decided cases of older releases are indexed as their numbers were written.
            forms = (form, tidied.id_number)
            found += [("id_number", form) for form in dict.fromkeys(forms) if form]
        if not found:
            raise errors.invalid_field("id_number", "missing", _("Give the person's identity number or phone."))
        return found


async def find_person(
    tx: Reads, vault: Vault, dfsp_id: UUID, sought: Sought, *, lock: bool = False
) -> list[Application]:
    """A DFSP's cases in which the person stands as owner or contact, oldest first; locked in that order if asked.

    Raises InvalidFields when no number is given.
    """
    digests = [vault.digest(kind, value) for kind, value in sought.spellings()]
    ids = [row["application_id"] for row in await tx.fetch(_MATCHING, dfsp_id, digests)]
    table: Any = Application
    statement = select(table).where(table.id.in_(ids), table.dfsp_id == dfsp_id).order_by(table.id)
    return list((await tx.session.exec(statement.with_for_update() if lock else statement)).all())


class Person(Struct, frozen=True):
    """Whom a case's answers are searched for: identity numbers as they are compared, and telephones."""

    numbers: frozenset[str]
    phones: frozenset[str]

    def is_owner(self, owner: kyb.Owner) -> bool:
        """Whether an owner is the person."""
        return (owner.phone in self.phones) or (kyb.number_form(owner.id_number or "") in self.numbers)

    def places(self, sections: kyb.Sections) -> list[int]:
        """Where the person stands among the owners."""
        return [place for place, owner in enumerate(sections.owners) if self.is_owner(owner)]

    def is_contact(self, sections: kyb.Sections) -> bool:
        """Whether the person is whom to reach."""
        contact = sections.contact
        return contact.phone in self.phones or contact.owner_index in self.places(sections)


def person_of(sought: Sought, versions: list[kyb.Sections]) -> Person:
    """The person, with the other number that an owner found by one of them has in these answers."""
    spellings = sought.spellings()
    numbers = {kyb.number_form(value) for kind, value in spellings if kind == "id_number"}
    phones = {value for kind, value in spellings if kind == "phone"}
    first = Person(frozenset(numbers), frozenset(phones))
    owners = [owner for each in versions for owner in each.owners if first.is_owner(owner)]
    numbers |= {form for owner in owners if (form := kyb.number_form(owner.id_number or ""))}
    phones |= {owner.phone for owner in owners if owner.phone}
    return Person(frozenset(numbers), frozenset(phones))
