"""Help: a page of plain words for each kind of person, and the keys that shorten the way."""

from merchant.core.texts import _
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen

_HELP = f"{__package__}/help.html"
# What each kind of person asks first, and the answer.
QUESTIONS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.HUB: (
        (_("What needs me now?"), _("“Needs a human” counts it: payments in doubt, jobs given up, lists too old.")),
        (
            _("Somebody asks about a payment"),
            _("Open Payments and type whatever they know: a phone, an amount, a reference, any id. One box takes all."),
        ),
        (
            _("A DFSP wants to join"),
            _(
                "Add it under DFSPs, exchange keys, and have a second person of the hub enable it. It is off until"
                " then, unless there is no second person yet."
            ),
        ),
        (
            _("A payment is in doubt"),
            _("The hub has not said what became of it. We ask again by ourselves; “Ask the hub again” asks at once."),
        ),
        (
            _("I want to change a rule"),
            _("Propose a policy, look at what it would change, and have a second person publish it."),
        ),
    ),
    Kind.DFSP: (
        (
            _("Who does what?"),
            _(
                "A maker writes applications and changes. A checker decides, never on what they wrote. An administrator"
                " gives access and keys. An auditor reads everything and changes nothing."
            ),
        ),
        (
            _("A customer says they paid"),
            _("Open Payments and type what they know: their phone, the amount, the reference or the receipt’s number."),
        ),
        (
            _("Why can I not decide on this?"),
            _("You wrote an answer in this version. Four eyes means that another checker decides."),
        ),
        (
            _("A merchant’s details changed"),
            _("Open the merchant and start a case. Number, code and sticker stay the same."),
        ),
        (
            _("A name is like one on a list"),
            _("Look at each piece: name, birth date, country. Clearing a likely match takes two people."),
        ),
    ),
    Kind.SHOP: (
        (
            _("How do I ask for money?"),
            _("Press “Ask for payment”, enter the amount, then the customer’s phone, or show the code."),
        ),
        (
            _("When may I hand out the goods?"),
            _("When this phone shows “Paid” in green. A message on the customer’s phone is not proof."),
        ),
        (
            _("It says “in doubt”"),
            _("The hub has not answered yet. Wait, or keep the goods. We tell you as soon as we know."),
        ),
        (_("My code was torn or pasted over"), _("Replace the sticker under “My shop”. The old one is then refused.")),
        (_("I want to take more money"), _("“Raise my limit” says what is needed. Your provider then decides.")),
    ),
    Kind.APPLICANT: (
        (
            _("What happens after I send it?"),
            _("Your provider checks it and may ask for more. You see each step here."),
        ),
        (_("Can I stop and go on later?"), _("Yes. Everything is kept; sign in again with a code to your phone.")),
    ),
}


@screen("GET", "/help")
async def help_page(view: View) -> Page:
    """Plain words for who looks."""
    return view.page(_HELP, questions=QUESTIONS[view.kind])


ROUTES = [help_page]
