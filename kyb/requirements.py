"""What a case still needs, by when, and what that unlocks: one pure projection for pages, API, webhooks and telephones.

Recomputed whenever answers, verifications, policy or day change, and never stored as flags: the same input gives the
same bytes. kyb/gaps.py judges single answers and checks; here they are put in order.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from kyb.attributes import MERCHANT
from kyb.case import Case
from kyb.gaps import CHECKER, Asked, Gap, country_gaps, due_soon, gaps_of, lapses_on, trade_gaps
from kyb.policy.check import attribute_of
from kyb.policy.durations import span
from kyb.policy.model import CAPABILITIES, Limits, Policy, Requires, Tier

DisabledReason = Literal["blocked", "listed", "suspended", "requirements.past_due", "requirements.pending_verification"]
# What remains to a merchant whose requirements are past due: its money may leave, none may come in.
_LEFT_WHEN_PAST_DUE = frozenset({"payout", "refund"})
_BLOCKS = frozenset({"due", "rejected", "expired", "pending"})


class Requirement(Struct, frozen=True):
    """One thing that is not there: its place, a stable code, a sentence for people, the tier and the day.

    key is the policy's name for it. tier None: needed whatever the tier. due_on None: no day is set.
    """

    path: str
    code: str  # missing, not_verified, expired, expires, rejected, mcc_refused, … : docs/contract.md lists them
    message: str
    tier: str | None
    key: str = ""
    due_on: date | None = None


class Alternative(Struct, frozen=True):
    """What would do instead: the keys that are due, and those that would meet the same."""

    original: tuple[str, ...]
    alternative: tuple[str, ...]


class Unlocks(Struct, frozen=True):
    """What meeting the requirements gives: the tier, its limits by currency, its capabilities."""

    tier: str
    limits: dict[str, Limits]
    capabilities: tuple[str, ...]


class FutureRequirements(Struct, frozen=True):
    """What a policy that is published and not yet in force will ask for besides, and from which day."""

    policy_version: str
    from_day: date
    currently_due: tuple[Requirement, ...]


class Requirements(Struct, frozen=True):
    """What a case reaches and what it needs.

    currently_due stands in the way of the target tier: the lowest one open to this kind of business, for a merchant its
    own. eventually_due stands in the way of higher tiers, or lapses soon. past_due should be there and is not.
    pending_verification is in the hands of a checker, a register or the screening. errors were looked at and refused.
    next_lapse_on is the first day on which something that is in order today runs out. What has a default is missing in
    reports of older releases.
    """

    tier_reachable: str | None
    currently_due: tuple[Requirement, ...]
    eventually_due: tuple[Requirement, ...]
    target_tier: str | None = None
    past_due: tuple[Requirement, ...] = ()
    pending_verification: tuple[Requirement, ...] = ()
    errors: tuple[Requirement, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    current_deadline: date | None = None
    unlocks: Unlocks | None = None
    disabled_reason: DisabledReason | None = None
    capabilities: tuple[str, ...] = ()
    future: tuple[FutureRequirements, ...] = ()
    next_lapse_on: date | None = None


class _Item(Struct, frozen=True):
    """A gap of one key of one tier."""

    state: str
    requirement: Requirement


class _Judged(Struct, frozen=True):
    """The open items of everybody (None) and of each tier of the ladder, and the alternatives to them."""

    by_tier: dict[str | None, tuple[_Item, ...]]
    alternatives: dict[str | None, tuple[Alternative, ...]]


_NO_LADDER = Requirement("business.kind", "no_tier", "No tier is open to this kind of business.", None)


def requirements(
    case: Case,
    policy: Policy,
    target_tier: str | None,
    now: datetime,
    future: Iterable[tuple[date, Policy]] = (),
) -> Requirements:
    """What the case needs for a tier, for its own when None; now is in the jurisdiction's time zone.

    future holds policies that are published and not yet in force, with their days. A target that is not open to the
    kind of business is treated as None. Form of the answers is kyb.field_problems' matter.
    """
    asked = Asked(case, policy, now.date(), case.facts(policy.text.mcc_classes))
    ladder = policy.ladder(case.sections.business.kind or "")
    judged = _judge(asked, ladder)
    reachable = _reachable(ladder, judged)
    target = _target(case, ladder, target_tier)
    by_then = [None, *(tier.name for tier in ladder)][: 1 + (ladder.index(target) + 1 if target else 0)]
    at_target = [item for name in by_then for item in judged.by_tier[name]]
    later = [item for tier in ladder if tier.name not in by_then for item in judged.by_tier[tier.name]]
    current = _Sorted(at_target, case, target)
    currently = [*current.due, *_provisional(asked, ladder, judged, target_tier)]
    past = [*current.past, *(one for one in currently if _is_past(one, asked.today))]
    currently = [one for one in currently if not _is_past(one, asked.today)]
    seen = {(one.path, one.key) for one in (*currently, *past)}
    rising = [_undated(item) for item in later if item.state in ("due", "rejected", "expired")]
    lapsing = list(_lapsing(asked, by_then))
    notice = span(policy.text.notice).about_days
    eventually = [*_unseen(rising, seen), *(one for one in lapsing if due_soon(one.due_on, asked.today, notice))]
    disabled = _disabled_reason(case, past, current.pending, currently)
    return Requirements(
        tier_reachable=reachable,
        target_tier=target.name if target else None,
        currently_due=tuple(_first_of_each(currently, policy)),
        eventually_due=tuple(_first_of_each(eventually, policy)),
        past_due=tuple(_first_of_each(past, policy)),
        pending_verification=tuple(_first_of_each(current.pending, policy)),
        errors=tuple(_first_of_each(current.errors, policy)),
        alternatives=tuple(one for name in by_then for one in judged.alternatives[name]),
        current_deadline=min((one.due_on for one in currently if one.due_on), default=None),
        unlocks=_unlocks(asked, ladder, reachable, target, target_tier),
        disabled_reason=disabled,
        capabilities=_capabilities(policy, case, disabled),
        next_lapse_on=min((one.due_on for one in lapsing if one.due_on), default=None),
        future=tuple(_future(case, policy, target_tier, now, future, {*currently, *past})),
    )


def confirmable(case: Case, policy: Policy, tier: str, now: datetime) -> tuple[tuple[str, str], ...]:
    """(attribute, subject) of everything that a checker verifies by approving the case at a tier."""
    asked = Asked(case, policy, now.date(), case.facts(policy.text.mcc_classes))
    ladder = policy.ladder(case.sections.business.kind or "")
    names = [None, *(one.name for one in ladder)]
    judged = _judge(asked, ladder)
    found: dict[tuple[str, str], None] = {}
    for name in names[: names.index(tier) + 1]:
        for item in judged.by_tier[name]:
            check = policy.text.checks.get(item.requirement.key)
            attribute = attribute_of(check) if check is not None else None
            if item.state == CHECKER and attribute is not None:
                merchant = item.requirement.path.startswith("verifications.")
                found[attribute, MERCHANT if merchant else item.requirement.path] = None
    return tuple(found)


def _judge(asked: Asked, ladder: tuple[Tier, ...]) -> _Judged:
    by_tier: dict[str | None, tuple[_Item, ...]] = {}
    alternatives: dict[str | None, tuple[Alternative, ...]] = {}
    met: dict[str, tuple[Gap, ...]] = {}
    rungs: list[tuple[str | None, Requires]] = [(None, asked.policy.text.requires)]
    rungs += [(tier.name, tier.requires) for tier in ladder]
    for name, requires in rungs:
        items, others = _open_items(asked, requires, name, met)
        by_tier[name], alternatives[name] = tuple(items), tuple(others)
    abroad = (_Item(gap.state, _requirement(asked, "country", gap, None)) for gap in country_gaps(asked))
    by_tier[None] = (*by_tier[None], *abroad)
    if not ladder and all(item.requirement.path != _NO_LADDER.path for item in by_tier[None]):
        by_tier[None] = (*by_tier[None], _Item("due", _NO_LADDER))
    for tier in ladder:
        refused = trade_gaps(tier.mcc_refused, asked)
        extra = (_Item(gap.state, _requirement(asked, "mcc", gap, tier.name)) for gap in refused)
        by_tier[tier.name] = (*by_tier[tier.name], *extra)
    return _Judged(by_tier, alternatives)


def _open_items(
    asked: Asked, requires: Requires, tier: str | None, met: dict[str, tuple[Gap, ...]]
) -> tuple[list[_Item], list[Alternative]]:
    """The gaps of a tier's own keys, and what would do instead; of a choice, those of its first alternative."""
    items: list[_Item] = []
    others: list[Alternative] = []

    def gaps(keys: tuple[str, ...]) -> list[_Item]:
        found = []
        for key in keys:
            if key not in met:
                met[key] = gaps_of(key, asked)
            found += [_Item(gap.state, _requirement(asked, key, gap, tier)) for gap in met[key]]
        return found

    items += gaps(requires.all)
    for choice in requires.any:
        open_by_alternative = [gaps(alternative) for alternative in choice]
        passing = [found for found in open_by_alternative if not any(item.state in _BLOCKS for item in found)]
        if passing:
            items += sorted(passing, key=_length)[0]
            continue
        items += open_by_alternative[0]
        others += [Alternative(choice[0], alternative) for alternative in choice[1:]]
    return items, others


