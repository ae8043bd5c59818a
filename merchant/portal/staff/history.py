"""Everything that ever happened to a merchant, as a timeline in words: who did what, and what of it is on record."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from markupsafe import Markup

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.people import record_routes as api
from merchant.people.record_routes import AuditView
from merchant.portal.staff.merchant_tabs import merchant_path, merchant_tabs
from merchant.portal.ui import words
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.lists import Empty, Listing, show_list
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page, grouped
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.when import tell_time
from merchant.registry.merchants import routes as merchants_api

_PAGE = f"{__package__}/history.html"
# What was done, of what; `{name}` is what the thing is called, the other values are of the entry's detail.
SENTENCES: Mapping[str, str] = {
    "application.opened": _("The application was opened"),
    "application.changed": _("Answers were changed: {sections}"),
    "application.submitted": _("Version {version} was submitted for a decision"),
    "application.screened": _("Version {version} was screened: {hits} hits, {risk} risk"),
    "application.screened_again": _("Screened again: {hits} hits, {risk} risk"),
    "application.hit_release_proposed": _("A list hit was proposed to be another person"),
    "application.hit_decided": _("A list hit was decided: {decision}"),
    "application.risk_changed": _("The risk became {after}, from {before}"),
    "application.approval_noted": _("A first approval was noted; a second person decides"),
    "application.approved": _("Version {version} was approved"),
    "application.returned": _("Version {version} was returned to its maker"),
    "application.rejected": _("Version {version} was rejected"),
    "application.withdrawn": _("The case was withdrawn"),
    "application.expired": _("The case ended for lack of an answer"),
    "application.appealed": _("The rejection was appealed against"),
    "application.held": _("A legal hold was set: nothing may be erased"),
    "application.hold_lifted": _("The legal hold was lifted"),
    "application.erasure_proposed": _("It was proposed to erase the person’s data"),
    "application.erasure_refused": _("Erasing was refused: the data must be kept for now"),
    "application.erased": _("The person’s data were erased, and {documents} documents"),
    "case.opened": _("A case was opened: {kind}"),
    "case.offered": _("The merchant was offered to this DFSP"),
    "counter.added": _("Counter {name} was opened with number {alias}"),
    "counter.changed": _("Counter {name} was renamed or moved"),
    "counter.closed": _("Counter {name} was closed for good"),
    "sticker.replaced": _("The sticker of counter {name} was replaced by a new version"),
    "sticker.revoked": _("The sticker of counter {name} was revoked"),
    "document.added": _("A document was added: {name}"),
    "document.withdrawn": _("A document was withdrawn: {name}"),
    "document.erased": _("A document was erased"),
    "merchant.suspended": _("The merchant was suspended"),
    "merchant.restricted": _("The merchant was restricted: it takes payments and opens no counters"),
    "merchant.reinstated": _("The merchant was reinstated"),
    "merchant.closed": _("The merchant was closed for good"),
    "merchant.downgraded": _("The tier became {after}, from {before}"),
    "merchant.risk_changed": _("The risk became {after}, from {before}"),
    "merchant.requirements_due": _("Evidence is due"),
    "merchant.joined": _("The merchant came to this DFSP"),
    "merchant.left": _("The merchant went to another DFSP"),
    "merchant.block_proposed": _("The hub proposed to block the merchant"),
    "merchant.blocked": _("The hub blocked the merchant"),
    "merchant.block_withdrawn": _("The proposal to block was withdrawn"),
    "merchant.unblock_proposed": _("The hub proposed to end the block"),
    "merchant.unblocked": _("The hub ended the block"),
    "block_list.refused": _("Refused: an answer is on the block list"),
    "personal_data.read": _("Personal data were opened"),
    "phone_code.sent": _("A code was sent to the telephone"),
    "phone_code.confirmed": _("The telephone was confirmed by its code"),
    "phone_code.refused": _("A wrong code was typed; {tries_left} tries were left"),
    "verification.recorded": _("Checked: {attribute}, {outcome}"),
    "verification.waiver_proposed": _("It was proposed to waive a check: {attribute}"),
    "verification.waived": _("A check was waived: {attribute}"),
}
_MORE_MOST = 6  # values behind a sentence
_RISK_WORDS = {"low": _("low"), "medium": _("medium"), "high": _("high"), "prohibited": _("prohibited")}
_RISKS = frozenset({"risk", "before", "after"})
_TOLD_BY_NAMES = frozenset({"sections", "attribute", "decision", "outcome", "kind"})
_QUIET = frozenset(
    {"version", "version_hash", "merchant_id", "hit", "requested_by", "weights_version", "code", "score", "subject"}
    | {"reason", "reason_digest"}
)
_LISTING = Listing(
    title=_("History"),
    handler=api.list_merchant_history,
    columns=(),
    empty=Empty(_("Nothing recorded yet"), _("Whatever changes something is recorded here.")),
)


@screen("GET", "/merchants/{merchant_id}/history", permission=P.MERCHANTS_READ, kinds=STAFF)
async def merchant_history(view: View, merchant_id: UUID) -> Page:
    """What happened to a merchant, its counters, cases and documents, newest first."""
    merchant = (await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})).view
    return await show_list(
        view,
        _LISTING,
        path={"merchant_id": merchant_id},
        template=_PAGE,
        merchant=merchant,
        tabs=merchant_tabs(view, merchant_id),
        tab=merchant_path(merchant_id, "history"),
        entry=lambda row: _entry(view, row),
    )


def _entry(view: View, row: AuditView) -> tuple[Any, Any, Any, Any]:
    """One entry as ui.timeline takes it: when, who, what, more."""
    when = tell_time(row.at, zone_of(view.scheme), view.spoken.language)
    return when, _who(view, row), _what(view, row), _more(view, row)


def _who(view: View, row: AuditView) -> str:
    if row.actor_name:
        return row.actor_name
    return view.spoken.say(_("The service") if row.actor_kind == "service" else _("Hub staff"))


def _what(view: View, row: AuditView) -> Markup:
    """The sentence of an action with its values; readable text for one that nobody has put in words yet."""
    sentence = SENTENCES.get(row.action)
    if sentence is None:
        return fill("{}", row.action.replace(".", ": ").replace("_", " ").capitalize())
    values = {"name": row.subject_name or "–"} | row.detail
    told = {name: _value(view, name, value) for name, value in values.items()}
    try:
        return view.spoken.say(sentence, **told)
    except KeyError:  # an entry of a release that recorded less
        return fill("{}", row.action.replace(".", ": ").replace("_", " ").capitalize())


def _value(view: View, name: str, value: Any) -> Any:
    if name in _RISKS and str(value) in _RISK_WORDS:
        return view.spoken.say(_RISK_WORDS[str(value)])
    if name == "kind":
        return view.spoken.say(words.word("case", value).text)
    if name == "alias":
        return fill('<bdi class="nowrap">{}</bdi>', grouped(str(value)))
    if name == "name":
        return fill("<bdi>{}</bdi>", str(value).replace("_", " ") if value else "–")
    if name in _TOLD_BY_NAMES:
        values = value if isinstance(value, list) else [value]
        return ", ".join(str(one).replace("_", " ") for one in values)
    return value


def _more(view: View, row: AuditView) -> Markup | None:
    """What the sentence leaves out: the reason in someone's words, and codes."""
    sentence = SENTENCES.get(row.action, "")
    left = [
        (name.replace("_", " "), value)
        for name, value in row.detail.items()
        if name not in _QUIET and f"{{{name}}}" not in sentence and isinstance(value, str | int | float)
    ]
    parts = [fill("{}: {}", name, value) for name, value in left[:_MORE_MOST]]
    if reason := row.detail.get("reason"):
        parts.insert(0, fill("“{}”", reason))
    return Markup(" · ").join(parts) if parts else None


ROUTES = [merchant_history]
