"""Shapes of the JSON API of policies."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

import kyb
from merchant.compliance.policies.in_force import Policies
from merchant.compliance.policies.models import PolicyLayer
from merchant.compliance.policies.operations import NewLayer
from merchant.compliance.policies.soundness import TEXT_CHARS_MAX
from merchant.compliance.policies.states import LayerState
from merchant.core.http import json as web
from merchant.core.http.fields import Instant

LayerName = Literal["jurisdiction", "scheme", "dfsp"]


class NewPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """A layer as TOML; it counts from effective_on, or from the day on which it is published."""

    layer: LayerName
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
    dfsp_id: UUID | None = None
    effective_on: date | None = None
    note: Annotated[str, Meta(max_length=500)] = ""

    def to_layer(self) -> NewLayer:
        """As the operation takes it."""
        return NewLayer(self.layer, self.text, self.dfsp_id, self.effective_on, self.note)


class PolicyView(Struct, frozen=True):
    """A layer without its text. `in_force`: it counts today."""

    id: UUID
    layer: LayerName
    dfsp_id: UUID | None
    name: str
    version: str
    sha256: str
    state: LayerState
    in_force: bool
    effective_on: date
    note: str
    proposed_by: UUID
    published_by: UUID | None
    created_at: Instant
    published_at: Instant | None


class PolicyTextView(PolicyView, frozen=True, kw_only=True):
    """A layer with its text, exactly as it was proposed."""

    text: str


class TierView(Struct, frozen=True):
    """A tier of a policy, with its limits by currency of the scheme."""

    name: str
    title: str
    kinds: tuple[str, ...]
    requires: tuple[str, ...]
    receive: dict[str, kyb.Limits]
    pay_out: dict[str, kyb.Limits]


class PolicyInForce(Struct, frozen=True):
    """What merchants are held to from a day on: the layers laid over one another. No layers: the packaged policy."""

    from_day: date
    policy_version: str
    sha256: str
    status: str
    layers: tuple[UUID, ...]
    tiers: tuple[TierView, ...]


class PoliciesInForce(Struct, frozen=True):
    """The policy of today, and those that are published for days to come."""

    today: PolicyInForce
    coming: list[PolicyInForce]


def policy_view(row: PolicyLayer, known: Policies, day: date) -> PolicyView:
    """A layer without its text."""
    return msgspec.convert(_shown(row, known, day), PolicyView)


def policy_text_view(row: PolicyLayer, known: Policies, day: date) -> PolicyTextView:
    """A layer with its text."""
    return msgspec.convert(_shown(row, known, day) | {"text": row.text}, PolicyTextView)


def policies_in_force(known: Policies, dfsp_id: UUID | None, day: date, currencies: tuple[str, ...]) -> PoliciesInForce:
    """The policy of a DFSP, of the scheme for None, today and on each day to come that brings a change."""
    coming = [_in_force(known, dfsp_id, each, policy, currencies) for each, policy in known.coming(dfsp_id, day)]
    return PoliciesInForce(_in_force(known, dfsp_id, day, known.in_force(dfsp_id, day), currencies), coming)


def _in_force(
    known: Policies, dfsp_id: UUID | None, day: date, policy: kyb.Policy, currencies: tuple[str, ...]
) -> PolicyInForce:
    limited = [one for one in currencies if policy.has_limits(one)]
    return PolicyInForce(
        from_day=day,
        policy_version=policy.policy_version,
        sha256=policy.sha256,
        status=policy.text.status,
        layers=tuple(one.id for one in known.texts(dfsp_id, day)),
        tiers=tuple(
            TierView(
                name=tier.name,
                title=tier.title,
                kinds=tier.kinds,
                requires=tuple(sorted(policy.asked(tier).keys())),
                receive={one: policy.limits(tier.name, one) for one in limited},
                pay_out={one: policy.limits(tier.name, one, "debit") for one in limited},
            )
            for tier in policy.tiers
        ),
    )


def _shown(row: PolicyLayer, known: Policies, day: date) -> dict[str, object]:
    own = known.texts(row.dfsp_id, day)
    return {
        "id": row.id,
        "layer": row.layer,
        "dfsp_id": row.dfsp_id,
        "name": row.name,
        "version": row.version,
        "sha256": row.sha256,
        "state": row.state,
        "in_force": any(one.id == row.id for one in own),
        "effective_on": row.effective_on,
        "note": row.note,
        "proposed_by": row.proposed_by,
        "published_by": row.published_by,
        "created_at": web.at(row.created_at),
        "published_at": web.at_or_none(row.published_at),
    }
