"""The screens on which a person opens a shop: a question each, then consent, and a code where the policy asks for one.

The application is made by the answer to the last of them, and by no other.
"""

from typing import Final

from msgspec.structs import replace

from ussd.fit import clip, legible, ucs2_units
from ussd.menu import End, Go, Handler, Move, Option, Screen, Stay, Turn, View
from ussd.screens.common import go
from ussd.session import Answers, ScreenName
from ussd.signing_up import (
    FIELD_UNITS_MAX,
    ID_UNITS_MAX,
    KINDS,
    SignUpField,
    SignUpForm,
    SignUpOrder,
    SignUpOutcome,
    read_birth,
)
from ussd.texts import say

DFSP_UNITS_MAX: Final = 24  # of a DFSP's name
REASON_UNITS_MAX: Final = 120  # of why an application was refused
BIRTH_EXAMPLE: Final = "31/12/1990"
# Who may not go on: the last words for each outcome without an application.
_ENDS: Final[dict[SignUpOutcome, str]] = {
    "locked": "sign_up.no_codes",
    "phone_taken": "sign_up.taken",
    "id_taken": "sign_up.id_taken",
    "refused": "sign_up.closed",
}


async def choose_sign_up(turn: Turn, text: str) -> Move:
    """Where a phone without a shop goes: to its application, or to the offer to make one."""
    status = await turn.backend.sign_up_status(turn.step.msisdn)
    return Go("sign_up" if status.state == "none" else "sign_up_status")


async def show_sign_up(turn: Turn) -> View:
    """Say that there is no shop, and offer to open one."""
    return View(say("own.none"))


async def show_status(turn: Turn) -> View:
    """Where the application stands, in words."""
    status = await turn.backend.sign_up_status(turn.step.msisdn)
    return View(
        say(
            f"sign_up.{status.state}",
            bank=_short(status.dfsp),
            number=status.number,
            reason=clip(status.reason, REASON_UNITS_MAX, ucs2_units),
        )
    )


async def begin(turn: Turn, text: str) -> Move:
    """Ask the first question, where any DFSP takes new merchants."""
    if not await turn.backend.sign_up_dfsps():
        return End(say("sign_up.closed"))
    return Go("sign_up_name", Answers(form=SignUpForm()))


def _question(key: str, **fields: str) -> Screen:
    """A screen that asks one thing; only its handler differs."""

    async def show(turn: Turn) -> View:
        return View(say(key, **fields))

    return Screen(show)


async def _taken(turn: Turn, form: SignUpForm, field: SignUpField, after: ScreenName) -> Move:
    """Go on with an answer that the service would take; else ask again, with an example."""
    fault = (await turn.backend.sign_up_faults(form)).get(field)
    if fault is None:
        return Go(after, Answers(form=form))
    if fault == "too_young":
        return Stay(say("sign_up.too_young"))
    return Stay(say(f"sign_up.bad_{field}", example=BIRTH_EXAMPLE))


def _words(text: str) -> str:
    """A typed name on one line, in its own script."""
    return legible(text, "ucs2")


async def take_name(turn: Turn, text: str) -> Move:
    """The person's name, in any script."""
    if not _fits(name := _words(text)):
        return Stay(say("sign_up.bad_name"))
    return await _taken(turn, replace(turn.form, name=name), "name", "sign_up_business")


async def take_business(turn: Turn, text: str) -> Move:
    """The shop's name, in any script."""
    if not _fits(name := _words(text)):
        return Stay(say("sign_up.bad_business"))
    return await _taken(turn, replace(turn.form, business=name), "business", "sign_up_kind")


