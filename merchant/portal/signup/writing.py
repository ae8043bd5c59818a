"""Writing one's own application: one question a page, saved on the way, and all of it once more before it goes."""

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.people.registration import application_routes as api
from merchant.portal.signup import answers, steps
from merchant.portal.signup.application import APPLICANT, HOME, Desk, desk_of
from merchant.portal.signup.steps import PHOTOS, STEPS, Step
from merchant.portal.ui import pages
from merchant.portal.ui.acts import REVISION, number
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen

_PAGE, _REVIEW = f"{__package__}/step.html", f"{__package__}/review.html"
_FROM_REVIEW = "review"
# As security_headers.py says it for every page, but for the telephone's place, which this one may ask for.
_MAY_ASK_PLACE = "camera=(), geolocation=(self), microphone=(), payment=(), usb=()"


@screen("GET", f"{HOME}/review", permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT)
async def review(view: View) -> Page:
    """Everything that was answered, to be looked over before it is handed in."""
    desk = await desk_of(view)
    told = [(one, steps.shown_answers(view, one, desk.application)) for one in STEPS]
    documents = await view.all_of(api.list_my_documents)
    return view.page(_REVIEW, desk=desk, application=desk.application, told=told, documents=documents)


@screen("GET", f"{HOME}/{{name}}", permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT)
async def question(view: View, name: str) -> Page:
    """One question."""
    step = _step(name)
    desk = await desk_of(view)
    if not desk.writable:
        return pages.redirect(HOME)
    return _page(view, step, desk)


@screen("POST", f"{HOME}/{{name}}", permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT)
async def save(view: View, name: str) -> Page:
    """Save the answer, and go on to the next question, or stop here."""
    step = _step(name)
    desk = await desk_of(view)
    if not desk.writable:
        return view.go(HOME)
    changes = answers.changed(desk.application, step.sections, view.form, _fields(view, step, desk))
    body = steps.defaults(view, desk.application, changes)
    told = await view.attempt(api.change_my_application, body=body, revision=number(view.form.get(REVISION, "")))
    if told is None:
        return _page(view, step, await desk_of(view))
    if view.form.get("deed") == "stop":
        return view.go(HOME, _("Saved. You can go on at any time."))
    return view.go(_after(view, step))


def _step(name: str) -> Step:
    found = steps.BY_NAME.get(name)
    if found is None:
        raise errors.NotFound
    return found


def _after(view: View, step: Step) -> str:
    """The page that follows: the review for who came from there, else the next question."""
    if view.form.get("from") == _FROM_REVIEW:
        return f"{HOME}/review"
    names = [*(one.name for one in STEPS), PHOTOS]
    return f"{HOME}/{names[names.index(step.name) + 1]}"


def _fields(view: View, step: Step, desk: Desk) -> list[Field]:
    hidden = answers.masked(desk.application, step.sections)
    return answers.asking_again(step.fields(view, desk.application), hidden, desk.application.owners)


def _page(view: View, step: Step, desk: Desk) -> Page:
    here = f"{HOME}/{step.name}"
    names = [one.name for one in STEPS]
    at = names.index(step.name)
    came_from = view.form.get("from") or view.query.get("from", "")
    reviewing = came_from == _FROM_REVIEW
    page = view.page(
        _PAGE,
        step=step,
        fields=_fields(view, step, desk),
        start=answers.begun_with(desk.application, step.sections),
        revision=desk.revision,
        returned=[one for one in desk.returned if one.page == here and not one.resolved],
        came_from=_FROM_REVIEW if reviewing else "",
        back=f"{HOME}/review" if reviewing else f"{HOME}/{names[at - 1]}" if at else HOME,
        at=at + 1,
        of=len(names) + 1,
    )
    if "locations" in step.sections:
        page.headers["permissions-policy"] = _MAY_ASK_PLACE
    return page


ROUTES = [review, question, save]
