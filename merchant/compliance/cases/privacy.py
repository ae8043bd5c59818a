"""Who sees what of the people in an application, and the record of who looked.

Staff of the DFSP see identity and tax numbers and birth dates masked, and open one at a time; telephones, e-mail
addresses and the account stay legible to them, since onboarding is done by calling and paying these. Hub staff see the
business and the state, and nothing of its people. A machine that writes an application reads its own draft whole.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.compliance.cases import answers, problems
from merchant.compliance.cases.four_eyes import opened_by
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.queries import application, frozen_version
from merchant.compliance.cases.states import Capability, application_may
from merchant.core import audit, clock, errors, evidence, masking
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.texts import _

# Why someone opens a value: codes, since the audit record holds no words of people.
RevealReason = Literal["onboarding", "review", "screening", "correction", "customer_request", "audit", "investigation"]

_OWNER_MASKS: dict[str, Callable[[str], str]] = {"id_number": masking.mask_number, "birth_date": masking.mask_date}
_PATH = re.compile(r"owners\[(\d{1,4})\]\.(id_number|birth_date)|business\.tax_id")
_OWNER_PATH = re.compile(r"owners\[(\d{1,4})\]\.(id_number|birth_date)")
_CLEAR_READ_EVERY_S = 3600  # how often a machine's reads of one application of its own are recorded


class Revealed(Struct, frozen=True):
    """One value in clear."""

    path: str
    value: str


def sees_whole(actor: Actor, row: Application) -> bool:
    """Whether the actor reads an application's answers unmasked: a machine that opened it, while nobody has seen it.

    Changing what others wrote makes a maker, too, and must not open it.
    """
    return actor.kind == "api_key" and opened_by(row, actor) and application_may(row.state, Capability.EDIT)


def shown(actor: Actor, sections: kyb.Sections) -> kyb.Sections:
    """The answers as an actor may see them."""
    business = sections.business
    if business.tax_id:
        business = msgspec.structs.replace(business, tax_id=masking.mask_number(business.tax_id))
    if actor.dfsp_id is None:
        places = tuple(_without_address(place) for place in sections.locations)
        return kyb.Sections(business=business, locations=places, external_ref=sections.external_ref)
    owners = tuple(_masked(owner) for owner in sections.owners)
    return msgspec.structs.replace(sections, business=business, owners=owners)


def shown_report(actor: Actor, report: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stored report as an actor may see it: to the hub without the names that it compares."""
    if report is None or actor.dfsp_id is not None:
        return report
    hits = [one | {"hit": one["hit"] | {"matched_name": masking.HIDDEN, "pieces": []}} for one in report["hits"]]
    return report | {"hits": hits}


def shown_words(actor: Actor, words: str | None) -> str | None:
    """A reason in someone's own words, which may speak of people: not for the hub."""
    return words if actor.dfsp_id is not None else None


def refuse_masked(sections: kyb.Sections) -> None:
    """Refuse answers that are what a view showed instead of the value. Raises MaskedValue."""
    found = [path for path, value in _maskable(sections) if masking.is_masked(value)]
    if found:
        sentence = _("This is the masked value that was shown; send the real one, or leave the section out.")
        raise problems.MaskedValue(errors=tuple(errors.FieldError(path, "masked_value", sentence) for path in found))


def kept(before: kyb.Sections, given: kyb.Sections, keep: Mapping[str, str]) -> kyb.Sections:
    """The answers that were given, with those that views mask taken over from before: by new place, the present one.

    Nobody sees them for that. Raises InvalidFields for a place that holds none, and for one that was filled anew.
    """
    if not keep:
        return given
    present, new = dict(_maskable(before)), dict(_maskable(given))
    faults = []
    for to, source in keep.items():
        path = f"keep.{to}"
        if source not in present:
            faults.append(errors.FieldError(path, "empty", _("There is no answer at this path.")))
        elif to in new or not _PATH.fullmatch(to) or not _has_place(given, to) or not _alike(to, source):
            told = _("An answer that is kept needs a place that is masked and empty.")
            faults.append(errors.FieldError(path, "not_allowed", told))
    if faults:
        raise errors.InvalidFields(errors=tuple(faults))
    owners = list(given.owners)
    for to, source in keep.items():
        if found := _OWNER_PATH.fullmatch(to):
            at, name = int(found[1]), found[2]
            owners[at] = msgspec.structs.replace(owners[at], **{name: present[source]})
    business = given.business
    if "business.tax_id" in keep:
        business = msgspec.structs.replace(business, tax_id=present[keep["business.tax_id"]])
    return msgspec.structs.replace(given, business=business, owners=tuple(owners))