def _length(items: list[_Item]) -> int:
    return len(items)


def _requirement(asked: Asked, key: str, gap: Gap, tier: str | None) -> Requirement:
    message = gap.message or asked.policy.says(key)
    return Requirement(gap.path, gap.code, message, tier, key, gap.by)


def _reachable(ladder: tuple[Tier, ...], judged: _Judged) -> str | None:
    """The highest tier with nothing in its way: what awaits a checker is verified by the approval."""
    reached: str | None = None
    if any(item.state in _BLOCKS for item in judged.by_tier[None]):
        return None
    for tier in ladder:
        items = judged.by_tier[tier.name]
        trade = all(item.requirement.code == "mcc_refused" for item in items if item.state in _BLOCKS)
        if any(item.state in _BLOCKS for item in items):
            if trade:  # a trade that low tiers refuse may be open to a higher one, which asks for more
                continue
            break
        reached = tier.name
    return reached


def _target(case: Case, ladder: tuple[Tier, ...], wanted: str | None) -> Tier | None:
    names = {tier.name: tier for tier in ladder}
    held = case.standing.tier if case.standing else None
    for name in (wanted, held):
        if name in names:
            return names[name]
    return ladder[0] if ladder else None


class _Sorted:
    """The items up to the target by what has to happen with them."""

    def __init__(self, items: list[_Item], case: Case, target: Tier | None) -> None:
        held = case.standing is not None and target is not None and case.standing.tier == target.name
        self.due: list[Requirement] = []
        self.past: list[Requirement] = []
        self.pending: list[Requirement] = []
        self.errors: list[Requirement] = []
        for item in items:
            if item.state in ("checker", "pending"):
                self.pending.append(item.requirement)
            elif held and (item.state == "expired" or (item.state == "rejected" and item.requirement.due_on)):
                self.past.append(item.requirement)
                if item.state == "rejected":
                    self.errors.append(item.requirement)
            elif item.state == "rejected":
                self.due.append(_undated(item))
                self.errors.append(_undated(item))
            else:
                self.due.append(item.requirement)


