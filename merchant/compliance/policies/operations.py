"""Propose, publish and withdraw a layer of the policy; publishing takes another person than the one who proposed.

Each is checked when it is proposed and again when it is published, by what is in force by then (soundness.py). The
hub's people write the regulator's and the scheme's layers, a DFSP's admin and checkers their own.
"""

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

from merchant.compliance.policies import soundness
from merchant.compliance.policies.in_force import Published, read_policies, today
from merchant.compliance.policies.models import PolicyLayer
from merchant.compliance.policies.problems import DayPast, ProposerGone, TooManyProposals
from merchant.compliance.policies.queries import lock_layer
from merchant.compliance.policies.states import Capability, LayerState, layer_may, move_layer, states_that_permit
from merchant.core import audit, clock, errors, locks
from merchant.core.access import SERVICE, Actor
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.scheme import queries as scheme_queries
from merchant.scheme.problems import NothingProposed

PROPOSALS_MAX = 20  # that wait at one time for one layer; each is read and checked whole
YEARS_AHEAD_MAX = 5  # a day further off is a slip of the pen
DFSP = "dfsp"
_TURN = "policies"  # two that publish at once would each be checked without the other
_STILL_ACTS = "SELECT 1 FROM app_user WHERE id = $1 AND enabled AND dfsp_id IS NOT DISTINCT FROM $2"


class NewLayer(Struct, frozen=True):
    """What is proposed: a layer's text, whose it is, and from which day it counts; None is the day of publishing."""

    layer: str
    text: str
    dfsp_id: UUID | None = None
    effective_on: date | None = None
    note: str = ""


async def propose_layer(tx: Tx, service: Service, actor: Actor, new: NewLayer, **detail: Any) -> PolicyLayer:
    """Propose a layer. `detail` goes into the audit record.

    Raises NotAllowed, NotFound, UnsoundPolicy, InvalidFields, NothingProposed, TooManyProposals.
    """
    dfsp_id = await _owner(tx, actor, new)
    day = await today(service)
    first_day = _first_day(new.effective_on, day)
    await locks.take_turn(tx, _TURN)
    known = await read_policies(tx)
    draft = Published(
        layer=new.layer, dfsp_id=dfsp_id, effective_on=first_day, text=new.text, sha256=soundness.sha256(new.text)
    )
    if known.layer_in_force(new.layer, dfsp_id, first_day, draft.sha256):
        raise NothingProposed
    policy = await soundness.check_fits(tx, known, draft, day)
    await _check_room(tx, new.layer, dfsp_id)
    layer = PolicyLayer(
        id=draft.id,
        layer=new.layer,
        dfsp_id=dfsp_id,
        name=policy.name,
        version=policy.text.version,
        text=new.text,
        sha256=draft.sha256,
        effective_on=first_day,
        note=new.note,
        proposed_by=actor.id,
    )
    tx.session.add(layer)
    await tx.flush()
    await _record(tx, actor, "policy.proposed", layer, **detail)
    return layer


async def publish_layer(tx: Tx, service: Service, actor: Actor, layer_id: UUID, **detail: Any) -> PolicyLayer:
    """Put a proposed layer in force from its day on, or from today where that has passed.

    `detail` is for the audit record. The caller has its process forget what it knew (`in_force.forget`) once the
    transaction is over. Raises NotFound, NotAllowed, CheckerIsMaker, WrongState, ProposerGone, UnsoundPolicy,
    NothingProposed.
    """
    await locks.take_turn(tx, _TURN)
    layer = await lock_layer(tx, actor, layer_id)
    _check_writer(actor, layer.layer)
    _check_state(layer, Capability.PUBLISH)
    if actor != SERVICE:
        if layer.proposed_by == actor.id:
            raise errors.CheckerIsMaker(_("Who proposed a policy may not publish it; ask another person."))
        if layer.proposed_by != SERVICE.id and not await tx.fetchval(_STILL_ACTS, layer.proposed_by, layer.dfsp_id):
            raise ProposerGone
    day = await today(service)
    layer.effective_on = max(layer.effective_on, day)
    known = await read_policies(tx)
    if known.layer_in_force(layer.layer, layer.dfsp_id, layer.effective_on, layer.sha256):
        raise NothingProposed
    await soundness.check_fits(tx, known, soundness.as_published(layer), day)
    move_layer(layer, LayerState.PUBLISHED)
    layer.published_by, layer.published_at = actor.id, clock.now()
    await tx.flush()
    await _record(tx, actor, "policy.published", layer, proposed_by=str(layer.proposed_by), **detail)
    return layer


