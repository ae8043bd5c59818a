"""Whether a layer fits: those above and below it still hold on every day to come, and every live merchant has a place.

A layer that is published changes what its DFSPs are held to from its day on, until it is replaced; layers that come
into force later lie over it then.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from uuid import UUID

import kyb
from merchant.compliance.policies.in_force import Policies, Published
from merchant.compliance.policies.models import PolicyLayer
from merchant.compliance.policies.problems import UnsoundPolicy
from merchant.core import errors
from merchant.core.db import Reads
from merchant.core.texts import _
from merchant.registry.merchants.states import Capability, states_that_permit

TEXT_CHARS_MAX = 200_000  # the longest preset has 10,000
# What merchants are: each kind and tier with its currencies, by DFSP.
_HELD = f"""
SELECT m.dfsp_id, d.fsp_id, m.tier, m.kind, currency, count(*) AS merchants
FROM merchant m JOIN dfsp d ON d.id = m.dfsp_id, unnest(m.currencies) AS currency
WHERE m.state IN {states_that_permit(Capability.SHOW_PAYMENTS)} AND ($1::uuid IS NULL OR m.dfsp_id = $1)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 3, 4, 5
"""  # noqa: S608 - constants of ours


def sha256(text: str) -> str:
    """The hash of a layer's text, as it is shown and recorded."""
    return hashlib.sha256(text.encode()).hexdigest()


def as_published(row: PolicyLayer) -> Published:
    """A layer as it would count if it were published."""
    return Published(
        layer=row.layer,
        dfsp_id=row.dfsp_id,
        effective_on=row.effective_on,
        text=row.text,
        sha256=row.sha256,
        name=row.name,
        version=row.version,
        id=row.id,
    )


async def check_fits(tx: Reads, known: Policies, draft: Published, day: date) -> kyb.Policy:
    """The policy that a layer would make on its first day. Raises UnsoundPolicy with every fault that was found.

    A loosened layer is named with its place; a layer of a DFSP that would no longer hold, with the DFSP.
    """
    if not draft.text.strip() or len(draft.text) > TEXT_CHARS_MAX:
        text = _("A policy has 1 to {most} characters.", most=TEXT_CHARS_MAX)
        raise UnsoundPolicy(errors=(errors.FieldError("text", "length", text),))
    if found := await asyncio.to_thread(faults, known, draft):
        raise UnsoundPolicy(errors=tuple(errors.FieldError("text", "policy", fault) for fault in found))
    then = known.with_layer(draft)
    await _check_others(tx, then, draft, max(day, draft.effective_on))
    return then.in_force(draft.dfsp_id, draft.effective_on)


async def stored_faults(tx: Reads, known: Policies, day: date) -> list[str]:
    """What is wrong with the layers that are published, today and on each day to come, a sentence each.

    A release whose preset or rules are stricter, or a change in the database by hand, can make a stored layer unsound.
    """
    fsp_ids = {row["id"]: str(row["fsp_id"]) for row in await tx.fetch("SELECT id, fsp_id FROM dfsp")}
    changed = [
        f"the text of layer {one.id} is not the one that was published" for one in known.layers if _is_changed(one)
    ]
    return changed + await asyncio.to_thread(_unsound, known, _concerned(known, None), _days(known, day), fsp_ids)


def _is_changed(layer: Published) -> bool:
    return sha256(layer.text) != layer.sha256


async def check_without(tx: Reads, known: Policies, layer: Published, day: date) -> None:
    """Whether what comes later holds without a layer. Raises UnsoundPolicy."""
    await _check_others(tx, known.without(layer.id), layer, max(day, layer.effective_on))


def faults(known: Policies, draft: Published) -> list[str]:
    """What is wrong with a layer over those above it on its first day, a sentence with its place each."""
    above = [one for one in known.texts(draft.dfsp_id, draft.effective_on) if _rank(one.layer) < _rank(draft.layer)]
    texts = [one.text for one in above]
    if draft.layer == "dfsp":
        texts = texts or [kyb.preset("generic")]
    whole = [*texts, draft.text]
    return kyb.layer_faults(whole) or list(_never_met(kyb.load_layers(whole)))