def _undated(item: _Item) -> Requirement:
    """What was refused has a day only for a merchant that holds the tier, which loses it then."""
    return msgspec.structs.replace(item.requirement, due_on=None) if item.state == "rejected" else item.requirement


def _provisional(asked: Asked, ladder: tuple[Tier, ...], judged: _Judged, wanted: str | None) -> Iterator[Requirement]:
    """What a merchant of a provisional tier needs for the next one, by the day on which its own lapses."""
    standing = asked.case.standing
    names = [tier.name for tier in ladder]
    if standing is None or standing.tier not in names or wanted not in (None, standing.tier):
        return
    held = ladder[names.index(standing.tier)]
    if held.expires_after is None:
        return
    ends = span(held.expires_after).after(standing.since)
    higher = ladder[names.index(held.name) + 1 :]
    for item in judged.by_tier[higher[0].name] if higher else ():
        if item.state in ("due", "rejected", "expired", "checker"):
            one = item.requirement
            yield Requirement(one.path, one.code, one.message, one.tier, one.key, ends)


def _is_past(one: Requirement, today: date) -> bool:
    return one.due_on is not None and one.due_on <= today


def _lapsing(asked: Asked, by_then: list[str | None]) -> Iterator[Requirement]:
    """What is met today and will lapse, with its day."""
    if asked.case.standing is None:
        return
    requires = {tier.name: tier.requires for tier in asked.policy.tiers}
    for name in by_then:
        found = asked.policy.text.requires if name is None else requires[name]
        for key in (*found.all, *(key for choice in found.any for alternative in choice for key in alternative)):
            day = lapses_on(key, asked)
            if day is not None and asked.today < day:
                yield Requirement(key, "expires", asked.policy.says(key), name, key, day)


