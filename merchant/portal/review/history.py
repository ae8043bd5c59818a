"""What happened to a case, out of what the API tells of it: written, submitted, decided, verified, papers sent."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from markupsafe import Markup

from merchant.core.texts import _
from merchant.portal.review import labels
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.screen import View
from merchant.portal.ui.when import tell_time
from merchant.portal.ui.words import word

_MOST = 60
Entry = tuple[str, str, Any, str]  # instant, who, what, more
_DECIDED = {"approved": _("Approved"), "rejected": _("Rejected"), "returned": _("Returned to its makers")}
_HIT = {
    "false_positive": _("A hit was called another one"),
    "true_match": _("A hit was called the listed one"),
}


def timeline(
    view: View,
    case: Any,
    versions: Iterable[Any],
    verifications: Iterable[Any],
    papers: Iterable[Any],
    names: Mapping[UUID, str],
) -> list[tuple[Any, str, Any, str]]:
    """(when, who, what, more) of everything that is known, newest first."""
    say = view.spoken.say
    found: list[Entry] = [(case.created_at, "", say(_("Opened")), "")]
    for one in versions:
        found.append((one.submitted_at, "", say(_("Version {number} submitted"), number=one.version), ""))
        for decided in one.decisions:
            told = say(_DECIDED.get(decided.kind, decided.kind))
            found.append((decided.at, names.get(decided.checker, ""), told, decided.reason or ""))
        for hit in one.hit_decisions:
            told = say(_HIT[hit.decision])
            found.append((hit.at, names.get(hit.checker, ""), told, hit.reason or ""))
    for one in verifications:
        subject = f"{labels.attribute_of(view, one.attribute)}, {labels.label_of(view, one.subject)}"
        who = names.get(one.by, "") if one.by is not None else str(say(_("The service")))
        found.append((one.at, who, Markup("{}: {}").format(subject, say(word("verification", one.outcome).text)), ""))
    for one in papers:
        purpose = say(word("purpose", one.purpose).text)
        found.append(
            (one.added_at, names.get(one.added_by, ""), say(_("Document sent: {purpose}"), purpose=purpose), "")
        )
    if case.appealed_at is not None:
        found.append((case.appealed_at, "", say(_("The rejection was appealed")), case.reason or ""))
    found.sort(key=lambda one: one[0], reverse=True)
    zone = zone_of(view.scheme)
    return [(tell_time(at, zone, view.spoken.language), *rest) for at, *rest in found[:_MOST]]