def _never_met(policy: kyb.Policy) -> Iterator[str]:
    """Checks that kyb knows and that nothing here ever meets: no case is told of its turnover (kyb.Case)."""
    asked = frozenset[str]().union(*(policy.asked(tier).keys() for tier in policy.tiers))
    for key, check in policy.text.checks.items():
        if check.type == "volume_observed" and check.minimum_units > 0 and key in asked:
            yield _("checks.{check}: this service counts no turnover for a policy, so no case could meet it", check=key)


def _rank(layer: str) -> int:
    return [str(one) for one in kyb.LAYERS].index(layer)


async def _check_others(tx: Reads, then: Policies, draft: Published, day: date) -> None:
    """The policies of all whom a layer concerns, on its first day and on each later one that brings a change."""
    held = await tx.fetch(_HELD, draft.dfsp_id)
    fsp_ids = {row["id"]: str(row["fsp_id"]) for row in await tx.fetch("SELECT id, fsp_id FROM dfsp")}
    days, concerned = _days(then, day), _concerned(then, draft.dfsp_id)
    told = await asyncio.to_thread(_unsound, then, concerned, days, fsp_ids)
    found = [errors.FieldError("text", "policy", text) for text in told]
    if not found:
        found = [fault for each in days for fault in _without_place(then, held, each)]
    if found:
        raise UnsoundPolicy(errors=tuple(dict.fromkeys(found)))


def _days(known: Policies, day: date) -> list[date]:
    """A day, and each later one that brings a change."""
    return sorted({day, *(one.effective_on for one in known.layers if one.effective_on > day)})


def _concerned(known: Policies, dfsp_id: UUID | None) -> list[UUID | None]:
    """Whose policies a layer of a DFSP is part of, or one of the hub: the scheme's, and each DFSP's with a layer."""
    if dfsp_id is not None:
        return [dfsp_id]
    return [None, *sorted({one.dfsp_id for one in known.layers if one.dfsp_id is not None})]


def _unsound(known: Policies, concerned: list[UUID | None], days: list[date], fsp_ids: dict[UUID, str]) -> list[str]:
    """The first fault of each policy that does not hold on one of the days."""
    found = []
    for dfsp_id in concerned:
        for each in days:
            try:
                known.in_force(dfsp_id, each)
            except kyb.PolicyError as fault:
                found.append(_told(fsp_ids.get(dfsp_id, "") if dfsp_id is not None else "", each, str(fault)))
                break
    return found


def _told(fsp_id: str, day: date, fault: str) -> str:
    if fsp_id:
        return _(
            "The policy of {dfsp} would no longer hold from {day} on: {fault}",
            dfsp=fsp_id,
            day=day.isoformat(),
            fault=fault,
        )
    return _("The scheme's policy would no longer hold from {day} on: {fault}", day=day.isoformat(), fault=fault)


def _without_place(then: Policies, held: Iterable[dict[str, object]], day: date) -> list[errors.FieldError]:
    """Merchants whose tier is not open to their kind any more, or who take a currency without limits."""
    found = []
    for row in held:
        dfsp_id, tier, kind, currency = row["dfsp_id"], str(row["tier"]), str(row["kind"]), str(row["currency"])
        assert isinstance(dfsp_id, UUID)
        policy = then.in_force(dfsp_id, day)
        facts = {"merchants": row["merchants"], "dfsp": row["fsp_id"]}
        if tier not in [one.name for one in policy.ladder(kind)]:
            text = _(
                "{merchants} merchants of {dfsp} ({kind}) hold tier {tier}, which would not be open to them.",
                kind=kind,
                tier=tier,
                **facts,
            )
            found.append(errors.FieldError("text", "tier_in_use", text))
        elif not policy.has_limits(currency):
            text = _("{merchants} merchants of {dfsp} take {currency}, without limits.", currency=currency, **facts)
            found.append(errors.FieldError("text", "currency_in_use", text))
    return found