def choose_kind(mcc: str) -> Handler:
    """An answer to what the shop sells."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go("sign_up_town", Answers(form=replace(turn.form, mcc=mcc)))

    return choose


async def take_town(turn: Turn, text: str) -> Move:
    """The town, in any script."""
    if not _fits(town := _words(text)):
        return Stay(say("sign_up.bad_town"))
    return await _taken(turn, replace(turn.form, town=town), "town", "sign_up_id")


async def take_id(turn: Turn, text: str) -> Move:
    """The number of the identity card, as it stands there."""
    number = _words(text)
    if ucs2_units(number) > ID_UNITS_MAX:
        return Stay(say("sign_up.bad_id"))
    return await _taken(turn, replace(turn.form, id_number=number), "id", "sign_up_birth")


async def take_birth(turn: Turn, text: str) -> Move:
    """The date of birth, in any of the ways in which people write it."""
    born = read_birth(text)
    if born is None:
        return Stay(say("sign_up.bad_birth", example=BIRTH_EXAMPLE))
    move = await _taken(turn, replace(turn.form, born=born), "birth", "sign_up_dfsp")
    dfsps = await turn.backend.sign_up_dfsps() if isinstance(move, Go) else ()
    if isinstance(move, Go) and len(dfsps) == 1:  # nothing to choose
        form = replace(turn.form, born=born, dfsp_id=dfsps[0].id, dfsp=_short(dfsps[0].name))
        return Go("sign_up_consent", Answers(form=form))
    return move


async def show_dfsps(turn: Turn) -> View:
    """The DFSPs in a numbered list."""
    dfsps = await turn.backend.sign_up_dfsps()
    return View(say("sign_up.dfsp"), tuple(f"{place} {_short(one.name)}" for place, one in enumerate(dfsps, start=1)))


async def take_dfsp(turn: Turn, text: str) -> Move:
    """Choose a DFSP by its place in the list."""
    by_place = {str(place): one for place, one in enumerate(await turn.backend.sign_up_dfsps(), start=1)}
    if text not in by_place:
        return Stay(say("error.range", last=str(len(by_place))))
    chosen = by_place[text]
    form = replace(turn.form, dfsp_id=chosen.id, dfsp=_short(chosen.name))
    return Go("sign_up_consent", Answers(form=form))


async def show_consent(turn: Turn) -> View:
    """Ask whether the DFSP may keep and check what was typed."""
    return View(say("sign_up.consent", bank=turn.form.dfsp))


async def agree(turn: Turn, text: str) -> Move:
    """Send the code that the policy asks for; without one make the application now."""
    match await turn.backend.send_sign_up_code(turn.step.msisdn, turn.language, turn.form):
        case "sent":
            return Go("sign_up_code")
        case "spent":
            return End(say("sign_up.no_codes"))
        case _:
            return await _apply(turn, None)


async def send_again(turn: Turn, text: str) -> Move:
    """Send another code; the one before it ends."""
    outcome = await turn.backend.send_sign_up_code(turn.step.msisdn, turn.language, turn.form)
    return End(say("sign_up.no_codes")) if outcome == "spent" else Stay(say("sign_up.code_sent"), miss=False)


async def take_code(turn: Turn, text: str) -> Move:
    """Make the application of whoever types the code that was sent."""
    return await _apply(turn, text.replace(" ", "").replace("-", ""))


async def _apply(turn: Turn, code: str | None) -> Move:
    form = turn.form
    outcome = await turn.backend.sign_up(SignUpOrder(turn.key, turn.step.msisdn, turn.language, form, code))
    if outcome == "wrong_code":
        return Stay(say("sign_up.bad_code"))
    key = "sign_up.sent" if outcome == "sent" else _ENDS[outcome]
    return End(say(key, bank=form.dfsp, code=turn.step.service_code))


def _fits(text: str) -> bool:
    return bool(text) and ucs2_units(text) <= FIELD_UNITS_MAX


def _short(name: str) -> str:
    return clip(name, DFSP_UNITS_MAX, ucs2_units)


SCREENS: Final[dict[ScreenName, Screen]] = {
    "sign_up": Screen(show_sign_up, options={"1": Option("sign_up.open", begin)}),
    "sign_up_status": Screen(show_status),
    "sign_up_name": replace(_question("sign_up.name"), typed=take_name, free_text=True),
    "sign_up_business": replace(_question("sign_up.business"), typed=take_business, free_text=True),
    "sign_up_kind": replace(
        _question("sign_up.kind"),
        options={
            str(place): Option(label, choose_kind(mcc)) for place, (label, mcc) in enumerate(KINDS.items(), start=1)
        },
    ),
    "sign_up_town": replace(_question("sign_up.town"), typed=take_town, free_text=True),
    "sign_up_id": replace(_question("sign_up.id"), typed=take_id),
    "sign_up_birth": replace(_question("sign_up.birth", example=BIRTH_EXAMPLE), typed=take_birth),
    "sign_up_dfsp": Screen(show_dfsps, typed=take_dfsp),
    "sign_up_consent": Screen(
        show_consent,
        options={"1": Option("sign_up.agree", agree), "2": Option("sign_up.disagree", go("home"))},
        commits=True,
    ),
    "sign_up_code": replace(
        _question("sign_up.code"),
        typed=take_code,
        options={"1": Option("sign_up.new_code", send_again)},
        commits=True,
    ),
}