async def withdraw_layer(tx: Tx, service: Service, actor: Actor, layer_id: UUID, **detail: Any) -> PolicyLayer:
    """Take back a layer that is proposed, or published for a day to come. `detail` is for the audit record.

    Either of the two people may. Raises NotFound, NotAllowed, WrongState, DayPast, UnsoundPolicy where a later layer
    rests on it.
    """
    await locks.take_turn(tx, _TURN)
    layer = await lock_layer(tx, actor, layer_id)
    _check_writer(actor, layer.layer)
    if layer_may(layer.state, Capability.WITHDRAW_BEFORE_ITS_DAY):
        day = await today(service)
        if layer.effective_on <= day:
            raise DayPast
        await soundness.check_without(tx, await read_policies(tx), soundness.as_published(layer), day)
    else:
        _check_state(layer, Capability.WITHDRAW)
    move_layer(layer, LayerState.WITHDRAWN)
    await tx.flush()
    await _record(tx, actor, "policy.withdrawn", layer, **detail)
    return layer


async def _owner(tx: Tx, actor: Actor, new: NewLayer) -> UUID | None:
    """The DFSP that a layer is of; None for the regulator's and the scheme's. Raises NotAllowed, NotFound."""
    _check_writer(actor, new.layer)
    if new.layer != DFSP:
        if new.dfsp_id is not None:
            raise errors.invalid_field("dfsp_id", "not_taken", _("Only a DFSP's own layer names a DFSP."))
        return None
    owner = actor.dfsp_id or new.dfsp_id
    if owner is None:
        raise errors.invalid_field("dfsp_id", "missing", _("Say which DFSP the layer is of."))
    if new.dfsp_id not in (None, owner):
        raise errors.NotFound(_("There is no such DFSP."))
    return (await scheme_queries.dfsp(tx, owner)).id


def _check_writer(actor: Actor, layer: str) -> None:
    """Whether a layer is the actor's to write. Raises NotAllowed."""
    if actor == SERVICE:
        return
    actor.require(P.POLICIES_WRITE)
    if layer == DFSP and actor.dfsp_id is None:
        raise errors.NotAllowed(_("Only staff of a DFSP write its policy; the hub writes the scheme's."))
    if layer != DFSP and actor.dfsp_id is not None:
        raise errors.NotAllowed(_("Only staff of the hub write the regulator's and the scheme's policy."))


def _first_day(asked: date | None, day: date) -> date:
    if asked is None:
        return day
    if asked < day:
        raise errors.invalid_field("effective_on", "past", _("A policy counts from today on at the earliest."))
    if asked.year > day.year + YEARS_AHEAD_MAX:
        text = _("A policy counts within {most} years.", most=YEARS_AHEAD_MAX)
        raise errors.invalid_field("effective_on", "too_far", text)
    return asked


async def _check_room(tx: Tx, layer: str, dfsp_id: UUID | None) -> None:
    waiting: Any = PolicyLayer
    statement = select(waiting.id).where(
        waiting.layer == layer,
        waiting.dfsp_id.is_not_distinct_from(dfsp_id),
        waiting.state.in_(states_that_permit(Capability.PUBLISH)),
    )
    if len((await tx.session.exec(statement.limit(PROPOSALS_MAX))).all()) >= PROPOSALS_MAX:
        raise TooManyProposals


def _check_state(layer: PolicyLayer, capability: Capability) -> None:
    if not layer_may(layer.state, capability):
        raise errors.WrongState(_("This policy is {state} already.", state=layer.state))


async def _record(tx: Tx, actor: Actor, action: str, layer: PolicyLayer, **detail: Any) -> None:
    """What was done with which text: the record holds its hash, the table keeps it whole."""
    await audit.record(
        tx,
        actor,
        action,
        "policy_layer",
        layer.id,
        dfsp_id=layer.dfsp_id,
        reason=layer.note or None,
        layer=layer.layer,
        sha256=layer.sha256,
        version=f"{layer.name}@{layer.version}+{layer.sha256[:12]}",
        effective_on=layer.effective_on.isoformat(),
        **detail,
    )
