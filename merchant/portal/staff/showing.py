"""An application in words: where it stands on its way, and its answers section by section."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from kyb.applicant import owner_name
from merchant.compliance.cases.schemas import ApplicationView, ReturnedItemView
from merchant.compliance.cases.states import ApplicationState as S
from merchant.core import money, texts
from merchant.core.texts import _
from merchant.portal.staff import choices
from merchant.portal.ui.screen import View
from merchant.portal.ui.words import word

Step = tuple[Any, str, Any]  # its name, `done`, `current`, `todo` or `problem`, and a note
_BDI = Markup("<bdi>{}</bdi>")


class Part(Struct, frozen=True):
    """A section as it was answered: labels and values, and what a checker gave back in it."""

    page: str
    title: str
    facts: Sequence[tuple[Any, Any]]
    returned: Sequence[ReturnedItemView] = ()


def steps_of(view: View, case: ApplicationView) -> list[Step]:
    """Where it stands on its way."""
    say = view.spoken.say
    written, checked, decided = say(_("Written")), say(_("Compared with the lists")), say(_("Decided"))
    marks = {
        S.DRAFT: ("current", "todo", "todo"),
        S.RETURNED: ("problem", "todo", "todo"),
        S.SUBMITTED: ("done", "current", "todo"),
        S.IN_REVIEW: ("done", "done", "current"),
        S.APPROVED: ("done", "done", "done"),
        S.REJECTED: ("done", "done", "problem"),
        S.WITHDRAWN: ("done", "todo", "problem"),
        S.EXPIRED: ("problem", "todo", "problem"),
    }[case.state]
    open_items = sum(not one.resolved for one in case.returned_items or ())
    first = {
        S.DRAFT: say(_("Write what is missing, then hand it in.")),
        S.RETURNED: view.spoken.say_number(
            "{count} thing was given back; change it and hand it in again.",
            "{count} things were given back; change them and hand it in again.",
            open_items,
        ),
    }.get(case.state, "")
    last = {
        S.IN_REVIEW: say(_("A checker decides: somebody who wrote nothing of it.")),
        S.APPROVED: say(_("The merchant can take payments."))
        if case.kind == "onboarding"
        else say(_("It is in force.")),
        S.REJECTED: case.reject_reason or "",
        S.WITHDRAWN: say(_("It was taken back.")),
        S.EXPIRED: say(_("Nobody went on with it.")),
    }.get(case.state, "")
    middle = {S.SUBMITTED: say(_("The names are being compared with the sanctions lists."))}.get(case.state, "")
    return [(written, marks[0], first), (checked, marks[1], middle), (decided, marks[2], last)]


def read_back(view: View, case: ApplicationView) -> list[Part]:
    """The answers, section by section."""
    found = [_business(view, case), *_owners(view, case), _contact(view, case), *_places(view, case)]
    found.append(_account(view, case))
    items = case.returned_items or ()
    given = {
        one.page: [item for item in items if item.path.startswith(_ANSWER.get(one.page, one.page))] for one in found
    }
    first = {page: next(at for at, one in enumerate(found) if one.page == page) for page in given}
    return [
        Part(one.page, one.title, one.facts, given[one.page] if first[one.page] == at else ())
        for at, one in enumerate(found)
    ]


_ANSWER = {"account": "settlement_account"}


def _named(view: View, kind: str, value: str | None) -> Any:
    return view.spoken.say(word(kind, value).text) if value else None


def _text(value: Any) -> Any:
    return None if value in (None, "", ()) else _BDI.format(value)


def _business(view: View, case: ApplicationView) -> Part:
    say, one = view.spoken.say, case.business
    takings = None
    if one.monthly_turnover_minor is not None and one.currencies:
        takings = money.display(money.Money(one.monthly_turnover_minor, one.currencies[0]), view.spoken.language)
    sells = f"{choices.category_name(one.mcc)} ({one.mcc})" if one.mcc else None
    facts = [
        (say(_("Name that shoppers know")), _text(one.trading_name)),
        (say(_("Registered name")), _text(one.legal_name)),
        (say(_("Kind of business")), _named(view, "business", one.kind)),
        (say(_("What it sells")), _text(sells)),
        (say(_("Currencies it takes")), ", ".join(one.currencies)),
        (say(_("Number in the company register, or of the licence")), _text(one.registration_number)),
        (say(_("Tax number")), _text(one.tax_id)),
        (say(_("LEI")), _text(one.lei)),
        (say(_("Takings a month")), takings),
        (say(_("People who work there")), _text(one.employees_band)),
        (say(_("Your own reference")), _text(case.external_ref)),
    ]
    return Part("business", word("section", "business").text, _given(facts, least=5))


def _given(facts: Sequence[tuple[Any, Any]], least: int = 0) -> list[tuple[Any, Any]]:
    """What was answered; of the first `least`, also what was not."""
    return [one for at, one in enumerate(facts) if at < least or one[1] not in (None, "")]


def _owners(view: View, case: ApplicationView) -> list[Part]:
    say, language = view.spoken.say, view.spoken.language
    found = []
    for at, one in enumerate(case.owners):
        paper = _named(view, "paper", one.id_type)
        share = None if one.ownership_percent is None else f"{one.ownership_percent:g} %"
        facts = [
            (say(_("Name")), _text(owner_name(one))),
            (say(_("Date of birth")), _text(one.birth_date)),
            (paper or say(_("Identity document")), _text(one.id_number)),
            (say(_("Nationality")), texts.country_name(one.nationality, language) if one.nationality else None),
            (say(_("Share")), share),
            (say(_("Runs the business (director, partner)")), say(_("Yes")) if one.is_director else None),
            (say(_("Phone number")), _text(one.phone)),
            (say(_("E-mail address")), _text(one.email)),
            (say(_("Its number in the register")), _text(one.registration_number)),
        ]
        title = _("Owner {number}", number=at + 1) if len(case.owners) > 1 else word("section", "owners").text
        found.append(Part("owners", title, _given(facts, least=3)))
    return found or [Part("owners", word("section", "owners").text, ())]


def _contact(view: View, case: ApplicationView) -> Part:
    say, one = view.spoken.say, case.contact
    chosen = one.owner_index
    owner = owner_name(case.owners[chosen]) if chosen is not None and 0 <= chosen < len(case.owners) else None
    facts = [
        (say(_("One of the owners")), _text(owner)),
        (say(_("Name")), _text(one.name)),
        (say(_("Phone number")), _text(one.phone)),
        (say(_("E-mail address")), _text(one.email)),
    ]
    return Part("contact", word("section", "contact").text, _given(facts))


def _places(view: View, case: ApplicationView) -> list[Part]:
    say, language = view.spoken.say, view.spoken.language
    found = []
    for at, one in enumerate(case.locations):
        names = [counter.name or counter.own_alias or "–" for counter in one.counters]
        facts = [
            (say(_("Name")), _text(one.name)),
            (say(_("What it is")), _named(view, "place", one.kind)),
            (say(_("Town")), _text(one.city)),
            (say(_("Country")), texts.country_name(one.country, language) if one.country else None),
            (say(_("Street and house")), _text(", ".join(one.address_lines))),
            (say(_("Web site")), _text(one.website)),
            (say(_("Counters")), _text(", ".join(names[:12]) + (" …" if len(names) > 12 else ""))),
        ]
        title = _("Place {number}", number=at + 1) if len(case.locations) > 1 else word("section", "locations").text
        found.append(Part("locations", title, _given(facts)))
    return found or [Part("locations", word("section", "locations").text, ())]


def _account(view: View, case: ApplicationView) -> Part:
    say, one = view.spoken.say, case.settlement_account
    facts = [
        (say(_("Account number")), _text(one.account_id)),
        (say(_("Name of the account")), _text(one.account_name)),
        (say(_("Currency")), _text(one.currency)),
    ]
    return Part("account", word("section", "account").text, _given(facts))
