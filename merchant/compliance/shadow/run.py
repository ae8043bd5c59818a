"""A shadow run: every live merchant judged by the policy there would be without a layer, and by the one with it.

Nothing is stored and nobody is told. What the screening found counts as clear, since the layer does not change it. Of
more than MERCHANTS_MAX merchants an even sample is judged, chosen by the last digits of their ids.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import or_, select

import kyb
from merchant.compliance.cases import answers, verifications
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.policy import local_now
from merchant.compliance.policies import in_force, soundness
from merchant.compliance.policies.in_force import Policies, Published
from merchant.compliance.policies.problems import UnsoundPolicy
from merchant.core import errors
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import Capability, states_that_permit

MERCHANTS_MAX = 2000  # each takes some milliseconds, and someone waits
EXAMPLES_MAX = 50
_BATCH = 200
_YIELD_EVERY = 10  # merchants, after which others may use the process
_LIVE = f"state IN {states_that_permit(Capability.SHOW_PAYMENTS)} AND ($1::uuid IS NULL OR dfsp_id = $1)"
_COUNT = f"SELECT count(*) FROM merchant WHERE {_LIVE}"  # noqa: S608 - constants of ours
# The last 28 bits of a UUIDv7 are drawn at random.
_CHOSEN = f"""
SELECT id FROM merchant
WHERE {_LIVE} AND id > $2 AND ('x' || right(id::text, 7))::bit(28)::int % $3::int = 0 ORDER BY id LIMIT $4
"""  # noqa: S608


class ShadowReport(Struct, frozen=True):
    """What a layer would change. Requirements are counted by key, a merchant once each; limits by currency.

    `checked` of `merchants` live ones were judged. tier_short were below their tier's requirements before already.
    """

    merchants: int
    checked: int
    tier_kept: int
    tier_lost: int
    tier_short: int
    newly_due: dict[str, int]
    newly_pending: dict[str, int]
    newly_past_due: dict[str, int]
    limits_lowered: dict[str, int]
    limits_raised: dict[str, int]
    examples: list[UUID]


class _Tally:
    """The counts while they grow."""

    def __init__(self) -> None:
        self.checked = self.kept = self.lost = self.short = 0
        self.due, self.pending, self.past = Counter[str](), Counter[str](), Counter[str]()
        self.lowered, self.raised = Counter[str](), Counter[str]()
        self.examples: list[UUID] = []


class _Pair(Struct, frozen=True):
    """The policy of a DFSP without the layer and with it."""

    before: kyb.Policy
    after: kyb.Policy


async def shadow_run(
    service: Service,
    layer: Published,
    only_dfsp_id: UUID | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> ShadowReport:
    """What a layer would change for the live merchants of the DFSPs that it concerns, or of one of them.

    progress is told how many are judged, of how many. Raises UnsoundPolicy for a layer that does not hold.
    """
    dfsp_id = layer.dfsp_id or only_dfsp_id
    now = await local_now(service)
    async with service.db.system_reads() as tx:
        known = await in_force.read_policies(tx)
        merchants = await tx.fetchval(_COUNT, dfsp_id)
    if faults := await asyncio.to_thread(soundness.faults, known, layer):
        raise UnsoundPolicy(errors=tuple(errors.FieldError("text", "policy", fault) for fault in faults))
    every = -(-merchants // MERCHANTS_MAX) or 1
    pairs = _Pairs(known, layer, max(now.date(), layer.effective_on))
    tally = _Tally()
    async for batch in _batches(service, dfsp_id, every):
        for merchant, application, rows in batch:
            _judge(tally, service.vault, pairs, merchant, application, rows, now)
            if tally.checked % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        progress(tally.checked, -(-merchants // every))
    return ShadowReport(
        merchants=merchants,
        checked=tally.checked,
        tier_kept=tally.kept,
        tier_lost=tally.lost,
        tier_short=tally.short,
        newly_due=_counts(tally.due),
        newly_pending=_counts(tally.pending),
        newly_past_due=_counts(tally.past),
        limits_lowered=_counts(tally.lowered),
        limits_raised=_counts(tally.raised),
        examples=tally.examples,
    )


def _counts(found: Counter[str]) -> dict[str, int]:
    """The most frequent first; what was counted never is left out."""
    return dict(sorted((+found).items(), key=lambda item: (-item[1], item[0])))


class _Pairs:
    """The two policies of each DFSP, made when first asked for."""

    def __init__(self, known: Policies, layer: Published, day: date) -> None:
        self._without, self._with = known.without(layer.id), known.with_layer(layer)
        self._day = day
        self._found: dict[UUID, _Pair] = {}

    def of(self, dfsp_id: UUID) -> _Pair:
        """Those of a DFSP. Raises UnsoundPolicy when its own layer does not hold under the new one."""
        if dfsp_id not in self._found:
            try:
                after = self._with.in_force(dfsp_id, self._day)
            except kyb.PolicyError as fault:
                raise UnsoundPolicy(errors=(errors.FieldError("text", "policy", str(fault)),)) from None
            self._found[dfsp_id] = _Pair(self._without.in_force(dfsp_id, self._day), after)
        return self._found[dfsp_id]


_Row = tuple[Merchant, Application, list[Verification]]


async def _batches(service: Service, dfsp_id: UUID | None, every: int) -> AsyncIterator[list[_Row]]:
    """Live merchants with the case whose answers are in force and what was verified of it, some at a time."""
    last = UUID(int=0)
    while True:
        async with service.db.system_reads() as tx:
            ids = [row["id"] for row in await tx.fetch(_CHOSEN, dfsp_id, last, every, _BATCH)]
            found = await _read(tx, ids) if ids else []
        if not ids:
            return
        yield found
        last = ids[-1]


async def _read(tx: Reads, ids: list[UUID]) -> list[_Row]:
    merchant, case, checked = (_table(one) for one in (Merchant, Application, Verification))
    merchants = (await tx.session.exec(select(merchant).where(merchant.id.in_(ids)).order_by(merchant.id))).all()
    case_ids = [one.case_id or one.application_id for one in merchants]
    cases = {one.id: one for one in (await tx.session.exec(select(case).where(case.id.in_(case_ids)))).all()}
    of_them = or_(checked.merchant_id.in_(ids), checked.application_id.in_(case_ids))
    by_id: dict[UUID, list[Verification]] = defaultdict(list)
    for row in (await tx.session.exec(select(checked).where(of_them).order_by(checked.at, checked.id))).all():
        for key in {row.merchant_id, row.application_id} - {None}:
            by_id[key].append(row)
    found: list[_Row] = []
    for one, case_id in zip(merchants, case_ids, strict=True):
        rows = {row.id: row for row in (*by_id[one.id], *by_id[case_id])}
        found.append((one, cases[case_id], sorted(rows.values(), key=lambda row: (row.at, row.id))))
    return found


def _table(model: Any) -> Any:
    """A model whose attributes are columns, which its annotations do not say."""
    return model


def _judge(
    tally: _Tally,
    vault: Vault,
    pairs: _Pairs,
    merchant: Merchant,
    application: Application,
    rows: list[Verification],
    now: datetime,
) -> None:
    """Count what changes for one merchant."""
    pair = pairs.of(merchant.dfsp_id)
    sections = answers.unseal(vault, application.id, application.sections_sealed)
    case = verifications.judged_case(
        vault, sections, rows, merchant, now.tzinfo or UTC, risk=application.risk, screening="clear"
    )
    before, after = (kyb.requirements(case, policy, None, now) for policy in (pair.before, pair.after))
    held_before, held_after = _holds(pair.before, before, merchant), _holds(pair.after, after, merchant)
    tally.checked += 1
    tally.short += not held_before
    tally.kept += held_before and held_after
    tally.lost += held_before and not held_after
    changed = held_before and not held_after
    there = {(one.path, one.key) for one in (*before.currently_due, *before.past_due, *before.pending_verification)}
    for counter, found in (
        (tally.due, after.currently_due),
        (tally.pending, after.pending_verification),
        (tally.past, after.past_due),
    ):
        keys = {one.key for one in found if (one.path, one.key) not in there}
        counter.update(keys)
        changed = changed or bool(keys)
    changed = _compare_limits(tally, pair, merchant) or changed
    if changed and len(tally.examples) < EXAMPLES_MAX:
        tally.examples.append(merchant.id)


def _holds(policy: kyb.Policy, needs: kyb.Requirements, merchant: Merchant) -> bool:
    """Whether a merchant meets what its tier asks for."""
    ladder = [tier.name for tier in policy.ladder(merchant.kind)]
    if merchant.tier not in ladder or needs.tier_reachable is None:
        return False
    return ladder.index(needs.tier_reachable) >= ladder.index(merchant.tier)


def _compare_limits(tally: _Tally, pair: _Pair, merchant: Merchant) -> bool:
    """Count the merchant's currencies whose limits change; whether one becomes lower."""
    lowered = False
    for currency in merchant.currencies:
        try:
            limits = [
                (pair.before.limits(merchant.tier, currency, way), pair.after.limits(merchant.tier, currency, way))
                for way in kyb.DIRECTIONS
            ]
        except (kyb.UnknownCurrency, kyb.UnknownTier):
            tally.lowered[currency] += 1
            lowered = True
            continue
        less = any(not kyb.no_more(old, new) for old, new in limits)
        tally.lowered[currency] += less
        tally.raised[currency] += any(not kyb.no_more(new, old) for old, new in limits)
        lowered = lowered or less
    return lowered
