"""What is to write of an application or a case: its sections with what each lacks, and a look over all of it."""

from collections.abc import Sequence

from msgspec import Struct

from merchant.compliance.cases.schemas import ApplicationView
from merchant.compliance.cases.states import Capability, application_may
from merchant.core.texts import _
from merchant.portal.staff.documents import documents_of
from merchant.portal.staff.showing import read_back
from merchant.portal.staff.writing import ORDER, Desk, gaps_of, read_to_write, returned_in, written
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View
from merchant.portal.ui.words import word

_TASKS_PAGE, _REVIEW_PAGE = f"{__package__}/tasks.html", f"{__package__}/look_over.html"


class Task(Struct, frozen=True):
    """A section: where it is written, what it holds in a word, and whether something is missing or was given back."""

    href: str
    title: str
    note: str
    missing: int
    returned: int
    begun: bool


def tasks_of(view: View, desk: Desk, case: ApplicationView, documents: int) -> Sequence[Task]:
    """The sections in their order."""
    gaps = gaps_of(desk, case.requirements)
    say = view.spoken.say_number
    notes = {
        "business": case.business.trading_name or "",
        "owners": say("{count} owner", "{count} owners", len(case.owners)) if case.owners else "",
        "contact": case.contact.name or case.contact.phone or ("–" if case.contact.owner_index is not None else ""),
        "locations": say("{count} place", "{count} places", len(case.locations)) if case.locations else "",
        "account": case.settlement_account.account_id or "",
        "documents": say("{count} document", "{count} documents", documents) if documents else "",
    }
    return [
        Task(
            f"{desk.edit}/{one}",
            word("section", one).text,
            notes[one],
            sum(gap.section == one for gap in gaps),
            len(returned_in(case, one)),
            bool(notes[one]),
        )
        for one in ORDER
    ]


@written("GET", "/edit")
async def tasks(view: View, desk: Desk) -> Page:
    """What is to write."""
    told = await read_to_write(view, desk)
    documents = [one for one in await documents_of(view, desk) if one.withdrawn_at is None]
    found = tasks_of(view, desk, told.view, len(documents))
    return view.page(
        _TASKS_PAGE,
        desk=desk,
        case=told.view,
        tasks=found,
        done=sum(one.begun and not one.missing and not one.returned for one in found),
        missing=gaps_of(desk, told.view.requirements),
        needs=told.view.requirements,
    )


@written("GET", "/edit/review")
async def review(view: View, desk: Desk) -> Page:
    """Look it over before it is handed in."""
    told = await read_to_write(view, desk)
    case: ApplicationView = told.view
    return view.page(
        _REVIEW_PAGE,
        desk=desk,
        case=case,
        parts=read_back(view, case),
        documents=[one for one in await documents_of(view, desk) if one.withdrawn_at is None],
        missing=gaps_of(desk, case.requirements),
        needs=case.requirements,
        submits=application_may(case.state, Capability.SUBMIT),
        why_not="" if application_may(case.state, Capability.SUBMIT) else _("Change what was given back first."),
    )


ROUTES = [*tasks, *review]
