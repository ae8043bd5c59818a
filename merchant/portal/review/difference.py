"""What a version changes: against the version before, and of a case against the merchant as it is."""

from typing import Any

from msgspec import Struct

from merchant.compliance.cases import case_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.schemas import ApplicationView
from merchant.compliance.cases.states import ApplicationState, made_a_merchant
from merchant.core import errors
from merchant.core.texts import _
from merchant.portal.review.labels import label_of, leaves, told
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
    in_force = await in_force_before(view, case)
    if in_force is not None:
        found.append(Compared(_("Against the merchant as it is"), changes(view, in_force, case)))
    earlier = [one.version for one in versions if one.version < case.version]
    if earlier:
        path = {"application_id": case.id, "version": earlier[-1]}
        before = (await view.ask(api.read_version, path=path)).view
        found.append(Compared(_("Against the version before"), changes(view, before, case)))
    return found


async def in_force_before(view: View, case: ApplicationView) -> ApplicationView | None:
    """The answers with which the merchant of a case was last approved, before the case itself was.

    None where there are none to see: of an application, and of a merchant that another DFSP approved before it moved.
    """
    if case.merchant_id is None or case.kind == CaseKind.ONBOARDING:
        return None
    query = {"merchant_id": str(case.merchant_id), "state": ApplicationState.APPROVED.value, "limit": "100"}
    approved = [one for one in await view.all_of(case_routes.list_cases, query=query) if one.id != case.id]
    if made_a_merchant(case.state):  # nothing changes one that is approved any more
        approved = [one for one in approved if one.updated_at < case.updated_at]
    newest = max(approved, key=lambda one: one.updated_at, default=None)
    if newest is None:
        return None
    try:
        return (await view.ask(api.read_application, path={"application_id": newest.id})).view  # type: ignore[no-any-return]
    except errors.NotFound:
        return None


def changes(view: View, before: Any, now: Any) -> list[Change]:
    """Each answer that differs, in the order of the sections."""
    old, new = _answers(before), _answers(now)
    places = [*new, *(path for path in old if path not in new)]
    differing = [path for path in places if old.get(path) != new.get(path)]
    return [Change(label_of(view, path), _said(view, path, old), _said(view, path, new)) for path in differing]


def _said(view: View, path: str, answers: dict[str, str]) -> str | None:
    return told(view, path, answers[path]) if path in answers else None


def _answers(view: Any) -> dict[str, str]:
    return {path: text for name in _SECTIONS for path, text in leaves(name, getattr(view, name))}
