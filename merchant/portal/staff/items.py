"""What owners and places have in common: a list on a page of its own, and a page for each one.

The API replaces a whole list, so the others are sent along as they stand. What views mask of them is kept by its place
(`keep`), and the revision says that the places are still those that the page was drawn from.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

import kyb
from merchant.compliance.cases import document_routes
from merchant.compliance.cases.schemas import ApplicationView
from merchant.core import errors
from merchant.core.texts import _
from merchant.portal.staff.writing import Desk
from merchant.portal.ui.screen import View

MASKED = ("id_number", "birth_date")  # of an owner
_MOST_DOCUMENTS = 200


class DocumentsBehind(errors.WrongState):
    code = "documents_behind"
    title = _("Documents belong to it, or to one below it in the list; withdraw them first, then take it away")


def owners_as_sent(owners: Sequence[kyb.Owner]) -> list[dict[str, Any]]:
    """Owners as a change sends them: without what views mask, which is kept by its place."""
    return [{name: value for name, value in msgspec.to_builtins(one).items() if name not in MASKED} for one in owners]


def masked_of(owners: Sequence[kyb.Owner]) -> dict[str, str]:
    """(path, mask) of everything that is masked of owners."""
    return {
        f"owners[{at}].{name}": value
        for at, owner in enumerate(owners)
        for name in MASKED
        if (value := getattr(owner, name))
    }


def without_owner(case: ApplicationView, index: int) -> tuple[dict[str, Any], dict[str, str]]:
    """The change that takes an owner away, and what is kept of the others, each one place further up.

    The contact who is one of the owners stays the same person; without that one, nobody is named.
    """
    owners = owners_as_sent(case.owners)
    del owners[index]
    keep = {}
    for path in masked_of(case.owners):
        at, name = int(path[7 : path.index("]")]), path.rpartition(".")[2]
        if at != index:
            keep[f"owners[{at - (at > index)}].{name}"] = path
    changes: dict[str, Any] = {"owners": owners}
    chosen = case.contact.owner_index
    if chosen is not None and chosen >= index:
        contact = msgspec.to_builtins(case.contact)
        del contact["owner_index"]
        changes["contact"] = contact if chosen == index else contact | {"owner_index": chosen - 1}
    return changes, keep


async def check_no_documents(view: View, desk: Desk, section: str, index: int) -> None:
    """Documents name an owner or a place by where it stands: none may come to stand beside another one.

    Raises DocumentsBehind.
    """
    held = await view.all_of(
        document_routes.list_application_documents, most=_MOST_DOCUMENTS, path={"application_id": desk.id}
    )
    for one in held:
        name, bracket, rest = one.path.partition("[")
        if one.withdrawn_at is None and name == section and bracket and int(rest.partition("]")[0]) >= index:
            raise DocumentsBehind
