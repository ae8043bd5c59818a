"""My work: what waits for whoever comes here. Makers see drafts and what came back; checkers where the queue is."""

from collections.abc import Sequence
from typing import Any

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.compliance.cases import case_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.desk import routes as desk
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.schemas import ApplicationView
from merchant.core.access import Permission as P
from merchant.core.paging import OLDEST
from merchant.core.texts import _
from merchant.portal.staff.writing import DFSP
from merchant.portal.ui.lists import Button
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link, screen

_PAGE = f"{__package__}/work.html"
_SHOWN = 5  # of each pile; the list has the rest
_COUNTED = 100  # a larger pile is told as "100+"


class Pile(Struct, frozen=True):
    """Some of what waits, oldest first, how much there is, and where the rest is."""

    rows: Sequence[Any]
    count: str
    href: str


class Back(Struct, frozen=True):
    """Something that a checker gave back, with the reasons."""

    row: Any
    href: str
    reasons: Sequence[str]


def _page_of(row: Any) -> str:
    """Where a row of a list of cases leads."""
    return f"/{'applications' if row.kind is CaseKind.ONBOARDING else 'cases'}/{row.id}"


async def _pile(view: View, **query: str) -> Pile:
    return await _oldest(view, case_routes.list_cases, query, link("/cases", **query, sort=OLDEST))


async def _to_decide(view: View) -> Pile:
    """What the queue of the checkers holds."""
    return await _oldest(view, desk.list_review_queue, {}, "/applications/queue/oldest")


async def _oldest(view: View, handler: HTTPRouteHandler, query: dict[str, str], href: str) -> Pile:
    told = await view.ask(handler, query=query | {"sort": OLDEST, "limit": str(_COUNTED)})
    count = f"{_COUNTED}+" if told.next_cursor else str(len(told.view))
    return Pile(told.view[:_SHOWN], count, href)


async def _given_back(view: View, pile: Pile) -> list[Back]:
    found = []
    for row in pile.rows:
        whole: ApplicationView = (await view.ask(api.read_application, path={"application_id": row.id})).view
        reasons = [one.reason for one in whole.returned_items or () if not one.resolved]
        found.append(Back(row, _page_of(row), reasons))
    return found


@screen("GET", "/work", permission=P.APPLICATIONS_READ, kinds=DFSP)
async def work(view: View) -> Page:
    """What waits."""
    returned = await _pile(view, state="returned")
    return view.page(
        _PAGE,
        returned=returned,
        given_back=await _given_back(view, returned),
        drafts=await _pile(view, state="draft", handed_in="false"),
        review=await (_to_decide(view) if view.may(P.APPLICATIONS_DECIDE) else _pile(view, state="in_review")),
        handed_in=await _pile(view, state="draft", handed_in="true"),
        page_of=_page_of,
        writes=view.may(P.APPLICATIONS_WRITE),
        decides=view.may(P.APPLICATIONS_DECIDE),
        buttons=(
            Button("/applications/new", _("New application"), permission=P.APPLICATIONS_WRITE),
            Button("/imports", _("Import a file"), "upload", permission=P.APPLICATIONS_WRITE, plain=True),
        ),
    )


ROUTES = [work]
