"""What needs a human: payments in doubt, jobs given up, lanes that wait, lists that are too old, DFSPs to enable."""

from typing import Any

from merchant.compliance.lists import routes as lists_api
from merchant.compliance.lists.states import Capability, list_may
from merchant.core import dead_job_routes as jobs_api
from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.payments import routes as payments_api
from merchant.people import routes as people_api
from merchant.portal.staff.named import merchant_cell
from merchant.portal.ui.acts import Act, act_screens, press_screen
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Column, Empty, Listing, amount, instant, press, show_list, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen

_HUB = frozenset({Kind.HUB})
_QUEUES, _QUEUE = (f"{__package__}/{name}.html" for name in ("queues", "queue"))
_TABS = (
    ("/queues", _("Overview")),
    ("/queues/doubt", _("Payments in doubt")),
    ("/queues/jobs", _("Failed jobs")),
    ("/queues/lanes", _("Waiting lanes")),
)
_CLEAR = _("Nothing here needs you.")
_DOUBT = Listing(
    title=_("Payments in doubt"),
    intro=_("The hub has not said what became of these. They are asked for again by themselves; you may ask at once."),
    handler=payments_api.list_payment_requests,
    href=lambda row: f"/payments/requests/{row.id}",
    fixed={"state": "in_doubt"},
    columns=(
        Column(_("Asked"), instant("created_at"), main=True, sorts=BY_AGE),
        Column(_("Amount"), amount(), numeric=True),
        Column(_("Merchant"), merchant_cell),
        Column(_("Payer"), lambda _view, row: row.payer.id if row.payer else "–"),
        Column(_("Reference"), text("reference")),
        Column(
            _("Do"), lambda view, row: press(view, f"/queues/doubt/{row.id}/ask", _("Ask the hub again"), "refresh-cw")
        ),
    ),
    empty=Empty(_("No payment is in doubt"), _CLEAR),
)


def _job_deeds(view: View, row: Any) -> Any:
    return press(view, f"/queues/jobs/{row.id}/retry", _("Try again"), "refresh-cw")


_JOBS = Listing(
    title=_("Failed jobs"),
    intro=_("Work that was tried many times and given up. Mend the cause, then try again; nothing is lost meanwhile."),
    handler=jobs_api.list_dead_jobs,
    href=lambda row: f"/queues/jobs/{row.id}/discard",
    columns=(
        Column(_("Job"), text("topic"), main=True),
        Column(_("Tries"), text("attempts"), numeric=True),
        Column(_("What went wrong"), text("last_error")),
        Column(_("Given up"), instant("dead_at")),
        Column(_("Do"), _job_deeds),
    ),
    filters=(Field("topic", _("Job")),),
    empty=Empty(_("No job was given up"), _CLEAR),
)
_LANES = Listing(
    title=_("Waiting lanes"),
    intro=_("Work that must go in order and waits behind one job that fails. It is tried again by itself."),
    handler=jobs_api.list_blocked_lanes,
    href=lambda row: f"/queues/lanes/{row.job_id}/skip",
    columns=(
        Column(_("Job in front"), text("topic"), main=True),
        Column(_("Waiting behind it"), text("waiting"), numeric=True),
        Column(_("Tries"), text("attempts"), numeric=True),
        Column(_("Next try"), instant("next_try_at")),
        Column(_("What went wrong"), text("last_error")),
    ),
    empty=Empty(_("No lane waits"), _CLEAR),
)


@screen("GET", "/queues", permission=P.OPERATIONS_READ, kinds=_HUB)
async def queues(view: View) -> Page:
    """How much there is of what needs a human."""
    doubt = await view.all_of(payments_api.list_payment_requests, 100, query={"state": "in_doubt", "limit": "100"})
    jobs = await view.all_of(jobs_api.list_dead_jobs, 100, query={"limit": "100"})
    lanes = await view.all_of(jobs_api.list_blocked_lanes, 100, query={"limit": "100"})
    found = (await view.ask(lists_api.list_screening_lists)).view
    lists = [one for one in found if one.problem or list_may(one.state, Capability.CONFIRM)]
    dfsps = await view.all_of(people_api.list_dfsps, 100, query={"state": "proposed"})
    counted: dict[str, Any] = {"doubt": doubt, "jobs": jobs, "lanes": lanes, "lists": lists, "dfsps": dfsps}
    return view.page(_QUEUES, tabs=_TABS, tab="/queues", most=100, **counted)


@screen("GET", "/queues/doubt", permission=P.OPERATIONS_READ, kinds=_HUB)
async def doubt(view: View) -> Page:
    """Payments in doubt."""
    return await show_list(view, _DOUBT, template=_QUEUE, tabs=_TABS, tab="/queues/doubt")


@screen("GET", "/queues/jobs", permission=P.OPERATIONS_READ, kinds=_HUB)
async def jobs(view: View) -> Page:
    """Jobs that failed for good."""
    return await show_list(view, _JOBS, template=_QUEUE, tabs=_TABS, tab="/queues/jobs")


@screen("GET", "/queues/lanes", permission=P.OPERATIONS_READ, kinds=_HUB)
async def lanes(view: View) -> Page:
    """Lanes that wait."""
    return await show_list(view, _LANES, template=_QUEUE, tabs=_TABS, tab="/queues/lanes")


_REASON = Field("reason", _("Reason"), "area", _("Kept in the audit record."), required=True, most=500)
_ACTS = (
    Act(
        path="/queues/jobs/{job_id}/discard",
        handler=jobs_api.discard_dead_job,
        title=_("Give this job up for good"),
        effect=_("What it should have done is never done. Do this only when you did it by hand, or nobody needs it."),
        button=_("Give it up"),
        to="/queues/jobs",
        done=_("Given up."),
        tone="bad",
        fields=(_REASON,),
        kinds=_HUB,
    ),
    Act(
        path="/queues/lanes/{job_id}/skip",
        handler=jobs_api.skip_blocking_job,
        title=_("Set the job in front aside"),
        effect=_("What waits behind it goes on without it; the job itself moves to the failed jobs."),
        button=_("Set it aside"),
        to="/queues/lanes",
        done=_("Set aside; the lane goes on."),
        tone="bad",
        fields=(_REASON,),
        kinds=_HUB,
    ),
)
_ASK = press_screen(
    "/queues/doubt/{request_id}/ask",
    payments_api.check_payment_request,
    doubt,
    _("The hub is asked; its answer shows here."),
    from_several=True,
)
_RETRY = press_screen("/queues/jobs/{job_id}/retry", jobs_api.retry_dead_job, jobs, _("It is tried again."), kinds=_HUB)
ROUTES = [queues, doubt, _ASK, jobs, _RETRY, lanes, *(one for act in _ACTS for one in act_screens(act))]
