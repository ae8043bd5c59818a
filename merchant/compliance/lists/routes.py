"""JSON routes of the screening lists. No tenant's role reads their tables, so these open the system's transaction."""

from uuid import UUID

import kyb
from merchant.compliance.lists import current, operations, queries
from merchant.compliance.lists.problems import ListProposedByYou, ListPutMeanwhile, UnreadableList
from merchant.compliance.lists.schemas import NewScreeningList, ScreeningListView, list_view, packaged_view
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.errors import FieldError
from merchant.core.http.route import Call, route
from merchant.core.texts import _


@route(
    "GET",
    "/api/v1/screening-lists",
    permission=P.LISTS_READ,
    items=ScreeningListView,
    transaction=False,
)
async def list_screening_lists(call: Call[None]) -> list[ScreeningListView]:
    """The lists that names are screened against, their age and problems, and those that wait for a second person."""
    settings = call.service.settings
    async with call.service.db.system_reads() as tx:
        versions = await queries.current_versions(tx)
    views = [list_view(settings, one) for one in versions]
    if queries.packaged_counts(versions):
        facts = await current.packaged_facts(call.service)
        views = [*([packaged_view(settings, facts)] if facts is not None else []), *views]
    return views


@route(
    "POST",
    "/api/v1/screening-lists",
    permission=P.LISTS_WRITE,
    body=NewScreeningList,
    answer=ScreeningListView,
    status=201,
    transaction=False,
    raises=(UnreadableList, ListPutMeanwhile),
)
async def put_screening_list(call: Call[NewScreeningList]) -> ScreeningListView:
    """Put a version of a list. A published one counts at once, unless it is refused: see `state` and `problem`.

    A private one (own, blocklist) counts when another person of the hub confirms it. The same file as the one in force
    says that it is still current. Files of more than 700 kB go by the command `merchant lists put`.
    """
    file = call.body.file()
    try:
        prepared = await operations.prepare_list(call.service, call.body.form, file)
    except kyb.BadList as fault:
        told = _("This cannot be read as {form}: {fault}", form=call.body.form, fault=str(fault))
        raise UnreadableList(errors=(FieldError("content", "unreadable", told),)) from None
    async with call.service.db.system() as tx:
        version = await operations.put_list(tx, call.service, call.actor, prepared)
    current.look_again(call.service)
    return list_view(call.service.settings, version)


@route(
    "POST",
    "/api/v1/screening-lists/{list_id}/confirm",
    permission=P.LISTS_WRITE,
    answer=ScreeningListView,
    transaction=False,
    raises=(ListProposedByYou, errors.WrongState),
)
async def confirm_screening_list(call: Call[None], list_id: UUID) -> ScreeningListView:
    """Put a private list in force that another person put."""
    async with call.service.db.system() as tx:
        version = await operations.confirm_list(tx, call.actor, list_id)
    current.look_again(call.service)
    return list_view(call.service.settings, version)


ROUTES = [list_screening_lists, put_screening_list, confirm_screening_list]
