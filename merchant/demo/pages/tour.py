"""The guided tour of the demo: seven steps, each a link that says what to do and leads there.

Which steps were done is kept in a cookie of the visitor's own. A step that is another person's shows one press that
signs the visitor in as that person; it is never done by a link, which any page could hold.
"""

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from merchant.core import errors
from merchant.core.http.json import service_of
from merchant.demo.own_shops import STALL
from merchant.demo.pages import cast
from merchant.demo.pages.cast import CHECKER, MAKER, OPERATOR, STALL_OWNER, Player, first_page
from merchant.demo.world import DemoWorld
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

COOKIE = "tour"
_LIFE_S = 86_400
_STEP_PAGE = f"{__package__}/tour_step.html"


class Step(Struct, frozen=True):
    """One step: what to do, where, and as whom; as nobody it is on the demo's own pages."""

    title: str
    text: str
    to: str
    email: str = ""


class Shown(Struct, frozen=True):
    """A step as the wall lists it."""

    number: int
    step: Step
    is_done: bool


def steps(known: DemoWorld | None) -> list[Step]:
    """The tour, in its order."""
    register = first_page("/register", "/applications/new", "/applications")
    counters = cast.counters_of(known, STALL)
    printed = f"/api/v1/counters/{counters[0]['id']}/qr?format=pdf" if counters else "/"
    return [
        Step(
            "Sign up a stall",
            "Write an application for a fruit stall: a name, a phone, an identity number. Then submit it.",
            register,
            "" if register == "/register" else MAKER,
        ),
        Step(
            "Review it as a checker",
            "Open it from the queue, look at the report and approve it. Who wrote it may not.",
            first_page("/applications/queue", "/work", "/applications"),
            CHECKER,
        ),
        Step(
            "Print its poster",
            "Mama Amina’s code as a PDF, ready for the printer: any wallet of the scheme reads it.",
            first_page("/shop/code", printed),
            STALL_OWNER,
        ),
        Step(
            "Ask for money",
            "As the stall, type an amount and press Ask. The request goes through the hub.",
            "/demo#shop",
        ),
        Step(
            "Accept on the phone",
            "The shopper’s phone shows who asks and how much. Accept, and hear it paid.",
            "/demo#phone",
        ),
        Step("Dial with a phone without apps", "The same payment by USSD, on a drawn keypad.", "/ussd-phone"),
        Step(
            "Look at the hub’s day",
            "What the operator sees: payments by the minute, what is in doubt, what needs a human.",
            first_page("/hub", "/payments", "/dfsps", "/merchants"),
            OPERATOR,
        ),
    ]


def shown_steps(request: Req, known: DemoWorld | None) -> list[Shown]:
    """The tour with what the visitor did of it."""
    done = _done(request)
    return [Shown(number, step, number in done) for number, step in enumerate(steps(known), start=1)]


def _done(request: Req) -> set[int]:
    return {int(one) for one in request.cookies.get(COOKIE, "")[:20].split("-") if one.isascii() and one.isdigit()}


@get("/demo/tour/{number:str}", opt=PUBLIC, exception_handlers=IN_WORDS)
async def take_step(request: Req, number: FromPath[str]) -> Page:
    """Go to a step: straight there, or by one press that signs in as the person whose step it is."""
    known = cast.demo_of(request)
    all_steps = steps(known)
    if number not in {str(one) for one in range(1, len(all_steps) + 1)}:
        raise errors.NotFound
    step, done = all_steps[int(number) - 1], _done(request) | {int(number)}
    if step.email:
        page = pages.respond(
            request,
            _STEP_PAGE,
            only_in="en",
            scripts=True,
            scheme=await service_of(request).scheme(),
            number=int(number),
            count=len(all_steps),
            step=step,
            player=_player(known, step),
        )
    else:
        page = pages.redirect(step.to)
    kept = "-".join(str(one) for one in sorted(done) if one <= len(all_steps))
    page.set_cookie(COOKIE, kept, max_age=_LIFE_S, path="/", httponly=True, samesite="lax")
    return page


def _player(known: DemoWorld | None, step: Step) -> Player | None:
    return next((one for one in cast.players(known) if one.email == step.email), None)


ROUTES = [take_step]