def _has_place(sections: kyb.Sections, path: str) -> bool:
    found = _OWNER_PATH.fullmatch(path)
    return found is None or int(found[1]) < len(sections.owners)


def _alike(to: str, source: str) -> bool:
    return to.rpartition(".")[2] == source.rpartition(".")[2]


async def reveal(
    tx: Tx, service: Service, actor: Actor, application_id: UUID, path: str, why: RevealReason, version: int | None
) -> Revealed:
    """One masked value in clear, recorded in the same transaction. Raises NotFound, NotAllowed, InvalidFields."""
    dfsp_id = actor.own_dfsp()
    row = await application(tx, actor, application_id)
    sealed = row.sections_sealed if version is None else (await frozen_version(tx, row, version)).sections_sealed
    if not _PATH.fullmatch(path):
        raise errors.invalid_field("path", "unknown", _("Nothing is masked at this path."))
    value = dict(_maskable(answers.unseal(service.vault, row.id, sealed))).get(path)
    if value is None:
        raise errors.invalid_field("path", "empty", _("There is no answer at this path."))
    seen = row.version if version is None else version
    await audit.record(
        tx, actor, "personal_data.read", "application", row.id, dfsp_id=dfsp_id, path=path, why=why, version=seen
    )
    return Revealed(path, value)


async def record_whole_read(tx: Tx, service: Service, actor: Actor, row: Application) -> bool:
    """Record that a machine read its own draft whole, once an hour; whether it was recorded now."""
    if not service.shared(_WholeReads).is_new(actor.id, row.id):
        return False
    await audit.record(
        tx,
        actor,
        "personal_data.read",
        "application",
        row.id,
        dfsp_id=row.dfsp_id,
        path="*",
        why="own_draft",
        version=row.version,
    )
    return True


def note_read(service: Service, actor: Actor, source: str, application_id: UUID, path: str, why: str) -> None:
    """Note the look as a security event."""
    evidence.note(
        service,
        SecurityEvent.PERSONAL_DATA_READ,
        actor=actor,
        source=source,
        subject=str(application_id),
        path=path,
        why=why,
    )


class _WholeReads:
    """Which machines read which application in this hour, of this process."""

    def __init__(self, _service: Service) -> None:
        self._hour = 0
        self._seen: set[tuple[UUID, UUID]] = set()

    def is_new(self, key_id: UUID, application_id: UUID) -> bool:
        hour = int(clock.now().timestamp()) // _CLEAR_READ_EVERY_S
        if hour != self._hour:
            self._hour, self._seen = hour, set()
        new = (key_id, application_id) not in self._seen
        self._seen.add((key_id, application_id))
        return new


def _masked(owner: kyb.Owner) -> kyb.Owner:
    given = {name: mask(value) for name, mask in _OWNER_MASKS.items() if (value := getattr(owner, name))}
    return msgspec.structs.replace(owner, **given)


def _maskable(sections: kyb.Sections) -> Iterator[tuple[str, str]]:
    """(path, value) of every answer that views mask."""
    for index, owner in enumerate(sections.owners):
        for name in _OWNER_MASKS:
            if value := getattr(owner, name):
                yield f"owners[{index}].{name}", value
    if sections.business.tax_id:
        yield "business.tax_id", sections.business.tax_id


def _without_address(place: kyb.Location) -> kyb.Location:
    return msgspec.structs.replace(place, address_lines=(), postal_code=None, latitude=None, longitude=None)