def _disabled_reason(
    case: Case, past: list[Requirement], pending: list[Requirement], currently: list[Requirement]
) -> DisabledReason | None:
    standing = case.standing
    if standing is not None and standing.blocked:
        return "blocked"
    if standing is not None and standing.listed:
        return "listed"
    if standing is not None and standing.suspended:
        return "suspended"
    if past:
        return "requirements.past_due"
    if standing is None and pending and not currently:
        return "requirements.pending_verification"
    return None


def _capabilities(policy: Policy, case: Case, disabled: DisabledReason | None) -> tuple[str, ...]:
    """What a merchant may do; who is none yet may do nothing."""
    if case.standing is None or disabled in ("blocked", "listed", "suspended"):
        return ()
    given = (name for name in CAPABILITIES if policy.permits(name, case.standing.tier))
    return tuple(name for name in given if disabled is None or name in _LEFT_WHEN_PAST_DUE)


def _unlocks(
    asked: Asked, ladder: tuple[Tier, ...], reachable: str | None, target: Tier | None, wanted: str | None
) -> Unlocks | None:
    """What comes next: the target that was asked for or is not reached yet, else the tier above the one reached."""
    names = [tier.name for tier in ladder]
    standing = asked.case.standing
    held = standing.tier if standing is not None and standing.tier in names else reachable
    if wanted in names and wanted != held:
        found = ladder[names.index(wanted)]
    elif held is None:
        if target is None:
            return None
        found = target
    elif names.index(held) + 1 < len(ladder):
        found = ladder[names.index(held) + 1]
    else:
        return None
    policy = asked.policy
    currencies = [one for one in asked.case.sections.business.currencies if policy.has_limits(one)]
    limits = {currency: policy.limits(found.name, currency) for currency in currencies}
    return Unlocks(found.name, limits, tuple(name for name in CAPABILITIES if policy.permits(name, found.name)))


def _future(
    case: Case,
    policy: Policy,
    target_tier: str | None,
    now: datetime,
    future: Iterable[tuple[date, Policy]],
    due: set[Requirement],
) -> Iterator[FutureRequirements]:
    places = {(one.path, one.key) for one in due}
    for day, coming in future:
        then = requirements(case, coming, target_tier, now)
        new = [one for one in (*then.currently_due, *then.past_due) if (one.path, one.key) not in places]
        if new:
            yield FutureRequirements(coming.policy_version, day, tuple(new))


def _unseen(items: Iterable[Requirement], seen: set[tuple[str, str]]) -> Iterator[Requirement]:
    for item in items:
        if (item.path, item.key) not in seen:
            yield item


def _first_of_each(items: Iterable[Requirement], policy: Policy) -> Iterator[Requirement]:
    """Each place once, and each attribute of one: what a lower tier asks for already is not asked again."""
    seen: dict[str, set[str | None]] = {}
    for item in items:
        check = policy.text.checks.get(item.key)
        attribute = attribute_of(check) if check is not None else None
        there = seen.setdefault(item.path, set())
        # Of one business both the entry in a register and the LEI may be open.
        if not there or (attribute is not None and not there & {attribute, None}):
            yield item
        there.add(attribute)
