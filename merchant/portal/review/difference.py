"""What a version changes: against the version before, and of a case against the merchant as it is."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import case_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.kinds import CaseKind
from merchant.core.texts import _
from merchant.portal.review.labels import label_of, leaves
from merchant.portal.ui.screen import View

_SECTIONS = ("business", "owners", "contact", "locations", "settlement_account")


class Change(Struct, frozen=True):
    """One answer that is another one now; None where there was none, or is none."""

    label: str
    old: str | None
    new: str | None


class Compared(Struct, frozen=True):
    """What the answers were held against, and what differs."""

    title: str
    changes: list[Change]


async def difference(view: View, case: Any, versions: list[Any]) -> list[Compared]:
    """What changed since the version that was submitted before, and what a case would change of its merchant."""
    found = []
    if case.merchant_id is not None and case.kind != CaseKind.ONBOARDING:
        before = await _in_force(view, case)
        if before is not None:
            found.append(Compared(_("Against the merchant as it is"), _changes(view, before, case)))
    earlier = [one.version for one in versions if one.version < case.version]
    if earlier:
        path = {"application_id": case.id, "version": earlier[-1]}
        before = (await view.ask(api.read_version, path=path)).view
        found.append(Compared(_("Against the version before"), _changes(view, before, case)))
    return found


async def _in_force(view: View, case: Any) -> Any:
    """The answers with which the merchant was last approved before this case was opened."""
    query = {"merchant_id": str(case.merchant_id), "state": "approved"}
    approved = await view.all_of(case_routes.list_cases, query=query, most=50)
    earlier = [one for one in approved if one.id != case.id and one.updated_at <= (case.updated_at or one.updated_at)]
    if not earlier:
        return None
    newest = max(earlier, key=lambda one: one.updated_at)
    return await _version(view, newest.id, newest.version)


async def _version(view: View, application_id: UUID, version: int) -> Any:
    return (await view.ask(api.read_version, path={"application_id": application_id, "version": version})).view


def _changes(view: View, before: Any, now: Any) -> list[Change]:
    old, new = _answers(before), _answers(now)
    places = [*new, *(path for path in old if path not in new)]
    differing = [path for path in places if old.get(path) != new.get(path)]
    return [Change(label_of(view, path), old.get(path), new.get(path)) for path in differing]


def _answers(view: Any) -> dict[str, str]:
    return {path: text for name in _SECTIONS for path, text in leaves(name, getattr(view, name))}
